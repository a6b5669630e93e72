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

from reconciler.web.rendered_text import RenderedText

MAX_BYTES = 32 * 1024 * 1024
"""How many bytes the renderings that are being read, or may be shared, take together at most."""
_MAX_ENTRIES = 4
"""How many renderings may be shared: the page has one for each set of filters."""
_RETRY_AFTER = "5"
"""After how many seconds a reader who was sent away comes again."""


@dataclass(frozen=True, slots=True)
class Document:
    """What is to be shown, before it is rendered. It is not, where there is a rendering of an equal state.

    A state of None equals no other.
    """

    state: object
    media_type: str
    texts: Iterable[str]


@dataclass(frozen=True, slots=True)
class _Entry:
    number: int
    state: object
    rendering: RenderedText


class ResponseCache:
    """The renderings of one kind of document. A key says which document of that kind is asked for."""

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._turn_limiter, self._thread_limiter = CapacityLimiter(1), CapacityLimiter(1)
        self._rendering_count = 0
        self._entries: OrderedDict[Hashable, _Entry] = OrderedDict()
        self._texts_in_use: weakref.WeakSet[RenderedText] = weakref.WeakSet()

    async def respond(self, request: Request, key: Hashable, build_document: Callable[[], Document]) -> Response:
        """Return the answer to a request. `build_document` is called in a thread, and never twice at once."""
        count_on_arrival = self._rendering_count
        async with self._turn_limiter:
            if await request.is_disconnected():
                return Response(status_code=503)  # nobody reads it
            rendering = await to_thread.run_sync(
                partial(self._get_rendering, key, count_on_arrival, build_document), limiter=self._thread_limiter
            )
        if rendering is None:
            message = "too many readers are slow: ask again in some seconds\n"
            return PlainTextResponse(message, 503, {"Retry-After": _RETRY_AFTER})
        return _build_response(request, rendering)

    def _get_rendering(
        self, key: Hashable, count_on_arrival: int, build_document: Callable[[], Document]
    ) -> RenderedText | None:
        """Return the rendering for who arrived after so many were begun; None where there is no room for it."""
        entry = self._entries.get(key)
        if entry and entry.number > count_on_arrival:
            return entry.rendering  # it shows how things stood when it was asked for, or later
        self._rendering_count += 1
        number = self._rendering_count
        document = build_document()
        if entry and document.state is not None and entry.state == document.state:
            rendering = entry.rendering
        elif self._is_full():
            return entry.rendering if entry else None
        else:
            rendering = RenderedText.from_texts(document.media_type, document.texts)
            self._texts_in_use.add(rendering)
        self._entries[key] = _Entry(number, document.state, rendering)
        self._entries.move_to_end(key)
        while len(self._entries) > _MAX_ENTRIES:
            self._entries.popitem(last=False)
        return rendering

    def _is_full(self) -> bool:
        """Tell whether there is room for no further rendering, also where those that nobody reads are given up."""
        if sum(each.compressed_size for each in self._texts_in_use) >= self._max_bytes:
            self._entries.clear()
        return sum(each.compressed_size for each in self._texts_in_use) >= self._max_bytes


def _build_response(request: Request, rendering: RenderedText) -> Response:
    headers = {"ETag": f'W/"{rendering.digest}"'}
    known_digests = (
        tag.strip().removeprefix("W/").strip('"') for tag in request.headers.get("if-none-match", "").split(",")
    )
    if rendering.digest in known_digests:
        return Response(status_code=304, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers |= {
            "Content-Encoding": "gzip",
            "Content-Length": str(rendering.compressed_size),
            "Vary": "Accept-Encoding",
        }
        return StreamingResponse(_send_parts(rendering.compressed), media_type=rendering.media_type, headers=headers)
    headers |= {"Content-Length": str(rendering.length)}
    return StreamingResponse(_send_parts(rendering.decompress()), media_type=rendering.media_type, headers=headers)


async def _send_parts(parts: Iterable[bytes]) -> AsyncIterator[bytes]:
    for part in parts:
        yield part
        await asyncio.sleep(0)  # others have their turn, however fast this reader is
