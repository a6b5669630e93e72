"""Create temporary folders for git, each locked while in use, and remove those of killed processes."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from reconciler import redaction
from reconciler.core.errors import GitError

PREFIX = "reconciler-git-"
_ATTEMPTS = 20
_LOCKED_ERRNOS = frozenset(
    (errno.EWOULDBLOCK, errno.EACCES)
)  # flock(2), and the error on NFS, where the kernel implements flock with other locks


@contextmanager
def create() -> Iterator[str]:
    """Yield a private temporary folder, and remove it at the end of the block. Raises GitError."""
    sweep()
    with translate_os_errors():
        path, lock = _create_locked()
    try:
        with translate_os_errors():
            yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)
        os.close(lock)


def sweep() -> None:
    """Remove the temporary folders of this user that no process uses any more, and ignore errors.

    Other users may write to the parent folder, so links and folders of other users are left alone.
    """
    with suppress(OSError):
        parent = tempfile.gettempdir()
        with os.scandir(parent) as entries:
            names = [entry.name for entry in entries if entry.name.startswith(PREFIX)]
        for name in names:
            with suppress(OSError):
                _remove_unused(os.path.join(parent, name))  # noqa: PTH118 - rmtree and os.open take a str


def _remove_unused(path: str) -> None:
    """Remove a folder unless it is in use or belongs to another user."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        if os.fstat(descriptor).st_uid == os.geteuid():
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _is_at(descriptor, path):
                shutil.rmtree(path, ignore_errors=True)
    finally:
        os.close(descriptor)


def _create_locked() -> tuple[str, int]:
    """Create and lock a folder, and return its path and descriptor. Raises OSError.

    The lock ends when the descriptor is closed or the process ends.
    """
    for _ in range(_ATTEMPTS):
        path = tempfile.mkdtemp(prefix=PREFIX)
        with suppress(FileNotFoundError):  # another process removed the folder before it was locked
            descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            if _lock(descriptor) and _is_at(descriptor, path):
                return path, descriptor
            os.close(descriptor)
    raise OSError(errno.EBUSY, "other processes remove temporary folders as soon as they are created")


def _lock(descriptor: int) -> bool:
    """Lock a new folder, or return False if another process has locked it to remove it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in _LOCKED_ERRNOS  # without support for locks, no process can lock or remove the folder
    return True


def _is_at(descriptor: int, path: str) -> bool:
    """Return whether an open folder is still at a path."""
    try:
        path_status, open_status = Path(path).lstat(), os.fstat(descriptor)
    except FileNotFoundError:
        return False
    return stat.S_ISDIR(path_status.st_mode) and (path_status.st_dev, path_status.st_ino) == (
        open_status.st_dev,
        open_status.st_ino,
    )


@contextmanager
def translate_os_errors() -> Iterator[None]:
    """Translate an OSError in the block. Raises GitError."""
    try:
        yield
    except OSError as error:
        is_full = error.errno in {errno.ENOSPC, errno.EDQUOT}
        remedy = f" in {tempfile.gettempdir()}: free space there, or set TMPDIR to another folder" if is_full else ""
        raise GitError(f"git cannot be run: {error.strerror or redaction.describe_error(error)}{remedy}") from error
