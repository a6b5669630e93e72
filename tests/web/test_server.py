"""Whoever connects and says nothing, or stops in the middle, keeps nobody else out and does not stay."""

from __future__ import annotations

from contextlib import ExitStack

import pytest
from web.conftest import Site, serving

from reconciler.web.connections import AT_ONCE

HALVES = [
    pytest.param(b"", id="nothing"),
    pytest.param(b"GET /healthz HT", id="half a head"),
    pytest.param(b"POST /hooks/github HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n{", id="half a body"),
    pytest.param(b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\nGET", id="an answer, and half a head"),
]


def test_silent_connections_do_not_make_it_ill(site: Site) -> None:
    """An orchestrator would restart a controller that works, because of who has nothing to say."""
    with ExitStack() as stack:
        for _ in range(150):
            stack.enter_context(site.connect())
        assert site.get("/healthz").status == 200


def test_the_oldest_connection_makes_room(site: Site) -> None:
    """However many come, the newest is served, and the process has descriptors left for its work."""
    with ExitStack() as stack:
        oldest, *_ = [stack.enter_context(site.connect()) for _ in range(AT_ONCE)]
        assert site.get("/healthz").status == 200
        assert oldest.recv(64) == b""


@pytest.mark.parametrize("said", HALVES)
def test_a_connection_that_does_not_end_is_ended(said: bytes) -> None:
    """When its time is over, wherever it stopped."""
    with serving(life=0.2) as site, site.connect() as connection:
        connection.sendall(said)
        while connection.recv(4096):
            pass


@pytest.mark.parametrize("said", [HALVES[0], HALVES[1], HALVES[3]])
def test_a_connection_does_not_outlive_the_server(said: bytes) -> None:
    """A controller that is told to stop waits for none that asks for nothing."""
    with ExitStack() as stack:
        with serving() as site:
            connection = stack.enter_context(site.connect())
            connection.sendall(said)
            assert site.get("/healthz").status == 200
        while connection.recv(4096):
            pass
