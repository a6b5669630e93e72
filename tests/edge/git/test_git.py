"""The real git program reads the manifests of a revision; a hostile repository, URL or name has no other effect."""

from __future__ import annotations

import json
import os
import select
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.disks import mount_disk
from support.repository import (
    FILES,
    Repository,
    create_repository,
    expect_read_failure,
    fetch_manifests,
    serve,
    serve_with_login,
)

from reconciler import redaction
from reconciler.core.errors import GitError, InvalidReference, StopRequested
from reconciler.core.manifests import files
from reconciler.core.manifests.files import MAX_BYTES, File
from reconciler.core.redaction.secrets import Secrets
from reconciler.edge.git import RepositoryAccess, messages, read_described_revision, redact_url, resolve_remote, tree
from reconciler.edge.git.command import GitCommand
from reconciler.edge.git.pipes import MAX_ERROR_OUTPUT
from reconciler.edge.manifests.files import find_files

COMMAND = "touch pwned"


def configure(repository: Repository, settings: str) -> None:
    """Write a global git configuration for the user of the environment."""
    file = repository.folder.parent / "settings"
    file.write_text(settings)
    repository.environment["GIT_CONFIG_GLOBAL"] = str(file)


def test_revision_and_checkout_have_the_same_files(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """A revision and its checkout give the same files in the same order, without hidden files and other suffixes."""
    hidden_files = {"manifests/.b/b.yaml": "", "manifests/a/.a.yaml": "", "manifests/notes.txt": ""}
    hidden_files |= {"manifests/lost+found/x.yaml": "", "manifests/a/$RECYCLE.BIN/x.yaml": ""}
    other_files = {
        "manifests/a-b/c.yaml": "",
        "manifests/a0.yaml": "",
        "manifests/Ä.yaml": "",
        "manifests/a/b/c.yaml": "",
    }
    other_files |= {"manifests/A.YAML": "", "manifests/a/A.Json": ""}
    commit = repository.commit(hidden_files | other_files)
    monkeypatch.chdir(repository.folder)
    assert repository.read() == (commit, tuple(find_files(("manifests",), None)))
    assert len(repository.read_names()) == 9


def test_work_tree_and_index_are_ignored(repository: Repository) -> None:
    """Changes in the work tree and the index do not affect the files of a revision."""
    (repository.folder / "manifests" / "b.yaml").write_text("changed")
    (repository.folder / "manifests" / "new.yaml").write_text("new")
    repository.run_git("add", "manifests/new.yaml")
    assert File("manifests/b.yaml", b"b") in repository.read()[1]
    assert repository.read_names() == ["manifests/a/a.json", "manifests/a.yml", "manifests/b.yaml"]


@pytest.mark.parametrize("path", ["manifests/a", "manifests/a/", "./manifests/a", "manifests/a/a.json"])
def test_path_may_be_a_folder_or_a_file(repository: Repository, path: str) -> None:
    """Files are named by their path in the repository, however the path was written."""
    assert repository.read_names(path=path) == ["manifests/a/a.json"]


def test_named_file_or_folder_may_be_hidden(repository: Repository) -> None:
    """A path given by name is read even if it is hidden; hidden files below it are skipped, as on disk."""
    repository.commit({".ci/a.yaml": "", ".ci/.b.yaml": ""})
    assert repository.read_names(path="README.md") == ["README.md"]
    assert repository.read_names(path=".ci") == [".ci/a.yaml"]
    assert repository.read_names(path=".") == ["manifests/a/a.json", "manifests/a.yml", "manifests/b.yaml"]


def test_names_that_look_like_patterns_are_plain_names(repository: Repository) -> None:
    """A path with git's wildcards matches only a file of exactly that name."""
    repository.commit({"*/a.yaml": "star", "manifests-2/a.yaml": ""})
    assert repository.read_names(path="*") == ["*/a.yaml"]
    assert "has no such file or folder" in repository.read_problems("manifest*")["manifest*"]
    assert "has no such file or folder" in repository.read_problems("manifest")["manifest"]


def test_pathspec_magic_after_dot_slash_is_a_plain_name(repository: Repository) -> None:
    """A path with a leading `./` is a plain name, as for git."""
    repository.commit({":(top)a/x.yaml": "magic"})
    assert repository.read_names(path="./:(top)a") == [":(top)a/x.yaml"]


def test_revision_may_be_a_branch_tag_full_ref_or_id(repository: Repository) -> None:
    """A branch, a tag, an annotated tag, a full ref, HEAD and an id are read, from a folder and from a URL."""
    commit = repository.run_git("rev-parse", "HEAD")
    repository.run_git("tag", "light")
    repository.run_git("tag", "--annotate", "--message", "A release", "v1")
    repository.run_git("tag", "--annotate", "--message", "A tag of a tag", "v1-again", "v1")
    repository.run_git("update-ref", "refs/pull/7/head", commit)
    repository.commit({"manifests/later.yaml": ""})
    repository.run_git("branch", "team/prod", commit)
    for ref in ("light", "v1", "v1-again", "refs/tags/v1", "refs/pull/7/head", "team/prod", "heads/team/prod", commit):
        for url in ("", repository.url):
            assert repository.read(ref, url=url)[0] == commit, ref
            assert len(repository.read_names(ref, url=url)) == 3
    assert len(repository.read_names("HEAD", url=repository.url)) == 4


def test_tag_takes_precedence_over_a_branch_of_the_same_name(repository: Repository) -> None:
    """An ambiguous name means the tag, as for git, in place and from a URL."""
    repository.run_git("tag", "both")
    tag_commit = repository.run_git("rev-parse", "HEAD")
    repository.run_git("branch", "both", repository.commit({"manifests/later.yaml": ""}))
    assert repository.read("both")[0] == tag_commit
    assert repository.read("both", url=repository.url)[0] == tag_commit


def test_fetch_leaves_no_files(repository: Repository, tmp_path: Path) -> None:
    """No file stays on disk after a fetch or a failed fetch."""
    repository.read(url=repository.url)
    repository.expect_failure("nothing", url=repository.url)
    assert list((tmp_path / "temporary").iterdir()) == []
    assert list((tmp_path / "here").iterdir()) == []


@pytest.mark.parametrize("folder", ["", ".git", "manifests/a", "../bare.git", "../linked"])
def test_local_repository_is_read_in_place(repository: Repository, folder: str) -> None:
    """A repository is read from its top folder, from a folder inside it, without a work tree and from a linked one."""
    repository.run_git("clone", "--quiet", "--bare", ".", "../bare.git")
    repository.run_git("worktree", "add", "--quiet", "--detach", "../linked")
    assert len(repository.read_names(url=os.path.relpath(repository.folder / folder))) == 3


def test_bare_repository_is_read_with_safe_bare_repository_explicit(repository: Repository) -> None:
    """A bare repository is read if the URL names it, even if git accepts only named ones, as git 3 may by default."""
    repository.run_git("clone", "--quiet", "--bare", ".", "../bare.git")
    repository.run_git("worktree", "add", "--quiet", "--detach", "../linked")
    configure(repository, "[safe]\n\tbareRepository = explicit\n")
    folder = repository.folder
    bare = folder.parent / "bare.git"
    for url in (folder, folder / ".git", folder / "manifests", bare, f"file://{bare}", repository.url, "../linked"):
        assert len(repository.read_names(url=str(url))) == 3, url
        assert resolve_remote(RepositoryAccess(str(url), "main", repository.environment)) == repository.run_git(
            "rev-parse", "main"
        )
    assert "safe.bareRepository" in repository.expect_failure(url=str(bare / "refs"))


def test_ownership_check_applies_to_named_repositories(repository: Repository, tmp_path: Path) -> None:
    """A folder of another user is rejected, bare or not, and also if git accepts only named bare repositories."""
    repository.run_git("clone", "--quiet", "--bare", ".", "../bare.git")
    other_owner = repository.environment | {"GIT_TEST_ASSUME_DIFFERENT_OWNER": "1"}
    for setting in ("all", "explicit"):
        configure(repository, f"[safe]\n\tbareRepository = {setting}\n")
        for folder in (repository.folder, tmp_path / "bare.git"):
            with pytest.raises(GitError):
                fetch_manifests(
                    str(folder), "main", "manifests", other_owner | {"GIT_CONFIG_GLOBAL": str(tmp_path / "settings")}
                )


def test_repeated_fault_has_the_same_reason(repository: Repository) -> None:
    """A repeated fault has the same reason, without the name of a temporary folder, so it is logged once."""
    oid = repository.run_git("rev-parse", "HEAD:manifests/b.yaml")
    (repository.folder / ".git" / "objects" / oid[:2] / oid[2:]).unlink()
    faults = set()
    for _ in range(3):
        with pytest.raises(GitError) as error:
            repository.read(url=repository.url)
        assert "reconciler-git" not in str(error.value)
        faults.add(error.value.fault)
    assert len(faults) == 1, "the processes of git race, so the rest of the message may differ"


@pytest.mark.parametrize(
    ("first_error", "second_error"),
    [
        ("Failed to connect to h port 443 after 3 ms: refused", "Failed to connect to h port 443 after 12 ms: refused"),
        ("transfer closed with 12 bytes remaining", "transfer closed with 4711 bytes remaining"),
        ("unable to create 'objects/pack/tmp_pack_aB3dEf'", "unable to create 'objects/pack/tmp_pack_Zz9yXx'"),
        (
            "could not create temporary file '.git_vtag_tmpaB3dEf'",
            "could not create temporary file '.git_vtag_tmpZz9yXx'",
        ),
        ("Internal Error. Request ID 8C0E:3B:1 at h", "Internal Error. Request ID 9D1F:4C:2 at h"),
        ("waiting for lock (held by pid 123)", "waiting for lock (held by pid 45678)"),
        ("09:13:02.123456 git.c:460 trace", "10:14:03.654321 git.c:460 trace"),
        ("Connection closed by 192.0.2.1 port 22", "Connection closed by 192.0.2.77 port 22"),
        ("id 0d5e3c1a-1111-4222-8333-444455556666", "id 1d5e3c1a-1111-4222-8333-444455556667"),
    ],
)
def test_error_reason_omits_times_and_temporary_paths(first_error: str, second_error: str) -> None:
    """Times, ids and temporary paths are removed from a reason; details that distinguish faults stay."""
    assert str(messages.build_error("x", f"fatal: {first_error}")) == str(
        messages.build_error("x", f"fatal: {second_error}")
    )
    for status in ("500", "503"):
        assert status in str(messages.build_error("x", f"fatal: The requested URL returned error: {status}"))


def write_fake_git(folder: Path, script: str) -> GitCommand:
    """Return a git command that runs a shell script instead of git."""
    (folder / "git").write_text(f"#!/bin/sh\n{script}\n")
    (folder / "git").chmod(0o755)
    return GitCommand.find({"PATH": f"{folder}{os.pathsep}{os.defpath}"}, 60, threading.Event())


@pytest.mark.parametrize("part", ["PID#:", "pid ", "closed by ", "SHA256:d", "remote: ", "1 out of "])
def test_long_git_message_is_searched_in_bounded_time(part: str) -> None:
    """A line of a MiB from a server is searched quickly; a backtracking pattern would take hours."""
    message = part * (MAX_ERROR_OUTPUT // len(part))
    assert len(str(messages.build_error("x", message))) < 5000
    assert len(str(messages.build_unverified_error("x", "0" * 40, message))) < 5000
    assert messages.find_distrust_reason(message) is None


@pytest.mark.parametrize("end", ["has expired", "is not yet valid"])
def test_first_named_key_is_the_key_of_the_signature(end: str) -> None:
    """The first key in the output is the signing key, whatever text follows before its status."""
    reason = messages.find_distrust_reason(f'Good "git" signature with ED25519 key SHA256:one\nSHA256:two\nkey {end}')
    assert reason
    assert "the key SHA256:one" in reason
    assert messages.find_distrust_reason(f"key {end}: SHA256:one") is None


def test_two_signatures_in_one_block_are_more_than_one() -> None:
    """Two valid signatures by listed keys are rejected as more than one, and not as a failure of gpg."""
    template = "[GNUPG:] NEWSIG {0}@example.com\n[GNUPG:] GOODSIG {0} {0}\n[GNUPG:] VALIDSIG {0}\n"
    output = template.format("alice") + template.format("bob") + "[GNUPG:] TRUST_UNDEFINED 0 pgp\n"
    assert messages.find_distrust_reason(output, {"alice", "bob"}) == "has more than one signature"


def test_end_of_a_long_git_message_is_kept(tmp_path: Path) -> None:
    """Long error output is cut to its end, which bounds the memory and keeps the error after a trace."""
    result = write_fake_git(tmp_path, "yes trace | head -c 5000000 >&2; echo fatal: the end >&2; exit 128").run("x")
    assert (result.has_succeeded, result.exit_code) == (False, 128)
    assert result.error_output.endswith("fatal: the end\n")
    assert len(result.error_output) == MAX_ERROR_OUTPUT


def test_input_of_any_length_reaches_git(tmp_path: Path) -> None:
    """Input of several MiB reaches git, and output is read even if git does not read its input."""
    text = os.urandom(3_000_000)
    assert write_fake_git(tmp_path, "cat; echo more >&2").run("x", stdin=text).output == text
    assert write_fake_git(tmp_path, "exec <&-; echo enough").run("x", stdin=text).output == b"enough\n"


def test_process_that_outlives_git_is_not_awaited(tmp_path: Path) -> None:
    """A child that keeps standard error open, as ssh does with ControlPersist, does not delay the result."""
    result = write_fake_git(tmp_path, "sleep 600 >/dev/null & echo said >&2; echo $!").run("x")
    os.kill(int(result.output), signal.SIGKILL)
    assert (result.has_succeeded, result.error_output) == (True, "said\n")


def test_current_folder_may_be_the_repository(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """A path is relative to the top of the repository, even if the current folder is inside it."""
    monkeypatch.chdir(repository.folder / "manifests")
    assert len(repository.read_names(url=".")) == 3


def test_variables_for_another_repository_do_not_mislead(repository: Repository, tmp_path: Path) -> None:
    """Git variables of a hook in one repository do not affect reading another, in place or from a URL."""
    other = create_repository(tmp_path / "other", repository.environment)
    other.commit({"manifests/other.yaml": ""})
    git = str(other.folder / ".git")
    variables = {
        "GIT_DIR": git,
        "GIT_WORK_TREE": str(other.folder),
        "GIT_INDEX_FILE": f"{git}/index",
        "GIT_OBJECT_DIRECTORY": f"{git}/objects",
        "GIT_NAMESPACE": "elsewhere",
        "GIT_ICASE_PATHSPECS": "1",
        "GIT_DEFAULT_HASH": "sha256",
    }
    for url in (str(repository.folder), repository.url):
        assert len(fetch_manifests(url, "main", "manifests", repository.environment | variables)[1]) == 3


def test_repositories_with_sha_256_are_read(environment: dict[str, str], tmp_path: Path) -> None:
    """A repository with SHA-256 ids is read in place and from a URL."""
    repository = create_repository(tmp_path / "sha256", environment, "--object-format=sha256")
    commit = repository.commit(FILES)
    assert len(commit) == 64
    for url in ("", repository.url):
        assert repository.read(commit, url=url)[0] == commit
        assert len(repository.read_names(url=url)) == 3


# Hostile repositories


def test_links_and_submodules_are_reported(repository: Repository) -> None:
    """Links and submodules are reported instead of followed; links that no manifest depends on are ignored."""
    commit = repository.run_git("rev-parse", "HEAD")
    links = {"l.yaml": "a.yml", "out.json": "/etc/passwd", "folder": "a", "up": "../manifests/a", "notes": "b.yaml"}
    links |= {"gone": "nowhere", "root": "/etc", ".hidden.yaml": "b.yaml", "loop": "loop", "many\nlines": "a"}
    repository.commit_entries(
        *(("120000", repository.store_blob(target), f"manifests/{name}") for name, target in links.items()),
        ("160000", commit, "manifests/module"),
        ("160000", commit, "elsewhere"),
    )
    problems = repository.read_problems()
    assert problems.keys() == {f"manifests/{name}" for name in ("l.yaml", "out.json", "folder", "up", "module")}
    assert problems["manifests/l.yaml"] == (
        "the path is a symbolic link, and links in git are not followed: commit the file itself instead"
    )
    assert problems["manifests/folder"].startswith("the path is a symbolic link to a folder, ")
    assert problems["manifests/module"].startswith("the path is a submodule, ")
    assert len(repository.read_names()) == 3
    for path in ("manifests/folder", "manifests/l.yaml", "manifests/notes", "elsewhere"):
        assert repository.read_problems(path).keys() == {path}
    behind_link = "manifests/folder/a.json"
    assert "has no such file or folder" in repository.read_problems(behind_link)[behind_link]


def test_file_names_cannot_inject_terminal_escapes(repository: Repository) -> None:
    """Line breaks, escapes and bytes that are not text are shown escaped in names, and every file is read."""
    oid = repository.store_blob("kind: x")
    names = ("a\nb.yaml", "\x1b[31m.yaml", "\u202egnp.yaml", b"\xff.yaml", "-rf.yaml", "tab\t.yaml")
    repository.commit_entries(*(("100644", oid, b"odd/" + os.fsencode(name)) for name in names))
    read_names = repository.read_names(path="odd")
    assert "odd/a\\u000ab.yaml" in read_names
    assert "odd/\\u001b[31m.yaml" in read_names
    assert "odd/\\udcff.yaml" in read_names
    assert len(read_names) == 6
    assert all(name.isprintable() for name in read_names)


def test_git_lfs_pointer_is_reported(repository: Repository) -> None:
    """A Git LFS pointer is reported as such, instead of as invalid YAML."""
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 12\n"
    repository.commit({"manifests/big.yaml": pointer})
    assert repository.read_problems() == {
        "manifests/big.yaml": "the file is a Git LFS pointer instead of a manifest: keep manifests out of Git LFS"
    }


def test_oversized_file_is_not_read(repository: Repository) -> None:
    """A file one byte above the limit is a problem, and other files are still read."""
    large, largest = (repository.store_blob(b"\n" * size) for size in (MAX_BYTES + 1, MAX_BYTES))
    repository.commit_entries(("100644", large, "big/large.yaml"), ("100755", largest, "big/largest.yaml"))
    assert repository.read_problems("big") == {
        "big/large.yaml": "the file is larger than 16 MiB: split it into smaller files"
    }
    assert repository.read_names(path="big") == ["big/largest.yaml"]


def test_oversized_revision_is_not_read(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """A revision whose files exceed the total size is a problem of its manifests, not an unreachable repository."""
    monkeypatch.setattr(files, "MAX_TOTAL_BYTES", 3)
    (problem,) = repository.read_problems().values()
    assert problem.startswith("the revision is larger than 0 MiB, and the rest is not read: name a smaller folder")


def test_a_revision_of_too_many_files_is_not_read(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """A revision with too many manifest files is a problem; other files do not count."""
    monkeypatch.setattr(tree, "MAX_DOCUMENTS", 2)
    monkeypatch.setattr(files, "MAX_DOCUMENTS", 2)
    repository.commit({"many/a.yaml": "a: 1\n", "many/b.yaml": "b: 1\n", "many/README.md": "", "many/.c.yaml": ""})
    assert repository.read_names(path="many") == ["many/a.yaml", "many/b.yaml"]
    repository.commit({"many/a.yaml": "a: 1\n", "many/b.yaml": "b: 1\n", "many/c.yaml": "c: 1\n"})
    (problem,) = repository.read_problems("many").values()
    assert problem.startswith("the revision has more than 2 files, and the rest is not read: name a smaller folder")


def test_many_files_are_read_in_several_calls(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files are read in batches of the largest file size, so a revision is not in memory twice."""
    monkeypatch.setattr(tree, "MAX_BYTES", 10)
    repository.commit({f"many/{n}.yaml": f"a: {n}\n" for n in range(5)})
    assert repository.read_names(path="many") == [f"many/{n}.yaml" for n in range(5)]


def test_recursive_tree_listing_is_bounded(repository: Repository) -> None:
    """Nested trees that expand to a huge number of files are stopped at the output limit."""
    tree_id = repository.run_git("mktree", stdin=f"100644 blob {repository.store_blob('x')}\tx.yaml\n")
    for _ in range(12):
        tree_id = repository.run_git("mktree", stdin="".join(f"040000 tree {tree_id}\t{n:020}\n" for n in range(10)))
    commit = repository.run_git("commit-tree", "-m", "A bomb", tree_id)
    expected = "git ls-tree was stopped: its output exceeds 67108864 bytes: choose a smaller folder"
    assert expected in repository.expect_failure(commit, ".")


def test_attributes_and_replace_refs_are_ignored(repository: Repository) -> None:
    """Git attributes, filters and refs/replace do not change the files that are read from a commit."""
    repository.commit({"other.yaml": "replaced"})
    (repository.folder / ".gitattributes").write_text(
        "*.yaml export-ignore filter=evil eol=crlf working-tree-encoding=UTF-16"
    )
    repository.run_git("add", ".gitattributes")
    commit = repository.commit_index()
    for name in ("smudge", "process", "clean"):
        repository.run_git("config", f"filter.evil.{name}", COMMAND)
    repository.run_git("replace", "HEAD:manifests/b.yaml", "HEAD:other.yaml")
    repository.run_git("replace", commit, repository.run_git("rev-parse", "HEAD~2"))
    assert repository.run_git("cat-file", "blob", "main:manifests/b.yaml") == "replaced"
    revision = repository.read("main")
    assert revision[0] == commit
    assert File("manifests/b.yaml", b"b") in revision[1]
    assert not list(repository.folder.rglob("pwned"))


def test_hooks_and_programs_of_a_repository_do_not_run(repository: Repository, tmp_path: Path) -> None:
    """Reading starts no hook and no program of the repository's configuration or of a template."""
    template = tmp_path / "template"
    for folder in (repository.folder / ".git" / "hooks", template / "hooks"):
        folder.mkdir(parents=True, exist_ok=True)
        for hook in (
            "post-checkout",
            "reference-transaction",
            "pre-auto-gc",
            "post-index-change",
            "fsmonitor-watchman",
        ):
            (folder / hook).write_text(f"#!/bin/sh\n{COMMAND} {tmp_path}/pwned\n")
            (folder / hook).chmod(0o755)
    for name in ("core.fsmonitor", "core.pager", "core.sshCommand", "core.askPass", "alias.ls-tree", "diff.external"):
        repository.run_git("config", name, f"{COMMAND} {tmp_path}/pwned; #")
    repository.environment["GIT_TEMPLATE_DIR"] = str(template)
    assert len(repository.read_names()) == 3
    assert len(repository.read_names(url=repository.url)) == 3
    assert not list(tmp_path.rglob("pwned"))


def test_global_hooks_of_the_user_do_not_run(repository: Repository, tmp_path: Path) -> None:
    """A hook in the user's core.hooksPath does not run, and cannot reject a fetch."""
    hook = tmp_path / "hooks" / "reference-transaction"
    hook.parent.mkdir()
    hook.write_text(f"#!/bin/sh\n{COMMAND} {tmp_path}/pwned\nexit 1\n")
    hook.chmod(0o755)
    (tmp_path / "settings").write_text(f"[core]\n\thooksPath = {hook.parent}\n")
    repository.environment["GIT_CONFIG_GLOBAL"] = str(tmp_path / "settings")
    assert len(repository.read_names(url=repository.url)) == 3
    assert not list(tmp_path.rglob("pwned"))


@pytest.mark.parametrize("has_variable", [True, False])
def test_missing_objects_of_a_partial_clone_are_not_fetched(
    repository: Repository, tmp_path: Path, *, has_variable: bool
) -> None:
    """Reading a partial clone does not fetch missing objects, because its configuration could start any program.

    This also holds for git before 2.39.4, which does not know GIT_NO_LAZY_FETCH.
    """
    repository.run_git("config", "uploadpack.allowFilter", "true")
    repository.run_git("clone", "--quiet", "--bare", "--filter=blob:none", repository.url, "../partial.git")
    partial = Repository(tmp_path / "partial.git", repository.environment)
    partial.run_git("config", "remote.origin.uploadpack", f"{COMMAND} {tmp_path}/pwned; git-upload-pack")
    if not has_variable:
        old_git = tmp_path / "older" / "git"
        old_git.parent.mkdir()
        old_git.write_text(f'#!/bin/sh\nunset GIT_NO_LAZY_FETCH\nexec {shutil.which("git")} "$@"\n')
        old_git.chmod(0o755)
        repository.environment["PATH"] = f"{old_git.parent}{os.pathsep}{repository.environment['PATH']}"
    assert "is a partial clone that lacks required objects: fetch them first" in partial.expect_failure()
    assert not list(tmp_path.rglob("pwned"))


# Hostile arguments


@pytest.mark.parametrize(
    "url",
    [
        f"--upload-pack={COMMAND}",
        f"--upload-pack={COMMAND}:x",
        f"-u{COMMAND}",
        f"ext::sh -c {COMMAND.replace(' ', '% ')}",
        "ext::sh -c touch% pwned% >&2",
        "fd::0",
        "::x",
        "codecommit::us-east-1://repository",
        "foo://example.com/x",
        "HTTPS://example.com/x",
        f"ssh://-oProxyCommand={COMMAND}/x",
        f"-oProxyCommand={COMMAND}:x",
        f"`{COMMAND}`",
        f"/dev/null; {COMMAND}",
        f"file:///dev/null; {COMMAND}",
        "",
        "a\0b",
        "\ud800",
        "no\nrepository",
    ],
)
def test_url_cannot_start_a_program(environment: dict[str, str], tmp_path: Path, url: str) -> None:
    """A hostile URL is an error of one line, and starts no program."""
    message = expect_read_failure(url, "main", "manifests", environment)
    assert message.startswith(("the repository '", "repository '", "--git-url is empty"))
    assert not list(tmp_path.rglob("pwned"))


@pytest.mark.parametrize(
    "ref",
    [
        f"--upload-pack={COMMAND}",
        "--all",
        "-q",
        "main:refs/heads/x",
        "^main",
        "refs/heads/*",
        "main..main",
        "main@{u}",
        "@",
        "HEAD~1",
        "HEAD:manifests",
        ":/x",
        "",
        "a\0b",
        "\ud800",
        "a b",
        "x\x1b[31m",
        "main\n",
        "/main",
        "main.lock",
    ],
)
def test_ref_that_is_not_a_plain_name_is_rejected(repository: Repository, tmp_path: Path, ref: str) -> None:
    """Options, refspecs, patterns and expressions are rejected as revisions, for a folder and for a URL."""
    refs = repository.run_git("for-each-ref")
    for url in ("", repository.url):
        message = repository.expect_invalid_reference(ref, url=url)
        assert message.startswith(("the revision '", "--git-ref "))
    assert repository.run_git("for-each-ref") == refs
    assert not list(tmp_path.rglob("pwned"))


@pytest.mark.parametrize("path", ["/etc", "..", "a/../..", "manifests//a", ":(top)", ":!x", "", "a\0b", "\ud800", "//"])
def test_path_outside_the_repository_is_rejected(repository: Repository, path: str) -> None:
    """Absolute paths, `..` and git's pathspec magic are rejected before git receives them."""
    message = repository.expect_invalid_reference(path=path)
    assert message.startswith(("the path '", "--git-path "))


# Errors


def test_missing_path_is_reported_with_its_commit(repository: Repository) -> None:
    """A missing path is a problem that names its commit, even if the commit is empty; `.` always exists."""
    commit = repository.run_git("rev-parse", "HEAD")
    assert repository.read_problems("gone/x") == {
        "gone/x": f"the repository '{repository.folder}' has no such file or folder in the commit {commit}: "
        "correct --git-path"
    }
    repository.run_git("rm", "-rq", ".")
    repository.commit_index()
    assert repository.read_problems().keys() == {"manifests"}
    assert repository.read_names(path=".") == []


def test_missing_ref_suggests_similar_names(repository: Repository) -> None:
    """A missing branch or tag is reported with similar names, in place and from a URL."""
    repository.run_git("tag", "release-1")
    for url in ("", repository.url):
        assert "has no branch, tag or commit 'mian': did you mean 'main'?" in repository.expect_failure("mian", url=url)
        assert "did you mean 'release-1'?" in repository.expect_failure("release-l", url=url)
        assert "has no branch, tag or commit '+main'" in repository.expect_failure("+main", url=url)
        assert repository.expect_failure("zzz", url=url).endswith(
            "has no branch, tag or commit 'zzz': correct --git-ref"
        )
    assert "has no branch, tag or commit" in repository.expect_failure("0" * 40)
    assert "does not have the commit" in repository.expect_failure("0" * 40, url=repository.url)
    short = repository.run_git("rev-parse", "HEAD")[:8]
    assert repository.read_names(short)
    assert repository.expect_failure(short, url=repository.url).endswith("write the full id, because a URL needs it")
    assert repository.expect_failure("abc123").endswith("has no branch, tag or commit 'abc123': correct --git-ref")


def test_git_describe_output_is_not_accepted_as_a_ref(repository: Repository) -> None:
    """A ref NAME-gID is resolved only if it exists; git would resolve it to the commit ID for any NAME."""
    first = repository.run_git("rev-parse", "HEAD")
    repository.commit({"manifests/later.yaml": ""})
    describe_output = f"v1-1-g{first[:7]}"
    for ref in (describe_output, describe_output.upper(), f"refs/heads/{describe_output}"):
        assert repository.run_git("rev-parse", "--verify", ref.replace("-G", "-g")) == first
        for url in ("", repository.url):
            assert "has no branch, tag or commit" in repository.expect_failure(ref, url=url)
    repository.run_git("branch", describe_output)
    second = repository.run_git("rev-parse", "HEAD")
    for ref in (describe_output, f"heads/{describe_output}", f"refs/heads/{describe_output}"):
        for url in ("", repository.url):
            assert repository.read(ref, url=url)[0] == second
    repository.run_git("tag", describe_output, first)
    for url in ("", repository.url):
        assert repository.read(describe_output, url=url)[0] == first


def test_server_that_refuses_commit_ids_is_reported(repository: Repository) -> None:
    """A server with an older protocol serves only branches and tags, and the error says so."""
    commit = repository.run_git("rev-parse", "HEAD")
    repository.commit({"manifests/later.yaml": ""})
    old_protocol = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "protocol.version", "GIT_CONFIG_VALUE_0": "0"}
    message = expect_read_failure(repository.url, commit, "manifests", repository.environment | old_protocol)
    assert message.endswith("or does not serve commits by id: use a branch or a tag")


def test_tag_of_a_file_is_rejected(repository: Repository) -> None:
    """A tag that stands for a file is rejected, in place and from a URL."""
    repository.run_git("tag", "file", "HEAD:README.md")
    for url in ("", repository.url):
        assert "--git-ref 'file' is not a commit: use a branch, a tag or a commit" in repository.expect_failure(
            "file", url=url
        )


def test_empty_repository_is_reported(empty_repository: Repository) -> None:
    """A repository without commits is reported as empty, in place and from a URL."""
    for url in ("", empty_repository.url):
        assert empty_repository.expect_failure(url=url).endswith("is empty: push a commit first")


def test_missing_commit_of_a_shallow_clone_is_reported(repository: Repository, tmp_path: Path) -> None:
    """A commit that a shallow clone lacks is reported with the advice to fetch it; CI jobs often have such a clone."""
    first = repository.run_git("rev-parse", "HEAD")
    repository.commit({"manifests/later.yaml": ""})
    repository.run_git("clone", "--quiet", "--depth=1", repository.url, "../shallow")
    shallow = Repository(tmp_path / "shallow", repository.environment)
    assert shallow.read_names()
    assert shallow.expect_failure(first).endswith("in this shallow clone: fetch the revision first")


@pytest.mark.parametrize("name", ["", "nowhere", "file.txt"])
def test_path_without_a_repository_is_reported(environment: dict[str, str], tmp_path: Path, name: str) -> None:
    """A plain folder, a missing path and a file are reported as not a git repository."""
    (tmp_path / "here" / "file.txt").touch()
    folder = tmp_path / "here" / name
    for url in (str(folder), f"file://{folder}"):
        assert "is not a git repository: correct --git-url; git reports: " in expect_read_failure(
            url, "main", "manifests", environment
        )


def test_a_repository_of_another_user_needs_trust(repository: Repository) -> None:
    """A repository of another user is rejected, and the message names the command that allows it."""
    other_owner = repository.environment | {"GIT_TEST_ASSUME_DIFFERENT_OWNER": "1"}
    message = expect_read_failure(str(repository.folder), "main", "manifests", other_owner)
    assert message.endswith(f"git config --global --add safe.directory {repository.folder}")


def test_repository_of_another_user_can_be_trusted_by_variables(repository: Repository) -> None:
    """Git's own variables can allow a folder of another user, but not a file:// URL."""
    other_owner = repository.environment | {
        "GIT_TEST_ASSUME_DIFFERENT_OWNER": "1",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "safe.directory",
        "GIT_CONFIG_VALUE_0": str(repository.folder),
    }
    assert fetch_manifests(str(repository.folder), "main", "manifests", other_owner) == repository.read()
    assert "safe.directory" in expect_read_failure(repository.url, "main", "manifests", other_owner)


def test_missing_git_is_reported(repository: Repository) -> None:
    """A missing git program is reported, with an empty PATH and without PATH."""
    for path in ({"PATH": ""}, {}):
        assert "git was not found on PATH" in expect_read_failure(str(repository.folder), "main", "manifests", path)


def test_a_damaged_repository_is_an_error(repository: Repository) -> None:
    """A repository with a missing object is an error that names the object."""
    oid = repository.run_git("rev-parse", "HEAD:manifests/b.yaml")
    (repository.folder / ".git" / "objects" / oid[:2] / oid[2:]).unlink()
    assert repository.expect_failure().endswith(f"is damaged or incomplete; git reports: {oid} missing")


# The network


def test_refused_credentials_cause_no_prompt_and_are_not_shown(environment: dict[str, str], tmp_path: Path) -> None:
    """Rejected or missing credentials are an error without a prompt, and the message does not show them."""
    askpass = tmp_path / "askpass"
    askpass.write_text(f"#!/bin/sh\n{COMMAND} {tmp_path}/pwned\necho guess\n")
    askpass.chmod(0o755)
    variables = environment | {"SSH_ASKPASS": str(askpass), "DISPLAY": ":0"}
    with serve() as server:
        without_login = expect_read_failure(f"http://{server}/x", "main", "manifests", variables)
        with_login = expect_read_failure(f"http://someone:hunter2@{server}/x", "main", "manifests", variables)
        with_token = expect_read_failure(f"http://hunter2@{server}/x?token=hunter2", "main", "manifests", variables)
    for message in (without_login, with_login, with_token):
        assert "rejected the credentials, or requires credentials" in message
        assert "hunter2" not in message
        assert "someone" not in message
    assert f"repository 'http://***@{server}/x'" in with_login
    assert not list(tmp_path.rglob("pwned"))


def test_git_askpass_of_the_user_is_used(environment: dict[str, str], tmp_path: Path) -> None:
    """A program in the user's GIT_ASKPASS is called, because CI systems provide a token through it."""
    script = tmp_path / "askpass"
    script.write_text(f"#!/bin/sh\ntouch {tmp_path}/asked\necho guess\n")
    script.chmod(0o755)
    with serve() as server:
        expect_read_failure(f"http://{server}/x", "main", "manifests", environment | {"GIT_ASKPASS": str(script)})
    assert (tmp_path / "asked").exists()


LOGIN = "b@t:hunter2 %/:@\"'$HOME\\né"


def test_login_in_a_url_is_sent_only_to_the_server(repository: Repository, tmp_path: Path) -> None:
    """A login in a URL is in no argument of git or its children, and no credential helper receives it."""
    helper = tmp_path / "keeper"
    helper.write_text(f"#!/bin/sh\n{COMMAND} {tmp_path}/pwned\necho username=a\necho password=b\n")
    helper.chmod(0o755)
    trace = tmp_path / "trace"
    variables = repository.environment | {
        "GIT_CONFIG_COUNT": "2",
        "GIT_CONFIG_KEY_0": "http.extraHeader",
        "GIT_CONFIG_VALUE_0": "X-Mine: counts",
        "GIT_CONFIG_KEY_1": "credential.helper",
        "GIT_CONFIG_VALUE_1": str(helper),
        "GIT_TRACE": str(trace),
    }
    user, _, password = LOGIN.partition(":")
    with serve_with_login(tmp_path, repository.environment, LOGIN) as server:
        url = f"http://{quote(user)}:{quote(password, safe='')}@{server.host}/repository"
        assert fetch_manifests(url, "main", "manifests", variables) == repository.read()
        missing_ref = expect_read_failure(url, "mian", "manifests", variables)
        wrong_url = f"http://{quote(user)}:wrong hunter2@{server.host}/repository"
        wrong_login = expect_read_failure(wrong_url, "main", "manifests", variables)
    assert missing_ref == (
        f"the repository 'http://***@{server.host}/repository' has no branch, tag or commit 'mian': "
        "did you mean 'main'?"
    )
    assert "rejected the credentials" in wrong_login
    assert {headers.get("X-Mine") for headers in server.headers} == {"counts"}
    output = server.arguments + trace.read_bytes()
    assert b"git-remote-http" in server.arguments
    assert b"repository" in output
    for secret in ("hunter2", "b@t", quote(user)):
        assert secret.encode() not in output
        assert secret not in missing_ref + wrong_login
    assert not list(tmp_path.rglob("pwned"))


def test_user_in_a_url_gets_the_password_from_the_credential_helper(repository: Repository, tmp_path: Path) -> None:
    """The user's own credential helper supplies the password for a user in a URL, as for git itself."""
    helper = '!f() { if test "$1" = get; then echo password=hunter2; fi; }; f'
    (tmp_path / "settings").write_text("[credential]\n\thelper = " + json.dumps(helper) + "\n")
    variables = repository.environment | {"GIT_CONFIG_GLOBAL": str(tmp_path / "settings")}
    with serve_with_login(tmp_path, repository.environment, "reader-7c1f:hunter2") as server:
        url = f"http://reader-7c1f@{server.host}/repository"
        assert fetch_manifests(url, "main", "manifests", variables) == repository.read()
        assert "config" in expect_read_failure(url, "main", "manifests", variables | {"GIT_CONFIG_COUNT": "many"})
    assert b"reader-7c1f" not in server.arguments


def test_ssh_user_in_a_url_is_kept(environment: dict[str, str], tmp_path: Path) -> None:
    """The user in an ssh URL is passed to ssh."""
    arguments_file = tmp_path / "arguments"
    variables = environment | {"GIT_SSH_COMMAND": f'f() {{ echo "$@" >>{arguments_file}; false; }}; f'}
    for url in ("ssh://someone@127.0.0.1/x%40y", "someone@127.0.0.1:x@y"):
        expect_read_failure(url, "main", "manifests", variables)
    fetches = [line for line in arguments_file.read_text().splitlines() if "git-upload-pack" in line]
    assert [line.partition("someone@127.0.0.1 ")[2] for line in fetches] == [
        "git-upload-pack '/x@y'",
        "git-upload-pack 'x@y'",
    ]


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://user:a/hunter2@host.invalid/x", "an @ after the host"),
        ("https://a/hunter2@host.invalid/x", "an @ after the host"),
        ("http://user:a?hunter2@host.invalid/x", "an @ after the host"),
        ("ssh://user:hunter2@host.invalid/x", "ssh does not accept a password"),
        ("ssh://user:a/hunter2@host.invalid/x", "an @ after the host"),
        ("git://user:hunter2@host.invalid/x", "git does not accept a password"),
        ("user:hunter2@host.invalid:x", "ssh does not accept a password"),
        ("user:a/hunter2@host.invalid:x", "ssh does not accept a password"),
        ("https:/user:hunter2@host.invalid/x", "ssh does not accept a password"),
        ("https://user:hunter2%0Ahost=evil@host.invalid/x", "a line break or a NUL"),
        ("https://user:hunter2\n@host.invalid/x", "a line break or a NUL"),
        ("https://us%00er:hunter2@host.invalid/x", "a line break or a NUL"),
    ],
)
def test_malformed_login_in_a_url_is_rejected(environment: dict[str, str], url: str, expected: str) -> None:
    """A malformed login is rejected, because git would send a part of it as the host or the path."""
    with pytest.raises(InvalidReference) as error:
        fetch_manifests(url, "main", "manifests", environment)
    assert expected in str(error.value)
    assert "hunter2" not in str(error.value)


any_text = st.text(st.characters(exclude_categories=["Cs"]))


@given(
    any_text,
    any_text,
    any_text,
    st.sampled_from(["https://{}@host/x", "ssh://{}@host:1/x", "{}@host:x", "x::https://{}@h/?a@b"]),
)
def test_login_in_a_url_is_never_shown(user: str, before: str, after: str, form: str) -> None:
    """A password in a URL is never shown, even with blanks, quotes, slashes or text that looks like another URL."""
    assert "hunter2" not in redact_url(form.format(f"{user}:{before}hunter2{after}"))


def test_url_without_a_login_is_shown() -> None:
    """A URL without a login is shown as written, without its query."""
    for url in ("/srv/team@prod", "../x", "https://host/x", "git@host:x", "C:x"):
        assert redact_url(url) == url
    assert redact_url("https://host/x?token=hunter2") == "https://host/x?***"
    assert redact_url("https://host/x?token=a@hunter2") == "https://***"


@pytest.mark.parametrize(
    "url",
    [
        "https://user:hunter2@127.0.0.1:1/x",
        "http://user:hun ter hunter2@127.0.0.1:1/x",
        "https://user:hunter2\tw@127.0.0.1:1/x",
        "https://user:a/hunter2=@127.0.0.1:1/x",
        "https://hunter2@127.0.0.1:1/x",
        "ssh://git:hunter2@127.0.0.1:1/x",
        "git:hunter2@127.0.0.1:x",
        "git://user:hunter2@127.0.0.1:1/x",
        "http://127.0.0.1:1/x?token=hunter2",
        "foo://user:hunter2@127.0.0.1/x",
        "foo::https://user:hunter2@127.0.0.1/x",
    ],
)
def test_credentials_in_a_url_are_not_shown(environment: dict[str, str], url: str) -> None:
    """An error never shows the credentials of a URL, for any protocol and for an invalid URL."""
    variables = environment | {"GIT_SSH_COMMAND": "false"}
    assert "hunter2" not in expect_read_failure(url, "main", "manifests", variables)


def test_unreachable_server_is_an_error(environment: dict[str, str]) -> None:
    """An unreachable server is an error with the message of git."""
    message = expect_read_failure("http://127.0.0.1:1/x", "main", "manifests", environment)
    assert "cannot be reached; git reports: unable to access 'http://127.0.0.1:1/x/'" in message


def test_protocols_forbidden_by_the_user_stay_forbidden(repository: Repository) -> None:
    """GIT_ALLOW_PROTOCOL of the user can forbid protocols, and cannot allow more."""
    variables = repository.environment | {"GIT_ALLOW_PROTOCOL": "https:ext"}
    message = expect_read_failure(repository.url, "main", "manifests", variables)
    assert "uses a protocol that GIT_ALLOW_PROTOCOL does not allow" in message
    with_rewrite = variables | {
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": f"url.ext::sh -c {COMMAND.replace(' ', '% ')}.insteadOf",
        "GIT_CONFIG_VALUE_0": "https://x/",
    }
    assert "does not allow" in expect_read_failure("https://x/", "main", "manifests", with_rewrite)
    assert not Path("pwned").exists()


def test_silent_server_times_out(environment: dict[str, str], tmp_path: Path) -> None:
    """A server that does not answer causes a timeout, and no file stays on disk."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"git://127.0.0.1:{listener.getsockname()[1]}/x"
        assert expect_read_failure(url, "main", "manifests", environment, 0.5) == "git fetch timed out after 0.5 s"
    assert list((tmp_path / "temporary").iterdir()) == []


def test_full_temporary_disk_is_reported_with_a_remedy(
    repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A full temporary disk is reported with its folder and a remedy, and reading in place still works."""
    with mount_disk(tmp_path / "small") as disk:
        monkeypatch.setattr("tempfile.tempdir", str(disk.folder))
        disk.fill()
        message = expect_read_failure(repository.url, "main", "manifests", repository.environment)
        remedy = "free space in the temporary folder, or set TMPDIR to another one"
        assert f"cannot be copied because the disk is full: {remedy}; git reports: " in message
        assert message.endswith("No space left on device")
        assert message == expect_read_failure(repository.url, "main", "manifests", repository.environment)
        assert len(repository.read_names()) == 3, "reading in place writes nothing"
        assert "did you mean 'main'?" in repository.expect_failure("mian")
        disk.clear()
        assert repository.read("main")
    message = str(
        messages.build_error("x", "fatal: write error: No space left on device\nfatal: fetch-pack: invalid index-pack")
    )
    assert message.startswith(
        "the repository 'x' cannot be copied because the disk is full: free space in the temporary folder"
    )
    assert "disk is full" not in str(messages.build_error("x", "remote: fatal: write error: No space left on device"))


def test_missing_temporary_folder_is_reported(repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing temporary folder is an error of one line."""
    monkeypatch.setattr("tempfile.tempdir", "/nonexistent")
    message = expect_read_failure(repository.url, "main", "manifests", repository.environment)
    assert message == "git cannot be run: No such file or directory"


def test_a_stop_ends_git(environment: dict[str, str], tmp_path: Path) -> None:
    """A stop request ends git at once, even while it waits for a server, and no file stays on disk."""
    stop = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"git://127.0.0.1:{listener.getsockname()[1]}/x"

        connections = []

        def accept_and_stop() -> None:
            connections.append(listener.accept()[0])
            stop.set()

        server_thread = threading.Thread(target=accept_and_stop)
        server_thread.start()
        started_at = time.monotonic()
        with pytest.raises(StopRequested):
            fetch_manifests(url, "main", "manifests", environment, timeout_seconds=60, stop=stop)
        assert time.monotonic() - started_at < 30
        server_thread.join()
        connections[0].close()
    assert list((tmp_path / "temporary").iterdir()) == []


def test_children_of_git_are_killed_with_it(environment: dict[str, str], tmp_path: Path) -> None:
    """An ssh that hangs is killed with git at the timeout, which closes its pipe."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with os.fdopen(os.open(pipe, os.O_RDONLY | os.O_NONBLOCK), "rb", buffering=0) as reader:
        variables = environment | {"GIT_SSH_COMMAND": f"exec 3>{pipe}; echo started >&3; sleep 600 #"}
        message = expect_read_failure("git@127.0.0.1:x", "main", "manifests", variables, 0.5)
        assert message == "git fetch timed out after 0.5 s"
        assert select.select([reader], [], [], 30)[0]
        assert reader.read() in {b"", b"started\n"}
        assert select.select([reader], [], [], 30)[0]
        assert reader.read() == b""


def test_git_trace_does_not_hide_the_error(repository: Repository) -> None:
    """Trace output on standard error does not hide the error of git."""
    variables = repository.environment | {"GIT_TRACE": "1", "GIT_TRACE2": "1", "GIT_TRACE_CURL": "1"}
    message = expect_read_failure("http://127.0.0.1:1/x", "main", "manifests", variables)
    assert "git reports: unable to access 'http://127.0.0.1:1/x/'" in message
    assert "did you mean 'main'?" in expect_read_failure(repository.url, "mian", "manifests", variables)


# Description


def test_commit_is_described_by_its_subject_and_author(repository: Repository) -> None:
    """The description is the first line of the message and the author, shortened, and without control characters."""
    repository.commit({"manifests/a.yaml": "a: 1"})
    message = f"Add\texports {'x' * 200}\n\nThe body."
    author = "Jane \x1b[31m Doe <jane@example.com>"
    repository.run_git("commit", "--quiet", "--allow-empty", "--message", message, "--author", author)
    for url in (str(repository.folder), repository.url):
        access = RepositoryAccess(url, "HEAD", repository.environment)
        commit, files, description = read_described_revision(access, "manifests")
        assert (commit, bool(files)) == (repository.run_git("rev-parse", "HEAD"), True)
        assert description.subject == f"Add\\u0009exports {'x' * 103}"
        assert description.author == "Jane \\u001b[31m Doe"
        assert len(description.subject) == 120


def test_secret_in_a_commit_message_is_not_shown(repository: Repository) -> None:
    """A secret of this process in the message of a commit is redacted."""
    redaction.add_secrets("TEST", Secrets.from_values("hunter2-hunter2"))
    try:
        repository.commit({"manifests/a.yaml": "a: 1"})
        repository.run_git("commit", "--quiet", "--allow-empty", "--message", "Use hunter2-hunter2 now")
        access = RepositoryAccess(str(repository.folder), "HEAD", repository.environment)
        assert "hunter2" not in read_described_revision(access, "manifests")[2].subject
    finally:
        redaction.add_secrets("TEST", Secrets.from_values())


# Hooks

HOOK = """#!{python}
import os, sys
from pathlib import Path
from reconciler.core.errors import GitError
from reconciler.edge.git import RepositoryAccess
from reconciler.edge import git as edge
read = lambda url, ref, path, environment: edge.read_revision(RepositoryAccess(url, ref, environment), path)
_, pushed, _ = sys.stdin.read().split()
results = [read(folder, pushed, "manifests", os.environ) for folder in (".", os.getcwd())]
try:
    read({other!r}, pushed, "manifests", os.environ)
except GitError as error:
    results.append(str(error))
results.append(len(read({other!r}, "HEAD", "manifests", os.environ)[1]))
Path({result_file!r}).write_text(repr(results))
sys.exit("refused")
"""


@pytest.mark.parametrize("setting", ["all", "explicit"])
def test_pre_receive_hook_reads_the_pushed_objects(repository: Repository, tmp_path: Path, setting: str) -> None:
    """A pre-receive hook reads quarantined objects in the repository that receives them, and in no other."""
    configure(repository, f"[safe]\n\tbareRepository = {setting}\n")
    repository.run_git("clone", "--quiet", "--bare", ".", "../other.git")
    repository.run_git("init", "--quiet", "--bare", "../bare.git")
    result_file = tmp_path / "said"
    hook = tmp_path / "bare.git" / "hooks" / "pre-receive"
    hook.write_text(HOOK.format(python=sys.executable, other=str(tmp_path / "other.git"), result_file=str(result_file)))
    hook.chmod(0o755)
    commit = repository.commit({"manifests/pushed.yaml": "pushed"})
    with pytest.raises(subprocess.CalledProcessError) as error:
        repository.run_git("push", "--quiet", "../bare.git", "HEAD:refs/heads/main")
    assert "refused" in error.value.stderr.decode()
    files = (
        File("manifests/a/a.json", b"a"),
        File("manifests/a.yml", b"{}"),
        File("manifests/b.yaml", b"b"),
        File("manifests/pushed.yaml", b"pushed"),
    )
    other_error = (
        f"the repository '{tmp_path / 'other.git'}' has no branch, tag or commit '{commit}': correct --git-ref"
    )
    assert result_file.read_text() == repr([(commit, files), (commit, files), other_error, 3])
    receiving = Repository(tmp_path / "bare.git", repository.environment)
    assert receiving.expect_failure(commit).endswith("is empty: push a commit first")
