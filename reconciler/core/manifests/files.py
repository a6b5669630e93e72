"""Which files are manifests, whether they lie on disk or in git, and how much of them is read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from reconciler.core.errors import Problem

MAX_BYTES = 16 * 1024 * 1024
"""The largest file that is read; ten thousand manifests are half of it."""

MAX_TOTAL_BYTES = MAX_BYTES
"""The most that is read of one revision: git packs it into next to nothing, and memory does not."""

MAX_DOCUMENTS = 20_000
"""How many documents a revision may have, and how many files: each holds one at least."""

MAX_VALUES = 400_000
"""How many keys and values a revision may have: forty for each of ten thousand manifests."""

MAX_PROBLEMS = 1000
"""How many problems of a revision are told one by one. The others are counted."""

READING_MEMORY_BYTES = 256 * 1024 * 1024
"""Enough resident memory to read any revision that these allow: `tests/manifests/test_bounds.py` reads the worst."""

MAX_COUNTED_PROBLEMS = MAX_DOCUMENTS
"""How many problems are looked for: explaining each takes time, and half a million values may be wrong."""

REQUIRED_MEMORY_BYTES = 1024 * 1024 * 1024
"""Enough resident memory to follow, plan and report such revisions: no limit of memory in `deploy/` may be less.

Measured with 196,000 pairs of ClientAssociationMetadata, each a text of 60 characters that XML and HTML write as five,
all to be created, as the most that was resident: 569 MiB for a controller that holds them, reads as many again and is
asked for its page and JSON; 778 MiB for a dry run with reports in all six formats.
"""

_SUFFIXES = (".yaml", ".yml", ".json")

_SYSTEM_FOLDERS = frozenset(("lost+found", "System Volume Information", "$RECYCLE.BIN"))
"""Folders that a file system makes for itself at its top: they hold no manifests, and are root's to read."""


@dataclass(frozen=True, slots=True)
class File:
    """One file's name, as messages show it, and its bytes."""

    name: str
    content: bytes


def is_hidden(name: str) -> bool:
    """Tell whether a file or folder is passed over, with all below it, by its own name, without those above it."""
    return name.startswith(".") or name in _SYSTEM_FOLDERS


def is_manifest(name: str) -> bool:
    """Tell whether a file counts by the end of its name."""
    return name.lower().endswith(_SUFFIXES)


def build_size_problem(name: str) -> Problem:
    """Return the problem of a file with more than MAX_BYTES."""
    return Problem(name, 0, 0, "", f"is larger than {MAX_BYTES // 1024 // 1024} MiB: split it into smaller files")


def limit_files(entries: Iterable[File | Problem]) -> Iterator[File | Problem]:
    """Yield files until they are too many or too large together, and then a problem in place of all that follow."""
    files = total = 0
    for entry in entries:
        if isinstance(entry, File):
            files, total = files + 1, total + len(entry.content)
            if problem := find_excess(files, total):
                yield problem
                return
        yield entry


def find_excess(files: int, total: int) -> Problem | None:
    """Return the problem of so many files of so many bytes together, None where they may be read.

    It stands at the top folder, and so before those of all that was read.
    """
    if files > MAX_DOCUMENTS:
        return Problem(
            ".", 0, 0, "", f"the manifests are more than {MAX_DOCUMENTS} files, and no more are read: {SIZE_REMEDY}"
        )
    if total > MAX_TOTAL_BYTES:
        limit = f"{MAX_TOTAL_BYTES >> 20} MiB"
        return Problem(".", 0, 0, "", f"the manifests are larger than {limit}, and no more is read: {SIZE_REMEDY}")
    return None


SIZE_REMEDY = "name a smaller folder, and let another run or controller read the rest"
"""What to do where a revision is too large."""
