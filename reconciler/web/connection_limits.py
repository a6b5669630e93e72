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

LIFE = 30.0
"""Seconds that a connection may live: nothing that is served takes so long."""
AT_ONCE = 200
"""How many may be open at once: each takes a descriptor, of which a process has 1024 as a rule."""
BACKLOG = 128
"""How many may wait to be taken. These take no descriptor."""
_PART, _TAKEN_PART = 4, 16
"""What part of the descriptors is for connections, and for those taken in one go: most are for runs and git."""
_SHORT = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})
_QUIET = 60.0
"""Seconds for which it is not said again that descriptors are short."""

# What a stranger sends is no reason for a line in the log: bad requests, upgrades to other protocols. Errors of the
# application go the same way, and are passed on.
_STRANGERS = logging.getLogger("uvicorn.error.strangers")
_STRANGERS.setLevel(logging.ERROR)


def _is_ours(record: logging.LogRecord) -> bool:
    """Tell whether an error is the application's: not that an answer came after one to a body that is no HTTP."""
    return not (record.exc_info and isinstance(record.exc_info[1], LocalProtocolError))


_STRANGERS.addFilter(_is_ours)


@dataclass(frozen=True, slots=True)
class Bounds:
    """How many connections may be open at once, and how many are taken in one go."""

    at_once: int
    taken: int

    @classmethod
    def of(cls, descriptors: int) -> Bounds:
        """Return what fits a process of so many descriptors, and leaves most of them to its work."""
        if descriptors == resource.RLIM_INFINITY:
            return cls(AT_ONCE, BACKLOG)
        return cls(min(AT_ONCE, max(2, descriptors // _PART)), min(BACKLOG, max(1, descriptors // _TAKEN_PART)))

    @classmethod
    def here(cls) -> Bounds:
        """Return what fits this process (getrlimit(2), RLIMIT_NOFILE)."""
        return cls.of(resource.getrlimit(resource.RLIMIT_NOFILE)[0])


class Trouble:
    """What asyncio comes across and nobody else hears: a `handler` of a loop that logs a lack of descriptors briefly.

    By itself asyncio logs a traceback for each connection that waits, and again every second.
    """

    def __init__(self) -> None:
        self._said: float | None = None

    def handle(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Log it, a lack of descriptors once in a while."""
        if getattr(context.get("exception"), "errno", None) not in _SHORT:
            loop.default_exception_handler(context)
        elif self._said is None or loop.time() - self._said >= _QUIET:
            self._said = loop.time()
            said = "connections cannot be taken: %s: raise the limit of open files"
            logging.getLogger(__name__).error(said, context["exception"])


def bounded(life: float, at_once: int) -> type[H11Protocol]:
    """Return the protocol of one server, whose connections live for so many seconds at most, whatever they do."""
    by_age: dict[H11Protocol, None] = {}

    class Bounded(H11Protocol):
        """One connection: from half of its life on it takes no further request, and at its end it is cut off."""

        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
            """Begin its life; where there are too many, the oldest makes room."""
            self.logger = _STRANGERS
            super().connection_made(transport)
            self._timers = (
                self.loop.call_later(life / 2, self.shutdown),
                self.loop.call_later(life, transport.abort),
            )
            by_age[self] = None
            if len(by_age) > at_once:
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
