"""A process in virtual time: one processor core, 64 workers that make calls, and the real order of waiting calls."""

from __future__ import annotations

from collections.abc import Callable

from fleet_simulation.costs import CALL_CPU, LATENCY
from fleet_simulation.timeline import Timeline

from reconciler.core.pace.bucket import Bucket
from reconciler.core.pace.ready_calls import ReadyCalls
from reconciler.edge.call_queue import MAX_WORKERS


class Machine:
    """The calls and the computations of one process. A dead process does nothing any more.

    `on_send` gets the bucket and the time of each paced call.
    """

    def __init__(self, timeline: Timeline, on_send: Callable[[Bucket, float], None] | None = None) -> None:
        self._timeline, self._on_send = timeline, on_send
        self._calls = ReadyCalls[tuple[Bucket, Callable[[], object]]]()
        self._busy_count = 0
        self._cpu_free_at = timeline.now
        self._wake_at: float | None = None
        self.is_dead = False
        self.cpu_seconds = 0.0

    def send(self, bucket: Bucket, on_done: Callable[[], object]) -> None:
        """Make a call to AppIntegrations as soon as its bucket and a worker allow it."""
        self._calls.add(bucket, (bucket, on_done))
        self._start_calls()

    def send_unpaced(self, on_done: Callable[[], object]) -> None:
        """Make a call to STS or S3 at once."""
        self._plan(self._compute(CALL_CPU) + LATENCY, on_done)

    def compute(self, seconds: float, on_done: Callable[[], object]) -> None:
        """Use the processor, after the computations that were asked for before."""
        self._plan(self._compute(seconds), on_done)

    def _start_calls(self) -> None:
        now = self._timeline.now
        while self._busy_count < MAX_WORKERS and (next_at := self._calls.next_at) is not None:
            if next_at > now and self._wake_at is not None and now < self._wake_at <= next_at:
                return
            call = self._calls.take(now)
            if call is None:
                self._wake_at = self._calls.next_at
                if self._wake_at is not None:
                    self._plan(self._wake_at, self._start_calls)
                return
            self._busy_count += 1
            bucket, on_done = call
            sent_at = self._compute(CALL_CPU)
            if self._on_send:
                self._on_send(bucket, sent_at)
            self._plan(sent_at + LATENCY, self._end_call(on_done))

    def _end_call(self, on_done: Callable[[], object]) -> Callable[[], None]:
        def end() -> None:
            self._busy_count -= 1
            on_done()
            self._start_calls()

        return end

    def _compute(self, seconds: float) -> float:
        """Return the time at which the processor has done a computation that is asked for now."""
        self.cpu_seconds += seconds
        self._cpu_free_at = max(self._cpu_free_at, self._timeline.now) + seconds
        return self._cpu_free_at

    def _plan(self, time: float, event: Callable[[], object]) -> None:
        self._timeline.add(time, lambda: None if self.is_dead else event())
