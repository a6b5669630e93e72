"""The decisions: one value per manifest says what a run would do for it, and why.

Each has the `word` that reports use. `record` is what the journal is to hold for the manifest from then on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar, TypeAlias, assert_never

from reconciler.core.journal.records import Bound, Record
from reconciler.core.model import Json, Live, Manifest, Spec
from reconciler.core.plan.difference import Difference


@dataclass(frozen=True, slots=True)
class Create:
    """Missing: send the request. `record` is the intent that is journalled before the call, `before` what was there."""

    word: ClassVar = "create"
    manifest: Manifest
    record: Record
    before: Record | None
    reason: str

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
    """Git changed ExecutionConfiguration, and manifest and run allow to send it, which reruns the job.

    `record` holds the new request, and is journalled before the call; `before` is what was there.
    """

    word: ClassVar = "update"
    manifest: Manifest
    live: Live
    record: Record
    before: Record
    differences: tuple[Difference, ...]
    reason: str

    @property
    def request(self) -> Spec:
        """The request as it will be applied."""
        return self.record.request

    @property
    def execution(self) -> Json:
        """The ExecutionConfiguration to send."""
        return self.request["ExecutionConfiguration"]

    @property
    def association_id(self) -> str:
        """The association to update."""
        assert isinstance(self.record.state, Bound)
        return self.record.state.association_id


@dataclass(frozen=True, slots=True)
class Adopt:
    """Live matches and is not remembered, or not so: write a record. AWS is not touched.

    `differences` is not empty where git asks for something else, or AWS does not match what the record now holds.
    """

    manifest: Manifest
    live: Live
    record: Record
    differences: tuple[Difference, ...]
    reason: str

    @property
    def word(self) -> str:
        """The word of what is left to do: an adoption that leaves a difference is called by that, as later runs do."""
        if not self.differences:
            return "adopt"
        return Changed.word if any(each.changed for each in self.differences) else Drifted.word


@dataclass(frozen=True, slots=True)
class InSync:
    """Desired, applied and live are the same as far as live can be read."""

    word: ClassVar = "in-sync"
    manifest: Manifest
    live: Live
    record: Record


@dataclass(frozen=True, slots=True)
class Drifted:
    """Live left what was applied. Logged, never repaired."""

    word: ClassVar = "drifted"
    manifest: Manifest
    live: Live
    record: Record
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class Changed:
    """Git left what was applied, and it is not sent."""

    word: ClassVar = "changed"
    manifest: Manifest
    live: Live
    record: Record
    differences: tuple[Difference, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Settling:
    """Something was done that List may not show yet, or List shows less than it did: wait until `until`."""

    word: ClassVar = "settling"
    manifest: Manifest
    record: Record
    until: datetime
    reason: str
    live: Live | None = None
    differences: tuple[Difference, ...] = ()


@dataclass(frozen=True, slots=True)
class Lost:
    """The association was known, and List no longer shows it."""

    word: ClassVar = "lost"
    manifest: Manifest
    record: Record
    reason: str


@dataclass(frozen=True, slots=True)
class Held:
    """A write that waits: `by_itself` until time has passed, otherwise because git or the run says so."""

    word: ClassVar = "held"
    manifest: Manifest
    instead: Write
    reason: str
    by_itself: bool = False

    @property
    def record(self) -> Record | None:
        """What was remembered stays."""
        return self.instead.before


@dataclass(frozen=True, slots=True)
class Blocked:
    """Nothing can be done until a person acts; the reason says what would help.

    What is `unseen` could not be looked at: how it stood before is still the best that is known. `suspects` are the
    live associations that may be this manifest's, spelt otherwise than git has it.
    """

    word: ClassVar = "blocked"
    manifest: Manifest
    reason: str
    instead: Write | None = None
    unseen: bool = False
    suspects: tuple[Live, ...] = ()

    @property
    def record(self) -> Record | None:
        """What was remembered stays."""
        return self.instead.before if self.instead else None


Write: TypeAlias = Create | Update
"""A decision that leads to a call which changes AWS."""

Decision: TypeAlias = Write | Adopt | InSync | Drifted | Changed | Settling | Lost | Held | Blocked


@dataclass(frozen=True, slots=True)
class Plan:
    """Exactly one decision per manifest, in the manifests' order, and the live associations no manifest covers.

    `renamed` holds the names of records that manifests of other names take over, `seen` the ids of all that is live,
    `orphaned` the records whose manifests are gone, `unlisted` the data integrations that could not be listed, and why.
    `names` are those of the data integrations, by ARN.
    """

    decisions: tuple[Decision, ...] = ()
    unmanaged: tuple[Live, ...] = ()
    renamed: frozenset[str] = frozenset()
    seen: frozenset[str] = frozenset()
    orphaned: tuple[Record, ...] = ()
    unlisted: tuple[tuple[str, str], ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def writes(self) -> tuple[Write, ...]:
        """The calls that a run makes, in order."""
        return tuple(decision for decision in self.decisions if isinstance(decision, Create | Update))

    @property
    def reviewed(self) -> tuple[Write, ...]:
        """The calls that people agree to: those of this run, and those that only wait for time to pass."""
        return tuple(write for decision in self.decisions for write in (agreed(decision),) if write)


def agreed(decision: Decision) -> Write | None:
    """Return the call that a decision leads to, now or by itself later."""
    match decision:
        case Create() | Update():
            return decision
        case Held(instead=instead, by_itself=True):
            return instead
        case _:
            return None


def live_of(decision: Decision) -> Live | None:
    """Return the live association that a decision is about."""
    match decision:
        case Update() | Adopt() | InSync() | Drifted() | Changed() | Settling():
            return decision.live
        case Held(instead=instead) | Blocked(instead=instead):
            return live_of(instead) if instead else None
        case Create() | Lost():
            return None
        case other:
            assert_never(other)
