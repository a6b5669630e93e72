"""A journal as a file: replaced whole, under a lock that the kernel frees when its holder dies."""

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
    errno.ENOSPC: "make room there",
    errno.EDQUOT: "make room there",
    errno.EFBIG: "raise the limit on the size of files (ulimit -f)",
    errno.EROFS: "mount it for writing, or name another folder by --state",
    errno.EACCES: "let the user that this runs as write there, or name another folder by --state",
}


def check_location(location: str) -> None:
    """Refuse what is not plainly the path of a folder. Raises ValueError."""
    if problem := find_path_problem(location):
        raise ValueError(problem)


def open_location(location: str, namespace: str, _: Callable[[str], Any]) -> FolderLocation:
    """Return the place of all journals in a folder. Raises ValueError."""
    check_location(location)
    return FolderLocation(Path(location) / namespace)


@dataclass(frozen=True, slots=True)
class FolderLocation:
    """A folder: each journal is a file. A `StateLocation`."""

    folder: Path
    is_shared: ClassVar = False
    restore_remedy: ClassVar = "mount the folder that holds it, or restore it from a backup"
    unchecked_write: ClassVar = None

    @property
    def name(self) -> str:
        """The path of the folder."""
        return str(self.folder)

    def open_store(self, document: str) -> FileStore:
        """Return the store of one file."""
        return FileStore(self.folder / document)

    def find_obstacle(self) -> str | None:
        """Return why nothing can be written to the folder, or why it cannot be made; None if nothing shows."""
        nearest = next((each for each in (self.folder, *self.folder.parents) if os.path.lexists(each)), Path())
        try:
            is_folder = stat.S_ISDIR(nearest.stat().st_mode)
        except FileNotFoundError:
            return f"{nearest} is a link that leads nowhere"
        except OSError as error:
            return f"{nearest} cannot be looked at: {error.strerror}"
        if not is_folder:
            return f"{nearest} is no folder"
        return None if os.access(nearest, os.W_OK | os.X_OK) else f"{nearest} is not writable for this user"

    def find_file_obstacle(self, document: str) -> str | None:
        """Return which existing file of a journal a run cannot open; None if it can open all of them.

        The journal itself does not count: it is replaced, which needs its folder alone.
        """
        return find_locked_file(self.open_store(document))


def find_locked_file(store: FileStore, has_access: Callable[[Path, int], bool] = os.access) -> str | None:
    """Return which existing file of a store this user cannot read and write; None if all of them can be."""
    for path in store.side_files:
        try:
            mode = path.lstat().st_mode
        except FileNotFoundError:
            continue
        except OSError as error:
            return f"{path} cannot be looked at: {error.strerror}"
        if not stat.S_ISREG(mode):
            return f"{path} is no plain file"
        if not has_access(path, os.R_OK | os.W_OK):
            return f"{path} is not readable and writable for this user"
    return None


class FileStore:
    """One file, beside it the lock of its writers; whoever only reads makes nothing. A `Store`."""

    is_exclusive = True

    def __init__(self, path: Path) -> None:
        self.place = str(path)
        self._path, self._lock_file = path, path.with_suffix(".lock")
        self._lock: int | None = None

    @property
    def side_files(self) -> tuple[Path, ...]:
        """The files beside it that a writer opens, whether they are there or not: its lock, and the text to come."""
        return self._lock_file, _build_temporary_path(self._path)

    def load(self) -> StoredText | None:
        """Return the file's text, None where there is no file. Raises StateError."""
        try:
            text = self._path.read_bytes().decode()
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise StateError(
                f"the journal {self.place} cannot be read: {_describe_error(error)}; it was left as it is"
            ) from error
        return StoredText(text, _compute_version(text))

    def put(self, text: str, version: str | None) -> str:
        """Replace the file, for good before this returns. Raises StateConflict and StateError."""
        assert self._lock is not None, "the store has to be claimed before it is written"
        stored = self.load()
        if (stored and stored.version) != version:
            raise StateConflict(f"the journal {self.place} was written by someone else during this run")
        try:
            _replace_file(self._path, text)
        except OSError as error:
            raise StateError(f"the journal {self.place} cannot be written: {_describe_write_error(error)}") from error
        return _compute_version(text)

    def claim(self) -> bool:
        """Take the lock, without waiting; False where another process has it. Raises StateError."""
        assert self._lock is None, "the store is claimed already"
        lock = self._lock_file
        try:
            _make_folder(lock.parent)
            self._lock = _open_and_lock(lock)
        except OSError as error:
            raise StateError(
                f"the lease {lock} cannot be taken: {_describe_write_error(error)}; nothing was sent"
            ) from error
        return self._lock is not None

    def release(self) -> None:
        """Free the lock; nothing happens where there is none."""
        file, self._lock = self._lock, None
        if file is not None:
            with suppress(OSError):  # Linux frees it even then
                os.close(file)


def _open_and_lock(lock: Path) -> int | None:
    """Open a file and lock it; None where another process has locked it."""
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
    """Replace a file whole, readable for its owner only, for good before this returns."""
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
    """Make a folder and those above it that are missing, for good, and for their owner only whatever the umask is."""
    for missing in reversed([each for each in (folder, *folder.parents) if not each.exists()]):
        missing.mkdir(mode=0o700, exist_ok=True)
        _sync_folder(missing.parent)


def _sync_folder(folder: Path) -> None:
    """Make what was made or renamed in a folder last through a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _compute_version(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _describe_write_error(error: OSError) -> str:
    """Return why nothing can be written, and what would be right where that is known."""
    remedy = _REMEDIES.get(error.errno or 0)
    return f"{_describe_error(error)}: {remedy}" if remedy else _describe_error(error)


def _describe_error(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or redaction.describe_error(error)
