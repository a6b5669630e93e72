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

MAX_CONCURRENT_JOBS = 32
"""How many jobs run side by side at most: one that hangs holds up no other before there are so many."""
_MAX_INSTANCES = 1000
_SHARED_POOL = "default"

_ONCE = IntervalTrigger(days=36_500, timezone="UTC")


class _ThreadPool(ThreadPoolExecutor):  # type: ignore[misc] # APScheduler has no types
    """The threads of some jobs. `queued` are the names of those that wait for a free one."""

    def __init__(self, max_workers: int) -> None:
        super().__init__(max_workers)
        self.queued_names: set[str] = set()

    def _do_submit_job(self, job: Any, run_times: Any) -> None:
        self.queued_names.add(job.id)
        super()._do_submit_job(job, run_times)


class ThreadScheduler:
    """Calls each job in a thread of its own. Late jobs are called all the same.

    Jobs of the names that stand `alone` wait for no other's; of all others so many run at once.
    """

    def __init__(self, *dedicated: str, max_concurrent: int = MAX_CONCURRENT_JOBS) -> None:
        self._pools = {_SHARED_POOL: _ThreadPool(max_concurrent), **{name: _ThreadPool(1) for name in dedicated}}
        self._scheduler = BackgroundScheduler(timezone="UTC", executors=self._pools)

    def schedule(self, name: str, when: datetime, job: Callable[[], None]) -> None:
        """Call a job once, at a time or soon after; it takes the place of one that still waits under its name."""
        # A job that plans its own next call does so before it returns: there are two of its name for a moment, and more
        # where one that waits for a thread is dropped and planned again. One that
        # is called once and then removed would be looked for in vain where the scheduler is shut down meanwhile.
        executor = name if name in self._pools else _SHARED_POOL
        pool = self._pools[executor]

        def call() -> None:
            pool.queued_names.discard(name)
            job()

        self._scheduler.add_job(
            call,
            _ONCE,
            executor=executor,
            next_run_time=when,
            id=name,
            replace_existing=True,
            misfire_grace_time=None,
            max_instances=_MAX_INSTANCES,
        )

    def cancel(self, name: str) -> None:
        """Forget what waits under a name, if anything does."""
        with suppress(JobLookupError):
            self._scheduler.remove_job(name)

    def is_queued(self, name: str) -> bool:
        """Tell whether the time of a name has come, and its job waits for a free thread."""
        return any(name in threads.queued_names for threads in self._pools.values())

    def wake(self) -> None:
        """Look at the clock again: it was set, and the time until something is due is no longer what it was."""
        self._scheduler.wakeup()

    def start(self) -> None:
        """Begin to call."""
        self._scheduler.start()

    @property
    def is_running(self) -> bool:
        """Whether anything would be called."""
        thread = self._scheduler._thread  # noqa: SLF001 - the scheduler says that it runs when its thread has died
        return bool(self._scheduler.running and thread and thread.is_alive())

    def shut_down(self) -> None:
        """Call nothing more, and return when what was called has returned; for how long that may take nobody says."""
        self._scheduler.shutdown(wait=False)  # waiting, it would hold the lock that a job needs which plans another
        for threads in self._pools.values():
            threads.shutdown(wait=True)
