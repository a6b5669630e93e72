"""Snapshot of a controller, for the page, the metrics and the probes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from reconciler.core.errors import Problem
from reconciler.core.plan.decision_kind import DecisionKind
from reconciler.core.report.report import AssociationReport, Report


@dataclass(frozen=True, slots=True)
class Revision:
    """Active revision. `id` is the commit, or None for a folder. `since` is the time of its activation.

    `subject` and `author` are those of the commit, and empty for a folder. `warnings` are those about no single target.
    The report of each target has the others.
    """

    id: str | None
    since: datetime
    manifest_count: int
    subject: str = ""
    author: str = ""
    warnings: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class RejectedRevision:
    """Rejected revision: the reason, the time since which it applies, and the problems in manifests."""

    reason: str
    since: datetime
    problems: tuple[Problem, ...] = ()


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """Finished run of one target. `open_count` is the number of manifests that wait for a person or another run."""

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
    """Active run of one target: its id, and the commit of its revision (None for a folder)."""

    run: str
    target: str
    revision: str | None


@dataclass(frozen=True, slots=True)
class TargetStatus:
    """Status of one target. During a run, `running_since` and `last_progress` are set, and `next_run` is None.

    `next_run` is the time when the next run is due, also if that has passed. `last_success` is the time when a run last
    succeeded. `last_complete_report` is the report of the last run that could list every data integration.
    `unmanaged_since` is the time of the first run that saw an unmanaged association, by ARN.
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
    unmanaged_since: Mapping[str, datetime] = field(default_factory=dict)

    @property
    def unlisted_associations(self) -> Mapping[str, AssociationReport]:
        """The last known reports of associations that the last run could not list, by name.

        The last run reports them as blocked, without an ARN.
        """
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
        """The associations of the last report. Those that it could not list keep their last known report."""
        unlisted = self.unlisted_associations
        return (
            tuple(unlisted.get(each.name, each) for each in self.last_report.associations) if self.last_report else ()
        )

    @property
    def stalled_since(self) -> datetime | None:
        """The time of the last progress of the active run, otherwise the time when the next run is due."""
        return self.last_progress or self.next_run


@dataclass(frozen=True, slots=True)
class ControllerStatus:
    """Snapshot of a controller at `now`. `source_checked_at` is the time when git was last read without an error.

    `source_status` is the status of the task that polls git, in the form of a target. `runs_since` is the time since
    which `finished_runs` are complete, if that is before the start.
    """

    now: datetime
    started_at: datetime
    source_checked_at: datetime | None
    revision: Revision | None
    rejected_revision: RejectedRevision | None
    targets: tuple[TargetStatus, ...]
    finished_runs: tuple[FinishedRun, ...]
    source_status: TargetStatus | None = None
    runs_since: datetime | None = None

    def find_stuck(self, stuck_after: timedelta) -> tuple[TargetStatus, ...]:
        """Return the targets and the poll task without progress, or overdue, for more than `stuck_after`."""
        statuses = (*self.targets, self.source_status) if self.source_status else self.targets
        return tuple(
            status for status in statuses if (since := status.stalled_since) and self.now - since > stuck_after
        )
