"""Repeats a job on APScheduler until told to stop, and does not wait for ever then."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any

from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger


def repeat(job: Callable[[], Any], interval: float, now: datetime, stop: threading.Event, grace: float) -> None:
    """Run a job at once and then every `interval` seconds, one at a time, until `stop` is set.

    Up to a tenth of the interval is added at random, so that many controllers do not call in step. The job under
    way at a stop is waited for, `grace` seconds at most: then the process ends with code 1. Late runs are
    made up for once, however many there were.
    """
    scheduler = BackgroundScheduler(timezone="UTC")
    scheduler.add_job(
        job,
        IntervalTrigger(seconds=max(1, int(interval)), jitter=interval / 10),
        next_run_time=now,
        max_instances=1,
        coalesce=True,
        misfire_grace_time=None,
    )
    scheduler.start()
    stop.wait()
    scheduler.pause()
    watchdog = threading.Timer(grace, os._exit, args=(1,))
    watchdog.daemon = True
    watchdog.start()
    scheduler.shutdown(wait=True)
    watchdog.cancel()
