"""Decisions: one value for each manifest, with the action of a run and its reason.

`kind` is the kind that reports show. `record` is the record that the run writes for the manifest. `get_exit_code` tells
which decisions make a run end with exit code 1.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import ClassVar, Literal, TypeAlias, assert_never

from reconciler.core.errors import Problem
from reconciler.core.journal.records import Bound, Record
from reconciler.core.model import Ignored, Json, Live, Manifest, Spec
from reconciler.core.plan.difference import Difference


class DecisionKind(StrEnum):
    """The kinds of decisions, in the order of a summary. Reports, logs and the journal hold the values."""

    CREATE = "create"
    UPDATE = "update"
    ADOPT = "adopt"
    IN_SYNC = "in-sync"
    RETIRED = "retired"
    DRIFTED = "drifted"
    CHANGED = "changed"
    SETTLING = "settling"
    LOST = "lost"
    FINISHED = "finished"
    HELD = "held"
    BLOCKED = "blocked"


WriteKind: TypeAlias = Literal[DecisionKind.CREATE, DecisionKind.UPDATE]
"""Kinds of decisions with a call that changes AWS."""


def select_body(kind: WriteKind, request: Spec) -> Spec:
    """Return the members of a request that a call sends, without the ClientToken. An Update can change only one."""
    match kind:
        case DecisionKind.CREATE:
            return request
        case DecisionKind.UPDATE:
            return {"ExecutionConfiguration": request.get("ExecutionConfiguration")}
        case other:
            assert_never(other)


@dataclass(frozen=True, slots=True)
class Create:
    """A Create to send. `record` is the intent to write before the call. It replaces `previous_record`."""

    kind: ClassVar[Literal[DecisionKind.CREATE]] = DecisionKind.CREATE
    operation: ClassVar = "CreateDataIntegrationAssociation"
    reference_name: ClassVar = "ClientToken"
    manifest: Manifest
    record: Record
    previous_record: Record | None
    reason: str

    @property
    def request(self) -> Spec:
        """The request to send. A retry sends the request of the record."""
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
        """The members that the call sends, without the ClientToken."""
        return select_body(self.kind, self.request)

    @property
    def reference(self) -> str:
        """The ClientToken, which identifies the call in plans and logs."""
        return self.token


@dataclass(frozen=True, slots=True)
class Update:
    """An Update to send: a changed ExecutionConfiguration, which repeats the export.

    `record` holds the new request, and is written before the call. It replaces `previous_record`.
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
        """The id of the association to update."""
        assert isinstance(self.record.state, Bound)
        return self.record.state.association_id

    @property
    def integration_arn(self) -> str:
        """The ARN of the data integration."""
        return str(self.request["DataIntegrationIdentifier"])

    @property
    def body(self) -> Spec:
        """The members that the call sends. An Update can change only these."""
        return select_body(self.kind, self.request)

    @property
    def reference(self) -> str:
        """The id of the association, which identifies the call in plans and logs."""
        return self.association_id


@dataclass(frozen=True, slots=True)
class Adopt:
    """A record to write for a live association, without a call to AWS.

    `differences` holds the members in which git or AWS differs from the new record.
    """

    manifest: Manifest
    live: Live
    record: Record
    differences: tuple[Difference, ...]
    reason: str

    @property
    def kind(self) -> DecisionKind:
        """The kind: adopt without differences, otherwise the kind that the next run will decide."""
        if not self.differences:
            return DecisionKind.ADOPT
        return DecisionKind.CHANGED if any(each.is_changed for each in self.differences) else DecisionKind.DRIFTED


@dataclass(frozen=True, slots=True)
class InSync:
    """An association whose manifest, applied request and live values are equal, as far as List shows them.

    `warning` tells that List shows less than it should.
    """

    kind: ClassVar[Literal[DecisionKind.IN_SYNC]] = DecisionKind.IN_SYNC
    manifest: Manifest
    live: Live
    record: Record
    warning: str | None = None


@dataclass(frozen=True, slots=True)
class Retired:
    """A manifest with policy.retired: the record of an association that AWS cannot delete. Nothing is written to AWS.

    `live` is its association if List shows one. `record` is its record in the journal, if there is one. A retired
    manifest without a record gets none.
    """

    kind: ClassVar[Literal[DecisionKind.RETIRED]] = DecisionKind.RETIRED
    manifest: Manifest
    live: Live | None
    record: Record | None
    reason: str


@dataclass(frozen=True, slots=True)
class Drifted:
    """An association that no longer matches its last applied request. Drift is reported, never repaired."""

    kind: ClassVar[Literal[DecisionKind.DRIFTED]] = DecisionKind.DRIFTED
    manifest: Manifest
    live: Live
    record: Record
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class Changed:
    """A manifest that differs from its last applied request, with the reason not to send the change."""

    kind: ClassVar[Literal[DecisionKind.CHANGED]] = DecisionKind.CHANGED
    manifest: Manifest
    live: Live
    record: Record
    differences: tuple[Difference, ...]
    reason: str


@dataclass(frozen=True, slots=True)
class Settling:
    """A wait until `until`, because List may not show a recent call yet, or left out the association."""

    kind: ClassVar[Literal[DecisionKind.SETTLING]] = DecisionKind.SETTLING
    manifest: Manifest
    record: Record
    until: datetime
    reason: str
    live: Live | None = None
    differences: tuple[Difference, ...] = ()


@dataclass(frozen=True, slots=True)
class Lost:
    """An association in the journal that List no longer shows."""

    kind: ClassVar[Literal[DecisionKind.LOST]] = DecisionKind.LOST
    manifest: Manifest
    record: Record
    reason: str


@dataclass(frozen=True, slots=True)
class Finished:
    """An association whose last export was completed, and that List no longer shows. Nothing is left to do."""

    kind: ClassVar[Literal[DecisionKind.FINISHED]] = DecisionKind.FINISHED
    manifest: Manifest
    record: Record
    reason: str


@dataclass(frozen=True, slots=True)
class Held:
    """A write that waits because of the manifest, the target, the options of the run, or a quota of AWS.

    If `is_temporary` is true, a later run sends it without a change in git or in the options. `until` is the time from
    which a run sends it, if that is known. `exit_code` is 1 if a person should know that it waits.
    """

    kind: ClassVar[Literal[DecisionKind.HELD]] = DecisionKind.HELD
    manifest: Manifest
    write: Write
    reason: str
    is_temporary: bool = False
    until: datetime | None = None
    exit_code: int = 0

    @property
    def record(self) -> Record | None:
        """The record from before the write. It stays in the journal."""
        return self.write.previous_record


@dataclass(frozen=True, slots=True)
class Blocked:
    """A manifest that waits for a person. The reason includes the remedy.

    If `is_unobserved` is true, List failed, and the previous decision is the best that is known. If `is_past` is true,
    the cause is an earlier call or job, and not this revision. `suspects` are unexplained live associations that may
    belong to the manifest.
    """

    kind: ClassVar[Literal[DecisionKind.BLOCKED]] = DecisionKind.BLOCKED
    manifest: Manifest
    reason: str
    write: Write | None = None
    is_unobserved: bool = False
    is_past: bool = False
    suspects: tuple[Live, ...] = ()

    @property
    def record(self) -> Record | None:
        """The record from before the write. It stays in the journal. None without a write."""
        return self.write.previous_record if self.write else None


Write: TypeAlias = Create | Update
"""Decision with a call that changes AWS."""

Decision: TypeAlias = Write | Adopt | InSync | Retired | Drifted | Changed | Settling | Lost | Finished | Held | Blocked


@dataclass(frozen=True, slots=True)
class Plan:
    """Plan: exactly one decision for each manifest, in the order of the manifests, and the unmanaged associations.

    `ignored` are live associations without a manifest that the Target declares as those of somebody else. `old_names`
    are the names of records that renamed manifests take over. `live_ids` are the ids of the live associations.
    `create_count` is the number of creates that the limits of the target allow, sent or waiting for a quota of AWS.
    `orphaned` are the records whose manifests are gone. `unlisted` are the ARNs of the data integrations
    that could not be listed, each with the reason. `integration_names` are the names of the data integrations, by ARN.
    `records` are the records of the manifests in the journal, by name of the manifest. `now` is the time of the
    decisions: the earlier of the times of this machine and of AWS, as far as these are known. `warnings` are the
    warnings about manifests that need an answer of AWS. If `is_suspended`, the target is suspended.
    """

    decisions: tuple[Decision, ...] = ()
    unmanaged: tuple[Live, ...] = ()
    ignored: tuple[Ignored, ...] = ()
    old_names: frozenset[str] = frozenset()
    live_ids: frozenset[str] = frozenset()
    orphaned: tuple[Record, ...] = ()
    unlisted: tuple[tuple[str, str], ...] = ()
    integration_names: Mapping[str, str] = field(default_factory=dict)
    create_count: int = 0
    records: Mapping[str, Record] = field(default_factory=dict)
    now: datetime | None = None
    warnings: tuple[Problem, ...] = ()
    is_suspended: bool = False

    @property
    def writes(self) -> tuple[Write, ...]:
        """The writes that a run sends, in order."""
        return tuple(decision for decision in self.decisions if isinstance(decision, Create | Update))

    @property
    def reviewed_writes(self) -> tuple[Write, ...]:
        """The writes that a review covers: those of this run, and those that resume by themselves."""
        return tuple(write for decision in self.decisions for write in (get_reviewed_write(decision),) if write)


def is_window_update(write: Write) -> bool:
    """Tell whether a write is the Update of a recurring window. The manifest was reviewed, and each window is not."""
    return isinstance(write, Update) and write.manifest.window is not None


def get_exit_code(decision: Decision, *, is_dry_run: bool) -> int:
    """Return the exit code that a decision asks for.

    In a dry run, earlier calls and jobs do not count: a hook must not refuse the push that repairs them.
    """
    match decision:
        case Blocked(is_past=is_past):
            return 0 if is_past and is_dry_run else 1
        case Lost():
            return 0 if is_dry_run else 1
        case Held(exit_code=exit_code):
            return 0 if is_dry_run else exit_code
        case _:
            return 0


def get_reviewed_write(decision: Decision) -> Write | None:
    """Return the write of a decision that a review covers, including a write that resumes by itself."""
    write = get_planned_write(decision)
    return None if write is None or is_window_update(write) else write


def get_planned_write(decision: Decision) -> Write | None:
    """Return the write of this run, or a held write that resumes by itself."""
    match decision:
        case Create() | Update():
            return decision
        case Held(write=write, is_temporary=True):
            return write
        case _:
            return None


def get_live(decision: Decision) -> Live | None:
    """Return the live association of a decision, if it has one."""
    match decision:
        case Update() | Adopt() | InSync() | Retired() | Drifted() | Changed() | Settling():
            return decision.live
        case Held(write=write) | Blocked(write=write):
            return get_live(write) if write else None
        case Create() | Lost() | Finished():
            return None
        case other:
            assert_never(other)
