"""What stands in for AWS, disk and time where a test drives one run by hand. Fakes behave; they assert nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from builders import ACCOUNT, NOW, REGION

from reconciler.core.errors import StateError, StateHeld, StateMoved
from reconciler.core.journal import Journal
from reconciler.core.model import Execution, Integration, Live, Observation, Spec, Unobserved
from reconciler.core.outcome import Answer, Created, Refused, Unknown
from reconciler.core.request import normalise
from reconciler.sandbox.behaviour import Behaviour
from reconciler.sandbox.errors import ServiceError
from reconciler.sandbox.seed import seeded
from reconciler.sandbox.service import AppIntegrations


class FakeClock:
    """Time that moves when told."""

    def __init__(self, now: datetime = NOW) -> None:
        self.time = now
        self._lock = threading.Lock()

    def now(self) -> datetime:
        """Return the time."""
        return self.time

    def monotonic(self) -> float:
        """Return the time in seconds."""
        return self.time.timestamp()

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.advance(seconds=seconds)

    def advance(self, **span: float) -> None:
        """Let time pass."""
        with self._lock:
            self.time += timedelta(**span)


class FakeCloud:
    """The sandbox's AppIntegrations behind the ports of a run; `before_create` may interfere."""

    def __init__(self, clock: FakeClock, behaviour: Behaviour | None = None) -> None:
        self.service = AppIntegrations(
            ACCOUNT, REGION, behaviour=behaviour, clock=clock.monotonic, state=seeded(ACCOUNT, REGION)
        )
        self.before_create: Callable[[], object] = lambda: None
        self.calls: list[str] = []

    def observe(self, progress: Callable[[str, int, int], None]) -> Observation:
        """List everything."""
        listed = self._call("ListDataIntegrations", {})["DataIntegrations"]
        integrations = tuple(Integration(item["Arn"], item["Name"]) for item in listed)
        progress("observing", 0, len(integrations))
        return Observation(integrations, self.associations(integration.arn for integration in integrations))

    def associations(self, integration_arns: Iterable[str]) -> Mapping[str, tuple[Live, ...] | Unobserved]:
        """List some."""
        return {arn: self._list(arn) for arn in integration_arns}

    def wait(self) -> None:
        """Do not wait."""

    def create(self, request: Spec, token: str) -> Answer:
        """Create."""
        self.before_create()
        try:
            answer = self._call("CreateDataIntegrationAssociation", {**request, "ClientToken": token})
        except ServiceError as error:
            return Unknown(str(error)) if error.status >= 500 else Refused(str(error))
        return Created(answer["DataIntegrationAssociationId"])

    def _list(self, arn: str) -> tuple[Live, ...] | Unobserved:
        try:
            answer = self._call("ListDataIntegrationAssociations", {"DataIntegrationIdentifier": arn})
        except ServiceError as error:
            return Unobserved(str(error))
        return tuple(map(_live, answer["DataIntegrationAssociations"]))

    def _call(self, operation: str, request: Any) -> Any:
        self.calls.append(operation)
        return self.service.call(operation, request)


class FakeJournal:
    """A journal in memory with the rules of the real one; `broken` names the swaps that fail, counted from 1."""

    def __init__(self) -> None:
        self.stored = Journal(ACCOUNT, REGION, "")
        self.reads = self.swaps = 0
        self.broken: set[int] = set()
        self.held = False

    def read(self) -> Journal:
        """Return what is stored."""
        self.reads += 1
        return self.stored

    @contextmanager
    def lease(self) -> Iterator[FakeJournal]:
        """Hold the lease."""
        if self.held:
            raise StateHeld("held by another process")
        self.held = True
        try:
            yield self
        finally:
            self.held = False

    def swap(self, expected: Journal, new: Journal) -> Journal:
        """Store the new journal where the expected one is stored."""
        self.swaps += 1
        if not self.held:
            raise StateError("written without the lease")
        if self.swaps in self.broken:
            raise StateError("the disk is full")
        if (expected.lineage, expected.serial) != (self.stored.lineage, self.stored.serial):
            raise StateMoved("written by others")
        self.stored = replace(new, lineage=self.stored.lineage or "lineage", serial=self.stored.serial + 1)
        return self.stored


def _live(item: Any) -> Live:
    execution = item.get("LastExecutionStatus")
    shown = {key: item[key] for key in ("ClientId", "DestinationURI", "ExecutionConfiguration") if key in item}
    return Live(
        item["DataIntegrationAssociationArn"],
        normalise({"DataIntegrationIdentifier": item["DataIntegrationArn"], **shown}),
        Execution(execution["ExecutionStatus"], None) if execution else None,
    )
