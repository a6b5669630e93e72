"""Recognise manifest files on disk and in git, and limit the size of a revision."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from reconciler.core.errors import Problem

MAX_BYTES = 16 * 1024 * 1024
"""The largest file that is read. Ten thousand manifests need about half of it."""

MAX_TOTAL_BYTES = MAX_BYTES
"""The most bytes of a revision that are read. git may compress a very large revision into a small repository."""

MAX_DOCUMENTS = 20_000
"""The most documents of a revision, and the most files, since each file has at least one document."""

MAX_VALUES = 400_000
"""The most keys and values of a revision: forty for each of ten thousand manifests."""

MAX_PROBLEMS = 1000
"""The most problems of a revision that are listed. Further problems are only counted."""

READING_MEMORY_BYTES = 256 * 1024 * 1024
"""Enough resident memory to read any revision within these limits (`tests/edge/manifests/test_bounds.py`)."""

MAX_COUNTED_PROBLEMS = MAX_DOCUMENTS
"""The most problems that validation finds before it stops, because half a million values may be invalid."""

REQUIRED_MEMORY_BYTES = 1024 * 1024 * 1024
"""Enough resident memory to reconcile, plan and report such revisions. No memory limit in `deploy/` may be lower.

The peak of resident memory was measured for Creates with 196,000 pairs of ClientAssociationMetadata.
Each value had 60 characters that take five characters each in XML and HTML.
A controller that held this revision, read another of the same size and served its page and JSON needed 569 MiB.
A dry run with reports in six formats needed 778 MiB.
"""

_SUFFIXES = (".yaml", ".yml", ".json")

_KUSTOMIZATIONS = frozenset(("kustomization.yaml", "kustomization.yml"))
"""Files that kustomize reads. They may stand beside manifests, and hold none. `Kustomization` has no suffix."""

_SYSTEM_FOLDERS = frozenset(("lost+found", "System Volume Information", "$RECYCLE.BIN"))
"""Folders that a file system creates at its root. They hold no manifests, and only root may read them."""


@dataclass(frozen=True, slots=True)
class File:
    """A file: its name, as messages show it, and its bytes."""

    name: str
    content: bytes


def is_hidden(name: str) -> bool:
    """Return whether a file or folder is skipped, with everything below it, because of its own name."""
    return name.startswith(".") or name in _SYSTEM_FOLDERS


def is_manifest(name: str) -> bool:
    """Return whether the name of a file has the suffix of a manifest, and does not belong to kustomize."""
    return name.lower().endswith(_SUFFIXES) and name not in _KUSTOMIZATIONS


def build_size_problem(name: str) -> Problem:
    """Return the problem of a file that is larger than MAX_BYTES."""
    return Problem(
        name, 0, 0, "", f"the file is larger than {MAX_BYTES // 1024 // 1024} MiB: split it into smaller files"
    )


def limit_files(entries: Iterable[File | Problem]) -> Iterator[File | Problem]:
    """Yield entries until the files together exceed a limit. Then yield one problem instead of the rest."""
    files = total = 0
    for entry in entries:
        if isinstance(entry, File):
            files, total = files + 1, total + len(entry.content)
            if problem := find_excess(files, total):
                yield problem
                return
        yield entry


def find_excess(files: int, total: int) -> Problem | None:
    """Return the problem of a revision with this number of files and bytes, or None if it is within the limits.

    The problem belongs to the top folder, so reports list it before the problems of files.
    """
    if files > MAX_DOCUMENTS:
        return Problem(
            ".", 0, 0, "", f"the revision has more than {MAX_DOCUMENTS} files, and the rest is not read: {SIZE_REMEDY}"
        )
    if total > MAX_TOTAL_BYTES:
        limit = f"{MAX_TOTAL_BYTES >> 20} MiB"
        return Problem(".", 0, 0, "", f"the revision is larger than {limit}, and the rest is not read: {SIZE_REMEDY}")
    return None


SIZE_REMEDY = "name a smaller folder, and let another run or controller read the rest"
"""The advice for a revision that is too large."""
