"""Compare designs of how the calls of many targets wait for their buckets: `waiting.py [COUNT…]`.

Each target makes its calls one after another, at the default pace, with a client of boto3 that all targets share.
The server needs 50 ms for each answer.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
import json
import resource
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))  # a script finds only modules of its own folder

from benchmarks import fleets, inputs
from benchmarks.measure import build_environment
from benchmarks.running import run_server

_COUNTS = (500, 2000)
_CALLS = fleets.CALLS + 1
_WORKERS = 64
"""The most calls under way."""
_PARKED = 512
"""The most targets under way, if each of them has a thread."""
_LATENCY = 0.05
_REST = 0.1
"""Seconds between two looks at the number of threads."""
_ROW = "{:<42} {:>8} {:>9} {:>10} {:>9} {:>8}"

Call = Callable[[], object]


class Bucket:
    """A token bucket at the default pace. It tells when the next call is due, and leaves the waiting to others."""

    def __init__(self) -> None:
        self._interval = 1 / fleets.RATE
        self._tolerance = (fleets.BURST - 1) * self._interval
        self._next = time.monotonic()

    def take(self) -> float:
        """Take a token. Return the time at which the call is due."""
        due = max(self._next, time.monotonic())
        self._next = due + self._interval
        return due - self._tolerance


class _Queue:
    """A heap of calls, ordered by the time at which they are due, and the threads that make them.

    One idle thread, the timekeeper, waits for the first call to be due. The others wait to be woken.
    """

    def __init__(self) -> None:
        self._lock, self._calls = threading.Lock(), list[tuple[float, int, Call, Future[object]]]()
        self._is_first_new, self._is_needed = threading.Condition(self._lock), threading.Condition(self._lock)
        self._numbers, self._has_timekeeper = itertools.count(), False
        self._is_closed = False
        for _ in range(_WORKERS):
            threading.Thread(target=self._work, daemon=True).start()

    def make(self, due: float, call: Call) -> object:
        """Make a call when it is due, and return its result. The thread of the caller waits."""
        future: Future[object] = Future()
        with self._lock:
            heapq.heappush(self._calls, (due, next(self._numbers), call, future))
            if not self._has_timekeeper:
                self._is_needed.notify()
            elif self._calls[0][3] is future:
                self._is_first_new.notify()
        return future.result()

    def close(self) -> None:
        """End the threads."""
        with self._lock:
            self._is_closed = True
            self._is_needed.notify_all()
            self._is_first_new.notify_all()

    def _work(self) -> None:
        while taken := self._take():
            call, future = taken
            try:
                future.set_result(call())
            except Exception as error:  # noqa: BLE001 - the thread of the caller raises it
                future.set_exception(error)

    def _take(self) -> tuple[Call, Future[object]] | None:
        """Wait until the first call is due, and return it. Return None after the end."""
        with self._lock:
            while not self._is_closed:
                wait = self._calls[0][0] - time.monotonic() if self._calls else None
                if wait is not None and wait <= 0:
                    _, _, call, future = heapq.heappop(self._calls)
                    if self._calls and not self._has_timekeeper:
                        self._is_needed.notify()
                    return call, future
                if wait is None or self._has_timekeeper:
                    self._is_needed.wait()
                    continue
                self._has_timekeeper = True
                self._is_first_new.wait(wait)
                self._has_timekeeper = False
        return None


def queue_calls(count: int, call: Call) -> None:
    """A: each target under way has a parked thread, and a queue of calls is served by few workers."""

    def run_target(_: int) -> None:
        bucket = Bucket()
        for _ in range(_CALLS):
            queue.make(bucket.take(), call)

    with closing(_Queue()) as queue, ThreadPoolExecutor(_PARKED) as pool:
        list(pool.map(run_target, range(count)))


def await_calls(count: int, call: Call) -> None:
    """B: each target has a coroutine, which sleeps for its bucket and gives each call to a thread of a pool."""

    async def run_all() -> None:
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(_WORKERS) as pool:

            async def run_target() -> None:
                bucket = Bucket()
                for _ in range(_CALLS):
                    await asyncio.sleep(max(0, bucket.take() - time.monotonic()))
                    await loop.run_in_executor(pool, call)

            await asyncio.gather(*(run_target() for _ in range(count)))

    asyncio.run(run_all())


def sleep_in_threads(count: int, call: Call) -> None:
    """C: each target under way has a thread, which sleeps for its bucket, and a semaphore bounds the calls."""
    under_way = threading.BoundedSemaphore(_WORKERS)

    def run_target(_: int) -> None:
        bucket = Bucket()
        for _ in range(_CALLS):
            time.sleep(max(0, bucket.take() - time.monotonic()))
            with under_way:
                call()

    with ThreadPoolExecutor(_PARKED) as pool:
        list(pool.map(run_target, range(count)))


_DESIGNS = {
    "queue": (queue_calls, "A: parked threads, queue of ready calls"),
    "coroutines": (await_calls, "B: coroutines, calls in a thread pool"),
    "threads": (sleep_in_threads, "C: threads that sleep, semaphore"),
}


def run_design(name: str, url: str, count: int) -> dict[str, float]:
    """Run one design in this process, and return what it cost. The start-up of boto3 is in the memory only."""
    import boto3  # noqa: PLC0415 - the parent process needs no boto3
    from botocore.config import Config  # noqa: PLC0415 - see above

    client: Any = boto3.client(
        "appintegrations",
        inputs.REGION,
        endpoint_url=url,
        aws_access_key_id="sandbox",
        aws_secret_access_key="sandbox",  # noqa: S106 - not a secret
        config=Config(max_pool_connections=_WORKERS),
    )
    arn = client.list_data_integrations()["DataIntegrations"][0]["Arn"]
    most, is_done = 0, threading.Event()

    def watch_threads() -> None:
        nonlocal most
        while not is_done.wait(_REST):
            most = max(most, threading.active_count() - 1)  # without this one

    watcher = threading.Thread(target=watch_threads)
    watcher.start()
    cpu, began = time.process_time(), time.monotonic()
    _DESIGNS[name][0](count, lambda: client.list_data_integration_associations(DataIntegrationIdentifier=arn))
    wall, cpu = time.monotonic() - began, time.process_time() - cpu
    is_done.set()
    watcher.join()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    return {"wall": wall, "cpu": cpu, "peak": peak, "threads": most}


def main(counts: tuple[int, ...]) -> None:
    """Run every design with each number of targets, in new processes, and print the table."""
    minimum = (_CALLS - fleets.BURST) / fleets.RATE
    print(f"{_CALLS} calls for each target, {_WORKERS} calls under way, least time of a bucket {minimum} s\n")
    print(_ROW.format("design", "targets", "time", "processor", "memory", "threads"))
    for count in counts:
        for name, (_, title) in _DESIGNS.items():
            with run_server("--latency", str(_LATENCY)) as url:
                command = (sys.executable, __file__, "--design", name, url, str(count))
                environment = build_environment(Path.home())
                cost = json.loads(subprocess.run(command, env=environment, capture_output=True, check=True).stdout)
            figures = (f"{cost['wall']:.1f} s", f"{cost['cpu']:.1f} s", f"{cost['peak']:.0f} MB", str(cost["threads"]))
            print(_ROW.format(title, count, *figures), flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--design"]:
        print(json.dumps(run_design(sys.argv[2], sys.argv[3], int(sys.argv[4]))))
    else:
        main(tuple(map(int, sys.argv[1:])) or _COUNTS)
