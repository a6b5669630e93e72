"""Calls things at their time, on APScheduler."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import Any

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

AT_ONCE = 32
"""How many jobs run side by side at most: one that hangs holds up no other before there are so many."""
_MOST_OF_A_NAME = 1000
_SHARED = "default"

_NOT_AGAIN = IntervalTrigger(days=36_500, timezone="UTC")


class _Threads(ThreadPoolExecutor):  # type: ignore[misc] # APScheduler has no types
    """The threads of some jobs. `queued` are the names of those that wait for a free one."""

    def __init__(self, at_once: int) -> None:
        super().__init__(at_once)
        self.queued: set[str] = set()

    def _do_submit_job(self, job: Any, run_times: Any) -> None:
        self.queued.add(job.id)
        super()._do_submit_job(job, run_times)


class Timetable:
    """Calls each job in a thread of its own. Late jobs are called all the same.

    Jobs of the names that stand `alone` wait for no other's; of all others so many run at once.
    """

    def __init__(self, *alone: str, at_once: int = AT_ONCE) -> None:
        self._threads = {_SHARED: _Threads(at_once), **{name: _Threads(1) for name in alone}}
        self._scheduler = BackgroundScheduler(timezone="UTC", executors=self._threads)

    def at(self, name: str, when: datetime, job: Callable[[], None]) -> None:
        """Call a job once, at a time or soon after; it takes the place of one that still waits under its name."""
        # A job that plans its own next call does so before it returns: there are two of its name for a moment, and more
        # where one that waits for a thread is dropped and planned again. One that
        # is called once and then removed would be looked for in vain where the scheduler is shut down meanwhile.
        executor = name if name in self._threads else _SHARED
        threads = self._threads[executor]

        def call() -> None:
            threads.queued.discard(name)
            job()

        self._scheduler.add_job(
            call,
            _NOT_AGAIN,
            executor=executor,
            next_run_time=when,
            id=name,
            replace_existing=True,
            misfire_grace_time=None,
            max_instances=_MOST_OF_A_NAME,
        )

    def drop(self, name: str) -> None:
        """Forget what waits under a name, if anything does."""
        with suppress(JobLookupError):
            self._scheduler.remove_job(name)

    def is_queued(self, name: str) -> bool:
        """Tell whether the time of a name has come, and its job waits for a free thread."""
        return any(name in threads.queued for threads in self._threads.values())

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
        for threads in self._threads.values():
            threads.shutdown(wait=True)
