"""Temporary files and folders for git; where there is no place for them, that is said."""

from __future__ import annotations

import errno
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

from reconciler.core.errors import GitError


@contextmanager
def folder() -> Iterator[str]:
    """Give a folder that nobody else reads, and remove it afterwards. Raises GitError."""
    with placed(), tempfile.TemporaryDirectory(prefix="reconciler-", ignore_cleanup_errors=True) as made:
        yield made


@contextmanager
def placed() -> Iterator[None]:
    """Say what the system refused while the block ran. Raises GitError."""
    try:
        yield
    except OSError as error:
        full = error.errno in {errno.ENOSPC, errno.EDQUOT}
        way_out = f" in {tempfile.gettempdir()}: make room there, or name another folder in TMPDIR" if full else ""
        raise GitError(f"git cannot be run: {error.strerror or error}{way_out}") from error
