"""Paths that cannot be read as manifests are reported by name, and nothing outside a manifest folder is read."""

import os
import shutil
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

ExpectRejection = Callable[..., list[str]]
RunProgram = Callable[..., "subprocess.CompletedProcess[bytes]"]

MANIFEST = """\
apiVersion: appintegrations.reconciler/v1
kind: DataIntegrationAssociation
metadata:
  name: export
spec:
  DataIntegrationIdentifier: profiles-export
"""
VALID = b"1 manifest: valid\n"
AS_ORDINARY_USER = pytest.mark.skipif(os.geteuid() == 0, reason="root can read every file")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with one manifest."""
    (tmp_path / "manifests").mkdir()
    (tmp_path / "manifests" / "export.yaml").write_text(MANIFEST)
    return tmp_path / "manifests"


def test_missing_path_is_reported(
    expect_rejection: ExpectRejection, expect_rejection_before_any_call: ExpectRejection
) -> None:
    """A missing path is reported with a remedy, even if it is the default path."""
    remedy = "give a file or a folder of manifests with -f"
    expected = [f"manifests/: the path does not exist: begin with reconcile init, or {remedy}"]
    assert expect_rejection() == expect_rejection_before_any_call() == expected
    assert expect_rejection("a\u202eb.yaml") == [f"a\\u202eb.yaml: the path does not exist: {remedy}"]


def test_folder_with_the_manifests_is_suggested(folder: Path, expect_rejection: ExpectRejection) -> None:
    """If a folder here holds the missing folder, as after `reconcile init exports`, the problem names it."""
    (folder.parent / "exports").mkdir()
    folder.rename(folder.parent / "exports" / "manifests")
    remedy = "run the command in the folder exports, or give a file or a folder of manifests with -f"
    assert expect_rejection() == [f"manifests/: the path does not exist: {remedy}"]


@pytest.mark.parametrize(
    ("path", "expected"), [("x" * 300, "File name too long"), ("manifests/export.yaml/x", "Not a directory")]
)
def test_impossible_path_is_reported(path: str, expected: str, folder: Path, expect_rejection: ExpectRejection) -> None:
    """A path that the operating system rejects is reported with the system's message."""
    assert folder.is_dir()
    assert expect_rejection(path) == [f"{path}: the file cannot be read: {expected}"]


@pytest.mark.parametrize("path", ["big.yaml", "."])
def test_a_huge_file_is_refused_unread(path: str, tmp_path: Path, expect_rejection: ExpectRejection) -> None:
    """A file of a hundred megabytes is rejected without reading it whole."""
    with (tmp_path / "big.yaml").open("wb") as file:
        file.truncate(100 * 1024 * 1024)
    (line,) = expect_rejection(path)
    assert line.removeprefix("./") == "big.yaml: the file is larger than 16 MiB: split it into smaller files"


@pytest.mark.parametrize("path", ["pipe.yaml", "."])
def test_a_named_pipe_does_not_hang(path: str, tmp_path: Path, expect_rejection: ExpectRejection) -> None:
    """A named pipe without a writer is rejected at once."""
    os.mkfifo(tmp_path / "pipe.yaml")
    (line,) = expect_rejection(path)
    assert line.removeprefix("./") == "pipe.yaml: the path is not a regular file"


def test_a_device_is_refused(expect_rejection: ExpectRejection) -> None:
    """A device such as /dev/zero is rejected."""
    assert expect_rejection("/dev/zero") == ["/dev/zero: the path is not a regular file"]


def test_a_socket_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, expect_rejection: ExpectRejection
) -> None:
    """A socket is rejected."""
    monkeypatch.chdir(tmp_path)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket.yaml")
        assert expect_rejection("socket.yaml") == ["socket.yaml: the file cannot be read: No such device or address"]


@AS_ORDINARY_USER
def test_unreadable_file_is_reported(folder: Path, expect_rejection: ExpectRejection) -> None:
    """An unreadable file is reported, and the other files are still checked."""
    (folder / "export.yaml").chmod(0)
    (folder / "other.yaml").write_text("a: 1\n")
    assert expect_rejection("manifests") == [
        "manifests/export.yaml: the file cannot be read: Permission denied",
        "manifests/other.yaml:1:1: 'kind' is missing: use DataIntegrationAssociation, Target or TargetSet",
    ]


@AS_ORDINARY_USER
def test_unreadable_folder_is_reported(folder: Path, expect_rejection: ExpectRejection) -> None:
    """An unreadable folder is reported, and a path inside it too."""
    folder.chmod(0)
    try:
        assert expect_rejection("manifests") == ["manifests: the folder cannot be read: Permission denied"]
        assert expect_rejection("manifests/export.yaml") == [
            "manifests/export.yaml: the file cannot be read: Permission denied"
        ]
    finally:
        folder.chmod(0o700)


@pytest.mark.parametrize("outside", ["../secret.yaml", "/etc/passwd", "../manifests-2/a.yaml", "../missing.yaml"])
def test_a_link_that_leaves_the_folder_is_refused(
    outside: str, folder: Path, expect_rejection: ExpectRejection
) -> None:
    """A link to a file outside the folder is rejected unread, even if the paths have the same beginning."""
    (folder.parent / "secret.yaml").write_text("password: hunter2\n")
    (folder.parent / "manifests-2").mkdir()
    (folder.parent / "manifests-2" / "a.yaml").write_text("password: hunter2\n")
    (folder / "link.yaml").symlink_to(outside)
    expected = "manifests/link.yaml: the path is a link to a file outside the manifest folder: copy the file into it"
    assert expect_rejection("manifests") == [expected]


def test_a_chain_of_links_that_leaves_is_refused(folder: Path, expect_rejection: ExpectRejection) -> None:
    """A link to another link that leaves the folder is rejected."""
    (folder.parent / "secret.yaml").write_text("password: hunter2\n")
    (folder / ".hidden.yaml").symlink_to("../secret.yaml")
    (folder / "link.yaml").symlink_to(".hidden.yaml")
    assert expect_rejection("manifests") == [
        "manifests/link.yaml: the path is a link to a file outside the manifest folder: copy the file into it"
    ]


@pytest.mark.parametrize("link_target", ["..", "/", "../manifests-2", "../manifests-2/sub"])
def test_a_link_to_a_folder_elsewhere_is_refused(
    link_target: str, folder: Path, expect_rejection: ExpectRejection
) -> None:
    """A link to a folder outside the manifest folder is reported, and its files are not read."""
    (folder.parent / "manifests-2" / "sub").mkdir(parents=True)
    (folder.parent / "manifests-2" / "sub" / "secret.yaml").write_text("password: hunter2\n")
    (folder / "link").symlink_to(link_target)
    expected = "manifests/link: the path is a link to a folder outside the manifest folder: copy the folder into it"
    assert expect_rejection("manifests") == [expected]


@pytest.mark.parametrize("link_target", ["real", ".", "real/../real", "../manifests", "real/back"])
def test_link_to_a_folder_within_is_skipped(link_target: str, folder: Path, run_program: RunProgram) -> None:
    """A link to a folder within the manifest folder is skipped, because its files are read anyway and it may loop."""
    (folder / "real").mkdir()
    (folder / "real" / "back").symlink_to("..")
    shutil.move(folder / "export.yaml", folder / "real")
    (folder / "a-link").symlink_to(link_target)
    assert run_program("validate", "-f", "manifests").stdout == VALID


def test_a_hidden_folder_is_read_once(folder: Path, run_program: RunProgram) -> None:
    """A hidden folder is read once, even if several links lead to it, one of them from inside."""
    shutil.move(folder, folder.parent / "..version")
    folder.mkdir()
    shutil.move(folder.parent / "..version", folder)
    (folder / "..version" / "again").symlink_to("../..version")
    (folder / "first").symlink_to("..version")
    (folder / "second").symlink_to("first/again")
    assert run_program("validate", "-f", "manifests").stdout == VALID
    assert run_program("validate", "-f", "manifests/").stdout == VALID


def test_a_loop_of_links_ends(folder: Path, expect_rejection: ExpectRejection) -> None:
    """Links in a loop and links to missing files are reported."""
    (folder / "a.yaml").symlink_to("b.yaml")
    (folder / "b.yaml").symlink_to("a.yaml")
    (folder / "c.yaml").symlink_to("missing.yaml")
    assert expect_rejection("manifests") == [
        "manifests/a.yaml: the file cannot be read: Too many levels of symbolic links",
        "manifests/b.yaml: the file cannot be read: Too many levels of symbolic links",
        "manifests/c.yaml: the path is a link to a file that does not exist",
    ]


def test_link_without_a_manifest_suffix_is_ignored(folder: Path, run_program: RunProgram) -> None:
    """A link without a manifest suffix is ignored, even if it leaves the folder."""
    (folder / "README.md").symlink_to("../../README.md")
    assert run_program("validate", "-f", "manifests").stdout == VALID


def test_a_mounted_config_map_is_read_once(tmp_path: Path, run_program: RunProgram) -> None:
    """Each file of a mounted ConfigMap is read once, although links and hidden folders lead to it."""
    version = tmp_path / "manifests" / "..2026_10_01_00_00_00.123456789"
    version.mkdir(parents=True)
    (version / "export.yaml").write_text(MANIFEST)
    (tmp_path / "manifests" / "..data").symlink_to(version.name)
    (tmp_path / "manifests" / "export.yaml").symlink_to("..data/export.yaml")
    result = run_program("validate", "-f", "manifests")
    assert (result.returncode, result.stdout) == (0, VALID)


def test_a_mounted_config_map_with_folders_is_read_once(tmp_path: Path, run_program: RunProgram) -> None:
    """Each file of a mounted ConfigMap is read once if its top folders are links into the hidden version."""
    version = tmp_path / "manifests" / "..2026_10_01_00_00_00.123456789"
    (version / "eu" / "prod").mkdir(parents=True)
    (version / "eu" / "prod" / "export.yaml").write_text(MANIFEST)
    (version / "top.yaml").write_text(MANIFEST.replace("export", "other"))
    (tmp_path / "manifests" / "..data").symlink_to(version.name)
    (tmp_path / "manifests" / "eu").symlink_to("..data/eu")
    (tmp_path / "manifests" / "top.yaml").symlink_to("..data/top.yaml")
    result = run_program("validate", "-f", "manifests")
    assert (result.returncode, result.stdout) == (0, b"2 manifests: valid\n")
    (version / "eu" / "prod" / "export.yaml").write_text("a: 1\n")
    assert run_program("validate", "-f", "manifests").stdout.startswith(
        b"manifests/eu/prod/export.yaml:1:1: 'kind' is missing"
    )


def test_folders_of_the_file_system_are_not_read(folder: Path, run_program: RunProgram) -> None:
    """A folder that the file system creates for itself, such as lost+found, is skipped."""
    for name in ("lost+found", "System Volume Information", "sub/lost+found"):
        (folder / name).mkdir(parents=True)
        (folder / name / "x.yaml").write_text("not: [a manifest\n")
        (folder / name).chmod(0)
    assert run_program("validate", "-f", "manifests").stdout == VALID


@pytest.mark.parametrize("name", ["x.YAML", "x.Yml", "x.JSON", "sub/x.yAmL"])
def test_manifest_suffix_in_capitals_is_read(name: str, folder: Path, run_program: RunProgram) -> None:
    """A manifest is read whatever the case of its suffix, because a skipped manifest would go unnoticed."""
    (folder / name).parent.mkdir(exist_ok=True)
    shutil.move(folder / "export.yaml", folder / name)
    assert run_program("validate", "-f", "manifests").stdout == VALID


def test_path_on_the_command_line_may_be_a_link(folder: Path, run_program: RunProgram) -> None:
    """A link given to -f is followed, because the user has chosen it."""
    (folder.parent / "folder").symlink_to("manifests")
    (folder.parent / "file.yaml").symlink_to("manifests/export.yaml")
    (folder / "other.yaml").symlink_to("export.yaml")
    assert run_program("validate", "-f", "file.yaml").stdout == VALID
    assert run_program("validate", "-f", "folder").stdout.startswith(
        b"folder/other.yaml:4:9: /metadata/name: the name 'export'"
    )


def test_hidden_and_other_files_are_not_read(folder: Path, run_program: RunProgram) -> None:
    """Hidden files and files with other suffixes are skipped, and subfolders are searched."""
    for name in (
        ".hidden.yaml",
        ".git/config.yaml",
        "notes.txt",
        "export.yaml~",
        "yaml",
        "sub/.x.yml",
        "sub/README.md",
    ):
        (folder / name).parent.mkdir(exist_ok=True)
        (folder / name).write_text("not: [a manifest\n")
    shutil.move(folder / "export.yaml", folder / "sub" / "export.yml")
    assert run_program("validate", "-f", "manifests").stdout == VALID
    (folder / "sub" / "export.yml").rename(folder / "export.json")
    assert run_program("validate", "-f", "manifests").stdout == VALID


def test_an_empty_folder_is_valid(tmp_path: Path, run_program: RunProgram) -> None:
    """An empty folder is valid, with a warning, because a repository may begin without manifests."""
    result = run_program("validate", "-f", str(tmp_path))
    assert (result.returncode, result.stdout.splitlines()[-1]) == (0, b"no manifests in any target, 1 warning")


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (("manifests", "manifests"), "manifests: the path is given twice: name it once with -f"),
        (("manifests", "./manifests/"), "./manifests/: the path is given as manifests too: name it once with -f"),
        (("-", "-"), "standard input: the path is given twice: name it once with -f"),
        (
            ("manifests/export.yaml", "manifests"),
            "manifests/export.yaml: the path is inside manifests, which is given too: name only one of them with -f",
        ),
        (
            (".", "manifests"),
            "manifests: the path is inside ., which is given too: name only one of them with -f",
        ),
    ],
)
def test_path_given_twice_is_one_problem(
    paths: tuple[str, str], expected: str, folder: Path, expect_rejection: ExpectRejection
) -> None:
    """A path that is given twice is one problem, and not one for each name in its files."""
    assert folder.is_dir()
    assert expect_rejection(*paths, stdin=MANIFEST.encode()) == [expected]


def test_files_that_a_folder_leaves_out_can_be_given(folder: Path, run_program: RunProgram) -> None:
    """A hidden file, or one without the suffix of a manifest, may be given beside its folder."""
    for name, text in (("a.txt", "accounts"), (".b.yaml", "orders")):
        (folder / name).write_text(MANIFEST.replace("profiles", text).replace("export\n", f"{text}\n", 1))
    result = run_program("validate", "-f", "manifests", "-f", "manifests/a.txt", "-f", "manifests/.b.yaml")
    assert (result.returncode, result.stdout) == (0, b"3 manifests: valid\n")


def test_duplicate_name_is_reported_with_both_files(folder: Path, expect_rejection: ExpectRejection) -> None:
    """A duplicate name is reported at the later file by name, and the message gives the earlier file."""
    (folder / "a").mkdir()
    (folder / "a" / "x.yaml").write_text(MANIFEST.replace("profiles", "accounts"))
    expected = (
        "the name 'export' is already used by the manifest at manifests/a/x.yaml:1: rename one of them, because names "
        "are unique in a target"
    )
    assert expect_rejection("manifests") == [f"manifests/export.yaml:4:9: /metadata/name: {expected}"]


def test_a_folder_too_deep_is_refused(folder: Path, expect_rejection: ExpectRejection) -> None:
    """Folders nested too deep are a problem, and not a crash."""
    folder.joinpath(*"d" * 200).mkdir(parents=True)
    (line,) = expect_rejection("manifests")
    assert line == f"manifests{'/d' * 64}: the folder is nested more than 64 folders deep"


@pytest.mark.parametrize(
    ("name", "escaped_name"),
    [
        (b"\x1b[31mred\nline.yaml", r"\u001b[31mred\u000aline.yaml"),
        (b"latin-\xe9.yaml", r"latin-\udce9.yaml"),
        ("bidi-\u202egpj.yaml".encode(), r"bidi-\u202egpj.yaml"),
        ("é.yaml".encode(), "é.yaml"),
    ],
)
def test_file_names_cannot_inject_terminal_escapes(
    name: bytes, escaped_name: str, tmp_path: Path, run_program: RunProgram, expect_rejection: ExpectRejection
) -> None:
    """Control characters and invalid bytes in a file name are shown escaped in every message."""
    path = os.path.join(os.fsencode(tmp_path), name)  # noqa: PTH118 - a file name may be bytes that are not text
    with open(path, "wb") as file:  # noqa: PTH123 - as above
        file.write(b"a: 1\n")
    expected = f"{escaped_name}:1:1: 'kind' is missing: use DataIntegrationAssociation, Target or TargetSet"
    assert expect_rejection(".") == [f"./{expected}"]
    assert expect_rejection(name) == [expected]
    with open(path, "wb") as file:  # noqa: PTH123 - as above
        file.write(MANIFEST.encode())
    assert run_program("validate", "-f", ".").stdout == VALID
