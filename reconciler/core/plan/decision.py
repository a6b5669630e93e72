"""The decisions: one value per manifest says what a run would do for it, and why.

Each has the `kind` that reports show. `record` is what the journal is to hold for the manifest from then on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Literal, TypeAlias, assert_never

from reconciler.core.journal.records import Bound, Record
from reconciler.core.model import Json, Live, Manifest, Spec
from reconciler.core.plan.difference import Difference


class DecisionKind(StrEnum):
    """The kinds of decision, in the order of a summary. The values are those of reports, logs and the journal."""

    CREATE = "create"
    UPDATE = "update"
    ADOPT = "adopt"
    IN_SYNC = "in-sync"
    DRIFTED = "drifted"
    CHANGED = "changed"
    SETTLING = "settling"
    LOST = "lost"
    HELD = "held"
    BLOCKED = "blocked"


WriteKind: TypeAlias = Literal[DecisionKind.CREATE, DecisionKind.UPDATE]
"""The kinds that lead to a call which changes AWS."""


@dataclass(frozen=True, slots=True)
class Create:
    """Missing: send the request. `record` is the intent that is journalled before the call, `before` what was there."""

    kind: ClassVar[Literal[DecisionKind.CREATE]] = DecisionKind.CREATE
    operation: ClassVar = "CreateDataIntegrationAssociation"
    reference_name: ClassVar = "ClientToken"
    manifest: Manifest
    record: Record
    previous_record: Record | None
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

    @property
    def integration_arn(self) -> str:
        """The ARN of the data integration."""
        return str(self.request["DataIntegrationIdentifier"])

    @property
    def body(self) -> Spec:
        """The members that the call sends, apart from its token."""
        return self.request

    @property
    def reference(self) -> str:
        """What AWS and people know the call by."""
        return self.token


@dataclass(frozen=True, slots=True)
class Update:
    """Git changed ExecutionConfiguration, and manifest and run allow to send it, which reruns the job.

    `record` holds the new request, and is journalled before the call; `before` is what was there.
    """

    kind: ClassVar[Literal[DecisionKind.UPDATE]] = DecisionKind.UPDATE
    operation: ClassVar = "UpdateDataIntegrationAssociation"
    reference_name: ClassVar = "association"
    manifest: Manifest
    live: Live
    record: Record
    previous_record: Record
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

    @property
    def integration_arn(self) -> str:
        """The ARN of the data integration."""
        return str(self.request["DataIntegrationIdentifier"])

    @property
    def body(self) -> Spec:
        """The members that the call sends: an Update can change no other."""
        return {"ExecutionConfiguration": self.request.get("ExecutionConfiguration")}

    @property
    def reference(self) -> str:
        """What AWS and people know the call by."""
        return self.association_id


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
    def kind(self) -> DecisionKind:
        """The kind; that of the difference if the adoption leaves one, as the decision of later runs has it."""
        if not self.differences:
            return DecisionKind.ADOPT
        return DecisionKind.CHANGED if any(each.is_changed for each in self.differences) else DecisionKind.DRIFTED


@dataclass(frozen=True, slots=True)
class InSync:
    """Desired, applied and live are the same as far as live can be read."""

    kind: ClassVar[Literal[DecisionKind.IN_SYNC]] = DecisionKind.IN_SYNC
    manifest: Manifest
    live: Live
    record: Record


@dataclass(frozen=True, slots=True)
class Drifted:
    """Live left what was applied. Logged, never repaired."""

    kind: ClassVar[Literal[DecisionKind.DRIFTED]] = DecisionKind.DRIFTED
    manifest: Manifest
    live: Live
    record: Record
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class Changed:
    """Git left what was applied, and it is not sent."""

    kind: ClassVar[Literal[DecisionKind.CHANGED]] = DecisionKind.CHANGED
    manifest: Manifest
    live: Live
    record: Record
    differences: tuple[Difference, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Settling:
    """Something was done that List may not show yet, or List shows less than it did: wait until `until`."""

    kind: ClassVar[Literal[DecisionKind.SETTLING]] = DecisionKind.SETTLING
    manifest: Manifest
    record: Record
    until: datetime
    reason: str
    live: Live | None = None
    differences: tuple[Difference, ...] = ()


@dataclass(frozen=True, slots=True)
class Lost:
    """The association was known, and List no longer shows it."""

    kind: ClassVar[Literal[DecisionKind.LOST]] = DecisionKind.LOST
    manifest: Manifest
    record: Record
    reason: str


@dataclass(frozen=True, slots=True)
class Held:
    """A write that waits: `by_itself` until time has passed, otherwise because git or the run says so."""

    kind: ClassVar[Literal[DecisionKind.HELD]] = DecisionKind.HELD
    manifest: Manifest
    write: Write
    reason: str
    resumes_by_itself: bool = False

    @property
    def record(self) -> Record | None:
        """What was remembered stays."""
        return self.write.previous_record


@dataclass(frozen=True, slots=True)
class Blocked:
    """Nothing can be done until a person acts; the reason says what would help.

    What is `unseen` could not be looked at: how it stood before is still the best that is known. `suspects` are the
    live associations that may be this manifest's, spelt otherwise than git has it.
    """

    kind: ClassVar[Literal[DecisionKind.BLOCKED]] = DecisionKind.BLOCKED
    manifest: Manifest
    reason: str
    write: Write | None = None
    is_unobserved: bool = False
    suspects: tuple[Live, ...] = ()

    @property
    def record(self) -> Record | None:
        """What was remembered stays."""
        return self.write.previous_record if self.write else None


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
    old_names: frozenset[str] = frozenset()
    live_ids: frozenset[str] = frozenset()
    orphaned: tuple[Record, ...] = ()
    unlisted: tuple[tuple[str, str], ...] = ()
    integration_names: Mapping[str, str] = field(default_factory=dict)

    @property
    def writes(self) -> tuple[Write, ...]:
        """The calls that a run makes, in order."""
        return tuple(decision for decision in self.decisions if isinstance(decision, Create | Update))

    @property
    def reviewed_writes(self) -> tuple[Write, ...]:
        """The calls that people agree to: those of this run, and those that only wait for time to pass."""
        return tuple(write for decision in self.decisions for write in (get_reviewed_write(decision),) if write)


def get_reviewed_write(decision: Decision) -> Write | None:
    """Return the call that a decision leads to, now or by itself later."""
    match decision:
        case Create() | Update():
            return decision
        case Held(write=write, resumes_by_itself=True):
            return write
        case _:
            return None


def get_live(decision: Decision) -> Live | None:
    """Return the live association that a decision is about."""
    match decision:
        case Update() | Adopt() | InSync() | Drifted() | Changed() | Settling():
            return decision.live
        case Held(write=write) | Blocked(write=write):
            return get_live(write) if write else None
        case Create() | Lost():
            return None
        case other:
            assert_never(other)
