"""Bounds connections in life and number, since uvicorn waits without end for what a client does not send."""

from __future__ import annotations

import asyncio
import errno
import logging
import resource
from dataclasses import dataclass
from typing import Any

from h11 import LocalProtocolError
from uvicorn.protocols.http.h11_impl import H11Protocol

MAX_LIFETIME = 30.0
"""Seconds that a connection may live: nothing that is served takes so long."""
MAX_CONNECTIONS = 200
"""How many may be open at once: each takes a descriptor, of which a process has 1024 as a rule."""
BACKLOG = 128
"""How many may wait to be taken. These take no descriptor."""
_CONNECTION_DIVISOR, _BACKLOG_DIVISOR = 4, 16
"""What part of the descriptors is for connections, and for those taken in one go: most are for runs and git."""
_SHORTAGE_ERRORS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_LOG_INTERVAL = 60.0
"""Seconds for which it is not said again that descriptors are short."""

# What a stranger sends is no reason for a line in the log: bad requests, upgrades to other protocols. Errors of the
# application go the same way, and are passed on.
_CLIENT_LOGGER = logging.getLogger("uvicorn.error.strangers")
_CLIENT_LOGGER.setLevel(logging.ERROR)


def _is_application_error(record: logging.LogRecord) -> bool:
    """Tell whether an error is the application's: not that an answer came after one to a body that is no HTTP."""
    return not (record.exc_info and isinstance(record.exc_info[1], LocalProtocolError))


_CLIENT_LOGGER.addFilter(_is_application_error)


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """How many connections may be open at once, and how many are taken in one go."""

    max_connections: int
    backlog: int

    @classmethod
    def from_descriptors(cls, descriptors: int) -> ConnectionLimits:
        """Return what fits a process of so many descriptors, and leaves most of them to its work."""
        if descriptors == resource.RLIM_INFINITY:
            return cls(MAX_CONNECTIONS, BACKLOG)
        return cls(
            min(MAX_CONNECTIONS, max(2, descriptors // _CONNECTION_DIVISOR)),
            min(BACKLOG, max(1, descriptors // _BACKLOG_DIVISOR)),
        )

    @classmethod
    def from_process(cls) -> ConnectionLimits:
        """Return what fits this process (getrlimit(2), RLIMIT_NOFILE)."""
        return cls.from_descriptors(resource.getrlimit(resource.RLIMIT_NOFILE)[0])


class LoopErrorHandler:
    """What asyncio comes across and nobody else hears: a `handler` of a loop that logs a lack of descriptors briefly.

    By itself asyncio logs a traceback for each connection that waits, and again every second.
    """

    def __init__(self) -> None:
        self._logged_at: float | None = None

    def handle(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Log it, a lack of descriptors once in a while."""
        if getattr(context.get("exception"), "errno", None) not in _SHORTAGE_ERRORS:
            loop.default_exception_handler(context)
        elif self._logged_at is None or loop.time() - self._logged_at >= _LOG_INTERVAL:
            self._logged_at = loop.time()
            message = "connections cannot be taken: %s: raise the limit of open files"
            logging.getLogger(__name__).error(message, context["exception"])


def limit_connections(lifetime: float, max_connections: int) -> type[H11Protocol]:
    """Return the protocol of one server, whose connections live for so many seconds at most, whatever they do."""
    connections: dict[H11Protocol, None] = {}

    class LimitedConnection(H11Protocol):
        """One connection: from half of its life on it takes no further request, and at its end it is cut off."""

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
            """Begin its life; where there are too many, the oldest makes room."""
            self.logger = _CLIENT_LOGGER
            super().connection_made(transport)
            self._timers = (
                self.loop.call_later(lifetime / 2, self.shutdown),
                self.loop.call_later(lifetime, transport.abort),
            )
            connections[self] = None
            if len(connections) > max_connections:
                oldest = next(iter(connections))
                del connections[oldest]
                oldest.transport.abort()

        def connection_lost(self, exc: Exception | None) -> None:
            """End it."""
            connections.pop(self, None)
            for timer in self._timers:
                timer.cancel()
            super().connection_lost(exc)

    return LimitedConnection
