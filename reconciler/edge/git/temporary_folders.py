"""Create temporary folders for git. Each is locked while in use, and leftovers of killed processes are removed."""

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
)  # flock(2), and where the kernel does it by other locks (NFS)


@contextmanager
def create() -> Iterator[str]:
    """Yield a private temporary folder, and remove it afterwards. Raises GitError."""
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
    """Remove the folders of this user that no process uses any more. Nothing that goes wrong here stops anybody.

    In a folder that others write as well, only what is a folder of this user's own, and no link, is looked into.
    """
    with suppress(OSError):
        parent = tempfile.gettempdir()
        with os.scandir(parent) as entries:
            names = [entry.name for entry in entries if entry.name.startswith(PREFIX)]
        for name in names:
            with suppress(OSError):
                _remove_unused(os.path.join(parent, name))  # noqa: PTH118 - rmtree takes text, and so does open


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
    """Create and lock a folder. The lock ends with the process. Raises OSError."""
    for _ in range(_ATTEMPTS):
        path = tempfile.mkdtemp(prefix=PREFIX)
        with suppress(FileNotFoundError):  # another process swept it before it was locked
            descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
            if _lock(descriptor) and _is_at(descriptor, path):
                return path, descriptor
            os.close(descriptor)
    raise OSError(errno.EBUSY, "others remove folders for temporary files as soon as they are made")


def _lock(descriptor: int) -> bool:
    """Lock a new folder, and return False if another process is about to remove it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno not in _LOCKED_ERRNOS  # without lock support, no process can lock or sweep the folder
    return True


def _is_at(descriptor: int, path: str) -> bool:
    """Return whether an open folder is still at its path."""
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
    """Translate the system's errors in the block. Raises GitError."""
    try:
        yield
    except OSError as error:
        is_full = error.errno in {errno.ENOSPC, errno.EDQUOT}
        remedy = f" in {tempfile.gettempdir()}: make room there, or name another folder in TMPDIR" if is_full else ""
        raise GitError(f"git cannot be run: {error.strerror or redaction.describe_error(error)}{remedy}") from error
