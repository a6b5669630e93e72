"""Finds out that the clock was set: it then leaves the time that passes."""

from __future__ import annotations

from reconciler.controller.scheduler import MonotonicClock

_MIN_JUMP = 60.0
"""Seconds by which a clock is set at least: clocks are put right by less all the time, and that does no harm."""


class ClockJumpDetector:
    """The jumps of a clock. To a machine that slept its clock was set too."""

    def __init__(self, clock: MonotonicClock) -> None:
        self._clock = clock
        self._offset = self._measure_offset()

    def detect_jump(self) -> float | None:
        """Return by how many seconds the clock was set forward since this was asked last; None where it was not."""
        jump = self._measure_offset() - self._offset
        if abs(jump) < _MIN_JUMP:
            return None
        self._offset += jump
        return jump

    def _measure_offset(self) -> float:
        """Return by how much the clock is ahead of the time that passes, in seconds from wherever."""
        return self._clock.now().timestamp() - self._clock.monotonic()
