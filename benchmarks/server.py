"""Serve AWS's answers fast, in a process of its own: `server.py [--latency S] [--rate N] …`. It prints its URL.

Requests of a connection are answered in turn. The server needs only the standard library, so that it starts at once.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
from email.utils import formatdate
from http import HTTPStatus
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))  # a script finds only modules of its own folder

from benchmarks.service import MAX_PAGE, Answer, Limits, Request, Service

_END_OF_HEAD = b"\r\n\r\n"
_REASONS = {status.value: status.phrase for status in HTTPStatus}


class _Clock:
    """The value of the Date header, formatted once a second."""

    def __init__(self) -> None:
        self._second, self._text = -1, ""

    def format_date(self, now: float) -> str:
        """Return the date. `now` is the time of the event loop."""
        if int(now) != self._second:
            self._second, self._text = int(now), formatdate(usegmt=True)
        return self._text


class Connection(asyncio.Protocol):
    """One connection, which stays open between requests."""

    _last_request = 0
    """Number of the last request of all connections, for the request ids."""

    def __init__(self, service: Service, latency: float, clock: _Clock) -> None:
        self._service, self._latency, self._clock = service, latency, clock
        self._loop = asyncio.get_running_loop()
        self._buffer = b""
        self._is_continued = self._is_busy = False
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the transport."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Answer each complete request, after the latency."""
        self._buffer = self._buffer + data if self._buffer else data
        if not self._is_busy:
            self._answer_next()

    def _answer_next(self) -> None:
        while (request := self._take_request()) is not None:
            answer = self._service.answer(request)
            if self._latency and request.target != "/counts":
                self._is_busy = True
                self._loop.call_later(self._latency, self._send_late, answer, request.method)
                return
            self._send(answer, request.method)

    def _send_late(self, answer: Answer, method: str) -> None:
        self._send(answer, method)
        self._is_busy = False
        self._answer_next()

    def _take_request(self) -> Request | None:
        """Remove the first request from the buffer. Return None if it is incomplete."""
        end = self._buffer.find(_END_OF_HEAD)
        if end < 0:
            return None
        first, *lines = self._buffer[:end].decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        begin = end + len(_END_OF_HEAD)
        size = int(headers.get("content-length", 0))
        if len(self._buffer) < begin + size:
            if "expect" in headers and not self._is_continued and self._transport:
                self._is_continued = True
                self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            return None
        self._is_continued = False
        body, self._buffer = self._buffer[begin : begin + size], self._buffer[begin + size :]
        method, target, _ = first.split(" ")
        return Request(method, target, headers, body)

    def _send(self, answer: Answer, method: str) -> None:
        status, headers, body = answer
        Connection._last_request += 1
        request_id = f"00000000-0000-4000-a000-{Connection._last_request:012}"
        head = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        assert self._transport
        self._transport.write(
            f"HTTP/1.1 {status} {_REASONS[status]}\r\nDate: {self._clock.format_date(self._loop.time())}\r\n"
            f"x-amzn-requestid: {request_id}\r\nx-amz-request-id: {request_id}\r\n{head}"
            f"Content-Length: {len(body)}\r\n\r\n".encode("latin-1")
            + (b"" if method == "HEAD" else body)
        )


async def serve(service: Service, port: int, latency: float) -> None:
    """Listen on this machine until SIGTERM or SIGINT. Print one line that ends with the URL."""
    loop, stop, clock = asyncio.get_running_loop(), asyncio.Event(), _Clock()
    for each in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(each, stop.set)
    server = await loop.create_server(lambda: Connection(service, latency, clock), "127.0.0.1", port, backlog=4096)
    print(f"listening on http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await stop.wait()
    server.close()


def main() -> None:
    """Read the options and serve."""
    parser = argparse.ArgumentParser(description="Serve AWS's answers fast.")
    parser.add_argument("--port", type=int, default=0, help="default: a free port")
    parser.add_argument("--latency", type=float, default=0, help="seconds before each answer")
    parser.add_argument("--rate", type=float, help="calls a second in an account and Region; default: no limit")
    parser.add_argument("--burst", type=int, default=5, help="calls at once before the rate applies")
    parser.add_argument("--retry-after", type=int, help="the Retry-After of a throttled call, in seconds")
    parser.add_argument("--integrations", type=int, default=20, help="data integrations in each place, at most 50")
    chosen = parser.parse_args()
    if not 0 <= chosen.integrations <= MAX_PAGE:
        parser.error(f"--integrations {chosen.integrations} is not between 0 and {MAX_PAGE}, which is one page")
    limits = Limits(chosen.rate, chosen.burst, chosen.retry_after)
    asyncio.run(serve(Service(chosen.integrations, limits), chosen.port, chosen.latency))


if __name__ == "__main__":
    main()
