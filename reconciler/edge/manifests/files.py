"""Finds the files of a manifest folder and reads them, none too large and none from elsewhere."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from reconciler.core.errors import Problem
from reconciler.core.manifests.files import MAX_BYTES, File, build_size_problem, is_hidden, is_manifest
from reconciler.core.text import sanitize

__all__ = ["MAX_FOLDERS", "File", "find_files"]

MAX_FOLDERS = 64
"""How many levels of folders are read."""

_FIRST_READ_BYTES = 64 * 1024


def find_files(path: str, stdin: BinaryIO | None) -> Iterator[File | Problem]:
    """Yield the files of a path given by a person: `-` for standard input, a file, or a folder with all below it.

    Of a folder all *.yaml, *.yml and *.json count, in whatever case, those behind a dot excepted, in order of name.
    """
    if path == "-":
        yield (
            _build_file("standard input", stdin.read(MAX_BYTES + 1))
            if stdin
            else Problem("standard input", 0, 0, "", "is closed: name a file or a folder of manifests with -f")
        )
    elif _is_folder(path):
        real_path = os.path.realpath(path)
        yield from _read_folder(path, real_path, real_path.rstrip(os.sep) + os.sep, set())
    else:
        yield _read_file(path, path)


def _read_folder(name: str, real_path: str, root: str, visited: set[str], depth: int = 1) -> Iterator[File | Problem]:
    """Yield the files of a folder. `visited` holds the folders already read; each is read once."""
    visited.add(real_path)
    if depth > MAX_FOLDERS:
        yield Problem(sanitize(name), 0, 0, "", f"is a folder more than {MAX_FOLDERS} levels deep")
        return
    try:
        entries = sorted(os.scandir(real_path), key=lambda entry: entry.name)
    except OSError as error:
        yield Problem(sanitize(name), 0, 0, "", f"cannot be read: {error.strerror}")
        return
    for entry in entries:
        shown_name = os.path.join(name, entry.name)  # noqa: PTH118 - a Path would take the ./ away that a person wrote
        if is_hidden(entry.name):
            continue
        if entry.is_dir(follow_symlinks=False):
            if entry.path not in visited:
                yield from _read_folder(shown_name, entry.path, root, visited, depth + 1)
        elif entry.is_symlink():
            yield from _follow_link(shown_name, entry, root, visited, depth)
        elif is_manifest(entry.name):
            yield _read_file(shown_name, entry.path)


def _follow_link(
    shown_name: str, entry: os.DirEntry[str], root: str, visited: set[str], depth: int
) -> Iterator[File | Problem]:
    """Follow a link that stays in the folder (a mounted ConfigMap is made of such); refuse others.

    One to a folder that is read where it stands is passed over: nothing is lost, and nothing read twice.
    """
    real_path = os.path.realpath(entry.path)
    name = sanitize(shown_name)
    is_folder = _is_folder(real_path)
    if not is_folder and not is_manifest(entry.name):
        return
    if not f"{real_path}{os.sep}".startswith(root):
        noun = "folder" if is_folder else "file"
        yield Problem(name, 0, 0, "", f"is a link that leaves the manifest folder: copy the {noun} here instead")
    elif is_folder:
        if real_path not in visited and any(map(is_hidden, Path(real_path).relative_to(root).parts)):
            yield from _read_folder(shown_name, real_path, root, visited, depth + 1)
    elif not os.path.lexists(real_path):
        yield Problem(name, 0, 0, "", "is a link to a file that does not exist")
    else:
        yield _read_file(shown_name, real_path)


def _is_folder(path: str) -> bool:
    try:
        return stat.S_ISDIR(Path(path).stat().st_mode)
    except OSError:  # what it is instead is told when it is opened
        return False


def _read_file(name: str, path: str) -> File | Problem:
    """Read a regular file, at most one byte more than is allowed."""
    name = sanitize(name)
    try:
        with open(path, "rb", opener=_open_without_waiting) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return Problem(name, 0, 0, "", "is no regular file")
            content = file.read(_FIRST_READ_BYTES)  # asking for the most at once would make room for it each time
            if len(content) == _FIRST_READ_BYTES:
                content += file.read(MAX_BYTES + 1 - _FIRST_READ_BYTES)
            return _build_file(name, content)
    except FileNotFoundError:
        return Problem(name, 0, 0, "", "does not exist: name a file or a folder of manifests with -f")
    except OSError as error:
        return Problem(name, 0, 0, "", f"cannot be read: {error.strerror}")


def _open_without_waiting(path: str, flags: int) -> int:
    """Open a file so that a named pipe does not wait for its writer."""
    return os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)


def _build_file(name: str, content: bytes) -> File | Problem:
    return build_size_problem(name) if len(content) > MAX_BYTES else File(name, content)
