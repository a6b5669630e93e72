"""Due jobs are run once, and no job is lost. The tests use APScheduler in real time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from functools import partial

import pytest

from reconciler.edge.clock import SystemClock
from reconciler.edge.scheduler import ThreadScheduler

AGES = datetime(2000, 1, 1, tzinfo=UTC)
NEVER = datetime(2999, 1, 1, tzinfo=UTC)


@pytest.fixture
def timetable() -> Iterator[ThreadScheduler]:
    """Return a running scheduler."""
    timetable = ThreadScheduler()
    timetable.start()
    yield timetable
    if timetable.is_running:
        timetable.shut_down()


def test_overdue_job_is_called(timetable: ThreadScheduler) -> None:
    """A job that is many years overdue is run, because a machine may have slept."""
    called = threading.Event()
    timetable.schedule("work", AGES, called.set)
    assert called.wait(30)


def test_rescheduled_job_replaces_the_earlier_time(timetable: ThreadScheduler) -> None:
    """Scheduling a job again replaces its time, whether the new time is earlier or later."""
    earlier, later = threading.Event(), threading.Event()
    timetable.schedule("work", NEVER, earlier.set)
    timetable.schedule("work", AGES, later.set)
    assert later.wait(30)
    assert not earlier.is_set()


def test_dropped_job_is_not_called(timetable: ThreadScheduler) -> None:
    """A cancelled job is not run, and cancelling it twice is no error."""
    called, other = threading.Event(), threading.Event()
    soon = SystemClock().now() + timedelta(milliseconds=200)
    timetable.schedule("work", soon, called.set)
    timetable.cancel("work")
    timetable.cancel("work")
    timetable.schedule("other", soon + timedelta(milliseconds=200), other.set)
    assert other.wait(30)
    assert not called.is_set()


def test_woken_scheduler_uses_the_new_clock_time(timetable: ThreadScheduler, monkeypatch: pytest.MonkeyPatch) -> None:
    """After `wake`, a job that the new clock time makes due is run at once."""
    called, sooner = threading.Event(), threading.Event()

    class Later(datetime):
        """A clock that is two hours ahead."""

        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            """Return the time in two hours."""
            return SystemClock().now().astimezone(tz) + timedelta(hours=2)

    timetable.schedule("work", SystemClock().now() + timedelta(hours=1), called.set)
    timetable.schedule("sooner", AGES, sooner.set)
    assert sooner.wait(30)
    monkeypatch.setattr("apscheduler.schedulers.base.datetime", Later)
    timetable.wake()
    assert called.wait(30)


def test_job_may_schedule_its_own_next_call(timetable: ThreadScheduler) -> None:
    """A running job can schedule its own next run, twenty times in a row."""
    count, done = [0], threading.Event()

    def job() -> None:
        count[0] += 1
        if count[0] == 20:
            done.set()
        else:
            timetable.schedule("work", AGES, job)

    timetable.schedule("work", AGES, job)
    assert done.wait(30)


def test_hanging_jobs_do_not_delay_the_others(timetable: ThreadScheduler) -> None:
    """With ten hanging jobs, ten other jobs still run."""
    release = threading.Event()
    others = [threading.Event() for _ in range(10)]

    def hang() -> None:
        release.wait(60)

    for number in range(10):
        timetable.schedule(f"hanging {number}", AGES, hang)
    for number, other in enumerate(others):
        timetable.schedule(f"other {number}", AGES, other.set)
    assert all(other.wait(30) for other in others)
    release.set()


def test_shutdown_waits_for_running_jobs(timetable: ThreadScheduler) -> None:
    """A shutdown waits for the running job, and starts no further one."""
    begun, ended, late = threading.Event(), threading.Event(), threading.Event()

    def job() -> None:
        begun.set()
        timetable.schedule("late", AGES + timedelta(days=365_000), late.set)
        ended.set()

    timetable.schedule("work", AGES, job)
    assert begun.wait(30)
    timetable.shut_down()
    assert ended.is_set()
    assert not late.is_set()
    assert not timetable.is_running


def test_separate_scheduler_is_not_delayed_by_hanging_jobs() -> None:
    """A job with a dedicated thread runs while others hang, and a job that waits for a thread counts as queued."""
    timetable, release = ThreadScheduler("alone", max_concurrent=2), threading.Event()
    hanging = [threading.Event() for _ in range(4)]
    timetable.start()

    def hang(number: int) -> None:
        hanging[number].set()
        release.wait(60)

    try:
        for number in range(4):
            timetable.schedule(f"hanging {number}", AGES + timedelta(seconds=number), partial(hang, number))
        assert hanging[0].wait(30)
        assert hanging[1].wait(30)
        for _ in range(3):
            alone = threading.Event()
            timetable.schedule("alone", AGES, alone.set)
            assert alone.wait(30)
        assert [timetable.is_queued(f"hanging {number}") for number in range(4)] == [False, False, True, True]
        release.set()
        assert all(each.wait(30) for each in hanging)
        assert not any(timetable.is_queued(f"hanging {number}") for number in range(4))
    finally:
        release.set()
        timetable.shut_down()
