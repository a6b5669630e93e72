"""Controller: every target runs at its interval with the latest valid revision, and every event is reported."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
from controller.test_revisions import ONE_MANIFEST, PROBLEM, FakeSource
from support import reports
from support.builders import NOW
from support.fakes import FakeClock
from support.scheduler import FakeScheduler

from reconciler.controller.controller import Controller
from reconciler.controller.dependencies import Dependencies, Intervals
from reconciler.controller.revisions import RevisionTracker
from reconciler.core.apply.outcome import Created
from reconciler.core.controller.controller_status import ActiveRun, RejectedRevision, Revision, TargetStatus
from reconciler.core.errors import GitError, InvalidManifests, StopRequested, UntrustedCommit
from reconciler.core.model import NO_MANIFESTS, Desired, Target
from reconciler.core.report.report import AssociationReport, Report

TWO_TARGETS = Desired((Target("east"), Target("west")), {"east": (), "west": ()})
INTERVALS = Intervals(timedelta(minutes=5), timedelta(seconds=30), timedelta(minutes=10))


@dataclass
class FakeTargets:
    """Fake targets that behave as the test sets, and a recorder of the events of the controller."""

    clock: FakeClock
    failing: set[str] = field(default_factory=set)
    callbacks: dict[str, Callable[[], object]] = field(default_factory=dict)
    progress_callbacks: dict[str, Callable[[], None]] = field(default_factory=dict)
    runs: list[tuple[str, str | None, float]] = field(default_factory=list)
    events: list[object] = field(default_factory=list)
    run_count: int = 0
    associations: tuple[AssociationReport, ...] = (reports.association(outcome=Created("a1")),)

    def new_id(self) -> str:
        """Return the next run id."""
        self.run_count += 1
        return f"run-{self.run_count}"

    def run_target(self, run: ActiveRun, desired: Desired, on_progress: Callable[[], None]) -> Report:
        """Record a run of a target and return its report."""
        target = run.target
        assert target in desired.manifests
        self.runs.append((target, run.revision, (self.clock.now() - NOW) / timedelta(minutes=1)))
        self.progress_callbacks[target] = on_progress
        on_progress()
        self.callbacks.get(target, lambda: None)()
        report = reports.report(
            *self.associations, dry_run=False, error="AssumeRole: denied" if target in self.failing else None
        )
        return replace(report, run=replace(report.run, started_at=self.clock.now(), finished_at=self.clock.now()))

    def get_start_minutes(self, target: str) -> list[float]:
        """Return the start times of the runs of a target, in minutes."""
        return [minute for name, _, minute in self.runs if name == target]

    def on_revision_activated(self, revision: Revision, _: Desired) -> None:
        """Record the event."""
        self.events.append(revision)

    def on_revision_rejected(self, rejected_revision: RejectedRevision, active_revision: Revision | None) -> None:
        """Record the event."""
        self.events.append((rejected_revision.reason, active_revision))

    def on_run_finished(self, report: Report) -> None:
        """Record the event."""
        self.events.append(report)

    def on_unexpected_error(self, task_name: str, run: ActiveRun | None, error: Exception) -> None:
        """Record the event."""
        self.events.append((task_name, run, error))

    def on_run_stuck(self, target_status: TargetStatus) -> None:
        """Record the event."""
        self.events.append((target_status.target, "is stuck", target_status.active_run))

    def on_runs_waiting(self, target_names: Sequence[str]) -> None:
        """Record the event."""
        self.events.append(("waiting", *target_names))


@pytest.fixture
def targets(scheduler: FakeScheduler) -> FakeTargets:
    """Return a set of fake targets."""
    return FakeTargets(scheduler.clock)


@pytest.fixture
def git() -> FakeSource:
    """Return a source with two targets."""
    return FakeSource(TWO_TARGETS)


@pytest.fixture
def controller(scheduler: FakeScheduler, targets: FakeTargets, git: FakeSource) -> Controller:
    """Return a started controller."""
    controller = Controller(
        RevisionTracker(git, scheduler.clock),
        Dependencies(targets.run_target, targets, scheduler.context, targets.new_id),
        INTERVALS,
    )
    controller.start()
    return controller


def test_every_target_is_run_at_once_and_then_at_its_interval(
    scheduler: FakeScheduler, targets: FakeTargets, controller: Controller
) -> None:
    """Each target runs at the start and then every five minutes, with the active revision."""
    scheduler.advance(timedelta(minutes=11))
    assert targets.get_start_minutes("east") == targets.get_start_minutes("west") == [0, 5, 10]
    assert {revision for _, revision, _ in targets.runs} == {"1"}
    assert controller.get_status().revision == Revision("1", NOW, 0, warnings=(NO_MANIFESTS,))


@pytest.mark.usefixtures("controller")
def test_a_failing_target_delays_no_other(scheduler: FakeScheduler, targets: FakeTargets) -> None:
    """A failing target is retried with growing delays. The other target keeps its interval."""
    targets.failing.add("west")
    scheduler.advance(timedelta(minutes=21))
    assert targets.get_start_minutes("east") == [0, 5, 10, 15, 20]
    assert targets.get_start_minutes("west") == [0, 0.5, 1.5, 3.5, 7.5, 15.5]


@pytest.mark.usefixtures("controller")
def test_a_push_runs_every_target(scheduler: FakeScheduler, targets: FakeTargets, git: FakeSource) -> None:
    """The poll after a push runs every target, including a failing one."""
    targets.failing.add("west")
    scheduler.advance(timedelta(minutes=6))
    git.push(TWO_TARGETS)
    scheduler.advance(timedelta(minutes=1))
    assert ("east", "2", 6.5) in targets.runs
    assert ("west", "2", 6.5) in targets.runs


def test_requests_during_a_run_cause_one_more_run(
    scheduler: FakeScheduler, targets: FakeTargets, git: FakeSource, controller: Controller
) -> None:
    """A thousand pushes during a run cause one more run, with the latest revision."""
    scheduler.advance(timedelta(minutes=1))
    targets.runs.clear()

    def push_repeatedly() -> None:
        del targets.callbacks["east"]
        for _ in range(1000):
            git.push(TWO_TARGETS)
            controller.poll()

    targets.callbacks["east"] = push_repeatedly
    git.push(TWO_TARGETS)
    controller.poll()
    scheduler.advance(timedelta(minutes=1))
    assert len(targets.get_start_minutes("east")) == 2
    assert len(targets.get_start_minutes("west")) == 1, "west runs only after the burst"
    assert {target: revision for target, revision, _ in targets.runs} == {"east": "1002", "west": "1002"}


def test_long_burst_of_requests_causes_two_runs(
    scheduler: FakeScheduler, targets: FakeTargets, controller: Controller
) -> None:
    """A thousand requests within 15 seconds cause two runs of each target."""
    scheduler.advance(timedelta(minutes=1))
    targets.runs.clear()
    for _ in range(1000):
        controller.run_all()
        scheduler.advance(timedelta(milliseconds=15))
    assert len(targets.get_start_minutes("east")) == len(targets.get_start_minutes("west")) == 2


def test_unchanged_source_runs_no_target(
    scheduler: FakeScheduler, targets: FakeTargets, controller: Controller
) -> None:
    """A poll without a new revision runs no target."""
    scheduler.advance(timedelta(minutes=1))
    controller.poll()
    scheduler.advance()
    assert targets.get_start_minutes("east") == [0]


def test_run_all_runs_unchanged_and_failing_targets(
    scheduler: FakeScheduler, targets: FakeTargets, controller: Controller
) -> None:
    """A requested run of every target includes unchanged and failing ones."""
    targets.failing.add("west")
    scheduler.advance(timedelta(minutes=2))
    controller.run_all()
    scheduler.advance()
    assert targets.get_start_minutes("east") == [0, 2]
    assert targets.get_start_minutes("west") == [0, 0.5, 1.5, 2]


def test_targets_are_added_and_removed_with_the_revision(
    scheduler: FakeScheduler, targets: FakeTargets, git: FakeSource, controller: Controller
) -> None:
    """A new target runs at once. A removed target runs no more and leaves the status."""
    scheduler.advance(timedelta(minutes=1))
    git.push(Desired((Target("west"), Target("north")), {"west": (), "north": ()}))
    scheduler.advance(timedelta(minutes=10))
    assert targets.get_start_minutes("east") == [0]
    assert targets.get_start_minutes("north")[0] == 1.5
    assert [target_status.target for target_status in controller.get_status().targets] == ["north", "west"]


@pytest.mark.usefixtures("controller")
def test_due_target_that_git_removed_is_not_run(
    scheduler: FakeScheduler, targets: FakeTargets, git: FakeSource
) -> None:
    """A due run of a target is dropped if the active revision no longer contains the target."""
    scheduler.advance()
    west_job = next(job for name, (_, job) in scheduler.jobs.items() if name == "target west")
    git.push(Desired((Target("east"),), {"east": ()}))
    targets.callbacks["east"] = west_job  # starts during the poll that removes the target
    scheduler.advance(timedelta(minutes=1))
    assert targets.get_start_minutes("west") == [0]


def test_target_restored_during_its_run_does_not_run_concurrently(
    scheduler: FakeScheduler, targets: FakeTargets, git: FakeSource, controller: Controller
) -> None:
    """A target that git removes and restores during its run runs once more afterwards, never twice at once."""
    scheduler.advance(timedelta(minutes=1))
    run_counts: list[int] = []

    def remove_and_restore() -> None:
        targets.callbacks.clear()
        for desired in (Desired((Target("west"),), {"west": ()}), TWO_TARGETS):
            git.push(desired)
            controller.poll()
            scheduler.advance(timedelta(minutes=1))
        run_counts.append(len(targets.get_start_minutes("east")))

    targets.callbacks["east"] = remove_and_restore
    controller.run_all()
    scheduler.advance(timedelta(minutes=1))
    assert run_counts == [2], "no run started during the other"
    scheduler.advance(timedelta(seconds=1))
    assert len(targets.get_start_minutes("east")) == 3
    assert targets.runs[-1][:2] == ("east", "3")


def test_removed_target_stays_in_the_status_during_its_run(
    scheduler: FakeScheduler, targets: FakeTargets, git: FakeSource, controller: Controller
) -> None:
    """A removed target stays in the status until its run ends, and can be reported as stuck."""
    scheduler.advance(timedelta(minutes=1))
    statuses: list[list[tuple[str, bool]]] = []

    def remove() -> None:
        git.push(Desired((Target("west"),), {"west": ()}))
        controller.poll()
        scheduler.advance(timedelta(minutes=1))
        statuses.append(
            [
                (target_status.target, target_status.running_since is not None)
                for target_status in controller.get_status().targets
            ]
        )
        scheduler.clock.advance(hours=1)
        controller.check_progress()

    targets.callbacks["east"] = remove
    controller.run_all()
    scheduler.advance(timedelta(minutes=1))
    assert statuses == [[("east", True), ("west", False)]]
    assert [each[:2] for each in targets.events if isinstance(each, tuple)] == [("east", "is stuck")]
    assert [target_status.target for target_status in controller.get_status().targets] == ["west"]


def test_report_of_a_removed_target_is_not_kept(
    scheduler: FakeScheduler, targets: FakeTargets, git: FakeSource, controller: Controller
) -> None:
    """A run that ends after the removal of its target counts as finished. A restored target starts without a report."""
    scheduler.advance(timedelta(minutes=1))

    def remove() -> None:
        targets.callbacks.clear()
        git.push(Desired((Target("west"),), {"west": ()}))
        controller.poll()
        scheduler.advance(timedelta(seconds=1))

    targets.callbacks["east"] = remove
    controller.run_all()
    scheduler.advance(timedelta(minutes=1))
    status = controller.get_status()
    assert [target_status.target for target_status in status.targets] == ["west"]
    assert sum(run.target == "east" for run in status.finished_runs) == 2
    last_reports: list[object] = []
    targets.callbacks["east"] = lambda: last_reports.append(
        next(each for each in controller.get_status().targets if each.running_since).last_report
    )
    git.push(TWO_TARGETS)
    controller.poll()
    scheduler.advance(timedelta(seconds=31))
    assert last_reports == [None]


def test_interrupted_run_does_not_count_as_failure(
    scheduler: FakeScheduler, targets: FakeTargets, git: FakeSource, controller: Controller
) -> None:
    """A stop during a poll or a run causes no event and no failure."""
    scheduler.advance(timedelta(minutes=1))
    event_count = len(targets.events)

    def raise_stop() -> None:
        raise StopRequested("shutdown requested")

    targets.callbacks["east"] = raise_stop
    scheduler.advance(timedelta(minutes=4, seconds=30))
    git.outage = StopRequested("shutdown requested")
    scheduler.advance(timedelta(minutes=1))
    assert len(targets.events) == event_count + 1, "only the run of west"
    status = controller.get_status()
    assert status.rejected_revision is None
    assert status.targets[0].failures == 0


def test_hanging_source_check_counts_as_stuck(
    scheduler: FakeScheduler, git: FakeSource, controller: Controller
) -> None:
    """Overdue targets and an overdue poll count as stuck, and are scheduled again."""
    scheduler.advance(timedelta(minutes=1))
    scheduler.jobs.clear()
    scheduler.clock.advance(minutes=16)
    stuck = controller.get_status().find_stuck(INTERVALS.stuck_after)
    assert [target_status.target for target_status in stuck] == ["east", "west", "(git)"]
    controller.check_progress()
    scheduler.advance()
    assert controller.get_status().find_stuck(INTERVALS.stuck_after) == ()
    assert git.loads == 1


def test_run_all_validates_a_rejected_revision_again(
    scheduler: FakeScheduler, targets: FakeTargets, git: FakeSource, controller: Controller
) -> None:
    """A requested run of every target validates a rejected revision again, because keys may have changed."""
    scheduler.advance(timedelta(minutes=1))
    git.push(UntrustedCommit("its signature cannot be checked"))
    scheduler.advance(timedelta(minutes=1))
    git.latest = TWO_TARGETS
    scheduler.advance(timedelta(minutes=1))
    assert controller.get_status().rejected_revision
    controller.run_all()
    scheduler.advance(timedelta(seconds=1))
    assert controller.get_status().rejected_revision is None
    assert ("east", "2", 3.0) in targets.runs


def test_rejected_revision_is_reported_once_and_previous_one_runs(
    scheduler: FakeScheduler, targets: FakeTargets, git: FakeSource, controller: Controller
) -> None:
    """Each rejection reason is reported once, and the previous revision keeps running."""
    scheduler.advance(timedelta(minutes=1))
    git.push(InvalidManifests((PROBLEM,)))
    scheduler.advance(timedelta(minutes=20))
    git.outage = GitError("cannot be reached")
    scheduler.advance(timedelta(minutes=20))
    rejections = [each for each in targets.events if isinstance(each, tuple)]
    active_revision = Revision("1", NOW, 0, warnings=(NO_MANIFESTS,))
    assert rejections == [("1 problem in the manifests", active_revision), ("cannot be reached", active_revision)]
    assert targets.get_start_minutes("east") == [0, 5, 10, 15, 20, 25, 30, 35, 40]
    rejection = controller.get_status().rejected_revision
    assert rejection
    assert rejection.reason == "cannot be reached"


def test_no_target_runs_without_a_valid_revision(
    scheduler: FakeScheduler, targets: FakeTargets, git: FakeSource, controller: Controller
) -> None:
    """No target runs before the first valid revision, even on request."""
    git.latest = InvalidManifests((PROBLEM,))
    controller.run_all()
    scheduler.advance(timedelta(minutes=5))
    assert targets.runs == []
    assert targets.events == [("1 problem in the manifests", None)]
    git.push(ONE_MANIFEST)
    scheduler.advance(timedelta(minutes=1))
    assert len(targets.get_start_minutes("prod")) == 1


@pytest.mark.usefixtures("controller")
def test_unexpected_error_is_reported_and_the_loop_continues(scheduler: FakeScheduler, targets: FakeTargets) -> None:
    """An unexpected error counts as a failure of its target, which is retried."""
    error = ZeroDivisionError()

    def fail() -> None:
        raise error

    targets.callbacks["east"] = fail
    scheduler.advance(timedelta(seconds=31))
    assert ("target east", ActiveRun("run-1", "east", "1"), error) in targets.events
    assert targets.get_start_minutes("east") == [0, 0.5]
    assert targets.get_start_minutes("west") == [0]


def test_stuck_run_is_reported_once(scheduler: FakeScheduler, targets: FakeTargets, controller: Controller) -> None:
    """A run without progress is reported once, and is stuck while it lasts. A long run with progress is not."""

    def hang() -> None:
        for _ in range(8):
            scheduler.clock.advance(minutes=9)
            targets.progress_callbacks["east"]()
            controller.check_progress()
        assert not controller.get_status().find_stuck(INTERVALS.stuck_after)
        for _ in range(8):
            scheduler.clock.advance(minutes=9)
            controller.check_progress()
        assert [stuck.target for stuck in controller.get_status().find_stuck(INTERVALS.stuck_after)] == ["east"]

    targets.callbacks["east"] = hang
    scheduler.advance(timedelta(seconds=1))
    assert targets.events.count(("east", "is stuck", ActiveRun("run-1", "east", "1"))) == 1
    assert {target_status.active_run for target_status in controller.get_status().targets} == {None}
    targets.callbacks.clear()
    scheduler.advance(timedelta(minutes=10))
    assert not controller.get_status().find_stuck(INTERVALS.stuck_after)


def test_status_shows_reports_failures_and_due_times(
    scheduler: FakeScheduler, targets: FakeTargets, controller: Controller
) -> None:
    """The status holds the last report, failures, last success and due time of each target, and the finished runs."""
    targets.failing.add("west")
    scheduler.advance(timedelta(minutes=2))
    status = controller.get_status()
    east, west = status.targets
    assert (east.target, east.failures, east.last_success, east.next_run) == (
        "east",
        0,
        NOW,
        NOW + timedelta(minutes=5),
    )
    assert (west.target, west.failures, west.last_success) == ("west", 3, None)
    assert west.next_run == NOW + timedelta(minutes=3.5)
    assert west.last_report
    assert west.last_report.targets[0].error == "AssumeRole: denied"
    assert [(run.target, run.is_success, run.write_count) for run in status.finished_runs] == [
        ("east", True, 1), ("west", False, 1), ("west", False, 1), ("west", False, 1),
    ]  # fmt: skip
    assert (status.started_at, status.source_checked_at, status.rejected_revision) == (
        NOW,
        NOW + timedelta(minutes=2),
        None,
    )


def test_last_complete_report_is_kept_while_runs_fail(
    scheduler: FakeScheduler, targets: FakeTargets, git: FakeSource, controller: Controller
) -> None:
    """The last complete report stays beside the last report until git removes the target."""
    scheduler.advance(timedelta(minutes=1))
    targets.failing.add("west")
    scheduler.advance(timedelta(minutes=5))
    east, west = controller.get_status().targets
    assert east.last_report is east.last_complete_report
    assert west.last_report
    assert west.last_report.targets[0].error
    assert west.last_complete_report
    assert not west.last_complete_report.targets[0].error
    git.push(Desired((Target("east"),), {"east": ()}))
    scheduler.advance(timedelta(minutes=1))
    git.push(TWO_TARGETS)
    scheduler.advance(timedelta(minutes=1))
    assert controller.get_status().targets[1].last_complete_report is None


def test_finished_run_counts_the_remaining_differences(
    scheduler: FakeScheduler, targets: FakeTargets, controller: Controller
) -> None:
    """A finished run counts drifted associations, and separately the other open ones."""
    decisions = ("in-sync", "lost", "blocked", "changed", "held", "settling")
    targets.associations = (
        reports.build_drifted_association(),
        *(reports.association(each, each) for each in decisions),
    )
    scheduler.advance(timedelta(seconds=1))
    assert {(run.write_count, run.drift_count, run.open_count) for run in controller.get_status().finished_runs} == {
        (0, 1, 5)
    }


def test_finished_runs_are_kept_for_a_day(scheduler: FakeScheduler, controller: Controller) -> None:
    """Finished runs older than a day are dropped, which limits the memory."""
    scheduler.advance(timedelta(days=3))
    finished_runs = controller.get_status().finished_runs
    assert len(finished_runs) == 2 * 24 * 12
    assert min(run.finished_at for run in finished_runs) > scheduler.clock.now() - timedelta(days=1)


def test_closed_controller_starts_no_run(
    scheduler: FakeScheduler, targets: FakeTargets, git: FakeSource, controller: Controller
) -> None:
    """After close, no poll and no run starts, even on request."""
    scheduler.advance(timedelta(minutes=1))
    controller.close()
    git.push(TWO_TARGETS)
    controller.run_all()
    scheduler.advance(timedelta(hours=1))
    assert targets.get_start_minutes("east") == [0]
    assert scheduler.jobs == {}


def test_waiting_targets_are_reported_once(
    scheduler: FakeScheduler, targets: FakeTargets, controller: Controller
) -> None:
    """Waiting targets are reported once, and again only after none was waiting."""
    scheduler.advance()
    for count in (1, 2):
        scheduler.jobs.pop("target east")
        scheduler.queued_jobs.add("target east")
        scheduler.advance(INTERVALS.run_interval + timedelta(seconds=11))
        for _ in range(3):
            controller.check_progress()
        assert targets.events.count(("waiting", "east")) == count
        scheduler.queued_jobs.clear()
        controller.check_progress()
        scheduler.advance()


def test_some_targets_run_soon(scheduler: FakeScheduler, targets: FakeTargets, controller: Controller) -> None:
    """A request runs only the named targets, and ignores names that git no longer contains."""
    scheduler.advance(timedelta(minutes=1))
    controller.run_targets(["west", "gone"])
    scheduler.advance(timedelta(minutes=1))
    assert targets.get_start_minutes("west") == [0, 1]
    assert targets.get_start_minutes("east") == [0]
