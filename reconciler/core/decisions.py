"""The decisions: one value per manifest says what a run would do for it, and why."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TypeAlias

from reconciler.core.diff import Difference
from reconciler.core.journal import Record
from reconciler.core.model import Live, Manifest, Spec


@dataclass(frozen=True, slots=True)
class Create:
    """Missing: send the request. `record` is the intent that is journalled before the call."""

    manifest: Manifest
    record: Record
    reason: str
    replaces: str | None = None

    @property
    def request(self) -> Spec:
        """The request to send; a repeated one is sent as it was recorded."""
        return self.record.request

    @property
    def token(self) -> str:
        """The ClientToken to send."""
        assert self.record.token is not None
        return self.record.token


@dataclass(frozen=True, slots=True)
class Update:
    """Git changed ExecutionConfiguration, and manifest and run allow to send it, which reruns the job."""

    manifest: Manifest
    live: Live
    request: Spec
    differences: tuple[Difference, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Adopt:
    """Live matches and is not remembered: write a record. AWS is not touched.

    `differences` is not empty where live left what the record now holds. `replaces` names the record that a
    renamed manifest takes over.
    """

    manifest: Manifest
    live: Live
    record: Record
    differences: tuple[Difference, ...]
    reason: str
    replaces: str | None = None


@dataclass(frozen=True, slots=True)
class InSync:
    """Desired, applied and live are the same as far as live can be read."""

    manifest: Manifest
    live: Live
    record: Record


@dataclass(frozen=True, slots=True)
class Drifted:
    """Live left what was applied. Logged, never repaired."""

    manifest: Manifest
    live: Live
    record: Record
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class Changed:
    """Git left what was applied, and it is not sent."""

    manifest: Manifest
    live: Live
    record: Record
    differences: tuple[Difference, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Settling:
    """Something was done that List may not show yet: wait until `until`."""

    manifest: Manifest
    record: Record
    until: datetime
    reason: str


@dataclass(frozen=True, slots=True)
class Lost:
    """The association was known, and List no longer shows it."""

    manifest: Manifest
    record: Record
    reason: str


@dataclass(frozen=True, slots=True)
class Held:
    """A write that waits: it passes by itself later, or git itself says so."""

    manifest: Manifest
    instead: Create | Update
    reason: str


@dataclass(frozen=True, slots=True)
class Blocked:
    """Nothing can be done until a person acts; the reason says what would help."""

    manifest: Manifest
    reason: str
    instead: Create | Update | None = None


Decision: TypeAlias = Create | Update | Adopt | InSync | Drifted | Changed | Settling | Lost | Held | Blocked


@dataclass(frozen=True, slots=True)
class Plan:
    """Exactly one decision per manifest, in the manifests' order, and the live associations no manifest covers."""

    decisions: tuple[Decision, ...] = ()
    unmanaged: tuple[Live, ...] = ()

    @property
    def creates(self) -> tuple[Create, ...]:
        """The calls that a run makes."""
        return tuple(decision for decision in self.decisions if isinstance(decision, Create))

    @property
    def adopts(self) -> tuple[Adopt, ...]:
        """The records that a run writes without a call."""
        return tuple(decision for decision in self.decisions if isinstance(decision, Adopt))
