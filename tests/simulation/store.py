"""Store of the journal in memory, shared by the processes: like an object in S3, or like a file with a lock."""

from __future__ import annotations

import hashlib
import json
import re
from random import Random
from typing import Any, Protocol

from simulation.dice import chance, dice
from simulation.history import History
from simulation.scenario import Scenario
from simulation.schedule import Killed, Process, Schedule
from simulation.trace import Trace

from reconciler.core.errors import StateConflict, StateError, StateWriteUnknown
from reconciler.edge.state.store import StoredText

PUT_FAULTS = ("refused", "uncertain, not written", "uncertain, written", "uncertain, written late")
LOAD_FAULTS = ("unreadable", "one digit changed")
LATE = 60.0
"""Maximum number of seconds after the timeout of a client in which its write may still arrive."""


class Witness(Protocol):
    """Observer of the journal."""

    def touched(self, trace: Trace, what: str) -> None:
        """Record that a run is about to write or lock the journal."""

    def written(self, trace: Trace, before: dict[str, Any] | None, after: dict[str, Any]) -> None:
        """Record that a write was accepted."""


class Shelf:
    """The stored journal as text and JSON, with earlier versions. `epoch` counts losses and restores."""

    def __init__(self, scenario: Scenario, schedule: Schedule, history: History, witness: Witness) -> None:
        self.scenario, self.schedule, self.history, self.witness = scenario, schedule, history, witness
        self.random = dice(scenario.seed, "store")
        self.text: str | None = None
        self.document: dict[str, Any] | None = None
        self.past: list[str] = []
        self.epoch = 0
        self.owner: Process | None = None
        self.rough = True

    @property
    def version(self) -> str | None:
        """The version of the text, like an ETag of S3."""
        return version_of(self.text)

    def replace(self, trace: Trace, text: str, version: str | None) -> str:
        """Write a text if the version still matches. Raises StateConflict."""
        if self.version != version:
            self.history.tell(trace.who, "write refused: the journal has changed")
            self.history.reach("put: moved")
            raise StateConflict("the journal has changed")
        before = self.document
        self._hold(text)
        after = self.document or {}
        self.past.append(text)
        self.history.tell(trace.who, f"put: {summary(after)}")
        self.witness.written(trace, before, after)
        return version_of(text) or ""

    def replace_later(self, trace: Trace, text: str, version: str | None) -> None:
        """Write a text later, when its client no longer waits for the answer."""

        def arrive() -> None:
            if self.version == version:
                self.replace(trace, text, version)
                self.history.reach("put: arrived late")

        self.schedule.at(self.schedule.now + self.random.uniform(0, LATE), arrive)

    def lose(self) -> None:
        """Lose the journal."""
        if self.text is not None:
            self._hold(None)
            self.epoch += 1
            self.history.tell("journal", "is LOST")
            self.history.reach("state lost")

    def restore(self, random: Random) -> None:
        """Restore an earlier version of the journal."""
        older = [text for text in self.past if text != self.text]
        if older:
            self._hold(random.choice(older))
            self.epoch += 1
            self.history.tell("journal", f"is RESTORED to {summary(self.document or {})}")
            self.history.reach("state restored")

    def _hold(self, text: str | None) -> None:
        self.text, self.document = text, None if text is None else json.loads(text)


class Desk:
    """The store as one process uses it. `trace` belongs to the current run of the process."""

    place = "memory"
    trace: Trace

    def __init__(self, shelf: Shelf, process: Process) -> None:
        self._shelf, self._process = shelf, process
        self.is_exclusive = shelf.scenario.local

    def load(self) -> StoredText | None:
        """Return the stored text. Raises StateError."""
        shelf, process = self._shelf, self._process
        process.pause("load: before", self._travel())
        fault = self._fault(shelf.scenario.faults.load, LOAD_FAULTS, "load")
        if fault == "unreadable":
            raise StateError("the store does not answer")
        text = shelf.text
        if text and fault:
            return StoredText(_rotten(text), version_of(text) or "")
        self.trace.read, self.trace.epoch = shelf.document, shelf.epoch
        process.pause("load: before its answer", self._travel())
        return None if text is None else StoredText(text, version_of(text) or "")

    def put(self, text: str, version: str | None) -> str:
        """Replace a version. Raises StateConflict, StateWriteUnknown and StateError."""
        shelf, process, trace = self._shelf, self._process, self.trace
        shelf.witness.touched(trace, "put")
        if self.is_exclusive and shelf.owner is not process:
            raise AssertionError("put without a claim")
        kinds = PUT_FAULTS[:1] if self.is_exclusive else PUT_FAULTS
        fault = self._fault(shelf.scenario.faults.put, kinds, "put")
        try:
            process.pause("put: before it arrives", self._travel())
        except Killed:
            if not fault and not self.is_exclusive and chance(shelf.random, 0.5):
                shelf.replace_later(trace, text, version)
            raise
        if fault == "refused":
            raise StateError("the store refuses")
        if fault == "uncertain, not written":
            raise StateWriteUnknown("no answer")
        if fault == "uncertain, written late":
            shelf.replace_later(trace, text, version)
            raise StateWriteUnknown("no answer")
        written = shelf.replace(trace, text, version)
        process.pause("put: before its answer", self._travel())
        if fault == "uncertain, written":
            raise StateWriteUnknown("no answer")
        return written

    def claim(self) -> bool:
        """Take the lock, if the store has one."""
        self._process.breathe()
        self._shelf.witness.touched(self.trace, "claim")
        if not self.is_exclusive:
            return True
        if self._shelf.owner is not None:
            self._shelf.history.reach("lock: held by another")
            return False
        self._shelf.owner = self._process
        self._process.at_death.append(self._freed)
        return True

    def release(self) -> None:
        """Release the lock."""
        self._process.breathe()
        self._freed()

    def _freed(self) -> None:
        if self._shelf.owner is self._process:
            self._shelf.owner = None

    def _fault(self, probability: float, kinds: tuple[str, ...], what: str) -> str | None:
        shelf = self._shelf
        if not shelf.rough or not chance(shelf.random, probability):
            return None
        fault = shelf.random.choice(kinds)
        shelf.history.tell(self.trace.who, f"{what} goes wrong: {fault}")
        shelf.history.reach(f"{what}: {fault}")
        return fault

    def _travel(self) -> float:
        return self._shelf.random.uniform(0.001, 0.01 if self.is_exclusive else 0.1)


def _rotten(text: str) -> str:
    """Return a journal in which one digit of each token is changed."""
    return re.sub(r"(-v1-)([0-9a-f])", lambda found: found[1] + ("0" if found[2] != "0" else "1"), text)


def version_of(text: str | None) -> str | None:
    """Return the version of a text."""
    return None if text is None else hashlib.sha256(text.encode()).hexdigest()


def summary(journal: dict[str, Any]) -> str:
    """Return a journal as one line of the history."""
    records = (
        f"{name}={record.get('associationId', '')[:8] or 'intended'}"
        f"{'*' if record.get('update') else ''}{'?' if record.get('missingSince') else ''}"
        f"/{record['incarnation']}/{record.get('attempts', '')}"
        for name, record in journal["records"].items()
    )
    lease = journal.get("lease")
    return f"serial {journal['serial']}, lease {lease and lease['number']}, {' '.join(records)}"
