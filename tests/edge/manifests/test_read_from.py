"""The program knows which files it reads, and never writes its results to one of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from reconciler.edge.manifests import is_read_from


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a folder with files, some of which are read as manifests."""
    for name in ("a.yaml", "notes.txt", "below/b.JSON", ".hidden/c.yaml", "kustomization.yaml"):
        path = tmp_path / "manifests" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("text", encoding="utf-8")
    (tmp_path / "outside.yaml").write_text("text", encoding="utf-8")
    (tmp_path / "link.yaml").symlink_to("manifests/a.yaml")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "is_read"),
    [
        ("manifests/a.yaml", True),
        ("manifests/below/b.JSON", True),
        ("manifests/../link.yaml", True),
        ("manifests/notes.txt", False),
        ("manifests/.hidden/c.yaml", False),
        ("manifests/kustomization.yaml", False),
        ("manifests/new.yaml", False),
        ("outside.yaml", False),
    ],
)
def test_files_in_a_folder_are_read_by_their_names(folder: Path, name: str, *, is_read: bool) -> None:
    """An existing file in a folder is read if its name is that of a manifest. A link counts as the file it leads to."""
    assert is_read_from(str(folder / "manifests"), folder / name) is is_read


@pytest.mark.parametrize(("name", "is_read"), [("a.yaml", True), ("notes.txt", False), ("below/b.JSON", False)])
def test_file_that_is_named_is_read(folder: Path, name: str, *, is_read: bool) -> None:
    """A file that the user names is read, and no other file of its folder."""
    assert is_read_from(str(folder / "manifests" / "a.yaml"), folder / "manifests" / name) is is_read


def test_missing_path_and_standard_input_contain_no_file(folder: Path) -> None:
    """Nothing can be replaced at a path that does not exist, or at standard input."""
    for path in ("-", str(folder / "missing.yaml")):
        assert not is_read_from(path, folder / "missing.yaml")
