"""Tests for the response cache: readers share a rendering that is not older than their requests."""

from __future__ import annotations

import asyncio
import gzip
import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from support import statuses
from support.builders import NOW
from web.conftest import Site

from reconciler.web.rendered_text import RenderedText
from reconciler.web.response_cache import Document, ResponseCache

PATHS = ["/", "/api/v1/report"]


async def ask(shared: ResponseCache, key: str, looks: list[str], text: str, state: object = None) -> Response:
    """Request a document. Each rendering appends its text to `looks`."""

    def look() -> Document:
        looks.append(text)
        return Document(state, "text/plain", (text,))

    async def receive() -> Any:
        await asyncio.Event().wait()

    return await shared.respond(Request({"type": "http", "method": "GET", "headers": []}, receive), key, look)


async def body(response: Response) -> str:
    """Return the body of a response."""
    assert isinstance(response, StreamingResponse)
    return b"".join([bytes(part) async for part in response.body_iterator if isinstance(part, bytes)]).decode()


def test_concurrent_readers_share_one_rendering() -> None:
    """Ten requests that arrive before the first rendering share one rendering."""

    async def readers() -> tuple[list[str], list[str]]:
        shared, looks = ResponseCache(), list[str]()
        answers = await asyncio.gather(*(ask(shared, "", looks, str(number)) for number in range(10)))
        return looks, [await body(answer) for answer in answers]

    assert asyncio.run(readers()) == (["0"], ["0"] * 10)


def test_readers_during_a_rendering_share_the_next_one() -> None:
    """Requests that arrive during a rendering share the next rendering, because the state may have changed."""

    async def readers() -> tuple[list[str], list[str]]:
        shared, looks = ResponseCache(), list[str]()
        looking, proceed, loop = asyncio.Event(), threading.Event(), asyncio.get_running_loop()

        class Slow(list[str]):
            def append(self, text: str) -> None:
                loop.call_soon_threadsafe(looking.set)
                proceed.wait()
                looks.append(text)

        first = asyncio.create_task(ask(shared, "", Slow(), "first"))
        await looking.wait()
        others = [asyncio.create_task(ask(shared, "", looks, str(number))) for number in range(9)]
        await asyncio.sleep(0)
        proceed.set()
        return looks, [await body(await each) for each in (first, *others)]

    assert asyncio.run(readers()) == (["first", "0"], ["first", *["0"] * 9])


def test_later_reader_gets_the_current_state() -> None:
    """A later request gets the cached rendering if the state is equal, and a new rendering otherwise."""

    async def readers() -> list[str]:
        shared, looks = ResponseCache(), list[str]()
        states = [("a", 1), ("b", 1), ("c", 2), ("d", None), ("e", None)]
        return [await body(await ask(shared, "", looks, text, state)) for text, state in states]

    assert asyncio.run(readers()) == ["a", "a", "c", "d", "e"]


def test_renderings_held_by_readers_are_limited() -> None:
    """At the limit, a reader gets the cached rendering or a 503 with Retry-After, until other readers are done."""

    async def readers() -> None:
        shared, looks = ResponseCache(max_bytes=1), list[str]()
        first = await ask(shared, "page", looks, "first")
        assert await body(await ask(shared, "page", looks, "second")) == "first"
        refused = await ask(shared, "other", looks, "third")
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "5")
        del first
        assert await body(await ask(shared, "other", looks, "fourth")) == "fourth"

    asyncio.run(readers())


def test_disconnected_reader_causes_no_rendering() -> None:
    """A client that disconnects while it waits causes no rendering."""

    async def readers() -> list[str]:
        looks = list[str]()

        async def gone() -> Any:
            return {"type": "http.disconnect"}

        def look() -> Document:
            looks.append("")
            return Document(None, "text/plain", ())

        await ResponseCache().respond(Request({"type": "http", "method": "GET", "headers": []}, gone), "", look)
        return looks

    assert asyncio.run(readers()) == []


@pytest.mark.parametrize("parts", [(), ("",), ("a", "", "ü" * 100_000), ("x" * 1_000_000, "\ud800", "y")])
def test_rendering_preserves_its_text(parts: tuple[str, ...]) -> None:
    """Compression and decompression preserve the text for any sizes of its pieces. A lone surrogate becomes `?`."""
    text = "".join(parts).encode("utf-8", "replace")
    rendering = RenderedText.from_texts("text/plain", parts)
    assert gzip.decompress(b"".join(rendering.compressed)) == text
    unpacked = list(rendering.decompress())
    assert b"".join(unpacked) == text
    assert max(map(len, unpacked)) <= 32 * 1024
    assert (rendering.length, rendering.compressed_size) == (len(text), sum(map(len, rendering.compressed)))


@pytest.mark.parametrize("path", [*PATHS, "/metrics"])
def test_compressed_and_plain_responses_are_equal(site: Site, path: str) -> None:
    """The compressed and the plain response have the same content, and each has its Content-Length."""
    site.board = statuses.open_differences()
    plain, packed = site.get(path), site.get(path, **{"Accept-Encoding": "gzip"})
    assert gzip.decompress(packed.body) == plain.body
    assert packed.headers["content-encoding"] == "gzip"
    for answer in (plain, packed):
        assert int(answer.headers["content-length"]) == len(answer.body)
        assert answer.headers["vary"] == "Accept-Encoding"


@pytest.mark.parametrize("path", PATHS)
def test_matching_etag_returns_304(site: Site, path: str) -> None:
    """A matching ETag returns 304 for some seconds while only the time changes, and the new document afterwards."""
    site.board = statuses.open_differences()
    tag = site.get(path).headers["etag"]
    site.board = replace(site.board, now=NOW + timedelta(seconds=14))
    again = site.get(path, **{"If-None-Match": f'"other", {tag}'})
    assert (again.status, again.body, again.headers["etag"]) == (304, b"", tag)
    for changed in (replace(site.board, now=NOW + timedelta(seconds=15)), statuses.rejected_revision()):
        site.board = changed
        answer = site.get(path, **{"If-None-Match": tag})
        assert (answer.status, answer.headers["etag"] == tag) == (200, False)


@pytest.mark.parametrize("path", PATHS)
def test_run_that_becomes_stuck_changes_the_etag(site: Site, path: str) -> None:
    """The ETag changes when a run becomes stuck, even though only the time has changed."""
    site.board = replace(
        statuses.status(replace(statuses.target_status(None), next_run=NOW)), now=NOW + timedelta(seconds=600)
    )
    before = site.get(path).headers["etag"]
    site.board = replace(site.board, now=NOW + timedelta(seconds=601))
    assert site.get(path).headers["etag"] != before
