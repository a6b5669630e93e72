"""What a controller is about, as one value at one moment: what pages, metrics and probes show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from reconciler.core.errors import Problem
from reconciler.core.plan.decision import DecisionKind
from reconciler.core.report.report import AssociationReport, Report


@dataclass(frozen=True, slots=True)
class Revision:
    """The state of git that is in force. `id` is the commit; None where the manifests come from a folder."""

    id: str | None
    since: datetime
    manifest_count: int


@dataclass(frozen=True, slots=True)
class RejectedRevision:
    """Why what is newer in git is not in force, and since when it is so: a sentence, and what is wrong in manifests."""

    reason: str
    since: datetime
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """One finished run of one target, in figures. `open` counts what is not as git says but for drift."""

    id: str
    target: str
    started_at: datetime
    finished_at: datetime
    is_success: bool
    write_count: int
    drift_count: int
    open_count: int


@dataclass(frozen=True, slots=True)
class ActiveRun:
    """One run of one target that has not ended: its id, and the commit that it is of."""

    run: str
    target: str
    revision: str | None


@dataclass(frozen=True, slots=True)
class TargetStatus:
    """One target: what it does, and how its last run went. `moved` is when the run under way last got on.

    `succeeded` is when a run last ended well, `seen` the report of the last one that saw all that is live. `due` is
    when the next begins, or should have; None during one.
    """

    target: str
    running_since: datetime | None
    last_progress: datetime | None
    next_run: datetime | None
    failures: int
    last_report: Report | None
    last_success: datetime | None
    active_run: ActiveRun | None = None
    last_complete_report: Report | None = None

    @property
    def unlisted_associations(self) -> Mapping[str, AssociationReport]:
        """What the last run could not see, as it was last seen, by name: it calls that blocked, and knows no more."""
        if (
            self.last_report is None
            or self.last_complete_report is None
            or self.last_report is self.last_complete_report
        ):
            return {}
        blocked_associations = (each for each in self.last_report.associations if each.decision is DecisionKind.BLOCKED)
        unlisted_names = {each.name for each in blocked_associations if each.arn is None}
        return {each.name: each for each in self.last_complete_report.associations if each.name in unlisted_names}

    @property
    def associations(self) -> tuple[AssociationReport, ...]:
        """Each association as it was last seen."""
        unlisted = self.unlisted_associations
        return (
            tuple(unlisted.get(each.name, each) for each in self.last_report.associations) if self.last_report else ()
        )

    @property
    def stalled_since(self) -> datetime | None:
        """Since when nothing has happened of it: since it got on, or since it should have begun, if that is past."""
        return self.last_progress or self.next_run


@dataclass(frozen=True, slots=True)
class ControllerStatus:
    """All of it. `looked` is when git was last read without an error, `now` when this was put together.

    `looking` is how looking at git stands, as if that were a target.
    """

    now: datetime
    started_at: datetime
    source_checked_at: datetime | None
    revision: Revision | None
    rejected_revision: RejectedRevision | None
    targets: tuple[TargetStatus, ...]
    finished_runs: tuple[FinishedRun, ...]
    source_status: TargetStatus | None = None

    def find_stuck(self, stuck_after: timedelta) -> tuple[TargetStatus, ...]:
        """Return what has not got on, or should have begun, for so long: targets, and looking at git."""
        statuses = (*self.targets, self.source_status) if self.source_status else self.targets
        return tuple(
            status for status in statuses if (since := status.stalled_since) and self.now - since > stuck_after
        )
