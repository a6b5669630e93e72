"""Cache rendered documents, so that any number of readers share one rendering.

Renderings are made one at a time. A replaced rendering stays in memory until its last reader is done. The total size of
the renderings in memory is limited.
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
"""The maximum size in bytes of the cached renderings and those still being read, together."""
_MAX_ENTRIES = 64
"""The maximum number of cached renderings of one kind. The page has a rendering for each combination of filters."""
_RETRY_AFTER = "5"
"""Seconds after which a rejected reader may retry (Retry-After)."""


@dataclass(frozen=True, slots=True)
class ResponseContent:
    """The content of a response before it is rendered.

    `state` is what all documents of one kind are rendered from. A cached rendering is used again while the state stays
    equal. A state of None is never equal.
    """

    state: object
    media_type: str
    texts: Iterable[str]


@dataclass(frozen=True, slots=True)
class _Entry:
    number: int
    version: int
    rendering: RenderedText


class ResponseCache:
    """The cached renderings of one kind of document. A key identifies one document of that kind.

    Only the newest state is kept: a state is large, and its size does not count.
    """

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._turn_limiter, self._thread_limiter = CapacityLimiter(1), CapacityLimiter(1)
        self._rendering_count = 0
        self._state: object = None
        self._version = 0
        self._entries: OrderedDict[Hashable, _Entry] = OrderedDict()
        self._texts_in_use: weakref.WeakSet[RenderedText] = weakref.WeakSet()

    async def respond(self, request: Request, key: Hashable, build_content: Callable[[], ResponseContent]) -> Response:
        """Return the response to a request. `build_content` is called in a thread, one call at a time."""
        count_on_arrival = self._rendering_count
        async with self._turn_limiter:
            if await request.is_disconnected():
                return Response(status_code=503)  # the client is gone, and the response is not sent
            rendering = await to_thread.run_sync(
                partial(self._get_rendering, key, count_on_arrival, build_content), limiter=self._thread_limiter
            )
        if rendering is None:
            message = f"too many slow readers: retry in {_RETRY_AFTER} seconds\n"
            return PlainTextResponse(message, 503, {"Retry-After": _RETRY_AFTER})
        return _build_response(request, rendering)

    def _get_rendering(
        self, key: Hashable, count_on_arrival: int, build_content: Callable[[], ResponseContent]
    ) -> RenderedText | None:
        """Return a rendering for a request, or None if there is no room for it.

        `count_on_arrival` is the number of renderings that had started when the request arrived. Without room for a new
        rendering, the result is the cached rendering of the same document, even if it is older.
        """
        entry = self._entries.get(key)
        if entry and entry.number > count_on_arrival:
            return entry.rendering  # this rendering started after the request arrived
        self._rendering_count += 1
        number = self._rendering_count
        content = build_content()
        if content.state is None or content.state != self._state:
            self._state, self._version = content.state, self._version + 1
        if entry and entry.version == self._version:
            rendering = entry.rendering
        elif self._is_full():
            return entry.rendering if entry else None
        else:
            rendering = RenderedText.from_texts(content.media_type, content.texts)
            self._texts_in_use.add(rendering)
        self._entries[key] = _Entry(number, self._version, rendering)
        self._entries.move_to_end(key)
        while len(self._entries) > _MAX_ENTRIES:
            self._entries.popitem(last=False)
        return rendering

    def _is_full(self) -> bool:
        """Tell whether there is no room for another rendering, even after the cache is emptied."""
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
        await asyncio.sleep(0)  # a fast reader must not keep the loop from serving the others
