"""Store of the journal in memory, shared by the processes: like an object in S3, or like a file with a lock."""

from __future__ import annotations

import hashlib
import json
import re
from random import Random
from typing import Any, Protocol

from simulation.history import History
from simulation.randomness import create_random, draw_bool
from simulation.scenario import Scenario
from simulation.schedule import Process, ProcessKilled, Schedule
from simulation.trace import Trace

from reconciler.core.errors import StateConflict, StateError, StateWriteUnknown
from reconciler.edge.state.store import StoredText

PUT_FAULTS = ("refused", "uncertain, not written", "uncertain, written", "uncertain, written late")
LOAD_FAULTS = ("unreadable", "one digit changed")
MAX_DELAY = 60.0
"""Maximum number of seconds after the timeout of a client in which its write may still arrive."""


class JournalObserver(Protocol):
    """Observer of the journal."""

    def record_access(self, trace: Trace, access: str) -> None:
        """Record that a run is about to write or lock the journal."""

    def record_write(self, trace: Trace, before: dict[str, Any] | None, after: dict[str, Any]) -> None:
        """Record that a write was accepted."""


class SharedStore:
    """The stored journal as text and JSON, with earlier versions. `epoch` counts losses and restores."""

    def __init__(self, scenario: Scenario, schedule: Schedule, history: History, observer: JournalObserver) -> None:
        self.scenario, self.schedule, self.history, self.observer = scenario, schedule, history, observer
        self.random = create_random(scenario.seed, "store")
        self.text: str | None = None
        self.document: dict[str, Any] | None = None
        self.earlier_texts: list[str] = []
        self.epoch = 0
        self.loss_times: list[float] = []
        self.owner: Process | None = None
        self.has_faults = True

    @property
    def version(self) -> str | None:
        """The version of the text, like an ETag of S3."""
        return compute_version(self.text)

    def replace(self, trace: Trace, text: str, version: str | None) -> str:
        """Write a text if the version still matches. Raises StateConflict."""
        if self.version != version:
            self.history.add_line(trace.controller, "write refused: the journal has changed")
            self.history.count_event("put: moved")
            raise StateConflict("the journal has changed")
        before = self.document
        self._set_text(text)
        after = self.document or {}
        self.earlier_texts.append(text)
        self.history.add_line(trace.controller, f"put: {format_journal(after)}")
        self.observer.record_write(trace, before, after)
        return compute_version(text) or ""

    def replace_later(self, trace: Trace, text: str, version: str | None) -> None:
        """Write a text later, when its client no longer waits for the answer."""

        def replace_now() -> None:
            if self.version == version:
                self.replace(trace, text, version)
                self.history.count_event("put: arrived late")

        self.schedule.add_event(self.schedule.now + self.random.uniform(0, MAX_DELAY), replace_now)

    def lose(self) -> None:
        """Lose the journal."""
        if self.text is not None:
            self._set_text(None)
            self.epoch += 1
            self.loss_times.append(self.schedule.now)
            self.history.add_line("journal", "is LOST")
            self.history.count_event("state lost")

    def restore(self, random: Random) -> None:
        """Restore an earlier version of the journal."""
        texts = [text for text in self.earlier_texts if text != self.text]
        if texts:
            self._set_text(random.choice(texts))
            self.epoch += 1
            self.loss_times.append(self.schedule.now)
            self.history.add_line("journal", f"is RESTORED to {format_journal(self.document or {})}")
            self.history.count_event("state restored")

    def _set_text(self, text: str | None) -> None:
        self.text, self.document = text, None if text is None else json.loads(text)


class ProcessStore:
    """The store as one process uses it. `trace` belongs to the current run of the process."""

    place = "memory"
    trace: Trace

    def __init__(self, shared: SharedStore, process: Process) -> None:
        self._shared, self._process = shared, process
        self.is_exclusive = shared.scenario.is_local

    def load(self) -> StoredText | None:
        """Return the stored text. Raises StateError."""
        shared, process = self._shared, self._process
        process.pause("load: before", self._draw_travel_time())
        fault = self._draw_fault(shared.scenario.faults.load, LOAD_FAULTS, "load")
        if fault == "unreadable":
            raise StateError("the store does not answer")
        text = shared.text
        if text and fault:
            return StoredText(_corrupt_tokens(text), compute_version(text) or "")
        self.trace.read_journal, self.trace.epoch = shared.document, shared.epoch
        process.pause("load: before its answer", self._draw_travel_time())
        return None if text is None else StoredText(text, compute_version(text) or "")

    def put(self, text: str, version: str | None) -> str:
        """Replace a version. Raises StateConflict, StateWriteUnknown and StateError."""
        shared, process, trace = self._shared, self._process, self.trace
        shared.observer.record_access(trace, "put")
        if self.is_exclusive and shared.owner is not process:
            raise AssertionError("put without a claim")
        kinds = PUT_FAULTS[:1] if self.is_exclusive else PUT_FAULTS
        fault = self._draw_fault(shared.scenario.faults.put, kinds, "put")
        try:
            process.pause("put: before it arrives", self._draw_travel_time())
        except ProcessKilled:
            if not fault and not self.is_exclusive and draw_bool(shared.random, 0.5):
                shared.replace_later(trace, text, version)
            raise
        if fault == "refused":
            raise StateError("the store refuses")
        if fault == "uncertain, not written":
            raise StateWriteUnknown("no answer")
        if fault == "uncertain, written late":
            shared.replace_later(trace, text, version)
            raise StateWriteUnknown("no answer")
        new_version = shared.replace(trace, text, version)
        process.pause("put: before its answer", self._draw_travel_time())
        if fault == "uncertain, written":
            raise StateWriteUnknown("no answer")
        return new_version

    def claim(self) -> bool:
        """Take the lock, if the store has one."""
        self._process.check_alive()
        self._shared.observer.record_access(self.trace, "claim")
        if not self.is_exclusive:
            return True
        if self._shared.owner is not None:
            self._shared.history.count_event("lock: held by another")
            return False
        self._shared.owner = self._process
        self._process.death_callbacks.append(self._free_lock)
        return True

    def release(self) -> None:
        """Release the lock."""
        self._process.check_alive()
        self._free_lock()

    def _free_lock(self) -> None:
        if self._shared.owner is self._process:
            self._shared.owner = None

    def _draw_fault(self, probability: float, kinds: tuple[str, ...], operation: str) -> str | None:
        shared = self._shared
        if not shared.has_faults or not draw_bool(shared.random, probability):
            return None
        fault = shared.random.choice(kinds)
        shared.history.add_line(self.trace.controller, f"{operation} goes wrong: {fault}")
        shared.history.count_event(f"{operation}: {fault}")
        return fault

    def _draw_travel_time(self) -> float:
        return self._shared.random.uniform(0.001, 0.01 if self.is_exclusive else 0.1)


def _corrupt_tokens(text: str) -> str:
    """Return a journal in which one digit of each token is changed."""
    return re.sub(r"(-v1-)([0-9a-f])", lambda match: match[1] + ("0" if match[2] != "0" else "1"), text)


def compute_version(text: str | None) -> str | None:
    """Return the version of a text."""
    return None if text is None else hashlib.sha256(text.encode()).hexdigest()


def format_journal(journal: dict[str, Any]) -> str:
    """Return a journal as one line of the history."""
    records = (
        f"{name}={record.get('associationId', '')[:8] or 'intended'}"
        f"{'*' if record.get('update') else ''}{'?' if record.get('missingSince') else ''}"
        f"/{record['incarnation']}/{record.get('attempts', '')}"
        for name, record in journal["records"].items()
    )
    lease = journal.get("lease")
    return f"serial {journal['serial']}, lease {lease and lease['number']}, {' '.join(records)}"
