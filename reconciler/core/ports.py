"""The ports: what the program needs of the outside, as types. A reader and a writer are never the same type."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeAlias

from reconciler.core.apply.outcome import Answer
from reconciler.core.journal.records import Journal
from reconciler.core.model import Json, Live, Observation, Spec, Unobserved

Progress: TypeAlias = Callable[[str, int, int], None]
"""Is told what is being done, how many are done, and of how many. Must not raise: a Create may just have been sent."""


class Clock(Protocol):
    """Time."""

    def now(self) -> datetime:
        """Return the time in UTC."""


class Timer(Protocol):
    """Seconds that only grow, and waiting."""

    def monotonic(self) -> float:
        """Return seconds since some point that never moves."""

    def sleep(self, seconds: float) -> None:
        """Wait. Raises StopRequested."""


class CloudReader(Protocol):
    """AppIntegrations in one account and Region, seen through calls that change nothing."""

    def observe(self, progress: Progress) -> Observation:
        """Return all data integrations and their associations. Raises CloudError."""

    def list_associations(self, integration_arns: Iterable[str]) -> Mapping[str, tuple[Live, ...] | Unobserved]:
        """Return the associations of some data integrations, by the integration's ARN."""


class CloudWriter(Protocol):
    """The calls that change AWS."""

    def wait(self) -> None:
        """Wait until the pace lets the next call go, or a stop is asked for. Never raises."""

    def create(self, request: Spec, token: str, until: datetime) -> Answer:
        """Send one Create, once, at once, and not after `until`. Never raises: what became of it is the answer."""

    def update(self, integration_arn: str, association_id: str, execution: Json, until: datetime) -> Answer:
        """Send one Update, once, at once, and not after `until`. Never raises: what became of it is the answer."""


class JournalReader(Protocol):
    """The journal of one account and Region."""

    def read(self) -> Journal:
        """Return what is remembered; an empty journal where there is none. Raises StateError."""


class LeasedJournal(Protocol):
    """The journal while this run has its lease."""

    @property
    def journal(self) -> Journal:
        """The journal as this run wrote it last."""

    def confirm(self) -> None:
        """Look whether the lease still is this run's. Raises StateConflict where it was lost, and StateError."""

    def write(self, change: Callable[[Journal], Journal]) -> Journal:
        """Write what `change` makes of the journal, renew the lease, and return the journal.

        Raises StateConflict where the lease was lost, and StateError.
        """

    def finish(self, change: Callable[[Journal], Journal]) -> None:
        """Write what `change` makes of the journal, and give the lease back.

        Where the lease was lost, what others wrote since is kept, and `change` is applied to that. Raises StateError.
        """


class JournalWriter(Protocol):
    """Writes the journal, one run at a time."""

    def swap(self, expected: Journal, new: Journal) -> None:
        """Write `new` where the journal still is `expected`. Raises LeaseHeld, StateConflict and StateError."""

    def lease(self, expected: Journal, new: Journal) -> AbstractContextManager[LeasedJournal]:
        """Do so, and take the lease in the same write: it is this run's until `finish`.

        The block's end frees what a local lock holds, also where `finish` never came.
        """


@dataclass(frozen=True, slots=True)
class Writers:
    """All that can change anything. A dry run has none."""

    cloud: CloudWriter
    journal: JournalWriter
