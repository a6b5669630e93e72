"""Detect jumps of the wall clock by comparing it with the monotonic clock."""

from __future__ import annotations

from reconciler.controller.scheduler import MonotonicClock

_MIN_JUMP = 60.0
"""Minimum size of a jump, in seconds. NTP makes smaller corrections all the time, and they do no harm."""


class ClockJumpDetector:
    """Detector of jumps of a clock. A machine that resumes from sleep counts as a jump."""

    def __init__(self, clock: MonotonicClock) -> None:
        self._clock = clock
        self._offset = self._measure_offset()

    def detect_jump(self) -> float | None:
        """Return the seconds by which the clock has been set forward since the last jump, or None without a jump."""
        jump = self._measure_offset() - self._offset
        if abs(jump) < _MIN_JUMP:
            return None
        self._offset += jump
        return jump

    def _measure_offset(self) -> float:
        """Return the difference between the two clocks, in seconds. Only its changes have a meaning."""
        return self._clock.now().timestamp() - self._clock.monotonic()
