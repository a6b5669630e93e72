"""Clock jumps: targets keep their interval, and a jump makes no run count as stuck."""

from __future__ import annotations

from datetime import timedelta

import pytest
from controller.test_controller import BOTH, TIMES, Fleet
from controller.test_revisions import Git
from support.builders import NOW
from support.fakes import FakeClock
from support.scheduler import FakeScheduler

from reconciler.controller.clock_jumps import ClockJumpDetector
from reconciler.controller.controller import Controller
from reconciler.controller.dependencies import Dependencies
from reconciler.controller.revisions import RevisionTracker

MINUTE, PATIENCE = timedelta(minutes=1), TIMES.stuck_after
BOTH_WAYS = pytest.mark.parametrize("hours", [3, -3])


@pytest.fixture
def fleet(scheduler: FakeScheduler) -> Fleet:
    """Return a fleet of fake targets."""
    return Fleet(scheduler.clock)


@pytest.fixture
def controller(scheduler: FakeScheduler, fleet: Fleet) -> Controller:
    """Return a started controller."""
    controller = Controller(
        RevisionTracker(Git(BOTH), scheduler.clock),
        Dependencies(fleet.act, fleet, scheduler.context, fleet.new_id),
        TIMES,
    )
    controller.start()
    return controller


@BOTH_WAYS
def test_targets_keep_their_interval_after_a_clock_jump(
    scheduler: FakeScheduler, fleet: Fleet, controller: Controller, hours: int
) -> None:
    """After a jump, each target runs at once and then at its interval, with no wait and no catching up."""
    scheduler.advance(6 * MINUTE)
    assert fleet.minutes("east") == [0, 5]
    scheduler.clock.set(hours=hours)
    controller.handle_clock_jump()
    scheduler.advance(11 * MINUTE)
    start = hours * 60 + 6
    assert fleet.minutes("east") == fleet.minutes("west") == [0, 5, start, start + 5, start + 10]


@BOTH_WAYS
def test_clock_jump_during_a_run_does_not_delay_the_next_run(
    scheduler: FakeScheduler, fleet: Fleet, controller: Controller, hours: int
) -> None:
    """The duration of a run is independent of the wall clock, and the next run is due by the new time."""

    def during() -> None:
        del fleet.during["east"]
        scheduler.clock.advance(minutes=2)
        scheduler.clock.set(hours=hours)

    fleet.during["east"] = during
    scheduler.advance()
    lane = next(each for each in controller.get_status().targets if each.target == "east")
    assert lane.next_run == NOW + timedelta(hours=hours, minutes=5)


@BOTH_WAYS
def test_only_a_run_without_progress_is_stuck_after_a_clock_jump(
    scheduler: FakeScheduler, fleet: Fleet, controller: Controller, hours: int
) -> None:
    """A jump makes no active run stuck. A hanging run counts as stuck after its timeout, in both directions."""

    def during() -> None:
        scheduler.clock.set(hours=hours)
        controller.handle_clock_jump()
        scheduler.advance(PATIENCE - MINUTE)
        assert controller.get_status().find_stuck(PATIENCE) == ()
        assert "east is stuck" not in fleet.heard
        scheduler.advance(4 * MINUTE)
        assert [lane.target for lane in controller.get_status().find_stuck(PATIENCE)] == ["east"]
        assert "east is stuck" in fleet.heard

    fleet.during["east"] = during
    scheduler.advance()


def test_clock_jump_is_detected_once_in_either_direction() -> None:
    """Passing time and small corrections are no jumps. A jump is reported once, forwards or backwards."""
    clock = FakeClock()
    jumps = ClockJumpDetector(clock)
    clock.advance(hours=5)
    clock.set(seconds=30)
    assert jumps.detect_jump() is None
    clock.set(hours=3)
    assert jumps.detect_jump() == 3 * 3600 + 30
    assert jumps.detect_jump() is None
    clock.set(hours=-3)
    assert jumps.detect_jump() == -3 * 3600
    assert jumps.detect_jump() is None


def test_small_clock_steps_add_up_to_a_jump() -> None:
    """Several small steps in one direction count as one jump, because due times depend on the wall clock."""
    clock = FakeClock()
    jumps = ClockJumpDetector(clock)
    found = []
    for _ in range(3):
        clock.set(seconds=-25)
        found.append(jumps.detect_jump())
    assert found == [None, None, -75]
