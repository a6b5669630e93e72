"""Ports: the types through which the program reaches the clock, AWS and the journal. A reader is never a writer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeAlias

from reconciler.core.apply.outcome import Answer
from reconciler.core.journal.records import Journal
from reconciler.core.model import Json, Live, Observation, Spec, Unobserved

Progress: TypeAlias = Callable[[str, int, int], None]
"""Progress callback: stage, number done, total. It must not raise, because a Create may just have been sent."""


class Clock(Protocol):
    """Clock that shows the time of day."""

    def now(self) -> datetime:
        """Return the current time in UTC."""


class Timer(Protocol):
    """Monotonic clock that can also wait."""

    def monotonic(self) -> float:
        """Return the seconds since a fixed point in time."""

    def sleep(self, seconds: float) -> None:
        """Wait for this time. Raises StopRequested."""


class Pace(Protocol):
    """Pace of the calls of one account and Region. It slows down while AWS throttles."""

    def send(self, call: Callable[[], Any], on_done: Callable[[Any], None], max_attempts: int) -> None:
        """Make a call in another thread as soon as it is allowed, and repeat it after a failure that may pass.

        `on_done` gets the answer or the last error. It must not raise. After a stop, the error is StopRequested.
        """

    def wait(self) -> None:
        """Wait until a call is allowed, which the caller then makes at once. Raises StopRequested."""

    def record(self, error: Exception | None) -> None:
        """Adapt the pace to the end of a call that was made after `wait`. None stands for a success."""


class CloudReader(Protocol):
    """Reader of AppIntegrations in one account and Region."""

    def observe(self, progress: Progress) -> Observation:
        """Return all data integrations and their associations. Raises CloudError."""

    def list_associations(self, integration_arns: Iterable[str]) -> Mapping[str, tuple[Live, ...] | Unobserved]:
        """Return the associations of the given data integrations, by ARN of the data integration."""


class CloudWriter(Protocol):
    """Writer of AppIntegrations: the calls that change AWS."""

    def wait(self) -> None:
        """Wait until the rate limit permits the next call or a stop is requested. Never raises."""

    def create(self, request: Spec, token: str, until: datetime) -> Answer:
        """Send one Create, immediately and once, but not after `until`. Return its outcome. Never raises."""

    def update(self, integration_arn: str, association_id: str, execution: Json, until: datetime) -> Answer:
        """Send one Update, immediately and once, but not after `until`. Return its outcome. Never raises."""


class JournalReader(Protocol):
    """Reader of the journal of one account and Region."""

    def read(self) -> Journal:
        """Return the journal, or an empty journal if there is none yet. Raises StateError."""


class LeasedJournal(Protocol):
    """Journal while this run holds its lease."""

    @property
    def journal(self) -> Journal:
        """The last journal that this run wrote."""

    def confirm(self) -> None:
        """Check that this run still holds the lease. Raises StateConflict if the lease was lost, and StateError."""

    def write(self, change: Callable[[Journal], Journal]) -> Journal:
        """Apply `change` to the journal, write it, renew the lease and return the journal.

        Raises StateConflict if the lease was lost, and StateError.
        """

    def finish(self, change: Callable[[Journal], Journal]) -> None:
        """Apply `change` to the journal, write it and release the lease.

        If the lease was lost, apply `change` to the journal that other runs have written since. Raises StateError.
        """


class JournalWriter(Protocol):
    """Writer of the journal, for one run at a time."""

    def swap(self, expected: Journal, new: Journal) -> None:
        """Write `new` if the journal still equals `expected`. Raises LeaseHeld, StateConflict and StateError."""

    def lease(self, expected: Journal, new: Journal) -> AbstractContextManager[LeasedJournal]:
        """Write `new` as `swap` does, and acquire the lease in the same write.

        This run holds the lease until `finish`. The end of the block releases local locks, even without a call of
        `finish`. Raises LeaseHeld, StateConflict and StateError.
        """


@dataclass(frozen=True, slots=True)
class Writers:
    """Writers of AWS and the journal. A dry run has none."""

    cloud: CloudWriter
    journal: JournalWriter
