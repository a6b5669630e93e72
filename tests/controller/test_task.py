"""A lane does one thing again and again: never twice at once, soon when asked for, further apart while it fails."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from support.builders import NOW
from support.fakes import FakeClock
from support.scheduler import Hand

from reconciler.controller.task import PeriodicTask
from reconciler.core.controller.backoff import Backoff

INTERVAL = timedelta(minutes=5)


class Work:
    """What a lane does: notes when, and goes as the test says. `meanwhile` happens while it is under way."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock, self.times = clock, list[datetime]()
        self.well, self.meanwhile = True, list[Callable[[], object]]()

    def __call__(self, got_on: Callable[[], None]) -> bool:
        """Do it."""
        self.times.append(self.clock.now())
        got_on()
        while self.meanwhile:
            self.meanwhile.pop()()
        return self.well

    @property
    def minutes(self) -> list[float]:
        """When it was done, in minutes from the beginning."""
        return [(when - NOW) / timedelta(minutes=1) for when in self.times]


@pytest.fixture
def work(hand: Hand) -> Work:
    """Give something to do."""
    return Work(hand.clock)


@pytest.fixture
def lane(hand: Hand, work: Work) -> PeriodicTask:
    """Give a lane that does it every five minutes."""
    return PeriodicTask("work", work, Backoff(INTERVAL), hand.timing)


def test_task_repeats_at_its_interval(hand: Hand, lane: PeriodicTask, work: Work) -> None:
    """From beginning to beginning, without drifting away."""
    lane.request()
    work.meanwhile.append(lambda: hand.clock.advance(minutes=2))
    hand.turn(timedelta(minutes=16))
    assert work.minutes == [0, 5, 10, 15]


def test_overlong_task_is_repeated_at_once_and_once_only(hand: Hand, lane: PeriodicTask, work: Work) -> None:
    """And is made up for once, not as often as it was missed."""
    lane.request()
    work.meanwhile.append(lambda: hand.clock.advance(minutes=23))
    hand.turn(timedelta(minutes=29))
    assert work.minutes == [0, 23, 28]


def test_requests_before_a_task_are_merged(hand: Hand, lane: PeriodicTask, work: Work) -> None:
    """A thousand ask, and it is done once."""
    for _ in range(1000):
        lane.request()
    hand.turn(timedelta(minutes=1))
    assert work.minutes == [0]


def test_requests_during_a_task_repeat_it_once(hand: Hand, lane: PeriodicTask, work: Work) -> None:
    """What is under way may have looked before what they ask about happened: once more, and not a thousand times."""
    lane.request()
    work.meanwhile += [lane.request for _ in range(1000)]
    hand.turn(timedelta(minutes=1))
    assert work.minutes == [0, 0]


def test_failing_task_is_retried_with_growing_delays(hand: Hand, lane: PeriodicTask, work: Work) -> None:
    """Half a minute, then twice as long each time, up to an hour; well again, it is back at its interval."""
    work.well = False
    lane.request()
    hand.turn(timedelta(hours=5))
    pauses = [later - sooner for sooner, later in zip(work.minutes, work.minutes[1:], strict=False)]
    assert pauses == [0.5, 1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert lane.failures == len(work.times)
    work.well, before = True, len(work.times)
    hand.turn(timedelta(minutes=70))
    assert lane.failures == 0
    assert work.minutes[before + 1] - work.minutes[before] == 5


def test_request_during_backoff_runs_the_task_at_once(hand: Hand, lane: PeriodicTask, work: Work) -> None:
    """A person who has put something right does not wait for an hour."""
    work.well = False
    lane.request()
    hand.turn(timedelta(hours=3))
    before = len(work.times)
    lane.request()
    hand.turn()
    assert len(work.times) == before + 1


def test_unexpected_error_does_not_end_the_task(hand: Hand, work: Work) -> None:
    """It counts as a failure, and is for whoever called."""

    def fail(_: Callable[[], None]) -> bool:
        work.times.append(hand.clock.now())
        raise ZeroDivisionError

    lane = PeriodicTask("work", fail, Backoff(INTERVAL), hand.timing)
    lane.request()
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            hand.turn(timedelta(seconds=31))
    assert work.minutes == [0, 0.5]
    assert lane.running_since is None


def test_closed_task_does_not_run_again(hand: Hand, lane: PeriodicTask, work: Work) -> None:
    """Neither what waited, nor what is asked for later, nor what was under way."""
    lane.request()
    work.meanwhile += [lane.request, lane.close]
    hand.turn(timedelta(hours=1))
    lane.request()
    hand.turn(timedelta(hours=1))
    assert work.minutes == [0]
    assert hand.waiting == {}
    assert lane.next_run is None


def test_call_started_before_close_does_nothing(hand: Hand, lane: PeriodicTask, work: Work) -> None:
    """The timetable may have begun it already."""
    lane.request()
    _, job = hand.waiting["work"]
    lane.close()
    job()
    assert work.times == []


def test_running_task_has_start_and_progress_times(hand: Hand, lane: PeriodicTask, work: Work) -> None:
    """So that somebody can see that it does not."""
    seen: list[tuple[datetime | None, datetime | None]] = []
    work.meanwhile += [
        lambda: seen.append((lane.running_since, lane.last_progress)),
        lambda: hand.clock.advance(minutes=3),
    ]
    lane.request()
    hand.turn()
    assert seen == [(NOW, NOW)]
    assert (lane.running_since, lane.last_progress) == (None, None)
    assert lane.next_run == NOW + INTERVAL


def test_jitter_is_ten_percent_and_does_not_accumulate() -> None:
    """A tenth to each side of the mean, whatever came before."""
    rhythm = Backoff(timedelta(minutes=10))
    assert rhythm.compute_delay(0, 0) == timedelta(minutes=9)
    assert rhythm.compute_delay(0, 0.5) == timedelta(minutes=10)
    assert rhythm.compute_delay(0, 1) == timedelta(minutes=11)


def test_backoff_delay_does_not_exceed_a_long_interval() -> None:
    """What is run once a day is not run each hour for failing, nor each second for being run often."""
    assert Backoff(timedelta(days=1)).compute_delay(99, 0.5) == timedelta(days=1)
    assert Backoff(timedelta(seconds=5)).compute_delay(1, 0.5) == timedelta(seconds=5)


def test_long_burst_of_requests_runs_the_task_twice(hand: Hand, lane: PeriodicTask, work: Work) -> None:
    """One at once, one more at once, and then none for half a minute, however many ask."""
    for _ in range(60):
        lane.request()
        hand.turn(timedelta(milliseconds=250))
    assert work.minutes == [0, pytest.approx(0.25 / 60)]
    hand.turn(timedelta(minutes=1))
    assert work.minutes[2:] == [0.5]


def test_request_does_not_postpone_a_due_task(hand: Hand, lane: PeriodicTask, work: Work) -> None:
    """A storm that goes on keeps nothing from its interval, nor somebody waiting for ever."""
    for _ in range(120):
        lane.request()
        hand.turn(timedelta(seconds=5))
    pauses = [later - sooner for sooner, later in zip(work.minutes, work.minutes[1:], strict=False)]
    assert max(pauses) <= 0.5
    assert len(work.minutes) <= 2 * 10 / 0.5 + 2


def test_task_that_fails_late_is_not_retried_at_once(hand: Hand, lane: PeriodicTask, work: Work) -> None:
    """What times out after minutes leaves a pause too."""
    work.well = False
    work.meanwhile.append(lambda: hand.clock.advance(minutes=3))
    lane.request()
    hand.turn(timedelta(minutes=4))
    assert work.minutes == [0, 3.5]


def test_task_lost_by_the_scheduler_is_scheduled_again(hand: Hand, lane: PeriodicTask, work: Work) -> None:
    """By whoever asks, and by whoever looks after it."""
    lane.request()
    hand.turn()
    for number, put_right in enumerate((lane.request, lane.reschedule_if_lost), 2):
        hand.waiting.clear()
        hand.turn(INTERVAL + timedelta(seconds=11))
        assert len(work.times) == number - 1
        put_right()
        hand.turn()
        assert len(work.times) == number


def test_task_that_is_not_late_is_not_rescheduled(hand: Hand, lane: PeriodicTask, work: Work) -> None:
    """Neither what waits, nor what is under way, nor what nobody has asked for."""
    lane.reschedule_if_lost()
    lane.request()
    work.meanwhile.append(lane.reschedule_if_lost)
    hand.turn(timedelta(minutes=4))
    lane.reschedule_if_lost()
    hand.turn(timedelta(minutes=2))
    assert work.minutes == [0, 5]


def test_reopened_task_continues_without_overlap(hand: Hand, lane: PeriodicTask, work: Work) -> None:
    """Once what was under way when it was closed has ended, and never beside it."""
    lane.request()
    work.meanwhile += [lambda: hand.clock.advance(minutes=1), lane.reopen, lane.close]  # from the last one
    hand.turn(timedelta(minutes=2))
    assert work.minutes == [0, 1]


def test_queued_task_is_not_scheduled_again(hand: Hand, lane: PeriodicTask, work: Work) -> None:
    """Each further call would wait beside it. It counts as waiting once it is late."""
    lane.request()
    (planned,) = hand.waiting.values()
    hand.waiting.clear()
    hand.queued.add("work")
    assert not lane.is_waiting
    hand.turn(timedelta(seconds=11))
    lane.reschedule_if_lost()
    lane.request()
    assert (lane.is_waiting, hand.waiting) == (True, {})
    hand.queued.clear()
    planned[1]()
    assert (lane.is_waiting, len(work.times)) == (False, 1)
