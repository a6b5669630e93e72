"""The ports: what the program needs of the outside, as types. A reader and a writer are never the same type."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, TypeAlias

from reconciler.core.journal import Journal
from reconciler.core.model import Live, Observation, Spec, Unobserved
from reconciler.core.outcome import Answer

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
        """Wait. Raises Stopped."""


class CloudReader(Protocol):
    """AppIntegrations in one account and Region, seen through calls that change nothing."""

    def observe(self, progress: Progress) -> Observation:
        """Return all data integrations and their associations. Raises CloudError."""

    def associations(self, integration_arns: Iterable[str]) -> Mapping[str, tuple[Live, ...] | Unobserved]:
        """Return the associations of some data integrations, by the integration's ARN."""


class CloudWriter(Protocol):
    """The calls that change AWS."""

    def wait(self) -> None:
        """Wait until the pace lets the next call go, or a stop is asked for. Never raises."""

    def create(self, request: Spec, token: str) -> Answer:
        """Send one Create, once and at once. Never raises: what became of it is the answer."""


class JournalReader(Protocol):
    """The journal of one account and Region."""

    def read(self) -> Journal:
        """Return what is remembered; an empty journal where there is none. Raises StateError."""


class Lease(Protocol):
    """The right to write the journal."""

    def swap(self, expected: Journal, new: Journal) -> Journal:
        """Write `new` where the journal still is `expected`, and return it. Raises StateMoved, and StateError."""


class JournalWriter(Protocol):
    """Gives the lease to one process at a time."""

    def lease(self) -> AbstractContextManager[Lease]:
        """Take the lease, and free it at the end. Raises StateHeld where it is not to be had in time."""


@dataclass(frozen=True, slots=True)
class Writers:
    """All that can change anything. A dry run has none."""

    cloud: CloudWriter
    journal: JournalWriter
