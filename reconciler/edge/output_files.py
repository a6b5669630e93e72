"""Writes files into a folder: all that may be, none half, and none over another without being told to."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

_NAMED = 3


class NotWritten(OSError):
    """A folder or a file in it cannot be written; its text says which, why, and what would be right."""


def write(folder: Path, texts: Mapping[str, str], *, force: bool) -> dict[str, bool]:
    """Write texts by their file names, and return whether each had to be: False where it was there just so.

    All are looked at before any is written. Raises NotWritten.
    """
    if texts:
        _make(folder)
    contents = {folder / name: text.encode() for name, text in texts.items()}
    there = {path: _same(path, content) for path, content in contents.items() if os.path.lexists(path)}
    others = [str(path) for path, same in there.items() if not same]
    if others and not force:
        more = f" and {len(others) - _NAMED} more" if len(others) > _NAMED else ""
        raise NotWritten(
            f"{', '.join(others[:_NAMED])}{more} {'is' if len(others) == 1 else 'are'} there already and not the same: "
            "nothing was written; --force replaces them, --unmanaged leaves out what has a manifest"
        )
    wanted = [path for path in contents if not there.get(path)]
    for done, path in enumerate(wanted):
        try:
            _replace(path, contents[path]) if path in there else _create(path, contents[path])
        except OSError as error:
            before = f"; {done} of {len(wanted)} files were written before it" if done else ""
            raise NotWritten(f"{path} cannot be written: {error.strerror}{before}") from error
    return {path.name: path in wanted for path in contents}


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise NotWritten(f"{folder} is no folder: give --output-dir another") from error
    except OSError as error:
        raise NotWritten(f"{folder} cannot be made: {error.strerror}") from error


def _same(path: Path, content: bytes) -> bool:
    """Tell whether a regular file, no link, holds just this."""
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            return file.read(len(content) + 1) == content
    except OSError:  # what is a link, a folder or unreadable is not the same
        return False


def _create(path: Path, content: bytes) -> None:
    """Write a file that is not there, whole or not at all, and never through a link."""
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except BaseException:
        with suppress(OSError):
            path.unlink()
        raise


def _replace(path: Path, content: bytes) -> None:
    """Write a file beside another and put it in its place: whoever reads sees one of them whole."""
    # A leading dot: no manifest, should it ever stay. The same name each time: then it stays once at most.
    beside = path.with_name(f".{path.name}.new")
    beside.unlink(missing_ok=True)
    _create(beside, content)
    try:
        beside.replace(path)
    except BaseException:
        with suppress(OSError):
            beside.unlink()
        raise
