"""Controller: every target runs at its interval with the latest valid revision, and every event is reported."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta

import pytest
from controller.test_revisions import ONE, PROBLEM, Git
from support import reports
from support.builders import NOW
from support.fakes import FakeClock
from support.scheduler import FakeScheduler

from reconciler.controller.controller import Controller
from reconciler.controller.dependencies import Dependencies, Intervals
from reconciler.controller.revisions import RevisionTracker
from reconciler.core.apply.outcome import Created
from reconciler.core.controller.status import ActiveRun, RejectedRevision, Revision, TargetStatus
from reconciler.core.errors import GitError, InvalidManifests, StopRequested, UntrustedCommit
from reconciler.core.model import Desired, Target
from reconciler.core.report.report import AssociationReport, Report

BOTH = Desired((Target("east"), Target("west")), {"east": (), "west": ()})
TIMES = Intervals(timedelta(minutes=5), timedelta(seconds=30), timedelta(minutes=10))


@dataclass
class Fleet:
    """Fake targets that behave as the test sets, and a recorder of the events of the controller."""

    clock: FakeClock
    failing: set[str] = field(default_factory=set)
    during: dict[str, Callable[[], object]] = field(default_factory=dict)
    progress: dict[str, Callable[[], None]] = field(default_factory=dict)
    runs: list[tuple[str, str | None, float]] = field(default_factory=list)
    heard: list[object] = field(default_factory=list)
    ids: int = 0
    found: tuple[AssociationReport, ...] = (reports.association(outcome=Created("a1")),)

    def new_id(self) -> str:
        """Return the next run id."""
        self.ids += 1
        return f"run-{self.ids}"

    def act(self, run: ActiveRun, desired: Desired, on_progress: Callable[[], None]) -> Report:
        """Record a run of a target and return its report."""
        target = run.target
        assert target in desired.manifests
        self.runs.append((target, run.revision, (self.clock.now() - NOW) / timedelta(minutes=1)))
        self.progress[target] = on_progress
        on_progress()
        self.during.get(target, lambda: None)()
        report = reports.report(
            *self.found, dry_run=False, error="AssumeRole: denied" if target in self.failing else None
        )
        return replace(report, run=replace(report.run, started_at=self.clock.now(), finished_at=self.clock.now()))

    def minutes(self, target: str) -> list[float]:
        """Return the start times of the runs of a target, in minutes."""
        return [minute for name, _, minute in self.runs if name == target]

    def on_revision_activated(self, revision: Revision, _: Desired) -> None:
        """Record the event."""
        self.heard.append(revision)

    def on_revision_rejected(self, rejected_revision: RejectedRevision, active_revision: Revision | None) -> None:
        """Record the event."""
        self.heard.append((rejected_revision.reason, active_revision))

    def on_run_finished(self, report: Report) -> None:
        """Record the event."""
        self.heard.append(report)

    def on_unexpected_error(self, task_name: str, run: ActiveRun | None, error: Exception) -> None:
        """Record the event."""
        self.heard.append((task_name, run, error))

    def on_run_stuck(self, target_status: TargetStatus) -> None:
        """Record the event."""
        self.heard.append((target_status.target, "is stuck", target_status.active_run))

    def on_runs_waiting(self, target_names: Sequence[str]) -> None:
        """Record the event."""
        self.heard.append(("waiting", *target_names))


@pytest.fixture
def fleet(scheduler: FakeScheduler) -> Fleet:
    """Return a fleet of fake targets."""
    return Fleet(scheduler.clock)


@pytest.fixture
def git() -> Git:
    """Return a source with two targets."""
    return Git(BOTH)


@pytest.fixture
def controller(scheduler: FakeScheduler, fleet: Fleet, git: Git) -> Controller:
    """Return a started controller."""
    controller = Controller(
        RevisionTracker(git, scheduler.clock), Dependencies(fleet.act, fleet, scheduler.context, fleet.new_id), TIMES
    )
    controller.start()
    return controller


def test_every_target_is_run_at_once_and_then_at_its_interval(
    scheduler: FakeScheduler, fleet: Fleet, controller: Controller
) -> None:
    """Each target runs at the start and then every five minutes, with the active revision."""
    scheduler.advance(timedelta(minutes=11))
    assert fleet.minutes("east") == fleet.minutes("west") == [0, 5, 10]
    assert {revision for _, revision, _ in fleet.runs} == {"1"}
    assert controller.get_status().revision == Revision("1", NOW, 0)


@pytest.mark.usefixtures("controller")
def test_a_failing_target_delays_no_other(scheduler: FakeScheduler, fleet: Fleet) -> None:
    """A failing target is retried with growing delays. The other target keeps its interval."""
    fleet.failing.add("west")
    scheduler.advance(timedelta(minutes=21))
    assert fleet.minutes("east") == [0, 5, 10, 15, 20]
    assert fleet.minutes("west") == [0, 0.5, 1.5, 3.5, 7.5, 15.5]


@pytest.mark.usefixtures("controller")
def test_a_push_runs_every_target(scheduler: FakeScheduler, fleet: Fleet, git: Git) -> None:
    """The poll after a push runs every target, including a failing one."""
    fleet.failing.add("west")
    scheduler.advance(timedelta(minutes=6))
    git.push(BOTH)
    scheduler.advance(timedelta(minutes=1))
    assert ("east", "2", 6.5) in fleet.runs
    assert ("west", "2", 6.5) in fleet.runs


def test_requests_during_a_run_cause_one_more_run(
    scheduler: FakeScheduler, fleet: Fleet, git: Git, controller: Controller
) -> None:
    """A thousand pushes during a run cause one more run, with the latest revision."""
    scheduler.advance(timedelta(minutes=1))
    fleet.runs.clear()

    def storm() -> None:
        del fleet.during["east"]
        for _ in range(1000):
            git.push(BOTH)
            controller.poll()

    fleet.during["east"] = storm
    git.push(BOTH)
    controller.poll()
    scheduler.advance(timedelta(minutes=1))
    assert len(fleet.minutes("east")) == 2
    assert len(fleet.minutes("west")) == 1, "west runs only after the burst"
    assert {target: revision for target, revision, _ in fleet.runs} == {"east": "1002", "west": "1002"}


def test_long_burst_of_requests_causes_two_runs(scheduler: FakeScheduler, fleet: Fleet, controller: Controller) -> None:
    """A thousand requests within 15 seconds cause two runs of each target."""
    scheduler.advance(timedelta(minutes=1))
    fleet.runs.clear()
    for _ in range(1000):
        controller.run_all()
        scheduler.advance(timedelta(milliseconds=15))
    assert len(fleet.minutes("east")) == len(fleet.minutes("west")) == 2


def test_unchanged_source_runs_no_target(scheduler: FakeScheduler, fleet: Fleet, controller: Controller) -> None:
    """A poll without a new revision runs no target."""
    scheduler.advance(timedelta(minutes=1))
    controller.poll()
    scheduler.advance()
    assert fleet.minutes("east") == [0]


def test_run_all_runs_unchanged_and_failing_targets(
    scheduler: FakeScheduler, fleet: Fleet, controller: Controller
) -> None:
    """A requested run of every target includes unchanged and failing ones."""
    fleet.failing.add("west")
    scheduler.advance(timedelta(minutes=2))
    controller.run_all()
    scheduler.advance()
    assert fleet.minutes("east") == [0, 2]
    assert fleet.minutes("west") == [0, 0.5, 1.5, 2]


def test_targets_are_added_and_removed_with_the_revision(
    scheduler: FakeScheduler, fleet: Fleet, git: Git, controller: Controller
) -> None:
    """A new target runs at once. A removed target runs no more and leaves the status."""
    scheduler.advance(timedelta(minutes=1))
    git.push(Desired((Target("west"), Target("north")), {"west": (), "north": ()}))
    scheduler.advance(timedelta(minutes=10))
    assert fleet.minutes("east") == [0]
    assert fleet.minutes("north")[0] == 1.5
    assert [lane.target for lane in controller.get_status().targets] == ["north", "west"]


@pytest.mark.usefixtures("controller")
def test_due_target_that_git_removed_is_not_run(scheduler: FakeScheduler, fleet: Fleet, git: Git) -> None:
    """A due run of a target is dropped if the active revision no longer contains the target."""
    scheduler.advance()
    late = next(job for name, (_, job) in scheduler.jobs.items() if name == "target west")
    git.push(Desired((Target("east"),), {"east": ()}))
    fleet.during["east"] = late  # starts during the poll that removes the target
    scheduler.advance(timedelta(minutes=1))
    assert fleet.minutes("west") == [0]


def test_target_restored_during_its_run_does_not_run_concurrently(
    scheduler: FakeScheduler, fleet: Fleet, git: Git, controller: Controller
) -> None:
    """A target that git removes and restores during its run runs once more afterwards, never twice at once."""
    scheduler.advance(timedelta(minutes=1))
    seen: list[int] = []

    def dropped_and_back() -> None:
        fleet.during.clear()
        for desired in (Desired((Target("west"),), {"west": ()}), BOTH):
            git.push(desired)
            controller.poll()
            scheduler.advance(timedelta(minutes=1))
        seen.append(len(fleet.minutes("east")))

    fleet.during["east"] = dropped_and_back
    controller.run_all()
    scheduler.advance(timedelta(minutes=1))
    assert seen == [2], "no run started during the other"
    scheduler.advance(timedelta(seconds=1))
    assert len(fleet.minutes("east")) == 3
    assert fleet.runs[-1][:2] == ("east", "3")


def test_removed_target_stays_in_the_status_during_its_run(
    scheduler: FakeScheduler, fleet: Fleet, git: Git, controller: Controller
) -> None:
    """A removed target stays in the status until its run ends, and can be reported as stuck."""
    scheduler.advance(timedelta(minutes=1))
    seen: list[list[tuple[str, bool]]] = []

    def dropped() -> None:
        git.push(Desired((Target("west"),), {"west": ()}))
        controller.poll()
        scheduler.advance(timedelta(minutes=1))
        seen.append([(lane.target, lane.running_since is not None) for lane in controller.get_status().targets])
        scheduler.clock.advance(hours=1)
        controller.check_progress()

    fleet.during["east"] = dropped
    controller.run_all()
    scheduler.advance(timedelta(minutes=1))
    assert seen == [[("east", True), ("west", False)]]
    assert [each[:2] for each in fleet.heard if isinstance(each, tuple)] == [("east", "is stuck")]
    assert [lane.target for lane in controller.get_status().targets] == ["west"]


def test_report_of_a_removed_target_is_not_kept(
    scheduler: FakeScheduler, fleet: Fleet, git: Git, controller: Controller
) -> None:
    """A run that ends after the removal of its target counts as finished. A restored target starts without a report."""
    scheduler.advance(timedelta(minutes=1))

    def dropped() -> None:
        fleet.during.clear()
        git.push(Desired((Target("west"),), {"west": ()}))
        controller.poll()
        scheduler.advance(timedelta(seconds=1))

    fleet.during["east"] = dropped
    controller.run_all()
    scheduler.advance(timedelta(minutes=1))
    board = controller.get_status()
    assert [lane.target for lane in board.targets] == ["west"]
    assert sum(run.target == "east" for run in board.finished_runs) == 2
    known: list[object] = []
    fleet.during["east"] = lambda: known.append(
        next(each for each in controller.get_status().targets if each.running_since).last_report
    )
    git.push(BOTH)
    controller.poll()
    scheduler.advance(timedelta(seconds=31))
    assert known == [None]


def test_interrupted_run_does_not_count_as_failure(
    scheduler: FakeScheduler, fleet: Fleet, git: Git, controller: Controller
) -> None:
    """A stop during a poll or a run causes no event and no failure."""
    scheduler.advance(timedelta(minutes=1))
    before = len(fleet.heard)

    def stop() -> None:
        raise StopRequested("shutdown requested")

    fleet.during["east"] = stop
    scheduler.advance(timedelta(minutes=4, seconds=30))
    git.down = StopRequested("shutdown requested")
    scheduler.advance(timedelta(minutes=1))
    assert len(fleet.heard) == before + 1, "only the run of west"
    board = controller.get_status()
    assert board.rejected_revision is None
    assert board.targets[0].failures == 0


def test_hanging_source_check_counts_as_stuck(scheduler: FakeScheduler, git: Git, controller: Controller) -> None:
    """Overdue targets and an overdue poll count as stuck, and are scheduled again."""
    scheduler.advance(timedelta(minutes=1))
    scheduler.jobs.clear()
    scheduler.clock.advance(minutes=16)
    stuck = controller.get_status().find_stuck(TIMES.stuck_after)
    assert [lane.target for lane in stuck] == ["east", "west", "(git)"]
    controller.check_progress()
    scheduler.advance()
    assert controller.get_status().find_stuck(TIMES.stuck_after) == ()
    assert git.loads == 1


def test_run_all_validates_a_rejected_revision_again(
    scheduler: FakeScheduler, fleet: Fleet, git: Git, controller: Controller
) -> None:
    """A requested run of every target validates a rejected revision again, because keys may have changed."""
    scheduler.advance(timedelta(minutes=1))
    git.push(UntrustedCommit("its signature cannot be checked"))
    scheduler.advance(timedelta(minutes=1))
    git.newest = BOTH
    scheduler.advance(timedelta(minutes=1))
    assert controller.get_status().rejected_revision
    controller.run_all()
    scheduler.advance(timedelta(seconds=1))
    assert controller.get_status().rejected_revision is None
    assert ("east", "2", 3.0) in fleet.runs


def test_rejected_revision_is_reported_once_and_previous_one_runs(
    scheduler: FakeScheduler, fleet: Fleet, git: Git, controller: Controller
) -> None:
    """Each rejection reason is reported once, and the previous revision keeps running."""
    scheduler.advance(timedelta(minutes=1))
    git.push(InvalidManifests((PROBLEM,)))
    scheduler.advance(timedelta(minutes=20))
    git.down = GitError("cannot be reached")
    scheduler.advance(timedelta(minutes=20))
    told = [each for each in fleet.heard if isinstance(each, tuple)]
    in_force = Revision("1", NOW, 0)
    assert told == [("1 problem in the manifests", in_force), ("cannot be reached", in_force)]
    assert fleet.minutes("east") == [0, 5, 10, 15, 20, 25, 30, 35, 40]
    refusal = controller.get_status().rejected_revision
    assert refusal
    assert refusal.reason == "cannot be reached"


def test_no_target_runs_without_a_valid_revision(
    scheduler: FakeScheduler, fleet: Fleet, git: Git, controller: Controller
) -> None:
    """No target runs before the first valid revision, even on request."""
    git.newest = InvalidManifests((PROBLEM,))
    controller.run_all()
    scheduler.advance(timedelta(minutes=5))
    assert fleet.runs == []
    assert fleet.heard == [("1 problem in the manifests", None)]
    git.push(ONE)
    scheduler.advance(timedelta(minutes=1))
    assert len(fleet.minutes("prod")) == 1


@pytest.mark.usefixtures("controller")
def test_unexpected_error_is_reported_and_the_loop_continues(scheduler: FakeScheduler, fleet: Fleet) -> None:
    """An unexpected error counts as a failure of its target, which is retried."""
    error = ZeroDivisionError()

    def fail() -> None:
        raise error

    fleet.during["east"] = fail
    scheduler.advance(timedelta(seconds=31))
    assert ("target east", ActiveRun("run-1", "east", "1"), error) in fleet.heard
    assert fleet.minutes("east") == [0, 0.5]
    assert fleet.minutes("west") == [0]


def test_stuck_run_is_reported_once(scheduler: FakeScheduler, fleet: Fleet, controller: Controller) -> None:
    """A run without progress is reported once, and is stuck while it lasts. A long run with progress is not."""

    def hang() -> None:
        for _ in range(8):
            scheduler.clock.advance(minutes=9)
            fleet.progress["east"]()
            controller.check_progress()
        assert not controller.get_status().find_stuck(TIMES.stuck_after)
        for _ in range(8):
            scheduler.clock.advance(minutes=9)
            controller.check_progress()
        assert [stuck.target for stuck in controller.get_status().find_stuck(TIMES.stuck_after)] == ["east"]

    fleet.during["east"] = hang
    scheduler.advance(timedelta(seconds=1))
    assert fleet.heard.count(("east", "is stuck", ActiveRun("run-1", "east", "1"))) == 1
    assert {lane.active_run for lane in controller.get_status().targets} == {None}
    fleet.during.clear()
    scheduler.advance(timedelta(minutes=10))
    assert not controller.get_status().find_stuck(TIMES.stuck_after)


def test_status_shows_reports_failures_and_due_times(
    scheduler: FakeScheduler, fleet: Fleet, controller: Controller
) -> None:
    """The status holds the last report, failures, last success and due time of each target, and the finished runs."""
    fleet.failing.add("west")
    scheduler.advance(timedelta(minutes=2))
    board = controller.get_status()
    east, west = board.targets
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
    assert [(run.target, run.is_success, run.write_count) for run in board.finished_runs] == [
        ("east", True, 1), ("west", False, 1), ("west", False, 1), ("west", False, 1),
    ]  # fmt: skip
    assert (board.started_at, board.source_checked_at, board.rejected_revision) == (
        NOW,
        NOW + timedelta(minutes=2),
        None,
    )


def test_last_complete_report_is_kept_while_runs_fail(
    scheduler: FakeScheduler, fleet: Fleet, git: Git, controller: Controller
) -> None:
    """The last complete report stays beside the last report until git removes the target."""
    scheduler.advance(timedelta(minutes=1))
    fleet.failing.add("west")
    scheduler.advance(timedelta(minutes=5))
    east, west = controller.get_status().targets
    assert east.last_report is east.last_complete_report
    assert west.last_report
    assert west.last_report.targets[0].error
    assert west.last_complete_report
    assert not west.last_complete_report.targets[0].error
    git.push(Desired((Target("east"),), {"east": ()}))
    scheduler.advance(timedelta(minutes=1))
    git.push(BOTH)
    scheduler.advance(timedelta(minutes=1))
    assert controller.get_status().targets[1].last_complete_report is None


def test_finished_run_counts_the_remaining_differences(
    scheduler: FakeScheduler, fleet: Fleet, controller: Controller
) -> None:
    """A finished run counts drifted associations, and separately the other open ones."""
    decisions = ("in-sync", "lost", "blocked", "changed", "held", "settling")
    fleet.found = (reports.drifted_association(), *(reports.association(each, each) for each in decisions))
    scheduler.advance(timedelta(seconds=1))
    assert {(run.write_count, run.drift_count, run.open_count) for run in controller.get_status().finished_runs} == {
        (0, 1, 5)
    }


def test_finished_runs_are_kept_for_a_day(scheduler: FakeScheduler, controller: Controller) -> None:
    """Finished runs older than a day are dropped, which limits the memory."""
    scheduler.advance(timedelta(days=3))
    past = controller.get_status().finished_runs
    assert len(past) == 2 * 24 * 12
    assert min(run.finished_at for run in past) > scheduler.clock.now() - timedelta(days=1)


def test_closed_controller_starts_no_run(
    scheduler: FakeScheduler, fleet: Fleet, git: Git, controller: Controller
) -> None:
    """After close, no poll and no run starts, even on request."""
    scheduler.advance(timedelta(minutes=1))
    controller.close()
    git.push(BOTH)
    controller.run_all()
    scheduler.advance(timedelta(hours=1))
    assert fleet.minutes("east") == [0]
    assert scheduler.jobs == {}


def test_waiting_targets_are_reported_once(scheduler: FakeScheduler, fleet: Fleet, controller: Controller) -> None:
    """Waiting targets are reported once, and again only after none was waiting."""
    scheduler.advance()
    for times in (1, 2):
        scheduler.jobs.pop("target east")
        scheduler.queued_jobs.add("target east")
        scheduler.advance(TIMES.run_interval + timedelta(seconds=11))
        for _ in range(3):
            controller.check_progress()
        assert fleet.heard.count(("waiting", "east")) == times
        scheduler.queued_jobs.clear()
        controller.check_progress()
        scheduler.advance()
