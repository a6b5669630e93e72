"""The dependencies and intervals of a controller, as types."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from reconciler.controller.scheduler import SchedulerContext
from reconciler.core.controller.status import ActiveRun, RejectedRevision, Revision, TargetStatus
from reconciler.core.model import Desired
from reconciler.core.report.report import Report


class RunTarget(Protocol):
    """Runs one target."""

    def __call__(self, run: ActiveRun, desired: Desired, on_progress: Callable[[], None]) -> Report:
        """Run a target and return its report; call `on_progress` after each step."""


class ControllerEvents(Protocol):
    """Receives the events of a controller as they happen. Must not raise."""

    def on_revision_activated(self, revision: Revision, desired: Desired) -> None:
        """Report that a revision became active, with its desired state."""

    def on_revision_rejected(self, rejected_revision: RejectedRevision, active_revision: Revision | None) -> None:
        """Report why the latest revision was rejected: once for each reason."""

    def on_run_finished(self, report: Report) -> None:
        """Report the result of a run."""

    def on_unexpected_error(self, task_name: str, run: ActiveRun | None, error: Exception) -> None:
        """Report an error that the program does not know, and the run that it ended, if any."""

    def on_run_stuck(self, target_status: TargetStatus) -> None:
        """Report that a run makes no progress: once for each run."""

    def on_runs_waiting(self, target_names: Sequence[str]) -> None:
        """Report that targets are due and wait for the runs of others: once until none waits."""


@dataclass(frozen=True, slots=True)
class Dependencies:
    """The functions and objects that a controller calls."""

    run_target: RunTarget
    events: ControllerEvents
    scheduling: SchedulerContext
    generate_id: Callable[[], str]


@dataclass(frozen=True, slots=True)
class Intervals:
    """The intervals between runs and between polls, and the limits of a run.

    `stuck_after` is the time without progress after which a run counts as stuck. Webhooks and pushes start at most two
    runs of a target within `min_event_interval`. Receivers get a summary once in a `summary_interval`; never if 0.
    """

    run_interval: timedelta
    poll_interval: timedelta
    stuck_after: timedelta
    summary_interval: timedelta = timedelta()
    min_event_interval: timedelta = timedelta(seconds=30)
