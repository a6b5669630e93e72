"""Bounds connections in life and number, since uvicorn waits without end for what a client does not send."""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.h11_impl import H11Protocol

LIFE = 30.0
"""Seconds that a connection may live: nothing that is served takes so long."""
AT_ONCE = 200
"""How many may be open at once: each takes a descriptor, of which a process has 1024 as a rule."""


def bounded(life: float) -> type[H11Protocol]:
    """Return the protocol of one server, whose connections live for so many seconds at most, whatever they do."""
    by_age: dict[H11Protocol, None] = {}

    class Bounded(H11Protocol):
        """One connection: from half of its life on it takes no further request, and at its end it is cut off."""

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
            """Begin its life; where there are too many, the oldest makes room."""
            super().connection_made(transport)
            self._timers = (
                self.loop.call_later(life / 2, self.shutdown),
                self.loop.call_later(life, transport.abort),
            )
            by_age[self] = None
            if len(by_age) > AT_ONCE:
                oldest = next(iter(by_age))
                del by_age[oldest]
                oldest.transport.abort()

        def connection_lost(self, exc: Exception | None) -> None:
            """End it."""
            by_age.pop(self, None)
            for timer in self._timers:
                timer.cancel()
            super().connection_lost(exc)

    return Bounded
