"""The journal as a file: one JSON document per account and Region, replaced whole, under a file lock."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from reconciler.core.errors import StateError, StateHeld, StateMoved
from reconciler.core.journal import Journal, MalformedJournal, decode, encode
from reconciler.core.ports import Timer


class LocalJournal:
    """Reads the journal of one account and Region from a folder; makes nothing."""

    def __init__(self, folder: Path, account: str, region: str) -> None:
        self.path = folder / f"{account}-{region}.json"
        self._account, self._region = account, region

    def read(self) -> Journal:
        """Return the journal; an empty one, without a lineage, where there is no file. Raises StateError."""
        try:
            text = self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return Journal(self._account, self._region, lineage="")
        except (OSError, UnicodeDecodeError) as error:
            raise StateError(
                f"the journal {self.path} cannot be read: {_reason(error)}; it was left as it is"
            ) from error
        try:
            journal = decode(json.loads(text))
        except (ValueError, RecursionError, MalformedJournal) as error:
            raise StateError(f"the journal {self.path} cannot be used: {error}; it was left as it is") from error
        if (journal.account, journal.region) != (self._account, self._region):
            raise StateError(
                f"the journal {self.path} is of account {journal.account} in {journal.region}: "
                "give every installation its own --state"
            )
        return journal


class LocalJournalWriter:
    """Writes the journal of one account and Region, one process at a time."""

    def __init__(self, journal: LocalJournal, timeout: float, timer: Timer, new_lineage: Callable[[], str]) -> None:
        self._journal = journal
        self._timeout, self._timer, self._new_lineage = timeout, timer, new_lineage

    @contextmanager
    def lease(self) -> Iterator[LocalJournalWriter]:
        """Hold the lock while the block runs; the kernel frees it when its holder dies. Raises StateHeld."""
        lock = self._journal.path.with_suffix(".lock")
        try:
            file = self._open(lock)
        except OSError as error:
            raise StateError(f"the lease {lock} cannot be taken: {_reason(error)}; nothing was sent") from error
        try:
            yield self
        finally:
            os.close(file)

    def swap(self, expected: Journal, new: Journal) -> Journal:
        """Replace the journal on disk, for good before this returns. Raises StateMoved and StateError."""
        found, path = self._journal.read(), self._journal.path
        if (found.lineage, found.serial) != (expected.lineage, expected.serial):
            raise StateMoved(f"the journal {path} was written by someone else during this run")
        written = replace(new, lineage=found.lineage or self._new_lineage(), serial=found.serial + 1)
        try:
            _put(path, json.dumps(encode(written), indent=2) + "\n")
        except OSError as error:
            raise StateError(f"the journal {path} cannot be written: {_reason(error)}") from error
        return written

    def _open(self, lock: Path) -> int:
        """Take the lock of a file, and leave word of who has it."""
        if not lock.parent.exists():
            lock.parent.mkdir(parents=True, exist_ok=True)
            _sync_folder(lock.parent.parent)
        file = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            self._wait_for(file, lock)
            os.ftruncate(file, 0)
            os.pwrite(file, f"process {os.getpid()} on {os.uname().nodename}".encode(), 0)
        except BaseException:
            os.close(file)
            raise
        return file

    def _wait_for(self, file: int, lock: Path) -> None:
        deadline = self._timer.monotonic() + self._timeout
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if self._timer.monotonic() >= deadline:
                    holder = os.pread(file, 200, 0).decode(errors="replace") or "another process"
                    raise StateHeld(f"{lock} is held by {holder}: wait for it, or raise --lock-timeout") from None
                self._timer.sleep(0.1)
            else:
                return


def _put(path: Path, text: str) -> None:
    """Replace a file whole, readable for its owner only, for good before this returns."""
    temporary = path.with_name(path.name + ".new")
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
    with os.fdopen(os.open(temporary, flags, 0o600), "w", encoding="ascii") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)
    _sync_folder(path.parent)


def _sync_folder(folder: Path) -> None:
    """Make a rename last through a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
