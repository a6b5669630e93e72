"""Calls things at their time, on APScheduler."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

_AT_ONCE = 32
"""How many jobs run side by side at most: one that hangs holds up no other before there are so many."""

_NOT_AGAIN = IntervalTrigger(days=36_500, timezone="UTC")


class Timetable:
    """Calls each job in a thread of its own. Late jobs are called all the same."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(_AT_ONCE)
        self._scheduler = BackgroundScheduler(timezone="UTC", executors={"default": self._threads})

    def at(self, name: str, when: datetime, job: Callable[[], None]) -> None:
        """Call a job once, at a time or soon after; it takes the place of one that still waits under its name."""
        # A job that plans its own next call does so before it returns: there are two of its name for a moment. One that
        # is called once and then removed would be looked for in vain where the scheduler is shut down meanwhile.
        self._scheduler.add_job(
            job,
            _NOT_AGAIN,
            next_run_time=when,
            id=name,
            replace_existing=True,
            misfire_grace_time=None,
            max_instances=2,
        )

    def drop(self, name: str) -> None:
        """Forget what waits under a name, if anything does."""
        with suppress(JobLookupError):
            self._scheduler.remove_job(name)

    def wake(self) -> None:
        """Look at the clock again: it was set, and the time until something is due is no longer what it was."""
        self._scheduler.wakeup()

    def start(self) -> None:
        """Begin to call."""
        self._scheduler.start()

    @property
    def running(self) -> bool:
        """Whether anything would be called."""
        thread = self._scheduler._thread  # noqa: SLF001 - the scheduler says that it runs when its thread has died
        return bool(self._scheduler.running and thread and thread.is_alive())

    def shut_down(self) -> None:
        """Call nothing more, and return when what was called has returned; for how long that may take nobody says."""
        self._scheduler.shutdown(wait=False)  # waiting, it would hold the lock that a job needs which plans another
        self._threads.shutdown(wait=True)
