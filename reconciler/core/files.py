"""Which files are manifests, whether they lie on disk or in git."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.core.errors import Problem

MAX_BYTES = 16 * 1024 * 1024
"""The largest file that is read; ten thousand manifests are half of it."""

_SUFFIXES = (".yaml", ".yml", ".json")


@dataclass(frozen=True, slots=True)
class File:
    """One file's name, as messages show it, and its bytes."""

    name: str
    content: bytes


def is_hidden(name: str) -> bool:
    """Tell whether a file or folder is passed over, with all below it, by its own name, without those above it."""
    return name.startswith(".")


def is_manifest(name: str) -> bool:
    """Tell whether a file counts by the end of its name."""
    return name.endswith(_SUFFIXES)


def too_large(name: str) -> Problem:
    """Return the problem of a file with more than MAX_BYTES."""
    return Problem(name, 0, 0, "", f"is larger than {MAX_BYTES // 1024 // 1024} MiB: split it into smaller files")
