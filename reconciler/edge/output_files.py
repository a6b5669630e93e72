"""Write files into a folder. Each file is complete, and a different file is replaced only if `may_overwrite`."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from contextlib import ExitStack, suppress
from pathlib import Path

_MAX_NAMES = 3


class OutputError(OSError):
    """A folder or file cannot be written. The message names the path, the reason and the remedy."""


def write_files(folder: Path, texts: Mapping[str, str], *, may_overwrite: bool) -> dict[str, bool]:
    """Write texts to files, and return for each file name whether the file was written.

    `texts` maps file names to texts. A file that already has its text is not written. Existing files are checked
    before the first write. Raises OutputError.
    """
    if texts:
        _create_folder(folder)
    contents = {folder / name: text.encode() for name, text in texts.items()}
    existing = {path: _has_content(path, content) for path, content in contents.items() if os.path.lexists(path)}
    conflicts = [str(path) for path, is_same in existing.items() if not is_same]
    if conflicts and not may_overwrite:
        more = f" and {len(conflicts) - _MAX_NAMES} more" if len(conflicts) > _MAX_NAMES else ""
        raise OutputError(
            f"{', '.join(conflicts[:_MAX_NAMES])}{more} "
            f"already {'exists' if len(conflicts) == 1 else 'exist'} with different content: nothing was written; "
            "use --force to replace such files, or --unmanaged to skip associations that have a manifest"
        )
    paths_to_write = [path for path in contents if not existing.get(path)]
    for count, path in enumerate(paths_to_write):
        try:
            _replace_file(path, contents[path]) if path in existing else _create_file(path, contents[path])
        except OSError as error:
            progress = f"; {count} of {len(paths_to_write)} files were written before this one" if count else ""
            raise OutputError(f"{path} cannot be written: {error.strerror}{progress}") from error
    return {path.name: path in paths_to_write for path in contents}


def create_files(folder: Path, texts: Mapping[str, str]) -> None:
    """Create new files with these texts, by their path below a folder. Raises OutputError.

    No existing file is changed. If one of the files exists or cannot be written, none is created.
    """
    refuse_existing(folder / name for name in texts)
    with ExitStack() as stack:
        for name, text in texts.items():
            path = folder / name
            try:
                path.parent.mkdir(parents=True, exist_ok=True)
                _create_file(path, text.encode())
            except OSError as error:
                raise OutputError(f"{path} cannot be written: {error.strerror}; nothing was written") from error
            stack.callback(_remove_file, path)
        stack.pop_all()


def refuse_existing(paths: Iterable[Path]) -> None:
    """Raise OutputError if one of the paths exists."""
    for path in paths:
        if os.path.lexists(path):
            raise OutputError(f"{path} already exists: nothing was written; choose another folder, or move it away")


def find_entry(folder: Path) -> Path | None:
    """Return a file or folder in a folder, or None if the folder is empty or missing.

    If the path is not a folder, return the path. Raises OutputError.
    """
    if not os.path.isdir(folder):  # noqa: PTH112 - Path.is_dir may raise PermissionError
        return folder if os.path.lexists(folder) else None
    try:
        return min(folder.iterdir(), default=None)
    except OSError as error:
        raise OutputError(f"{folder} cannot be read: {error.strerror}") from error


def is_below_file(folder: Path) -> bool:
    """Return whether a folder cannot exist, because it is a file, or because one of its parents is a file."""
    existing = next((each for each in (folder, *folder.absolute().parents) if os.path.lexists(each)), None)
    return existing is not None and not os.path.isdir(existing)  # noqa: PTH112 - Path.is_dir may raise PermissionError


def _create_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        raise OutputError(f"{folder} is not a folder: choose another --output-dir") from error
    except OSError as error:
        raise OutputError(f"{folder} cannot be created: {error.strerror}") from error


def _has_content(path: Path, content: bytes) -> bool:
    """Return whether a path is a regular file with exactly this content. A link counts as different."""
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
            return file.read(len(content) + 1) == content
    except OSError:  # a link, a folder or an unreadable file counts as different
        return False


def _remove_file(path: Path) -> None:
    with suppress(OSError):
        path.unlink()


def _create_file(path: Path, content: bytes) -> None:
    """Create a new file with its complete content, or no file. Links are not followed."""
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
    # The leading dot keeps a leftover file from being read as a manifest. The fixed name allows at most one leftover.
    temporary = path.with_name(f".{path.name}.new")
    temporary.unlink(missing_ok=True)
    _create_file(temporary, content)
    try:
        temporary.replace(path)
    except BaseException:
        with suppress(OSError):
            temporary.unlink()
        raise
