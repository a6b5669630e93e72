"""Answers with renderings that readers share: each is made once, one at a time, however many read it and how slowly.

What all readers hold together is bounded: a renewed rendering lives until the last reader of the old one has gone.
"""

from __future__ import annotations

import asyncio
import weakref
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Hashable, Iterable
from dataclasses import dataclass
from functools import partial

from anyio import CapacityLimiter, to_thread
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response, StreamingResponse

from reconciler.web.rendered_text import Rendering

HELD = 32 * 1024 * 1024
"""How many bytes the renderings that are being read, or may be shared, take together at most."""
_KEPT = 4
"""How many renderings may be shared: the page has one for each set of filters."""
_AGAIN = "5"
"""After how many seconds a reader who was sent away comes again."""


@dataclass(frozen=True, slots=True)
class Found:
    """What is to be shown, before it is rendered. It is not, where there is a rendering of an equal state.

    A state of None equals no other.
    """

    state: object
    media_type: str
    texts: Iterable[str]


@dataclass(frozen=True, slots=True)
class _Known:
    number: int
    state: object
    rendering: Rendering


class Shared:
    """The renderings of one kind of document. A key says which document of that kind is asked for."""

    def __init__(self, held: int = HELD) -> None:
        self._held = held
        self._turns, self._threads = CapacityLimiter(1), CapacityLimiter(1)
        self._begun = 0
        self._known: OrderedDict[Hashable, _Known] = OrderedDict()
        self._alive: weakref.WeakSet[Rendering] = weakref.WeakSet()

    async def answer(self, request: Request, key: Hashable, look: Callable[[], Found]) -> Response:
        """Return the answer to a request. `look` is called in a thread, and never twice at once."""
        arrived = self._begun
        async with self._turns:
            if await request.is_disconnected():
                return Response(status_code=503)  # nobody reads it
            rendering = await to_thread.run_sync(partial(self._rendered, key, arrived, look), limiter=self._threads)
        if rendering is None:
            said = "too many readers are slow: ask again in some seconds\n"
            return PlainTextResponse(said, 503, {"Retry-After": _AGAIN})
        return _answer(request, rendering)

    def _rendered(self, key: Hashable, arrived: int, look: Callable[[], Found]) -> Rendering | None:
        """Return the rendering for who arrived after so many were begun; None where there is no room for it."""
        known = self._known.get(key)
        if known and known.number > arrived:
            return known.rendering  # it shows how things stood when it was asked for, or later
        self._begun += 1
        number = self._begun
        found = look()
        if known and found.state is not None and known.state == found.state:
            rendering = known.rendering
        elif self._is_full():
            return known.rendering if known else None
        else:
            rendering = Rendering.of(found.media_type, found.texts)
            self._alive.add(rendering)
        self._known[key] = _Known(number, found.state, rendering)
        self._known.move_to_end(key)
        while len(self._known) > _KEPT:
            self._known.popitem(last=False)
        return rendering

    def _is_full(self) -> bool:
        """Tell whether there is room for no further rendering, also where those that nobody reads are given up."""
        if sum(each.size for each in self._alive) >= self._held:
            self._known.clear()
        return sum(each.size for each in self._alive) >= self._held


def _answer(request: Request, rendering: Rendering) -> Response:
    headers = {"ETag": f'W/"{rendering.digest}"'}
    known = (tag.strip().removeprefix("W/").strip('"') for tag in request.headers.get("if-none-match", "").split(","))
    if rendering.digest in known:
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers |= {"Content-Encoding": "gzip", "Content-Length": str(rendering.size), "Vary": "Accept-Encoding"}
        return StreamingResponse(_sent(rendering.packed), media_type=rendering.media_type, headers=headers)
    headers |= {"Content-Length": str(rendering.length)}
    return StreamingResponse(_sent(rendering.unpacked()), media_type=rendering.media_type, headers=headers)


async def _sent(parts: Iterable[bytes]) -> AsyncIterator[bytes]:
    for part in parts:
        yield part
        await asyncio.sleep(0)  # others have their turn, however fast this reader is
