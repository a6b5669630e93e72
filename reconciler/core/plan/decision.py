"""Decisions: one value for each manifest, with the action of a run and its reason.

`kind` is the kind that reports show. `record` is the record that the run writes for the manifest. `get_exit_code` tells
which decisions make a run end with exit code 1.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, Literal, TypeAlias, assert_never

from reconciler.core.journal.records import Record
from reconciler.core.model import Live, Manifest
from reconciler.core.plan.decision_kind import DecisionKind
from reconciler.core.plan.difference import Difference
from reconciler.core.plan.write import Create, Update, Write, is_window_update


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
    """A manifest that differs from its last applied request, with the reason not to send the change.

    `exit_code` is 1 if a recurring window is overdue meanwhile.
    """

    kind: ClassVar[Literal[DecisionKind.CHANGED]] = DecisionKind.CHANGED
    manifest: Manifest
    live: Live
    record: Record
    differences: tuple[Difference, ...]
    reason: str
    exit_code: int = 0


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
    which a run sends it, if that is known. `exit_code` is 1 if a person should know that it waits. Without a `write`,
    the manifest or the target rests, and a person has to resolve something before it continues. `live` is then its
    association, and `new_record` the record to write.
    """

    kind: ClassVar[Literal[DecisionKind.HELD]] = DecisionKind.HELD
    manifest: Manifest
    write: Write | None
    reason: str
    is_temporary: bool = False
    until: datetime | None = None
    exit_code: int = 0
    live: Live | None = None
    new_record: Record | None = None

    @property
    def record(self) -> Record | None:
        """The record from before the write, which stays in the journal, or the new one without a write."""
        return self.write.previous_record if self.write else self.new_record


@dataclass(frozen=True, slots=True)
class Blocked:
    """A manifest that waits for a person. The reason includes the remedy.

    If `is_unobserved` is true, List failed, and the previous decision is the best that is known. If `is_past` is true,
    the cause is an earlier call or job, and not this revision. `suspects` are unexplained live associations that may
    belong to the manifest. `live` is its association, and `new_record` the record to write, if a run has to remember
    what List shows.
    """

    kind: ClassVar[Literal[DecisionKind.BLOCKED]] = DecisionKind.BLOCKED
    manifest: Manifest
    reason: str
    write: Write | None = None
    is_unobserved: bool = False
    is_past: bool = False
    suspects: tuple[Live, ...] = ()
    live: Live | None = None
    new_record: Record | None = None

    @property
    def record(self) -> Record | None:
        """The new record, or the one from before the write, which stays in the journal. None without both."""
        return self.new_record or (self.write.previous_record if self.write else None)


Decision: TypeAlias = Write | Adopt | InSync | Retired | Drifted | Changed | Settling | Lost | Finished | Held | Blocked


def get_exit_code(decision: Decision, *, is_dry_run: bool) -> int:
    """Return the exit code that a decision asks for.

    In a dry run, earlier calls and jobs do not count: a hook must not refuse the push that repairs them.
    """
    match decision:
        case Blocked(is_past=is_past):
            return 0 if is_past and is_dry_run else 1
        case Lost():
            return 0 if is_dry_run else 1
        case Held(exit_code=exit_code) | Changed(exit_code=exit_code) | Update(exit_code=exit_code):
            return 0 if is_dry_run else exit_code
        case Create() | Update() | Adopt() | InSync() | Retired() | Drifted() | Settling() | Finished():
            return 0
        case other:
            assert_never(other)


def get_reviewed_write(decision: Decision) -> Write | None:
    """Return the write of a decision that a review covers, including a write that resumes by itself."""
    write = get_planned_write(decision)
    return None if write is None or is_window_update(write) else write


def get_planned_write(decision: Decision) -> Write | None:
    """Return the write of this run, or a held write that resumes by itself."""
    match decision:
        case Create() | Update():
            return decision
        case Held(write=write, is_temporary=is_temporary):
            return write if is_temporary else None
        case Adopt() | InSync() | Retired() | Drifted() | Changed() | Settling() | Lost() | Finished() | Blocked():
            return None
        case other:
            assert_never(other)


def get_live(decision: Decision) -> Live | None:
    """Return the live association of a decision, if it has one."""
    match decision:
        case Update() | Adopt() | InSync() | Retired() | Drifted() | Changed() | Settling():
            return decision.live
        case Held(live=None, write=write) | Blocked(live=None, write=write):
            return get_live(write) if write else None
        case Held(live=live) | Blocked(live=live):
            return live
        case Create() | Lost() | Finished():
            return None
        case other:
            assert_never(other)
