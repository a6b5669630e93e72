"""Run jobs at given times with APScheduler."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

MAX_CONCURRENT_JOBS = 512
"""Maximum number of jobs that run at the same time. With fewer running jobs, a hanging job does not delay others.

A run waits for its calls most of the time, and its thread costs little then (docs/adr/0031).
"""
_MAX_INSTANCES = 1000
_SHARED_POOL = "default"

_ONCE = IntervalTrigger(days=36_500, timezone="UTC")


class _ThreadPool(ThreadPoolExecutor):  # type: ignore[misc] # APScheduler has no types
    """A pool of threads. `queued_names` holds the names of due jobs that wait for a free thread."""

    def __init__(self, max_workers: int) -> None:
        super().__init__(max_workers)
        self.queued_names: set[str] = set()

    def _do_submit_job(self, job: Any, run_times: Any) -> None:
        self.queued_names.add(job.id)
        super()._do_submit_job(job, run_times)


class ThreadScheduler:
    """A scheduler that runs each job in its own thread. An overdue job still runs.

    A job with one of the `dedicated` names has its own thread and never waits for a job with another name. At most
    `max_concurrent` of the other jobs run at the same time. `clock_offset` is the lead of the given times over the
    machine's clock.
    """

    def __init__(
        self, *dedicated: str, max_concurrent: int = MAX_CONCURRENT_JOBS, clock_offset: timedelta = timedelta()
    ) -> None:
        self._clock_offset = clock_offset
        self._pools = {_SHARED_POOL: _ThreadPool(max_concurrent), **{name: _ThreadPool(1) for name in dedicated}}
        self._scheduler = BackgroundScheduler(timezone="UTC", executors=self._pools)

    def schedule(self, name: str, when: datetime, job: Callable[[], None]) -> None:
        """Run a job once at a given time, or soon after. It replaces a scheduled job with the same name."""
        # The limit of one instance per job is raised. A job may schedule its own next run before it returns, and a
        # queued job may be cancelled and scheduled again: for a moment, several instances then have the same name.
        # The job has an interval of 100 years instead of a single date. APScheduler removes a job without a next run,
        # and that removal fails if the scheduler shuts down at the same time.
        executor = name if name in self._pools else _SHARED_POOL
        pool = self._pools[executor]

        def call() -> None:
            pool.queued_names.discard(name)
            job()

        self._scheduler.add_job(
            call,
            _ONCE,
            executor=executor,
            next_run_time=when - self._clock_offset,
            id=name,
            replace_existing=True,
            misfire_grace_time=None,
            max_instances=_MAX_INSTANCES,
        )

    def cancel(self, name: str) -> None:
        """Cancel the scheduled job with a name, if there is one."""
        with suppress(JobLookupError):
            self._scheduler.remove_job(name)

    def is_queued(self, name: str) -> bool:
        """Return whether the job with a name is due and waits for a free thread."""
        return any(name in pool.queued_names for pool in self._pools.values())

    def wake(self) -> None:
        """Recompute the time until the next job. Call this after the clock was changed."""
        self._scheduler.wakeup()

    def start(self) -> None:
        """Start to run jobs."""
        self._scheduler.start()

    @property
    def is_running(self) -> bool:
        """True if the scheduler is running."""
        thread = self._scheduler._thread  # noqa: SLF001 - `running` stays true after the scheduler's thread has died
        return bool(self._scheduler.running and thread and thread.is_alive())

    def shut_down(self) -> None:
        """Start no further job, and wait for the running jobs without a timeout."""
        # With wait=True, APScheduler would hold a lock that a running job needs to schedule its next run.
        self._scheduler.shutdown(wait=False)
        for pool in self._pools.values():
            pool.shutdown(wait=True)
