"""Store a journal in a file. Writes replace the whole file, under a lock that the kernel frees if its holder dies."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from reconciler import redaction
from reconciler.core.errors import StateConflict, StateError
from reconciler.edge.state.folder_path import find_path_problem
from reconciler.edge.state.store import StoredText

_REMEDIES = {
    errno.ENOSPC: "free some space there",
    errno.EDQUOT: "free some space there",
    errno.EFBIG: "raise the file size limit (ulimit -f)",
    errno.EROFS: "mount it writable, or choose another folder with --state",
    errno.EACCES: "give the user of this process write access, or choose another folder with --state",
}


def check_location(location: str) -> None:
    """Reject a text that is not clearly the path of a folder. Raises ValueError."""
    if problem := find_path_problem(location):
        raise ValueError(f"{location!r} {problem}")


def open_location(location: str, namespace: str, _: Callable[[str], Any]) -> FolderLocation:
    """Return the location of journals in a folder. Raises ValueError."""
    check_location(location)
    return FolderLocation(Path(location) / namespace)


@dataclass(frozen=True, slots=True)
class FolderLocation:
    """A `StateLocation` in a folder. Each journal is a file."""

    folder: Path
    is_shared: ClassVar = False
    restore_remedy: ClassVar = "mount the folder of the journal, or restore the journal from a backup"
    unchecked_write: ClassVar = None

    @property
    def name(self) -> str:
        """The path of the folder."""
        return str(self.folder)

    def open_store(self, document: str) -> FileStore:
        """Return the store of one file."""
        return FileStore(self.folder / document)

    def find_obstacle(self) -> str | None:
        """Return why the folder cannot be written or created, or None if no obstacle is visible."""
        nearest = next((each for each in (self.folder, *self.folder.parents) if os.path.lexists(each)), Path())
        try:
            is_folder = stat.S_ISDIR(nearest.stat().st_mode)
        except FileNotFoundError:
            return f"{nearest} is a broken link"
        except OSError as error:
            return f"{nearest} cannot be inspected: {error.strerror}"
        if not is_folder:
            return f"{nearest} is not a folder"
        return None if os.access(nearest, os.W_OK | os.X_OK) else f"{nearest} is not writable by this user"

    def find_file_obstacle(self, document: str) -> str | None:
        """Return why a run cannot open an existing side file of a journal, or None if it can open each of them.

        The journal itself is not checked: replacing a file requires write access to its folder only.
        """
        return find_locked_file(self.open_store(document))


def find_locked_file(store: FileStore, has_access: Callable[[Path, int], bool] = os.access) -> str | None:
    """Return the first existing side file of a store that this user cannot open, with the reason, or None."""
    for path in store.side_files:
        try:
            mode = path.lstat().st_mode
        except (FileNotFoundError, NotADirectoryError):  # `find_obstacle` names the part that is not a folder
            continue
        except OSError as error:
            return f"{path} cannot be inspected: {error.strerror}"
        if not stat.S_ISREG(mode):
            return f"{path} is not a regular file"
        if not has_access(path, os.R_OK | os.W_OK):
            return f"{path} is not readable and writable by this user"
    return None


class FileStore:
    """A `Store` in one file, with a lock file for writers beside it. Reading creates no files."""

    is_exclusive = True

    def __init__(self, path: Path) -> None:
        self.place = str(path)
        self._path, self._lock_file = path, path.with_suffix(".lock")
        self._lock: int | None = None

    @property
    def side_files(self) -> tuple[Path, ...]:
        """The files that a writer opens beside the journal: the lock file and the temporary file for the new text."""
        return self._lock_file, _build_temporary_path(self._path)

    def load(self) -> StoredText | None:
        """Return the text of the file, or None if there is no file. Raises StateError."""
        try:
            text = self._path.read_bytes().decode()
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            reason = self._describe_path_error(error)
            raise StateError(
                f"the journal {self.place} cannot be read: {reason}; this run did not change it"
            ) from error
        return StoredText(text, _compute_version(text))

    def put(self, text: str, version: str | None) -> str:
        """Replace the file, and return the new version after it is on disk. Raises StateConflict and StateError."""
        assert self._lock is not None, "the store must be claimed before it is written"
        stored = self.load()
        if (stored and stored.version) != version:
            raise StateConflict(f"the journal {self.place} was changed by another process during this run")
        try:
            _replace_file(self._path, text)
        except OSError as error:
            raise StateError(f"the journal {self.place} cannot be written: {_describe_write_error(error)}") from error
        return _compute_version(text)

    def claim(self) -> bool:
        """Acquire the lock without waiting. Return False if another process holds it. Raises StateError."""
        assert self._lock is None, "the store is already claimed"
        lock = self._lock_file
        try:
            _make_folder(lock.parent)
            self._lock = _open_and_lock(lock)
        except OSError as error:
            raise StateError(
                f"the lease {lock} cannot be acquired: {_describe_write_error(error)}; nothing was sent"
            ) from error
        return self._lock is not None

    def _describe_path_error(self, error: Exception) -> str:
        """Return the reason of an error. If a part of the path is a file, name it with the remedy."""
        if isinstance(error, NotADirectoryError):
            file = next(each for each in self._path.parents if os.path.lexists(each))
            return f"{file} is a file: write the path of a folder in --state"
        return _describe_error(error)

    def release(self) -> None:
        """Release the lock, if this store holds it."""
        file, self._lock = self._lock, None
        if file is not None:
            with suppress(OSError):  # Linux releases the lock even if close fails
                os.close(file)


def _open_and_lock(lock: Path) -> int | None:
    """Open and lock a file, and return its descriptor. Return None if another process holds the lock."""
    file = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        return None
    except BaseException:
        os.close(file)
        raise
    return file


def _replace_file(path: Path, text: str) -> None:
    """Replace a file atomically and durably. Only its owner can read the new file."""
    temporary = _build_temporary_path(path)
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
    with os.fdopen(os.open(temporary, flags, 0o600), "wb") as file:
        file.write(text.encode())
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    _sync_folder(path.parent)


def _build_temporary_path(path: Path) -> Path:
    return path.with_name(path.name + ".new")


def _make_folder(folder: Path) -> None:
    """Create a folder and its missing parents durably. Only their owner has access, whatever the umask."""
    for missing in reversed([each for each in (folder, *folder.parents) if not each.exists()]):
        missing.mkdir(mode=0o700, exist_ok=True)
        _sync_folder(missing.parent)


def _sync_folder(folder: Path) -> None:
    """Write the entries of a folder to disk, to keep new and renamed files after a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _compute_version(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _describe_write_error(error: OSError) -> str:
    """Return the reason of a write error, and its remedy if one is known."""
    remedy = _REMEDIES.get(error.errno or 0)
    return f"{_describe_error(error)}: {remedy}" if remedy else _describe_error(error)


def _describe_error(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or redaction.describe_error(error)
