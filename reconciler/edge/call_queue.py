"""Send the paced calls of all targets with a bounded number of threads. A waiting call needs no thread."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from typing import Any, TypeVar

from reconciler.core.errors import STOPPED, StopRequested
from reconciler.core.pace.bucket import Bucket
from reconciler.core.pace.failure import Failure
from reconciler.core.pace.ready_calls import ReadyCalls
from reconciler.core.ports import Timer

T = TypeVar("T")

MAX_WORKERS = 64
"""Maximum number of calls under way. With a latency of 100 ms, more calls a second than one processor core can make."""
_IDLE_TIME = 10.0
"""Seconds after which the last thread ends, if no calls wait. Other threads without calls end at once."""
_STOP_CHECK = 0.1
"""Seconds between two checks for a requested stop, while calls wait."""
_MAX_BACKOFF = 20.0
"""Maximum pause after a failure that is no throttling, in seconds, as in the standard mode of the AWS SDKs."""


@dataclass(slots=True)
class _Call:
    """A waiting call. `action` is None if its sender waits for its turn and makes the call in its own thread."""

    bucket: Bucket
    action: Callable[[], Any] | None
    on_done: Callable[[Any], None]
    max_attempts: int
    on_wait: Callable[[float], None]
    queued_at: float
    context: Context = field(default_factory=copy_context)
    attempt: int = 1


class CallQueue:
    """A queue of calls, ordered by the time at which the bucket of each account and Region has a token.

    `judge` returns what the error of a call means for the pace, or None if the call must not be repeated. Threads are
    started when they are needed, and end when they are idle.
    """

    def __init__(
        self,
        timer: Timer,
        is_stopped: Callable[[], bool],
        judge: Callable[[Exception], Failure | None],
        draw_jitter: Callable[[], float],
        max_workers: int = MAX_WORKERS,
    ) -> None:
        self._timer, self._is_stopped, self._judge, self._draw_jitter = timer, is_stopped, judge, draw_jitter
        self._max_workers = max_workers
        self._changed = threading.Condition()
        self._calls = ReadyCalls[_Call]()
        self._worker_count = self._idle_count = 0
        self._has_timekeeper = False
        self._buckets: dict[tuple[str, str], Bucket] = {}

    def open_pace(
        self, account_region: tuple[str, str], rate: float, burst: int, on_wait: Callable[[float], None]
    ) -> QueuePace:
        """Return the pace of an account and Region. Its bucket outlives a run, but its limit may change.

        `on_wait` is called with the seconds that a call waited.
        """
        with self._changed:
            bucket = self._buckets.get(account_region)
            if bucket is None:
                bucket = self._buckets[account_region] = Bucket(rate, burst, self._timer.monotonic())
            bucket.configure(rate, burst)
        return QueuePace(self, bucket, on_wait)

    def put(
        self,
        bucket: Bucket,
        action: Callable[[], Any] | None,
        on_done: Callable[[Any], None],
        max_attempts: int,
        on_wait: Callable[[float], None],
    ) -> None:
        """Add a call to the queue. Without an `action`, `on_done` is called when the sender may make the call."""
        call = _Call(bucket, action, on_done, max_attempts, on_wait, self._timer.monotonic())
        with self._changed:
            self._calls.add(bucket, call)
            self._wake_worker()

    def record(self, bucket: Bucket, sent_at: float | None, error: Exception | None) -> Failure | None:
        """Adapt the rate of a bucket to the end of a call. Return what a failure means, or None."""
        failure = self._judge(error) if error else None
        now = self._timer.monotonic()
        with self._changed:
            if failure and failure.is_throttled:
                bucket.slow_down(now if sent_at is None else sent_at, now)
            elif error is None:
                bucket.speed_up()
            if failure:
                bucket.pause(now + failure.pause)
        return failure

    def compute_rate(self, bucket: Bucket) -> float:
        """Return the calls per second that a bucket allows now: none during a pause."""
        return 0.0 if bucket.is_paused(self._timer.monotonic()) else bucket.rate

    def _wake_worker(self) -> None:
        """Wake an idle worker, or start one. The lock is held."""
        if self._idle_count:
            self._changed.notify()
        elif self._worker_count < self._max_workers:
            self._worker_count += 1
            try:
                threading.Thread(target=self._work, name="calls", daemon=True).start()
            except RuntimeError:  # the system permits no further thread
                self._worker_count -= 1
                if not self._worker_count:
                    raise

    def _work(self) -> None:
        while call := self._take():
            self._run(call)

    def _take(self) -> _Call | None:
        """Wait for a call that may be sent, and return it. None ends the worker.

        A worker without calls must look once more before it ends: a call may have come just as its wait timed out.
        """
        with self._changed:
            while True:
                now = self._timer.monotonic()
                if self._calls.length and self._is_stopped():
                    return self._take_stopped()
                if call := self._calls.take(now):
                    if self._calls.length:
                        self._wake_worker()
                    return call
                if not self._wait(now) and (self._has_timekeeper or not self._calls.length):
                    self._worker_count -= 1
                    return None

    def _take_stopped(self) -> _Call:
        """Remove every call, and return one that tells their senders about the stop."""
        calls = self._calls.clear()

        def tell_all(_: object) -> None:
            for each in calls:
                each.on_done(StopRequested(STOPPED))

        return _Call(calls[0].bucket, None, tell_all, 1, lambda _: None, self._timer.monotonic())

    def _wait(self, now: float) -> bool:
        """Wait for a change, or for the next call if no other worker does. False if the worker is not needed."""
        next_at = self._calls.next_at
        if next_at is None and self._idle_count:
            return False  # one idle worker is enough for the next call
        is_timekeeper = next_at is not None and not self._has_timekeeper
        if is_timekeeper:
            assert next_at is not None
            self._has_timekeeper, timeout = True, min(next_at - now, _STOP_CHECK)
        else:
            timeout = _IDLE_TIME
        self._idle_count += 1
        is_woken = self._changed.wait(timeout)
        self._idle_count -= 1
        if is_timekeeper:
            self._has_timekeeper = False
        return is_woken or is_timekeeper

    def _run(self, call: _Call) -> None:
        sent_at = self._timer.monotonic()
        call.on_wait(sent_at - call.queued_at)
        if call.action is None:
            call.on_done(None)
            return
        try:
            answer = call.context.run(call.action)
        except Exception as error:  # noqa: BLE001 - the sender of the call gets its error
            failure = self.record(call.bucket, sent_at, error)
            if failure and call.attempt < call.max_attempts:
                self._repeat(call, failure)
                return
            answer = error
        else:
            self.record(call.bucket, sent_at, None)
        call.context.run(call.on_done, answer)

    def _repeat(self, call: _Call, failure: Failure) -> None:
        """Put a failed call before the others of its bucket, which pauses unless its rate was lowered."""
        pause = 0.0 if failure.is_throttled else self._draw_jitter() * min(2.0 ** (call.attempt - 1), _MAX_BACKOFF)
        call.attempt += 1
        call.queued_at = self._timer.monotonic()
        with self._changed:
            call.bucket.pause(self._timer.monotonic() + pause)
            self._calls.add(call.bucket, call, is_first=True)
            self._wake_worker()


@dataclass(frozen=True, slots=True)
class QueuePace:
    """The pace of the calls of one account and Region."""

    _queue: CallQueue
    _bucket: Bucket
    _on_wait: Callable[[float], None]

    @property
    def rate(self) -> float:
        """The calls per second that are allowed now, 0 during a pause."""
        return self._queue.compute_rate(self._bucket)

    def send(self, call: Callable[[], T], on_done: Callable[[T | Exception], None], max_attempts: int) -> None:
        """Make a call when the bucket allows it, and repeat it after a failure that may pass.

        `on_done` is called with the answer or the last error, in another thread. After a stop, the error is
        StopRequested.
        """
        self._queue.put(self._bucket, call, on_done, max_attempts, self._on_wait)

    def wait(self) -> None:
        """Wait until the bucket allows a call, which the caller then makes at once. Raises StopRequested."""
        turn = threading.Event()
        errors: list[Exception] = []

        def begin(error: Exception | None) -> None:
            errors.extend([error] if error else [])
            turn.set()

        self._queue.put(self._bucket, None, begin, 1, self._on_wait)
        turn.wait()
        if errors:
            raise errors[0]

    def record(self, error: Exception | None) -> None:
        """Adapt the pace to the end of a call that was made after `wait`. None stands for a success."""
        self._queue.record(self._bucket, None, error)
