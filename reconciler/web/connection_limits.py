"""Limit the lifetime and number of connections, because uvicorn waits without a timeout for a slow client."""

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
"""Seconds after which a connection is closed. Every response takes less time."""
MAX_CONNECTIONS = 200
"""The maximum number of open connections. Each takes a file descriptor, of which a process usually has 1024."""
BACKLOG = 128
"""The maximum number of connections that wait to be accepted. A waiting connection takes no descriptor."""
_CONNECTION_DIVISOR, _BACKLOG_DIVISOR = 4, 16
"""The divisors of the descriptors for open connections, and for connections accepted at once.

Most descriptors stay free for runs and git.
"""
_SHORTAGE_ERRORS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_LOG_INTERVAL = 60.0
"""Seconds between two log lines about a lack of descriptors."""

# uvicorn logs bad requests and upgrades to other protocols. A client must not be able to fill the log with them. Errors
# of the application go through the same logger, and are still logged.
_CLIENT_LOGGER = logging.getLogger("uvicorn.error.strangers")
_CLIENT_LOGGER.setLevel(logging.ERROR)


def _is_application_error(record: logging.LogRecord) -> bool:
    """Tell whether an error comes from the application.

    A LocalProtocolError comes from the client: h11 raises it if a second response follows the one to a malformed body.
    """
    return not (record.exc_info and isinstance(record.exc_info[1], LocalProtocolError))


_CLIENT_LOGGER.addFilter(_is_application_error)


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """The maximum numbers of open connections and of connections accepted at once."""

    max_connections: int
    backlog: int

    @classmethod
    def from_descriptors(cls, descriptors: int) -> ConnectionLimits:
        """Return limits that leave most of the descriptors of a process free for its work."""
        if descriptors == resource.RLIM_INFINITY:
            return cls(MAX_CONNECTIONS, BACKLOG)
        return cls(
            min(MAX_CONNECTIONS, max(2, descriptors // _CONNECTION_DIVISOR)),
            min(BACKLOG, max(1, descriptors // _BACKLOG_DIVISOR)),
        )

    @classmethod
    def from_process(cls) -> ConnectionLimits:
        """Return the limits for this process (getrlimit(2), RLIMIT_NOFILE)."""
        return cls.from_descriptors(resource.getrlimit(resource.RLIMIT_NOFILE)[0])


class LoopErrorHandler:
    """An exception handler of an event loop that logs a lack of descriptors in one line.

    The default handler of asyncio logs a traceback for each waiting connection, and repeats it every second.
    """

    def __init__(self) -> None:
        self._logged_at: float | None = None

    def handle(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Log an error of the loop. A lack of descriptors is logged once per _LOG_INTERVAL."""
        if getattr(context.get("exception"), "errno", None) not in _SHORTAGE_ERRORS:
            loop.default_exception_handler(context)
        elif self._logged_at is None or loop.time() - self._logged_at >= _LOG_INTERVAL:
            self._logged_at = loop.time()
            message = "cannot accept connections: %s: raise the limit of open files"
            logging.getLogger(__name__).error(message, context["exception"])


def limit_connections(lifetime: float, max_connections: int) -> type[H11Protocol]:
    """Return the protocol of one server. Its connections are closed after `lifetime` seconds, even during a request."""
    connections: dict[H11Protocol, None] = {}

    class LimitedConnection(H11Protocol):
        """One connection. It takes no new request after half of its lifetime, and is aborted at the end."""

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
            """Start the timers of the connection, and abort the oldest connection if there are too many."""
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
            """Cancel the timers of the connection."""
            connections.pop(self, None)
            for timer in self._timers:
                timer.cancel()
            super().connection_lost(exc)

    return LimitedConnection
