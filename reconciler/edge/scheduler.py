"""Run jobs at their due time with APScheduler."""

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
"""Maximum number of concurrent jobs. A job that hangs delays the others only when this many hang."""
_MAX_INSTANCES = 1000
_SHARED_POOL = "default"

_ONCE = IntervalTrigger(days=36_500, timezone="UTC")


class _ThreadPool(ThreadPoolExecutor):  # type: ignore[misc] # APScheduler has no types
    """A thread pool. `queued_names` holds the names of the jobs that wait for a free thread."""

    def __init__(self, max_workers: int) -> None:
        super().__init__(max_workers)
        self.queued_names: set[str] = set()

    def _do_submit_job(self, job: Any, run_times: Any) -> None:
        self.queued_names.add(job.id)
        super()._do_submit_job(job, run_times)


class ThreadScheduler:
    """Run each job in a thread. A late job still runs.

    Each name in `dedicated` has its own thread. The other jobs share a pool of `max_concurrent` threads.
    """

    def __init__(self, *dedicated: str, max_concurrent: int = MAX_CONCURRENT_JOBS) -> None:
        self._pools = {_SHARED_POOL: _ThreadPool(max_concurrent), **{name: _ThreadPool(1) for name in dedicated}}
        self._scheduler = BackgroundScheduler(timezone="UTC", executors=self._pools)

    def at(self, name: str, when: datetime, job: Callable[[], None]) -> None:
        """Run a job once, at or soon after `when`. It replaces a waiting job of the same name."""
        # A job schedules its next run before it returns, so two instances of a name exist for a moment. There are more
        # if a queued job is dropped and scheduled again. The trigger is an interval because APScheduler removes a
        # one-time job after its run, and fails to find it if the scheduler was shut down in the meantime.
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

    def drop(self, name: str) -> None:
        """Remove the waiting job of this name, if there is one."""
        with suppress(JobLookupError):
            self._scheduler.remove_job(name)

    def is_queued(self, name: str) -> bool:
        """Return whether the job of this name is due and waits for a free thread."""
        return any(name in threads.queued_names for threads in self._pools.values())

    def wake(self) -> None:
        """Recompute due times after the clock was changed."""
        self._scheduler.wakeup()

    def start(self) -> None:
        """Start to run jobs."""
        self._scheduler.start()

    @property
    def is_running(self) -> bool:
        """Whether due jobs would run."""
        thread = self._scheduler._thread  # noqa: SLF001 - `running` stays true after the thread died
        return bool(self._scheduler.running and thread and thread.is_alive())

    def shut_down(self) -> None:
        """Start no more jobs, and wait without a timeout for the running ones."""
        self._scheduler.shutdown(wait=False)  # with wait=True it holds the lock that a job needs to schedule another
        for threads in self._pools.values():
            threads.shutdown(wait=True)
