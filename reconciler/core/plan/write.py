"""Decisions with a call that changes AWS: Creates and Updates.

A write describes itself: its operation, what the call sends, how the call is identified, and what it starts.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias, assert_never, get_args

from reconciler.core.journal.records import Bound, Record
from reconciler.core.model import Json, Live, Manifest, Spec
from reconciler.core.plan.decision_kind import DecisionKind, WriteKind
from reconciler.core.plan.difference import Difference


def select_body(kind: WriteKind, request: Spec) -> Spec:
    """Return the members of a request that a call sends, without the ClientToken. An Update can change only one."""
    match kind:
        case DecisionKind.CREATE:
            return request
        case DecisionKind.UPDATE:
            return {"ExecutionConfiguration": request.get("ExecutionConfiguration")}
        case other:
            assert_never(other)


class _Call:
    """Members that Create and Update share."""

    __slots__ = ()
    kind: ClassVar[WriteKind]
    record: Record

    @property
    def request(self) -> Spec:
        """The request that counts as applied after the call. A repeated Create sends the request of its record."""
        return self.record.request

    @property
    def integration_arn(self) -> str:
        """The ARN of the data integration."""
        return str(self.request["DataIntegrationIdentifier"])

    @property
    def body(self) -> Spec:
        """The members of the request that the call sends, without the ClientToken."""
        return select_body(self.kind, self.request)


@dataclass(frozen=True, slots=True)
class Create(_Call):
    """A Create to send. `record` is the intent to write before the call. It replaces `previous_record`."""

    kind: ClassVar[Literal[DecisionKind.CREATE]] = DecisionKind.CREATE
    operation: ClassVar = "CreateDataIntegrationAssociation"
    reference_name: ClassVar = "ClientToken"
    repeats_export: ClassVar = False
    manifest: Manifest
    record: Record
    previous_record: Record | None
    reason: str

    @property
    def token(self) -> str:
        """The ClientToken to send."""
        assert self.record.token is not None
        return self.record.token

    @property
    def reference(self) -> str:
        """The ClientToken, which identifies the call in plans and logs."""
        return self.token


@dataclass(frozen=True, slots=True)
class Update(_Call):
    """An Update to send: a changed ExecutionConfiguration, which repeats the export.

    `record` holds the new request, and is written before the call. It replaces `previous_record`. `exit_code` is 1 if
    the last export failed, and the update exports its window again without a person's word.
    """

    kind: ClassVar[Literal[DecisionKind.UPDATE]] = DecisionKind.UPDATE
    operation: ClassVar = "UpdateDataIntegrationAssociation"
    reference_name: ClassVar = "association"
    repeats_export: ClassVar = True
    manifest: Manifest
    live: Live
    record: Record
    previous_record: Record
    differences: tuple[Difference, ...]
    reason: str
    exit_code: int = 0

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
    def reference(self) -> str:
        """The id of the association, which identifies the call in plans and logs."""
        return self.association_id


Write: TypeAlias = Create | Update
"""Decision with a call that changes AWS."""

WRITE_CLASSES: tuple[type[Write], ...] = get_args(Write)


def is_window_update(write: Write) -> bool:
    """Tell whether a write is the Update of a recurring window. The manifest was reviewed, and each window is not."""
    return isinstance(write, Update) and write.manifest.window is not None
