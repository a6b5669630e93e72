"""Due jobs are run once, and no job is lost. The tests use APScheduler in real time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from functools import partial

import pytest

from reconciler.edge.clock import SystemClock
from reconciler.edge.scheduler import ThreadScheduler

LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)
NEVER = datetime(2999, 1, 1, tzinfo=UTC)


@pytest.fixture
def scheduler() -> Iterator[ThreadScheduler]:
    """Return a running scheduler."""
    scheduler = ThreadScheduler()
    scheduler.start()
    yield scheduler
    if scheduler.is_running:
        scheduler.shut_down()


def test_overdue_job_is_called(scheduler: ThreadScheduler) -> None:
    """A job that is many years overdue is run, because a machine may have slept."""
    job_called = threading.Event()
    scheduler.schedule("work", LONG_AGO, job_called.set)
    assert job_called.wait(30)


def test_rescheduled_job_replaces_the_earlier_time(scheduler: ThreadScheduler) -> None:
    """Scheduling a job again replaces its time, whether the new time is earlier or later."""
    first_called, second_called = threading.Event(), threading.Event()
    scheduler.schedule("work", NEVER, first_called.set)
    scheduler.schedule("work", LONG_AGO, second_called.set)
    assert second_called.wait(30)
    assert not first_called.is_set()


def test_dropped_job_is_not_called(scheduler: ThreadScheduler) -> None:
    """A cancelled job is not run, and cancelling it twice is no error."""
    job_called, other_called = threading.Event(), threading.Event()
    due = SystemClock().now() + timedelta(milliseconds=200)
    scheduler.schedule("work", due, job_called.set)
    scheduler.cancel("work")
    scheduler.cancel("work")
    scheduler.schedule("other", due + timedelta(milliseconds=200), other_called.set)
    assert other_called.wait(30)
    assert not job_called.is_set()


def test_woken_scheduler_uses_the_new_clock_time(scheduler: ThreadScheduler, monkeypatch: pytest.MonkeyPatch) -> None:
    """After `wake`, a job that the new clock time makes due is run at once."""
    job_called, earlier_called = threading.Event(), threading.Event()

    class ClockAhead(datetime):
        """A clock that is two hours ahead."""

        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            """Return the time in two hours."""
            return SystemClock().now().astimezone(tz) + timedelta(hours=2)

    scheduler.schedule("work", SystemClock().now() + timedelta(hours=1), job_called.set)
    scheduler.schedule("sooner", LONG_AGO, earlier_called.set)
    assert earlier_called.wait(30)
    monkeypatch.setattr("apscheduler.schedulers.base.datetime", ClockAhead)
    scheduler.wake()
    assert job_called.wait(30)


def test_job_may_schedule_its_own_next_call(scheduler: ThreadScheduler) -> None:
    """A running job can schedule its own next run, twenty times in a row."""
    count, last_called = [0], threading.Event()

    def job() -> None:
        count[0] += 1
        if count[0] == 20:
            last_called.set()
        else:
            scheduler.schedule("work", LONG_AGO, job)

    scheduler.schedule("work", LONG_AGO, job)
    assert last_called.wait(30)


def test_hanging_jobs_do_not_delay_the_others(scheduler: ThreadScheduler) -> None:
    """With ten hanging jobs, ten other jobs still run."""
    release = threading.Event()
    other_calls = [threading.Event() for _ in range(10)]

    def hang() -> None:
        release.wait(60)

    for number in range(10):
        scheduler.schedule(f"hanging {number}", LONG_AGO, hang)
    for number, other in enumerate(other_calls):
        scheduler.schedule(f"other {number}", LONG_AGO, other.set)
    assert all(other.wait(30) for other in other_calls)
    release.set()


def test_shutdown_waits_for_running_jobs(scheduler: ThreadScheduler) -> None:
    """A shutdown waits for the running job, and starts no further one."""
    job_started, job_ended, late_called = threading.Event(), threading.Event(), threading.Event()

    def job() -> None:
        job_started.set()
        scheduler.schedule("late", LONG_AGO + timedelta(days=365_000), late_called.set)
        job_ended.set()

    scheduler.schedule("work", LONG_AGO, job)
    assert job_started.wait(30)
    scheduler.shut_down()
    assert job_ended.is_set()
    assert not late_called.is_set()
    assert not scheduler.is_running


def test_separate_scheduler_is_not_delayed_by_hanging_jobs() -> None:
    """A job with a dedicated thread runs while others hang, and a job that waits for a thread counts as queued."""
    scheduler, release = ThreadScheduler("alone", max_concurrent=2), threading.Event()
    job_starts = [threading.Event() for _ in range(4)]
    scheduler.start()

    def hang(number: int) -> None:
        job_starts[number].set()
        release.wait(60)

    try:
        for number in range(4):
            scheduler.schedule(f"hanging {number}", LONG_AGO + timedelta(seconds=number), partial(hang, number))
        assert job_starts[0].wait(30)
        assert job_starts[1].wait(30)
        for _ in range(3):
            separate_called = threading.Event()
            scheduler.schedule("alone", LONG_AGO, separate_called.set)
            assert separate_called.wait(30)
        assert [scheduler.is_queued(f"hanging {number}") for number in range(4)] == [False, False, True, True]
        release.set()
        assert all(each.wait(30) for each in job_starts)
        assert not any(scheduler.is_queued(f"hanging {number}") for number in range(4))
    finally:
        release.set()
        scheduler.shut_down()
