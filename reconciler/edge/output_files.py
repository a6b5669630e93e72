"""Write files into a folder: each file completely, and none over a different file without `force`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

_MAX_NAMES = 3


class OutputError(OSError):
    """A folder or file that cannot be written. The message says which, why, and what to do."""


def write_files(folder: Path, texts: Mapping[str, str], *, force: bool) -> dict[str, bool]:
    """Write texts by file name, and return whether each was written: False if the same file already existed.

    Existing files are checked before the first write. Raises OutputError.
    """
    if texts:
        _create_folder(folder)
    contents = {folder / name: text.encode() for name, text in texts.items()}
    existing = {path: _has_content(path, content) for path, content in contents.items() if os.path.lexists(path)}
    conflicts = [str(path) for path, is_same in existing.items() if not is_same]
    if conflicts and not force:
        more = f" and {len(conflicts) - _MAX_NAMES} more" if len(conflicts) > _MAX_NAMES else ""
        raise OutputError(
            f"{', '.join(conflicts[:_MAX_NAMES])}{more} "
            f"{'is' if len(conflicts) == 1 else 'are'} there already and not the same: "
            "nothing was written; --force replaces them, --unmanaged leaves out what has a manifest"
        )
    paths_to_write = [path for path in contents if not existing.get(path)]
    for count, path in enumerate(paths_to_write):
        try:
            _replace_file(path, contents[path]) if path in existing else _create_file(path, contents[path])
        except OSError as error:
            progress = f"; {count} of {len(paths_to_write)} files were written before it" if count else ""
            raise OutputError(f"{path} cannot be written: {error.strerror}{progress}") from error
    return {path.name: path in paths_to_write for path in contents}


def _create_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise OutputError(f"{folder} is no folder: give --output-dir another") from error
    except OSError as error:
        raise OutputError(f"{folder} cannot be made: {error.strerror}") from error


def _has_content(path: Path, content: bytes) -> bool:
    """Return whether a path is a regular file, not a link, with exactly this content."""
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            return file.read(len(content) + 1) == content
    except OSError:  # a link, a folder or an unreadable file counts as different
        return False


def _create_file(path: Path, content: bytes) -> None:
    """Create a new file completely or not at all, and never through a link."""
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


def _replace_file(path: Path, content: bytes) -> None:
    """Replace a file atomically: a reader sees either the old or the new content."""
    # A leftover file with a leading dot is not read as a manifest. The fixed name leaves at most one.
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)
    _create_file(temporary, content)
    try:
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
