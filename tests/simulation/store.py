"""The journal's place in memory, shared by all processes: like an object in S3, or like a file under a lock."""

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
"""How long after its client gave up a put may still arrive, in seconds."""


class Witness(Protocol):
    """Is told what becomes of the journal."""

    def touched(self, trace: Trace, what: str) -> None:
        """Take note that a run is about to write the journal, or to lock it."""

    def written(self, trace: Trace, before: dict[str, Any] | None, after: dict[str, Any]) -> None:
        """Take note that a put was accepted."""


class Shelf:
    """What is stored, as text and as JSON, and all that ever was. `epoch` counts losses and restorations."""

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
        """What S3 calls an ETag: the same text has the same one."""
        return version_of(self.text)

    def replace(self, trace: Trace, text: str, version: str | None) -> str:
        """Put a text where that version is. Raises StateConflict."""
        if self.version != version:
            self.history.tell(trace.who, "put refused: something else is there")
            self.history.reach("put: moved")
            raise StateConflict("something else is there")
        before = self.document
        self._hold(text)
        after = self.document or {}
        self.past.append(text)
        self.history.tell(trace.who, f"put: {summary(after)}")
        self.witness.written(trace, before, after)
        return version_of(text) or ""

    def replace_later(self, trace: Trace, text: str, version: str | None) -> None:
        """Let a put arrive whose client is not there for the answer."""

        def arrive() -> None:
            if self.version == version:
                self.replace(trace, text, version)
                self.history.reach("put: arrived late")

        self.schedule.at(self.schedule.now + self.random.uniform(0, LATE), arrive)

    def lose(self) -> None:
        """Lose what is stored."""
        if self.text is not None:
            self._hold(None)
            self.epoch += 1
            self.history.tell("journal", "is LOST")
            self.history.reach("state lost")

    def restore(self, random: Random) -> None:
        """Put back what stood there some time ago."""
        older = [text for text in self.past if text != self.text]
        if older:
            self._hold(random.choice(older))
            self.epoch += 1
            self.history.tell("journal", f"is RESTORED to {summary(self.document or {})}")
            self.history.reach("state restored")

    def _hold(self, text: str | None) -> None:
        self.text, self.document = text, None if text is None else json.loads(text)


class Desk:
    """The store of one process; `trace` is of its run."""

    place = "memory"
    trace: Trace

    def __init__(self, shelf: Shelf, process: Process) -> None:
        self._shelf, self._process = shelf, process
        self.is_exclusive = shelf.scenario.local

    def load(self) -> StoredText | None:
        """Return what is there. Raises StateError."""
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
        """Take the lock, where there is one."""
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
        """Free the lock."""
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
    """Return a journal in which one digit of each token is another."""
    return re.sub(r"(-v1-)([0-9a-f])", lambda found: found[1] + ("0" if found[2] != "0" else "1"), text)


def version_of(text: str | None) -> str | None:
    """Return the version of a text."""
    return None if text is None else hashlib.sha256(text.encode()).hexdigest()


def summary(journal: dict[str, Any]) -> str:
    """Return a journal as one line of a history."""
    records = (
        f"{name}={record.get('associationId', '')[:8] or 'intended'}"
        f"{'*' if record.get('update') else ''}{'?' if record.get('missingSince') else ''}"
        f"/{record['incarnation']}/{record.get('attempts', '')}"
        for name, record in journal["records"].items()
    )
    lease = journal.get("lease")
    return f"serial {journal['serial']}, lease {lease and lease['number']}, {' '.join(records)}"
