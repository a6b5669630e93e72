"""The journal as a file: one JSON document per account and Region, replaced whole, under a file lock."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from reconciler.core.errors import StateError, StateHeld, StateMoved
from reconciler.core.journal import Journal, MalformedJournal, decode, encode


class Timer(Protocol):
    """Seconds that only grow, and waiting."""

    def monotonic(self) -> float:
        """Return seconds since some point that never moves."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


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
            lock.parent.mkdir(parents=True, exist_ok=True)
            file = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        except OSError as error:
            raise StateError(f"the lease {lock} cannot be taken: {_reason(error)}; nothing was sent") from error
        try:
            self._wait_for(file, lock)
            os.ftruncate(file, 0)
            os.pwrite(file, f"process {os.getpid()} on {os.uname().nodename}".encode(), 0)
            yield self
        finally:
            os.close(file)

    def swap(self, expected: Journal, new: Journal) -> Journal:
        """Replace the journal on disk, for good before this returns. Raises StateMoved and StateError."""
        found, path = self._journal.read(), self._journal.path
        if (found.lineage, found.serial) != (expected.lineage, expected.serial):
            raise StateMoved(f"the journal {path} was written by someone else during this run")
        written = replace(new, lineage=found.lineage or self._new_lineage())
        temporary = path.with_suffix(".json.new")
        text = json.dumps(encode(written), indent=2, ensure_ascii=False) + "\n"
        try:
            with temporary.open("w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(path)
            _sync_folder(path.parent)
        except OSError as error:
            raise StateError(f"the journal {path} cannot be written: {_reason(error)}") from error
        return written

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


def _sync_folder(folder: Path) -> None:
    """Make a rename last through a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _reason(error: Exception) -> str:
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
