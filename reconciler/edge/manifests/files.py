"""Finds the files of a manifest folder and reads them, none too large and none from elsewhere."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from reconciler.core.errors import Problem
from reconciler.core.manifests.files import MAX_BYTES, File, is_hidden, is_manifest, too_large
from reconciler.core.text import sanitize

__all__ = ["MAX_FOLDERS", "File", "find"]

MAX_FOLDERS = 64
"""How many levels of folders are read."""

_USUAL = 64 * 1024


def find(path: str, stdin: BinaryIO | None) -> Iterator[File | Problem]:
    """Yield the files of a path given by a person: `-` for standard input, a file, or a folder with all below it.

    Of a folder all *.yaml, *.yml and *.json count, in whatever case, those behind a dot excepted, in order of name.
    """
    if path == "-":
        yield (
            _limited("standard input", stdin.read(MAX_BYTES + 1))
            if stdin
            else Problem("standard input", 0, 0, "", "is closed: name a file or a folder of manifests with -f")
        )
    elif _is_folder(path):
        real = os.path.realpath(path)
        yield from _folder(path, real, real.rstrip(os.sep) + os.sep, set())
    else:
        yield _read(path, path)


def _folder(name: str, real: str, root: str, seen: set[str], depth: int = 1) -> Iterator[File | Problem]:
    """Yield the files of a folder. `seen` are those that were read: none is twice, whatever leads to it."""
    seen.add(real)
    if depth > MAX_FOLDERS:
        yield Problem(sanitize(name), 0, 0, "", f"is a folder more than {MAX_FOLDERS} levels deep")
        return
    try:
        entries = sorted(os.scandir(real), key=lambda entry: entry.name)
    except OSError as error:
        yield Problem(sanitize(name), 0, 0, "", f"cannot be read: {error.strerror}")
        return
    for entry in entries:
        shown = os.path.join(name, entry.name)  # noqa: PTH118 - a Path would take the ./ away that a person wrote
        if is_hidden(entry.name):
            continue
        if entry.is_dir(follow_symlinks=False):
            if entry.path not in seen:
                yield from _folder(shown, entry.path, root, seen, depth + 1)
        elif entry.is_symlink():
            yield from _link(shown, entry, root, seen, depth)
        elif is_manifest(entry.name):
            yield _read(shown, entry.path)


def _link(shown: str, entry: os.DirEntry[str], root: str, seen: set[str], depth: int) -> Iterator[File | Problem]:
    """Follow a link that stays in the folder (a mounted ConfigMap is made of such); refuse others.

    One to a folder that is read where it stands is passed over: nothing is lost, and nothing read twice.
    """
    real = os.path.realpath(entry.path)
    name = sanitize(shown)
    is_folder = _is_folder(real)
    if not is_folder and not is_manifest(entry.name):
        return
    if not f"{real}{os.sep}".startswith(root):
        what = "folder" if is_folder else "file"
        yield Problem(name, 0, 0, "", f"is a link that leaves the manifest folder: copy the {what} here instead")
    elif is_folder:
        if real not in seen and any(map(is_hidden, Path(real).relative_to(root).parts)):
            yield from _folder(shown, real, root, seen, depth + 1)
    elif not os.path.lexists(real):
        yield Problem(name, 0, 0, "", "is a link to a file that does not exist")
    else:
        yield _read(shown, real)


def _is_folder(path: str) -> bool:
    try:
        return stat.S_ISDIR(Path(path).stat().st_mode)
    except OSError:  # what it is instead is told when it is opened
        return False


def _read(name: str, path: str) -> File | Problem:
    """Read a regular file, at most one byte more than is allowed."""
    name = sanitize(name)
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
