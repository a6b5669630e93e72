"""Tests for the response cache: readers share a rendering that is not older than their requests."""

from __future__ import annotations

import asyncio
import gzip
import threading
import weakref
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from support import statuses
from support.builders import NOW
from support.sites import Site

from reconciler.web.rendered_text import RenderedText
from reconciler.web.response_cache import ResponseCache, ResponseContent

PATHS = ["/", "/api/v1/report"]


async def request_document(
    cache: ResponseCache, key: str, renderings: list[str], text: str, state: object = None
) -> Response:
    """Request a document. Each rendering appends its text to `renderings`."""

    def render() -> ResponseContent:
        renderings.append(text)
        return ResponseContent(state, "text/plain", (text,))

    async def receive() -> Any:
        await asyncio.Event().wait()

    return await cache.respond(Request({"type": "http", "method": "GET", "headers": []}, receive), key, render)


async def read_body(response: Response) -> str:
    """Return the body of a response."""
    assert isinstance(response, StreamingResponse)
    return b"".join([bytes(part) async for part in response.body_iterator if isinstance(part, bytes)]).decode()


def test_concurrent_readers_share_one_rendering() -> None:
    """Ten requests that arrive before the first rendering share one rendering."""

    async def send_requests() -> tuple[list[str], list[str]]:
        cache, renderings = ResponseCache(), list[str]()
        responses = await asyncio.gather(
            *(request_document(cache, "", renderings, str(number)) for number in range(10))
        )
        return renderings, [await read_body(response) for response in responses]

    assert asyncio.run(send_requests()) == (["0"], ["0"] * 10)


def test_readers_during_a_rendering_share_the_next_one() -> None:
    """Requests that arrive during a rendering share the next rendering, because the state may have changed."""

    async def send_requests() -> tuple[list[str], list[str]]:
        cache, renderings = ResponseCache(), list[str]()
        rendering, finish, loop = asyncio.Event(), threading.Event(), asyncio.get_running_loop()

        class SlowList(list[str]):
            def append(self, text: str) -> None:
                loop.call_soon_threadsafe(rendering.set)
                finish.wait()
                renderings.append(text)

        first = asyncio.create_task(request_document(cache, "", SlowList(), "first"))
        await rendering.wait()
        others = [asyncio.create_task(request_document(cache, "", renderings, str(number))) for number in range(9)]
        await asyncio.sleep(0)
        finish.set()
        return renderings, [await read_body(await each) for each in (first, *others)]

    assert asyncio.run(send_requests()) == (["first", "0"], ["first", *["0"] * 9])


def test_later_reader_gets_the_current_state() -> None:
    """A later request gets the cached rendering if the state is equal, and a new rendering otherwise."""

    async def send_requests() -> list[str]:
        cache, renderings = ResponseCache(), list[str]()
        states = [("a", 1), ("b", 1), ("c", 2), ("d", None), ("e", None)]
        return [await read_body(await request_document(cache, "", renderings, text, state)) for text, state in states]

    assert asyncio.run(send_requests()) == ["a", "a", "c", "d", "e"]


def test_many_addresses_are_rendered_once_each() -> None:
    """Eight addresses with different filters that refresh in turn are each rendered once while the state is equal."""

    async def send_requests() -> tuple[list[str], list[str]]:
        cache, renderings = ResponseCache(), list[str]()

        def render(key: str) -> Iterator[str]:
            renderings.append(key)
            yield key

        async def request(key: str) -> str:
            http = Request({"type": "http", "method": "GET", "headers": []}, receive)
            return await read_body(
                await cache.respond(http, key, lambda: ResponseContent(1, "text/plain", render(key)))
            )

        return [await request(key) for key in "abcdefgh" * 2], renderings

    async def receive() -> Any:
        await asyncio.Event().wait()

    assert asyncio.run(send_requests()) == (list("abcdefgh" * 2), list("abcdefgh"))


def test_cached_renderings_keep_only_the_newest_state() -> None:
    """Renderings of addresses that nobody refreshes do not keep old states in memory, whose size does not count."""

    class State:
        pass

    async def send_requests() -> tuple[str, list[State | None]]:
        cache, renderings, states = ResponseCache(), list[str](), []
        for key in "abc":
            state = State()
            states.append(weakref.ref(state))
            await request_document(cache, key, renderings, key, state)
        del state
        body = await read_body(await request_document(cache, "a", renderings, "new", states[-1]()))
        return body, [each() for each in states[:-1]]

    assert asyncio.run(send_requests()) == ("new", [None, None])


def test_renderings_held_by_readers_are_limited() -> None:
    """At the limit, a reader gets the cached rendering or a 503 with Retry-After, until other readers are done."""

    async def send_requests() -> None:
        cache, renderings = ResponseCache(max_bytes=1), list[str]()
        first = await request_document(cache, "page", renderings, "first")
        assert await read_body(await request_document(cache, "page", renderings, "second")) == "first"
        response = await request_document(cache, "other", renderings, "third")
        assert (response.status_code, response.headers["retry-after"]) == (503, "5")
        del first
        assert await read_body(await request_document(cache, "other", renderings, "fourth")) == "fourth"

    asyncio.run(send_requests())


def test_disconnected_reader_causes_no_rendering() -> None:
    """A client that disconnects while it waits causes no rendering."""

    async def send_request() -> list[str]:
        renderings = list[str]()

        async def disconnect() -> Any:
            return {"type": "http.disconnect"}

        def render() -> ResponseContent:
            renderings.append("")
            return ResponseContent(None, "text/plain", ())

        await ResponseCache().respond(Request({"type": "http", "method": "GET", "headers": []}, disconnect), "", render)
        return renderings

    assert asyncio.run(send_request()) == []


@pytest.mark.parametrize("parts", [(), ("",), ("a", "", "ü" * 100_000), ("x" * 1_000_000, "\ud800", "y")])
def test_rendering_preserves_its_text(parts: tuple[str, ...]) -> None:
    """Compression and decompression preserve the text for any sizes of its pieces. A lone surrogate becomes `?`."""
    text = "".join(parts).encode("utf-8", "replace")
    rendering = RenderedText.from_texts("text/plain", parts)
    assert gzip.decompress(b"".join(rendering.compressed)) == text
    pieces = list(rendering.decompress())
    assert b"".join(pieces) == text
    assert max(map(len, pieces)) <= 32 * 1024
    assert (rendering.length, rendering.compressed_size) == (len(text), sum(map(len, rendering.compressed)))


@pytest.mark.parametrize("path", [*PATHS, "/metrics"])
def test_compressed_and_plain_responses_are_equal(site: Site, path: str) -> None:
    """The compressed and the plain response have the same content, and each has its Content-Length."""
    site.status = statuses.build_status_with_open_differences()
    plain, compressed = site.get(path), site.get(path, **{"Accept-Encoding": "gzip"})
    assert gzip.decompress(compressed.body) == plain.body
    assert compressed.headers["content-encoding"] == "gzip"
    for response in (plain, compressed):
        assert int(response.headers["content-length"]) == len(response.body)
        assert response.headers["vary"] == "Accept-Encoding"


@pytest.mark.parametrize("path", PATHS)
def test_matching_etag_returns_304(site: Site, path: str) -> None:
    """A matching ETag returns 304 for some seconds while only the time changes, and the new document afterwards."""
    site.status = statuses.build_status_with_open_differences()
    etag = site.get(path).headers["etag"]
    site.status = replace(site.status, now=NOW + timedelta(seconds=14))
    cached = site.get(path, **{"If-None-Match": f'"other", {etag}'})
    assert (cached.status, cached.body, cached.headers["etag"]) == (304, b"", etag)
    for status in (
        replace(site.status, now=NOW + timedelta(seconds=15)),
        statuses.build_status_with_rejected_revision(),
    ):
        site.status = status
        response = site.get(path, **{"If-None-Match": etag})
        assert (response.status, response.headers["etag"] == etag) == (200, False)


@pytest.mark.parametrize("path", PATHS)
def test_run_that_becomes_stuck_changes_the_etag(site: Site, path: str) -> None:
    """The ETag changes when a run becomes stuck, even though only the time has changed."""
    site.status = replace(
        statuses.build_status(replace(statuses.build_target_status(None), next_run=NOW)),
        now=NOW + timedelta(seconds=600),
    )
    etag = site.get(path).headers["etag"]
    site.status = replace(site.status, now=NOW + timedelta(seconds=601))
    assert site.get(path).headers["etag"] != etag
