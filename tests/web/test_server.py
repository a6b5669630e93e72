"""Tests for the server: clients that send nothing or stop in the middle do not block others, and are disconnected."""

from __future__ import annotations

import asyncio
import errno
import logging
import threading
from contextlib import ExitStack, closing

import pytest
from support.sites import Site, serve_site

from reconciler.web.connection_limits import BACKLOG, MAX_CONNECTIONS, ConnectionLimits, LoopErrorHandler

INCOMPLETE_REQUESTS = [
    pytest.param(b"", id="nothing"),
    pytest.param(b"GET /healthz HT", id="half a head"),
    pytest.param(b"POST /hooks/github HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{", id="half a body"),
    pytest.param(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET", id="an answer, and half a head"),
]


def test_silent_connections_do_not_fail_liveness(site: Site) -> None:
    """Many silent connections do not fail `/healthz`, which would restart a healthy controller."""
    with ExitStack() as stack:
        for _ in range(ConnectionLimits.from_process().max_connections * 3 // 4):
            stack.enter_context(site.connect())
        assert site.get("/healthz").status == 200


def test_oldest_connection_is_closed_to_make_room(site: Site) -> None:
    """If there are too many connections, the oldest is closed and the newest is served."""
    with ExitStack() as stack:
        oldest, *_ = [
            stack.enter_context(site.connect()) for _ in range(ConnectionLimits.from_process().max_connections)
        ]
        assert site.get("/healthz").status == 200
        assert oldest.recv(64) == b""


@pytest.mark.parametrize("data", INCOMPLETE_REQUESTS)
def test_overlong_connection_is_closed(data: bytes) -> None:
    """A connection is closed at the end of its lifetime, at any point of a request."""
    with serve_site(lifetime=0.2) as site, site.connect() as connection:
        connection.sendall(data)
        while connection.recv(4096):
            pass


@pytest.mark.parametrize("data", [INCOMPLETE_REQUESTS[0], INCOMPLETE_REQUESTS[1], INCOMPLETE_REQUESTS[3]])
def test_connections_are_closed_with_the_server(data: bytes) -> None:
    """Connections without a complete request do not delay the shutdown of a controller."""
    with ExitStack() as stack:
        with serve_site() as site:
            connection = stack.enter_context(site.connect())
            connection.sendall(data)
            assert site.get("/healthz").status == 200
        while connection.recv(4096):
            pass


@pytest.mark.parametrize(
    ("descriptors", "max_connections", "backlog"),
    [
        (-1, MAX_CONNECTIONS, BACKLOG),
        (4, 2, 1),
        (64, 16, 4),
        (100, 25, 6),
        (256, 64, 16),
        (1024, 200, 64),
        (10**6, 200, 128),
    ],
)
def test_connection_limit_leaves_descriptors_for_runs(descriptors: int, max_connections: int, backlog: int) -> None:
    """Open, newly accepted and closing connections take at most half of the descriptors of a process."""
    assert ConnectionLimits.from_descriptors(descriptors) == ConnectionLimits(max_connections, backlog)
    assert descriptors < 16 or max_connections + 2 * backlog <= descriptors / 2


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", b" 200 "),
        (b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n", b" 200 "),
        (b"POST /hooks/github HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n", b" 400 "),
        (b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n", b" 4"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b" 404 "),
        (b"\x16\x03\x01\x02\x00\x01\r\n\r\n", b" 400 "),
        (b"GET /healthz\r\n\r\n", b" 400 "),
        (b"GET /healthz HTTP/1.1\r\n\r\n", b" 400 "),
        (b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: " + b"x" * 200_000 + b"\r\n\r\n", b" 400 "),
        (b"GET /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: nonsense\r\n\r\n", b" 400 "),
    ],
)
def test_invalid_requests_are_not_logged(
    site: Site, caplog: pytest.LogCaptureFixture, data: bytes, status: bytes
) -> None:
    """Invalid requests get a response but no log line, and therefore cannot fill a disk."""
    with site.connect() as connection:
        connection.sendall(data)
        assert status in connection.recv(64)
    assert site.get("/healthz").status == 200
    assert caplog.records == []


def test_internal_error_is_logged(site: Site) -> None:
    """An internal error of the application is logged."""
    event, messages = threading.Event(), list[str]()

    class MessageHandler(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            messages.append(record.getMessage().strip())
            event.set()

    handler = MessageHandler()
    logging.getLogger().addHandler(handler)
    try:
        site.status = None  # type: ignore[assignment] # provokes an internal error
        assert site.get("/healthz").status == 500
        assert event.wait(30)
    finally:
        logging.getLogger().removeHandler(handler)
    assert messages == ["Exception in ASGI application"]


def test_lack_of_descriptors_is_logged_once_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    """A lack of descriptors is logged in one line, at most once a minute. Other errors are logged as usual."""

    class Loop(asyncio.SelectorEventLoop):
        seconds = 0.0

        def time(self) -> float:
            return self.seconds

    with closing(Loop()) as loop:
        handler = LoopErrorHandler()
        context = {"message": "socket.accept() out of system resource", "exception": OSError(errno.EMFILE, "Too many")}
        for loop.seconds in (0.0, 1.0, 59.0, 60.0, 61.0):
            handler.handle(loop, context)
        assert [(record.exc_info, record.levelname) for record in caplog.records] == [(None, "ERROR")] * 2
        handler.handle(loop, {"message": "other", "exception": ValueError("x")})
    assert "other" in caplog.records[-1].getMessage()
