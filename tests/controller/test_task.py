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


class FakeAction:
    """Action of a task. It records its times, and runs the `callbacks` once."""

    def __init__(self, clock: FakeClock) -> None:
        self.clock, self.start_times = clock, list[datetime]()
        self.is_successful, self.callbacks = True, list[Callable[[], object]]()

    def __call__(self, on_progress: Callable[[], None]) -> bool:
        """Record the time, report progress and return the result that the test set."""
        self.start_times.append(self.clock.now())
        on_progress()
        while self.callbacks:
            self.callbacks.pop()()
        return self.is_successful

    @property
    def start_minutes(self) -> list[float]:
        """The start times, in minutes."""
        return [(started_at - NOW) / timedelta(minutes=1) for started_at in self.start_times]


@pytest.fixture
def action(scheduler: FakeScheduler) -> FakeAction:
    """Return an action that records its times."""
    return FakeAction(scheduler.clock)


@pytest.fixture
def task(scheduler: FakeScheduler, action: FakeAction) -> PeriodicTask:
    """Return a task that runs the action every five minutes."""
    return PeriodicTask("work", action, Backoff(INTERVAL), scheduler.context)


def test_task_repeats_at_its_interval(scheduler: FakeScheduler, task: PeriodicTask, action: FakeAction) -> None:
    """The interval is measured from start to start, and does not drift."""
    task.request()
    action.callbacks.append(lambda: scheduler.clock.advance(minutes=2))
    scheduler.advance(timedelta(minutes=16))
    assert action.start_minutes == [0, 5, 10, 15]


def test_overlong_task_is_repeated_at_once_and_once_only(
    scheduler: FakeScheduler, task: PeriodicTask, action: FakeAction
) -> None:
    """A task that ran over several intervals runs once more at once, not once for each interval."""
    task.request()
    action.callbacks.append(lambda: scheduler.clock.advance(minutes=23))
    scheduler.advance(timedelta(minutes=29))
    assert action.start_minutes == [0, 23, 28]


def test_requests_before_a_task_are_merged(scheduler: FakeScheduler, task: PeriodicTask, action: FakeAction) -> None:
    """A thousand requests before a run cause one run."""
    for _ in range(1000):
        task.request()
    scheduler.advance(timedelta(minutes=1))
    assert action.start_minutes == [0]


def test_requests_during_a_task_repeat_it_once(
    scheduler: FakeScheduler, task: PeriodicTask, action: FakeAction
) -> None:
    """A thousand requests during a run cause one more run."""
    task.request()
    action.callbacks += [task.request for _ in range(1000)]
    scheduler.advance(timedelta(minutes=1))
    assert action.start_minutes == [0, 0]


def test_failing_task_is_retried_with_growing_delays(
    scheduler: FakeScheduler, task: PeriodicTask, action: FakeAction
) -> None:
    """The delay starts at 30 seconds and doubles up to an hour. After a success the interval applies again."""
    action.is_successful = False
    task.request()
    scheduler.advance(timedelta(hours=5))
    delays = [later - sooner for sooner, later in zip(action.start_minutes, action.start_minutes[1:], strict=False)]
    assert delays == [0.5, 1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert task.failures == len(action.start_times)
    action.is_successful, run_count = True, len(action.start_times)
    scheduler.advance(timedelta(minutes=70))
    assert task.failures == 0
    assert action.start_minutes[run_count + 1] - action.start_minutes[run_count] == 5


def test_request_during_backoff_runs_the_task_at_once(
    scheduler: FakeScheduler, task: PeriodicTask, action: FakeAction
) -> None:
    """A request ends the back-off."""
    action.is_successful = False
    task.request()
    scheduler.advance(timedelta(hours=3))
    run_count = len(action.start_times)
    task.request()
    scheduler.advance()
    assert len(action.start_times) == run_count + 1


def test_unexpected_error_does_not_end_the_task(scheduler: FakeScheduler, action: FakeAction) -> None:
    """An exception counts as a failure and reaches the caller. The task is retried."""

    def fail(_: Callable[[], None]) -> bool:
        action.start_times.append(scheduler.clock.now())
        raise ZeroDivisionError

    task = PeriodicTask("work", fail, Backoff(INTERVAL), scheduler.context)
    task.request()
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            scheduler.advance(timedelta(seconds=31))
    assert action.start_minutes == [0, 0.5]
    assert task.running_since is None


def test_closed_task_does_not_run_again(scheduler: FakeScheduler, task: PeriodicTask, action: FakeAction) -> None:
    """After close, no waiting, requested or repeated run starts."""
    task.request()
    action.callbacks += [task.request, task.close]
    scheduler.advance(timedelta(hours=1))
    task.request()
    scheduler.advance(timedelta(hours=1))
    assert action.start_minutes == [0]
    assert scheduler.jobs == {}
    assert task.next_run is None


def test_call_started_before_close_does_nothing(
    scheduler: FakeScheduler, task: PeriodicTask, action: FakeAction
) -> None:
    """A call that the scheduler started before the close does nothing."""
    task.request()
    _, job = scheduler.jobs["work"]
    task.close()
    job()
    assert action.start_times == []


def test_running_task_has_start_and_progress_times(
    scheduler: FakeScheduler, task: PeriodicTask, action: FakeAction
) -> None:
    """A running task shows its start and its last progress. Afterwards it shows when it is due."""
    times: list[tuple[datetime | None, datetime | None]] = []
    action.callbacks += [
        lambda: times.append((task.running_since, task.last_progress)),
        lambda: scheduler.clock.advance(minutes=3),
    ]
    task.request()
    scheduler.advance()
    assert times == [(NOW, NOW)]
    assert (task.running_since, task.last_progress) == (None, None)
    assert task.next_run == NOW + INTERVAL


def test_jitter_is_ten_percent_and_does_not_accumulate() -> None:
    """Jitter changes the delay by at most ten percent in either direction."""
    backoff = Backoff(timedelta(minutes=10))
    assert backoff.compute_delay(0, 0) == timedelta(minutes=9)
    assert backoff.compute_delay(0, 0.5) == timedelta(minutes=10)
    assert backoff.compute_delay(0, 1) == timedelta(minutes=11)


def test_backoff_delay_does_not_exceed_a_long_interval() -> None:
    """A daily task is not retried every hour, and a task of every five seconds waits only five seconds."""
    assert Backoff(timedelta(days=1)).compute_delay(99, 0.5) == timedelta(days=1)
    assert Backoff(timedelta(seconds=5)).compute_delay(1, 0.5) == timedelta(seconds=5)


def test_long_burst_of_requests_runs_the_task_twice(
    scheduler: FakeScheduler, task: PeriodicTask, action: FakeAction
) -> None:
    """Requests within 15 seconds cause two runs. The next run waits until 30 seconds have passed."""
    for _ in range(60):
        task.request()
        scheduler.advance(timedelta(milliseconds=250))
    assert action.start_minutes == [0, pytest.approx(0.25 / 60)]
    scheduler.advance(timedelta(minutes=1))
    assert action.start_minutes[2:] == [0.5]


def test_request_does_not_postpone_a_due_task(scheduler: FakeScheduler, task: PeriodicTask, action: FakeAction) -> None:
    """Constant requests neither postpone due runs nor cause more than two runs in 30 seconds."""
    for _ in range(120):
        task.request()
        scheduler.advance(timedelta(seconds=5))
    delays = [later - sooner for sooner, later in zip(action.start_minutes, action.start_minutes[1:], strict=False)]
    assert max(delays) <= 0.5
    assert len(action.start_minutes) <= 2 * 10 / 0.5 + 2


def test_task_that_fails_late_is_not_retried_at_once(
    scheduler: FakeScheduler, task: PeriodicTask, action: FakeAction
) -> None:
    """The delay after a failure starts at the end of the run."""
    action.is_successful = False
    action.callbacks.append(lambda: scheduler.clock.advance(minutes=3))
    task.request()
    scheduler.advance(timedelta(minutes=4))
    assert action.start_minutes == [0, 3.5]


def test_task_lost_by_the_scheduler_is_scheduled_again(
    scheduler: FakeScheduler, task: PeriodicTask, action: FakeAction
) -> None:
    """A request or a check schedules a lost task again."""
    task.request()
    scheduler.advance()
    for number, restore in enumerate((task.request, task.reschedule_if_lost), 2):
        scheduler.jobs.clear()
        scheduler.advance(INTERVAL + timedelta(seconds=11))
        assert len(action.start_times) == number - 1
        restore()
        scheduler.advance()
        assert len(action.start_times) == number


def test_task_that_is_not_late_is_not_rescheduled(
    scheduler: FakeScheduler, task: PeriodicTask, action: FakeAction
) -> None:
    """A check leaves waiting, running and unrequested tasks unchanged."""
    task.reschedule_if_lost()
    task.request()
    action.callbacks.append(task.reschedule_if_lost)
    scheduler.advance(timedelta(minutes=4))
    task.reschedule_if_lost()
    scheduler.advance(timedelta(minutes=2))
    assert action.start_minutes == [0, 5]


def test_reopened_task_continues_without_overlap(
    scheduler: FakeScheduler, task: PeriodicTask, action: FakeAction
) -> None:
    """A task that is closed and reopened during its run continues after that run."""
    task.request()
    action.callbacks += [
        lambda: scheduler.clock.advance(minutes=1),
        task.reopen,
        task.close,
    ]  # called from the last to the first
    scheduler.advance(timedelta(minutes=2))
    assert action.start_minutes == [0, 1]


def test_queued_task_is_not_scheduled_again(scheduler: FakeScheduler, task: PeriodicTask, action: FakeAction) -> None:
    """A late task in the queue counts as waiting, and gets no second call."""
    task.request()
    (job,) = scheduler.jobs.values()
    scheduler.jobs.clear()
    scheduler.queued_jobs.add("work")
    assert not task.is_waiting
    scheduler.advance(timedelta(seconds=11))
    task.reschedule_if_lost()
    task.request()
    assert (task.is_waiting, scheduler.jobs) == (True, {})
    scheduler.queued_jobs.clear()
    job[1]()
    assert (task.is_waiting, len(action.start_times)) == (False, 1)
