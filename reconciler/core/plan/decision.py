"""Decisions: one value per manifest, with the action of a run and its reason.

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
"""Kinds of decision with a call that changes AWS."""


@dataclass(frozen=True, slots=True)
class Create:
    """Send a Create. `record` is the intent to write before the call, `previous_record` the one that it replaces."""

    kind: ClassVar[Literal[DecisionKind.CREATE]] = DecisionKind.CREATE
    operation: ClassVar = "CreateDataIntegrationAssociation"
    reference_name: ClassVar = "ClientToken"
    manifest: Manifest
    record: Record
    previous_record: Record | None
    reason: str

    @property
    def request(self) -> Spec:
        """The request to send. A retry sends the recorded request."""
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
    """Send a changed ExecutionConfiguration, which reruns the job. The manifest and the run allow it.

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
        """The request that counts as applied after the Update."""
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
    """Write a record of a matching live association that the journal lacks or has otherwise. Call nothing in AWS.

    `differences` is not empty where git asks for something else, or AWS does not match what the record now holds.
    """

    manifest: Manifest
    live: Live
    record: Record
    differences: tuple[Difference, ...]
    reason: str

    @property
    def kind(self) -> DecisionKind:
        """The kind: adopt, or the kind that later runs will decide if a difference remains after the adoption."""
        if not self.differences:
            return DecisionKind.ADOPT
        return DecisionKind.CHANGED if any(each.is_changed for each in self.differences) else DecisionKind.DRIFTED


@dataclass(frozen=True, slots=True)
class InSync:
    """Desired, applied and live are equal in every member that List returns."""

    kind: ClassVar[Literal[DecisionKind.IN_SYNC]] = DecisionKind.IN_SYNC
    manifest: Manifest
    live: Live
    record: Record


@dataclass(frozen=True, slots=True)
class Drifted:
    """AWS no longer matches the last applied request. Drift is reported, never repaired."""

    kind: ClassVar[Literal[DecisionKind.DRIFTED]] = DecisionKind.DRIFTED
    manifest: Manifest
    live: Live
    record: Record
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class Changed:
    """The manifest differs from the last applied request, and the change is not sent."""

    kind: ClassVar[Literal[DecisionKind.CHANGED]] = DecisionKind.CHANGED
    manifest: Manifest
    live: Live
    record: Record
    differences: tuple[Difference, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Settling:
    """Wait until `until`: List may not show a recent call yet, or it left out an association."""

    kind: ClassVar[Literal[DecisionKind.SETTLING]] = DecisionKind.SETTLING
    manifest: Manifest
    record: Record
    until: datetime
    reason: str
    live: Live | None = None
    differences: tuple[Difference, ...] = ()


@dataclass(frozen=True, slots=True)
class Lost:
    """The journal has the association, and List no longer shows it."""

    kind: ClassVar[Literal[DecisionKind.LOST]] = DecisionKind.LOST
    manifest: Manifest
    record: Record
    reason: str


@dataclass(frozen=True, slots=True)
class Held:
    """A write that waits, either for time to pass or for a change of the manifest or the run."""

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
    """A person must act before the run can continue. The reason includes the remedy.

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
"""Decision with a call that changes AWS."""

Decision: TypeAlias = Write | Adopt | InSync | Drifted | Changed | Settling | Lost | Held | Blocked


@dataclass(frozen=True, slots=True)
class Plan:
    """Plan: exactly one decision per manifest, in their order, and the unmanaged live associations.

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
        """The writes that a review covers: those of this run, and those that only wait for time to pass."""
        return tuple(write for decision in self.decisions for write in (get_reviewed_write(decision),) if write)


def get_reviewed_write(decision: Decision) -> Write | None:
    """Return the write of a decision, including one that only waits for time to pass."""
    match decision:
        case Create() | Update():
            return decision
        case Held(write=write, resumes_by_itself=True):
            return write
        case _:
            return None


def get_live(decision: Decision) -> Live | None:
    """Return the live association of a decision."""
    match decision:
        case Update() | Adopt() | InSync() | Drifted() | Changed() | Settling():
            return decision.live
        case Held(write=write) | Blocked(write=write):
            return get_live(write) if write else None
        case Create() | Lost():
            return None
        case other:
            assert_never(other)
