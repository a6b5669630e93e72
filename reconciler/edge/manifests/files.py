"""Finds the files of a manifest folder and reads them, none too large and none from elsewhere."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from reconciler.core.errors import Problem
from reconciler.core.files import MAX_BYTES, File, is_hidden, is_manifest, too_large
from reconciler.core.harmless import harmless

__all__ = ["MAX_FOLDERS", "File", "find"]

MAX_FOLDERS = 64
"""How many levels of folders are read."""

_USUAL = 64 * 1024


def find(path: str, stdin: BinaryIO | None) -> Iterator[File | Problem]:
    """Yield the files of a path given by a person: `-` for standard input, a file, or a folder with all below it.

    Of a folder all *.yaml, *.yml and *.json count, names that begin with a dot excepted, in order of name.
    """
    if path == "-":
        yield (
            _limited("standard input", stdin.read(MAX_BYTES + 1))
            if stdin
            else Problem("standard input", 0, 0, "", "is closed: name a file or a folder of manifests with -f")
        )
    elif _is_folder(path):
        yield from _folder(path, os.path.realpath(path) + os.sep)
    else:
        yield _read(path, path)


def _folder(folder: str, root: str, depth: int = 1) -> Iterator[File | Problem]:
    if depth > MAX_FOLDERS:
        yield Problem(harmless(folder), 0, 0, "", f"is a folder more than {MAX_FOLDERS} levels deep")
        return
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        yield Problem(harmless(folder), 0, 0, "", f"cannot be read: {error.strerror}")
        return
    for entry in entries:
        if is_hidden(entry.name):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _folder(entry.path, root, depth + 1)
        elif entry.is_symlink():
            yield from _link(entry, root)
        elif is_manifest(entry.name):
            yield _read(entry.path, entry.path)


def _link(entry: os.DirEntry[str], root: str) -> Iterator[File | Problem]:
    """Follow a link to a file that stays in the folder (a mounted ConfigMap is made of such); refuse others."""
    real = os.path.realpath(entry.path)
    name = harmless(entry.path)
    if _is_folder(real):
        yield Problem(name, 0, 0, "", "is a link to a folder, and such links are not followed")
    elif not is_manifest(entry.name):
        return
    elif not real.startswith(root):
        yield Problem(name, 0, 0, "", "is a link that leaves the manifest folder: copy the file here instead")
    elif not os.path.lexists(real):
        yield Problem(name, 0, 0, "", "is a link to a file that does not exist")
    else:
        yield _read(entry.path, real)


def _is_folder(path: str) -> bool:
    try:
        return stat.S_ISDIR(Path(path).stat().st_mode)
    except OSError:  # what it is instead is told when it is opened
        return False


def _read(name: str, path: str) -> File | Problem:
    """Read a regular file, at most one byte more than is allowed."""
    name = harmless(name)
    try:
        with open(path, "rb", opener=_open_without_waiting) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return Problem(name, 0, 0, "", "is no regular file")
            content = file.read(_USUAL)  # asking for the most at once would make room for it each time
            if len(content) == _USUAL:
                content += file.read(MAX_BYTES + 1 - _USUAL)
            return _limited(name, content)
    except FileNotFoundError:
        return Problem(name, 0, 0, "", "does not exist: name a file or a folder of manifests with -f")
    except OSError as error:
        return Problem(name, 0, 0, "", f"cannot be read: {error.strerror}")


def _open_without_waiting(path: str, flags: int) -> int:
    """Open a file so that a named pipe does not wait for its writer."""
    return os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)


def _limited(name: str, content: bytes) -> File | Problem:
    return too_large(name) if len(content) > MAX_BYTES else File(name, content)
