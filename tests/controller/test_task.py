"""Periodic tasks: never concurrent with themselves, soon after a request, and with growing delays after failures."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from support.builders import NOW
from support.fakes import FakeClock
from support.scheduler import FakeScheduler

from reconciler.controller.task import PeriodicTask
from reconciler.core.controller.backoff import Backoff

INTERVAL = timedelta(minutes=5)


class Work:
    """Action of a task. It records its times, and runs the callbacks in `meanwhile` once."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock, self.times = clock, list[datetime]()
        self.well, self.meanwhile = True, list[Callable[[], object]]()

    def __call__(self, got_on: Callable[[], None]) -> bool:
        """Record the time, report progress and return the result that the test set."""
        self.times.append(self.clock.now())
        got_on()
        while self.meanwhile:
            self.meanwhile.pop()()
        return self.well

    @property
    def minutes(self) -> list[float]:
        """The start times, in minutes."""
        return [(when - NOW) / timedelta(minutes=1) for when in self.times]


@pytest.fixture
def work(scheduler: FakeScheduler) -> Work:
    """Return an action that records its times."""
    return Work(scheduler.clock)


@pytest.fixture
def lane(scheduler: FakeScheduler, work: Work) -> PeriodicTask:
    """Return a task that runs the action every five minutes."""
    return PeriodicTask("work", work, Backoff(INTERVAL), scheduler.context)


def test_task_repeats_at_its_interval(scheduler: FakeScheduler, lane: PeriodicTask, work: Work) -> None:
    """The interval is measured from start to start, and does not drift."""
    lane.request()
    work.meanwhile.append(lambda: scheduler.clock.advance(minutes=2))
    scheduler.advance(timedelta(minutes=16))
    assert work.minutes == [0, 5, 10, 15]


def test_overlong_task_is_repeated_at_once_and_once_only(
    scheduler: FakeScheduler, lane: PeriodicTask, work: Work
) -> None:
    """A task that ran over several intervals runs once more at once, not once for each interval."""
    lane.request()
    work.meanwhile.append(lambda: scheduler.clock.advance(minutes=23))
    scheduler.advance(timedelta(minutes=29))
    assert work.minutes == [0, 23, 28]


def test_requests_before_a_task_are_merged(scheduler: FakeScheduler, lane: PeriodicTask, work: Work) -> None:
    """A thousand requests before a run cause one run."""
    for _ in range(1000):
        lane.request()
    scheduler.advance(timedelta(minutes=1))
    assert work.minutes == [0]


def test_requests_during_a_task_repeat_it_once(scheduler: FakeScheduler, lane: PeriodicTask, work: Work) -> None:
    """A thousand requests during a run cause one more run."""
    lane.request()
    work.meanwhile += [lane.request for _ in range(1000)]
    scheduler.advance(timedelta(minutes=1))
    assert work.minutes == [0, 0]


def test_failing_task_is_retried_with_growing_delays(scheduler: FakeScheduler, lane: PeriodicTask, work: Work) -> None:
    """The delay starts at 30 seconds and doubles up to an hour. After a success the interval applies again."""
    work.well = False
    lane.request()
    scheduler.advance(timedelta(hours=5))
    pauses = [later - sooner for sooner, later in zip(work.minutes, work.minutes[1:], strict=False)]
    assert pauses == [0.5, 1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert lane.failures == len(work.times)
    work.well, before = True, len(work.times)
    scheduler.advance(timedelta(minutes=70))
    assert lane.failures == 0
    assert work.minutes[before + 1] - work.minutes[before] == 5


def test_request_during_backoff_runs_the_task_at_once(scheduler: FakeScheduler, lane: PeriodicTask, work: Work) -> None:
    """A request ends the back-off."""
    work.well = False
    lane.request()
    scheduler.advance(timedelta(hours=3))
    before = len(work.times)
    lane.request()
    scheduler.advance()
    assert len(work.times) == before + 1


def test_unexpected_error_does_not_end_the_task(scheduler: FakeScheduler, work: Work) -> None:
    """An exception counts as a failure and reaches the caller. The task is retried."""

    def fail(_: Callable[[], None]) -> bool:
        work.times.append(scheduler.clock.now())
        raise ZeroDivisionError

    lane = PeriodicTask("work", fail, Backoff(INTERVAL), scheduler.context)
    lane.request()
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            scheduler.advance(timedelta(seconds=31))
    assert work.minutes == [0, 0.5]
    assert lane.running_since is None


def test_closed_task_does_not_run_again(scheduler: FakeScheduler, lane: PeriodicTask, work: Work) -> None:
    """After close, no waiting, requested or repeated run starts."""
    lane.request()
    work.meanwhile += [lane.request, lane.close]
    scheduler.advance(timedelta(hours=1))
    lane.request()
    scheduler.advance(timedelta(hours=1))
    assert work.minutes == [0]
    assert scheduler.jobs == {}
    assert lane.next_run is None


def test_call_started_before_close_does_nothing(scheduler: FakeScheduler, lane: PeriodicTask, work: Work) -> None:
    """A call that the scheduler started before the close does nothing."""
    lane.request()
    _, job = scheduler.jobs["work"]
    lane.close()
    job()
    assert work.times == []


def test_running_task_has_start_and_progress_times(scheduler: FakeScheduler, lane: PeriodicTask, work: Work) -> None:
    """A running task shows its start and its last progress. Afterwards it shows when it is due."""
    seen: list[tuple[datetime | None, datetime | None]] = []
    work.meanwhile += [
        lambda: seen.append((lane.running_since, lane.last_progress)),
        lambda: scheduler.clock.advance(minutes=3),
    ]
    lane.request()
    scheduler.advance()
    assert seen == [(NOW, NOW)]
    assert (lane.running_since, lane.last_progress) == (None, None)
    assert lane.next_run == NOW + INTERVAL


def test_jitter_is_ten_percent_and_does_not_accumulate() -> None:
    """Jitter changes the delay by at most ten percent in either direction."""
    rhythm = Backoff(timedelta(minutes=10))
    assert rhythm.compute_delay(0, 0) == timedelta(minutes=9)
    assert rhythm.compute_delay(0, 0.5) == timedelta(minutes=10)
    assert rhythm.compute_delay(0, 1) == timedelta(minutes=11)


def test_backoff_delay_does_not_exceed_a_long_interval() -> None:
    """A daily task is not retried every hour, and a task of every five seconds waits only five seconds."""
    assert Backoff(timedelta(days=1)).compute_delay(99, 0.5) == timedelta(days=1)
    assert Backoff(timedelta(seconds=5)).compute_delay(1, 0.5) == timedelta(seconds=5)


def test_long_burst_of_requests_runs_the_task_twice(scheduler: FakeScheduler, lane: PeriodicTask, work: Work) -> None:
    """Requests within 15 seconds cause two runs. The next run waits until 30 seconds have passed."""
    for _ in range(60):
        lane.request()
        scheduler.advance(timedelta(milliseconds=250))
    assert work.minutes == [0, pytest.approx(0.25 / 60)]
    scheduler.advance(timedelta(minutes=1))
    assert work.minutes[2:] == [0.5]


def test_request_does_not_postpone_a_due_task(scheduler: FakeScheduler, lane: PeriodicTask, work: Work) -> None:
    """Constant requests neither postpone due runs nor cause more than two runs in 30 seconds."""
    for _ in range(120):
        lane.request()
        scheduler.advance(timedelta(seconds=5))
    pauses = [later - sooner for sooner, later in zip(work.minutes, work.minutes[1:], strict=False)]
    assert max(pauses) <= 0.5
    assert len(work.minutes) <= 2 * 10 / 0.5 + 2


def test_task_that_fails_late_is_not_retried_at_once(scheduler: FakeScheduler, lane: PeriodicTask, work: Work) -> None:
    """The delay after a failure starts at the end of the run."""
    work.well = False
    work.meanwhile.append(lambda: scheduler.clock.advance(minutes=3))
    lane.request()
    scheduler.advance(timedelta(minutes=4))
    assert work.minutes == [0, 3.5]


def test_task_lost_by_the_scheduler_is_scheduled_again(
    scheduler: FakeScheduler, lane: PeriodicTask, work: Work
) -> None:
    """A request or a check schedules a lost task again."""
    lane.request()
    scheduler.advance()
    for number, put_right in enumerate((lane.request, lane.reschedule_if_lost), 2):
        scheduler.jobs.clear()
        scheduler.advance(INTERVAL + timedelta(seconds=11))
        assert len(work.times) == number - 1
        put_right()
        scheduler.advance()
        assert len(work.times) == number


def test_task_that_is_not_late_is_not_rescheduled(scheduler: FakeScheduler, lane: PeriodicTask, work: Work) -> None:
    """A check leaves waiting, running and unrequested tasks unchanged."""
    lane.reschedule_if_lost()
    lane.request()
    work.meanwhile.append(lane.reschedule_if_lost)
    scheduler.advance(timedelta(minutes=4))
    lane.reschedule_if_lost()
    scheduler.advance(timedelta(minutes=2))
    assert work.minutes == [0, 5]


def test_reopened_task_continues_without_overlap(scheduler: FakeScheduler, lane: PeriodicTask, work: Work) -> None:
    """A task that is closed and reopened during its run continues after that run."""
    lane.request()
    work.meanwhile += [
        lambda: scheduler.clock.advance(minutes=1),
        lane.reopen,
        lane.close,
    ]  # called from the last to the first
    scheduler.advance(timedelta(minutes=2))
    assert work.minutes == [0, 1]


def test_queued_task_is_not_scheduled_again(scheduler: FakeScheduler, lane: PeriodicTask, work: Work) -> None:
    """A late task in the queue counts as waiting, and gets no second call."""
    lane.request()
    (planned,) = scheduler.jobs.values()
    scheduler.jobs.clear()
    scheduler.queued_jobs.add("work")
    assert not lane.is_waiting
    scheduler.advance(timedelta(seconds=11))
    lane.reschedule_if_lost()
    lane.request()
    assert (lane.is_waiting, scheduler.jobs) == (True, {})
    scheduler.queued_jobs.clear()
    planned[1]()
    assert (lane.is_waiting, len(work.times)) == (False, 1)
