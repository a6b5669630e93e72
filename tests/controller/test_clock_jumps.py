"""Clock jumps: targets keep their interval, and a jump makes no run count as stuck."""

from __future__ import annotations

from datetime import timedelta

import pytest
from controller.test_controller import INTERVALS, TWO_TARGETS, FakeTargets
from controller.test_revisions import FakeSource
from support.builders import NOW
from support.fakes import FakeClock
from support.scheduler import FakeScheduler

from reconciler.controller.clock_jumps import ClockJumpDetector
from reconciler.controller.controller import Controller
from reconciler.controller.dependencies import Dependencies
from reconciler.controller.revisions import RevisionTracker

MINUTE, STUCK_AFTER = timedelta(minutes=1), INTERVALS.stuck_after
BOTH_DIRECTIONS = pytest.mark.parametrize("hours", [3, -3])


@pytest.fixture
def targets(scheduler: FakeScheduler) -> FakeTargets:
    """Return a set of fake targets."""
    return FakeTargets(scheduler.clock)


@pytest.fixture
def controller(scheduler: FakeScheduler, targets: FakeTargets) -> Controller:
    """Return a started controller."""
    controller = Controller(
        RevisionTracker(FakeSource(TWO_TARGETS), scheduler.clock),
        Dependencies(targets.run_target, targets, scheduler.context, targets.new_id),
        INTERVALS,
    )
    controller.start()
    return controller


@BOTH_DIRECTIONS
def test_targets_keep_their_interval_after_a_clock_jump(
    scheduler: FakeScheduler, targets: FakeTargets, controller: Controller, hours: int
) -> None:
    """After a jump, each target runs at once and then at its interval, with no wait and no catching up."""
    scheduler.advance(6 * MINUTE)
    assert targets.get_start_minutes("east") == [0, 5]
    scheduler.clock.set(hours=hours)
    controller.handle_clock_jump()
    scheduler.advance(11 * MINUTE)
    start = hours * 60 + 6
    assert (
        targets.get_start_minutes("east") == targets.get_start_minutes("west") == [0, 5, start, start + 5, start + 10]
    )


@BOTH_DIRECTIONS
def test_clock_jump_during_a_run_does_not_delay_the_next_run(
    scheduler: FakeScheduler, targets: FakeTargets, controller: Controller, hours: int
) -> None:
    """The duration of a run is independent of the wall clock, and the next run is due by the new time."""

    def jump() -> None:
        del targets.callbacks["east"]
        scheduler.clock.advance(minutes=2)
        scheduler.clock.set(hours=hours)

    targets.callbacks["east"] = jump
    scheduler.advance()
    target_status = next(each for each in controller.get_status().targets if each.target == "east")
    assert target_status.next_run == NOW + timedelta(hours=hours, minutes=5)


@BOTH_DIRECTIONS
def test_only_a_run_without_progress_is_stuck_after_a_clock_jump(
    scheduler: FakeScheduler, targets: FakeTargets, controller: Controller, hours: int
) -> None:
    """A jump makes no active run stuck. A hanging run counts as stuck after its timeout, in both directions."""

    def jump_and_hang() -> None:
        scheduler.clock.set(hours=hours)
        controller.handle_clock_jump()
        scheduler.advance(STUCK_AFTER - MINUTE)
        assert controller.get_status().find_stuck(STUCK_AFTER) == ()
        assert "east is stuck" not in targets.events
        scheduler.advance(4 * MINUTE)
        assert [target_status.target for target_status in controller.get_status().find_stuck(STUCK_AFTER)] == ["east"]
        assert "east is stuck" in targets.events

    targets.callbacks["east"] = jump_and_hang
    scheduler.advance()


def test_clock_jump_is_detected_once_in_either_direction() -> None:
    """Passing time and small corrections are no jumps. A jump is reported once, forwards or backwards."""
    clock = FakeClock()
    detector = ClockJumpDetector(clock)
    clock.advance(hours=5)
    clock.set(seconds=30)
    assert detector.detect_jump() is None
    clock.set(hours=3)
    assert detector.detect_jump() == 3 * 3600 + 30
    assert detector.detect_jump() is None
    clock.set(hours=-3)
    assert detector.detect_jump() == -3 * 3600
    assert detector.detect_jump() is None


def test_small_clock_steps_add_up_to_a_jump() -> None:
    """Several small steps in one direction count as one jump, because due times depend on the wall clock."""
    clock = FakeClock()
    detector = ClockJumpDetector(clock)
    jumps_found = []
    for _ in range(3):
        clock.set(seconds=-25)
        jumps_found.append(detector.detect_jump())
    assert jumps_found == [None, None, -75]
