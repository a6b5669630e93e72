"""Finds out that the clock was set: it then leaves the time that passes."""

from __future__ import annotations

from reconciler.controller.scheduler import Time

_LEAST = 60.0
"""Seconds by which a clock is set at least: clocks are put right by less all the time, and that does no harm."""


class Jumps:
    """The jumps of a clock. To a machine that slept its clock was set too."""

    def __init__(self, clock: Time) -> None:
        self._clock = clock
        self._ahead = self._found()

    def since(self) -> float | None:
        """Return by how many seconds the clock was set forward since this was asked last; None where it was not."""
        jump = self._found() - self._ahead
        if abs(jump) < _LEAST:
            return None
        self._ahead += jump
        return jump

    def _found(self) -> float:
        """Return by how much the clock is ahead of the time that passes, in seconds from wherever."""
        return self._clock.now().timestamp() - self._clock.monotonic()
