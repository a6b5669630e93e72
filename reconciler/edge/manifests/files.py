"""Find and read the files of a manifest folder, with a size limit and without leaving the folder."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from reconciler.core.errors import Problem
from reconciler.core.manifests.files import MAX_BYTES, File, build_size_problem, is_hidden, is_manifest
from reconciler.core.text import sanitize

__all__ = ["MAX_FOLDERS", "File", "find_files", "is_read_from"]

MAX_FOLDERS = 64
"""Maximum depth of nested folders."""

_DEFAULT_FOLDER = "manifests"
_FIRST_READ_BYTES = 64 * 1024


def find_files(paths: Sequence[str], stdin: BinaryIO | None) -> Iterator[File | Problem]:
    """Yield the files at the paths from the user: `-` for standard input, files, and folders with their subfolders.

    A folder yields its *.yaml, *.yml and *.json files in order of name. The case of the suffix does not matter, and
    names that begin with a dot are skipped. A path that repeats another one is not read, and yields one problem.
    """
    first_paths: dict[str, str] = {}
    for path in paths:
        first_paths.setdefault(_resolve_path(path), path)
    visited: set[str] = set()
    for path in paths:
        real_path = _resolve_path(path)
        first_path = first_paths[real_path]
        if real_path in visited:
            reason = "is given twice" if path == first_path else f"is given as {sanitize(first_path)} too"
            yield Problem(_get_name(path), 0, 0, "", f"the path {reason}: name it once with -f")
        elif folder := _find_folder(real_path, first_paths):
            message = f"the path is inside {sanitize(folder)}, which is given too: name only one of them with -f"
            yield Problem(_get_name(path), 0, 0, "", message)
        else:
            yield from _read_path(path, stdin)
        visited.add(real_path)


def is_read_from(path: str, file: Path) -> bool:
    """Return whether an existing file is read from a path of the user: it is at the path, or in the folder there."""
    if path == "-":
        return False
    root, real_path = Path(_resolve_path(path)), Path(_resolve_path(str(file)))
    if not os.path.isfile(real_path):  # noqa: PTH113 - Path.is_file raises in a folder without search permission
        return False
    if not _is_folder(path):
        return real_path == root
    is_inside = real_path.is_relative_to(root) and is_manifest(real_path.name)
    return is_inside and not any(map(is_hidden, real_path.relative_to(root).parts))


def _resolve_path(path: str) -> str:
    return path if path == "-" else os.path.realpath(path)


def _get_name(path: str) -> str:
    return "standard input" if path == "-" else sanitize(path)


def _find_folder(real_path: str, first_paths: Mapping[str, str]) -> str | None:
    """Return the folder from the user that is read together with a path inside it, or None."""
    path = Path(real_path)
    if not (_is_folder(real_path) or (is_manifest(path.name) and os.path.lexists(real_path))):
        return None
    while path != path.parent and not is_hidden(path.name):
        path = path.parent
        if str(path) in first_paths:
            return first_paths[str(path)]
    return None


def _read_path(path: str, stdin: BinaryIO | None) -> Iterator[File | Problem]:
    if path == "-":
        yield (
            _build_file(_get_name(path), stdin.read(MAX_BYTES + 1))
            if stdin
            else Problem(
                _get_name(path), 0, 0, "", "the stream is closed: give a file or a folder of manifests with -f"
            )
        )
    elif _is_folder(path):
        real_path = os.path.realpath(path)
        yield from _read_folder(path, real_path, real_path.rstrip(os.sep) + os.sep, set())
    else:
        yield _read_file(path, path)


def _read_folder(name: str, real_path: str, root: str, visited: set[str], depth: int = 1) -> Iterator[File | Problem]:
    """Yield the files of a folder. `visited` holds the folders already read, because each is read once."""
    visited.add(real_path)
    if depth > MAX_FOLDERS:
        yield Problem(sanitize(name), 0, 0, "", f"the folder is nested more than {MAX_FOLDERS} folders deep")
        return
    try:
        entries = sorted(os.scandir(real_path), key=lambda entry: entry.name)
    except OSError as error:
        yield Problem(sanitize(name), 0, 0, "", f"the folder cannot be read: {error.strerror}")
        return
    for entry in entries:
        shown_name = os.path.join(name, entry.name)  # noqa: PTH118 - a Path would drop a ./ that the user wrote
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
    """Yield the files behind a link that stays in the manifest folder, or the problem of a link that leaves it.

    A mounted ConfigMap consists of such links. A link to a folder that is read under its own name is skipped, because
    its files would be read twice.
    """
    real_path = os.path.realpath(entry.path)
    name = sanitize(shown_name)
    is_folder = _is_folder(real_path)
    if not is_folder and not is_manifest(entry.name):
        return
    if not f"{real_path}{os.sep}".startswith(root):
        noun = "folder" if is_folder else "file"
        yield Problem(
            name, 0, 0, "", f"the path is a link to a {noun} outside the manifest folder: copy the {noun} into it"
        )
    elif is_folder:
        if real_path not in visited and any(map(is_hidden, Path(real_path).relative_to(root).parts)):
            yield from _read_folder(shown_name, real_path, root, visited, depth + 1)
    elif not os.path.lexists(real_path):
        yield Problem(name, 0, 0, "", "the path is a link to a file that does not exist")
    else:
        yield _read_file(shown_name, real_path)


def _is_folder(path: str) -> bool:
    try:
        return stat.S_ISDIR(Path(path).stat().st_mode)
    except OSError:  # opening the path reports the error
        return False


def _read_file(name: str, path: str) -> File | Problem:
    """Read a regular file, up to one byte above the size limit."""
    name = sanitize(name)
    try:
        with open(path, "rb", opener=_open_without_waiting) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return Problem(name, 0, 0, "", "the path is not a regular file")
            content = file.read(_FIRST_READ_BYTES)  # reading the maximum at once would allocate it for every file
            if len(content) == _FIRST_READ_BYTES:
                content += file.read(MAX_BYTES + 1 - _FIRST_READ_BYTES)
            return _build_file(name, content)
    except FileNotFoundError:
        remedy = "give a file or a folder of manifests with -f"
        if path.rstrip(os.sep) == _DEFAULT_FOLDER:
            folder = _find_folder_with_manifests()
            first_step = f"run the command in the folder {sanitize(folder)}" if folder else "begin with reconcile init"
            remedy = f"{first_step}, or {remedy}"
        return Problem(name, 0, 0, "", f"the path does not exist: {remedy}")
    except OSError as error:
        return Problem(name, 0, 0, "", f"the file cannot be read: {error.strerror}")


def _find_folder_with_manifests() -> str | None:
    """Return the folder here that holds a folder `manifests`, as after `reconcile init DIR`, or None."""
    try:
        names = sorted(entry.name for entry in os.scandir(".") if not is_hidden(entry.name))
    except OSError:
        return None
    return next((name for name in names if _is_folder(os.path.join(name, _DEFAULT_FOLDER))), None)  # noqa: PTH118 - as above


def _open_without_waiting(path: str, flags: int) -> int:
    """Open a file without waiting for the writer of a named pipe."""
    return os.open(path, flags | os.O_NONBLOCK | os.O_CLOEXEC)


def _build_file(name: str, content: bytes) -> File | Problem:
    return build_size_problem(name) if len(content) > MAX_BYTES else File(name, content)
