"""Poll git, and run each target in its own periodic task until the controller is closed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial

from reconciler.controller import task
from reconciler.controller.dependencies import Dependencies, Intervals
from reconciler.controller.revisions import RevisionTracker
from reconciler.controller.task import PeriodicTask
from reconciler.core.apply.outcome import SUCCESSES
from reconciler.core.controller.backoff import Backoff
from reconciler.core.controller.controller_status import ActiveRun, ControllerStatus, FinishedRun, TargetStatus
from reconciler.core.controller.run_history import RUN_RETENTION, RunHistory
from reconciler.core.errors import StopRequested
from reconciler.core.plan.decision_kind import DecisionKind
from reconciler.core.report.report import Report

POLL_TASK = "poll"
"""Name of the task that polls git. The scheduler gives it a thread of its own, to keep targets from delaying it."""


@dataclass(slots=True)
class TargetState:
    """State of a target: its task, its active run, and the results of earlier runs.

    The controller's lock guards the results. Only the thread of the task sets `active_run`. `last_complete_report`
    is the last report of a run that could list every data integration.
    """

    task: PeriodicTask = field(init=False)
    active_run: ActiveRun | None = None
    last_report: Report | None = None
    last_complete_report: Report | None = None
    last_success: datetime | None = None

    def clear_results(self) -> None:
        """Discard the results of earlier runs, because git no longer contains the target."""
        self.last_report = self.last_complete_report = self.last_success = None

    def record_report(self, report: Report) -> None:
        """Store the report of a finished run."""
        self.last_report = report
        if report.is_complete:
            self.last_complete_report = report
        if not report.has_failed:
            self.last_success = report.run.finished_at


class Controller:
    """Controller that polls git and keeps a periodic task and a state for each target."""

    def __init__(self, revisions: RevisionTracker, dependencies: Dependencies, intervals: Intervals) -> None:
        self._revisions, self._dependencies, self._intervals = revisions, dependencies, intervals
        self._started_at = dependencies.scheduling.clock.now()
        self._lock = threading.Lock()
        self._targets: dict[str, TargetState] = {}
        self._removed_targets: dict[str, TargetState] = {}
        self._history = RunHistory(self._started_at)
        self._reported_stuck_runs: set[tuple[str, datetime | None]] = set()
        self._has_reported_waiting = False
        self._full_run_request = threading.Event()
        self._is_closed = False
        self._poll_task = self._create_task(POLL_TASK, self._poll_source, intervals.poll_interval)

    def start(self) -> None:
        """Poll git now. The result of the poll starts the runs of the targets."""
        self._poll_task.request()

    def check_progress(self) -> None:
        """Report each stuck run once, report waiting targets, and reschedule lost tasks. Call this periodically."""
        with self._lock:
            tasks_by_target = {name: state.task for name, state in self._targets.items()}
        for each in (self._poll_task, *tasks_by_target.values()):
            each.reschedule_if_lost()
        waiting_targets = [name for name, each in sorted(tasks_by_target.items()) if each.is_waiting]
        if waiting_targets and not self._has_reported_waiting:
            self._dependencies.events.on_runs_waiting(waiting_targets)
        self._has_reported_waiting = bool(waiting_targets)
        stuck_runs = {
            (each.target, each.running_since): each
            for each in self.get_status().find_stuck(self._intervals.stuck_after)
        }
        for stuck_run in stuck_runs.keys() - self._reported_stuck_runs:
            self._dependencies.events.on_run_stuck(stuck_runs[stuck_run])
        self._reported_stuck_runs = set(stuck_runs)

    def poll(self) -> None:
        """Poll git now, and run every target if there is a new revision."""
        self._poll_task.request()

    def run_all(self) -> None:
        """Poll git now, and run every target even if the revision is unchanged."""
        self._full_run_request.set()
        self._poll_task.request()

    def run_targets(self, names: Iterable[str]) -> None:
        """Run some targets soon. Names that git no longer contains are ignored."""
        with self._lock:
            tasks = [self._targets[name].task for name in names if name in self._targets]
        for each in tasks:
            each.request()

    def handle_clock_jump(self) -> None:
        """Poll git and run every target now, because the due times are based on the clock before the jump."""
        self.run_all()
        self._dependencies.scheduling.scheduler.wake()

    def close(self) -> None:
        """Start no more runs. Active runs end by themselves, or when they check the stop request."""
        with self._lock:
            self._is_closed = True
            tasks = (self._poll_task, *(state.task for state in self._targets.values()))
        for each in tasks:
            each.close()

    def get_status(self) -> ControllerStatus:
        """Return a snapshot of the controller."""
        active, now = self._revisions.active, self._dependencies.scheduling.clock.now()
        with self._lock:
            removed_targets = {name: state for name, state in self._removed_targets.items() if state.task.running_since}
            target_statuses = tuple(
                _build_target_status(name, state, self._history)
                for name, state in sorted((removed_targets | self._targets).items())
            )
            history = self._history
        finished_runs = tuple(run for run in history.runs if run.finished_at > now - RUN_RETENTION)
        poll_task, revisions = self._poll_task, self._revisions
        source_status = TargetStatus(
            target="(git)",
            running_since=poll_task.running_since,
            last_progress=poll_task.last_progress,
            next_run=poll_task.next_run,
            failures=poll_task.failures,
            last_report=None,
            last_success=revisions.checked_at,
        )
        return ControllerStatus(
            now=now,
            started_at=self._started_at,
            source_checked_at=revisions.checked_at,
            revision=active.revision if active else None,
            rejected_revision=revisions.rejected_revision,
            targets=target_statuses,
            finished_runs=finished_runs,
            source_status=source_status,
            runs_since=history.since,
        )

    def get_history(self) -> RunHistory:
        """Return the finished runs, and the first sight of the unmanaged associations of the current targets."""
        with self._lock:
            return self._history.select_targets(self._targets)

    def restore_history(self, earlier: RunHistory) -> None:
        """Add the history of an earlier process."""
        now = self._dependencies.scheduling.clock.now()
        with self._lock:
            self._history = self._history.merge(earlier, now)

    def _create_task(
        self, task_name: str, action: task.TaskAction, interval: timedelta, state: TargetState | None = None
    ) -> PeriodicTask:
        dependencies = self._dependencies

        def run_guarded(on_progress: Callable[[], None]) -> bool:
            try:
                return action(on_progress)
            except StopRequested:
                return True
            except Exception as error:  # noqa: BLE001 - an error must not end the periodic task
                dependencies.events.on_unexpected_error(task_name, state.active_run if state else None, error)
                return False
            finally:
                if state:
                    state.active_run = None

        return PeriodicTask(
            task_name, run_guarded, Backoff(interval, self._intervals.min_event_interval), dependencies.scheduling
        )

    def _poll_source(self, _: Callable[[], None]) -> bool:
        previous_rejection, revisions = self._revisions.rejected_revision, self._revisions
        should_run_all = self._full_run_request.is_set()
        self._full_run_request.clear()
        is_new = revisions.poll(should_revalidate=should_run_all)
        if revisions.rejected_revision and (
            not previous_rejection or revisions.rejected_revision.reason != previous_rejection.reason
        ):
            self._dependencies.events.on_revision_rejected(
                revisions.rejected_revision, revisions.active.revision if revisions.active else None
            )
        if is_new and revisions.active:
            self._dependencies.events.on_revision_activated(revisions.active.revision, revisions.active.desired)
            self._update_targets([target.name for target in revisions.active.desired.targets])
        if is_new or should_run_all:
            for state in list(self._targets.values()):
                state.task.request()
        return True

    def _update_targets(self, target_names: list[str]) -> None:
        """Add a state for each new target of the active revision, and remove those of other targets."""
        with self._lock:
            target_names = [] if self._is_closed else target_names
            removed_targets = {name: self._targets.pop(name) for name in self._targets.keys() - set(target_names)}
            # Git may remove and restore a target during its run. The target keeps its task, to prevent concurrent runs.
            returning_targets = {
                name: self._removed_targets.pop(name) for name in self._removed_targets.keys() & set(target_names)
            }
            for state in removed_targets.values():
                state.clear_results()
            self._removed_targets = {
                name: state
                for name, state in (self._removed_targets | removed_targets).items()
                if state.task.running_since
            }
            self._targets |= returning_targets
            for name in target_names:
                if name not in self._targets:
                    self._targets[name] = self._create_target(name)
        for state in removed_targets.values():
            state.task.close()
        for state in returning_targets.values():
            state.task.reopen()

    def _create_target(self, name: str) -> TargetState:
        state = TargetState()
        state.task = self._create_task(
            f"target {name}", partial(self._run_target, name, state), self._intervals.run_interval, state
        )
        return state

    def _run_target(self, name: str, state: TargetState, on_progress: Callable[[], None]) -> bool:
        active = self._revisions.active
        assert active
        if name not in active.desired.targets_by_name:
            return True  # git no longer contains the target
        run = state.active_run = ActiveRun(self._dependencies.generate_id(), name, active.revision.id)
        report = self._dependencies.run_target(run, active.desired, on_progress)
        with self._lock:
            if self._targets.get(name) is state:
                state.record_report(report)
            unmanaged = [live.arn for target in report.targets for live in target.unmanaged]
            finished_run = _build_finished_run(name, report)
            self._history = self._history.add(finished_run, unmanaged, is_complete=report.is_complete)
        self._dependencies.events.on_run_finished(report)
        return not report.has_failed


def _build_target_status(name: str, state: TargetState, history: RunHistory) -> TargetStatus:
    task = state.task
    return TargetStatus(
        target=name,
        running_since=task.running_since,
        last_progress=task.last_progress,
        next_run=task.next_run,
        failures=task.failures,
        last_report=state.last_report,
        last_success=state.last_success,
        active_run=state.active_run,
        last_complete_report=state.last_complete_report,
        unmanaged_since=history.unmanaged_since.get(name, {}),
    )


def _build_finished_run(name: str, report: Report) -> FinishedRun:
    run = report.run
    return FinishedRun(
        id=run.id,
        target=name,
        started_at=run.started_at,
        finished_at=run.finished_at,
        is_success=not report.has_failed,
        write_count=sum(isinstance(each.outcome, SUCCESSES) for each in report.associations),
        drift_count=report.count_decisions(DecisionKind.DRIFTED),
        open_count=report.open_count,
    )
