"""Manifest files are recognised by name, and the size of a revision is limited."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from reconciler.core.errors import Problem
from reconciler.core.manifests import files
from reconciler.core.manifests.files import SIZE_REMEDY, File, build_size_problem, is_hidden, is_manifest, limit_files


def test_manifest_files_are_recognised_by_name() -> None:
    """The end of the name decides, in upper or lower case. Hidden files and folders of the file system are skipped."""
    assert [is_manifest(name) for name in ("a.yaml", "a.YML", "a.Json", "a.txt", "yaml")] == [True] * 3 + [False] * 2
    assert [is_hidden(name) for name in (".git", "lost+found", "found")] == [True, True, False]
    assert str(build_size_problem("a.yaml")) == "a.yaml: the file is larger than 16 MiB: split it into smaller files"


@pytest.mark.parametrize("name", ["kustomization.yaml", "kustomization.yml", "Kustomization"])
def test_file_of_kustomize_is_not_a_manifest(name: str) -> None:
    """A folder of manifests may also be the base of an overlay."""
    assert not is_manifest(name)


@pytest.mark.parametrize(
    ("entries", "reason"),
    [
        ([File("a", b"1"), File("b", b"2")], None),
        (
            [File("a", b"1"), File("b", b"2"), File("c", b""), File("d", b"")],
            f"has more than 2 files, and the rest is not read: {SIZE_REMEDY}",
        ),
        (
            [File("a", b"12345678"), File("b", b"9"), File("c", b"")],
            f"is larger than 0 MiB, and the rest is not read: {SIZE_REMEDY}",
        ),
    ],
)
def test_reading_ends_at_the_first_exceeded_limit(
    entries: Sequence[File], reason: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One problem replaces the files beyond the limit. Entries that are not files do not count."""
    monkeypatch.setattr(files, "MAX_DOCUMENTS", 2)
    monkeypatch.setattr(files, "MAX_TOTAL_BYTES", 8)
    problem = Problem("z", 0, 0, "", "is bad")
    first, *others = limit_files([problem, *entries])
    assert first == problem
    if reason is None:
        assert others == entries
    else:
        assert others[:-1] == entries[: len(others) - 1]
        assert str(others[-1]) == f".: the revision {reason}"
        assert len(others) <= len(entries)
