"""Dependencies and intervals of a controller, as types."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from reconciler.controller.scheduler import SchedulerContext
from reconciler.core.controller.controller_status import ActiveRun, RejectedRevision, Revision, TargetStatus
from reconciler.core.model import Desired
from reconciler.core.report.report import Report


class RunTarget(Protocol):
    """Function that runs one target."""

    def __call__(self, run: ActiveRun, desired: Desired, on_progress: Callable[[], None]) -> Report:
        """Run the target of `run` and return the report. Call `on_progress` after each step."""


class ControllerEvents(Protocol):
    """Observer of the events of a controller. Its methods must not raise."""

    def on_revision_activated(self, revision: Revision, desired: Desired) -> None:
        """Report a new active revision and its desired state."""

    def on_revision_rejected(self, rejected_revision: RejectedRevision, active_revision: Revision | None) -> None:
        """Report a rejected revision, once for each reason."""

    def on_run_finished(self, report: Report) -> None:
        """Report the result of a finished run."""

    def on_unexpected_error(self, task_name: str, run: ActiveRun | None, error: Exception) -> None:
        """Report an unexpected error, and the run that it ended, if any."""

    def on_run_stuck(self, target_status: TargetStatus) -> None:
        """Report a stuck run, once for each run."""

    def on_runs_waiting(self, target_names: Sequence[str]) -> None:
        """Report due targets that wait for the runs of other targets. Called once per waiting period."""


@dataclass(frozen=True, slots=True)
class Dependencies:
    """Functions and objects that a controller calls."""

    run_target: RunTarget
    events: ControllerEvents
    scheduling: SchedulerContext
    generate_id: Callable[[], str]


@dataclass(frozen=True, slots=True)
class Intervals:
    """Intervals of runs, polls and summaries, and the time limit of a run.

    `stuck_after` is the time without progress after which a run counts as stuck. Webhooks and pushes start at most two
    runs of a target within `min_event_interval`. A `summary_interval` of 0 turns summaries off.
    """

    run_interval: timedelta
    poll_interval: timedelta
    stuck_after: timedelta
    summary_interval: timedelta = timedelta()
    min_event_interval: timedelta = timedelta(seconds=30)
