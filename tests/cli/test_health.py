"""`reconcile health` gives the exit code that the health check of a container needs."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from support.program import Program

from reconciler.sandbox import SandboxServer

STUCK_MESSAGE = "the run of target prod has made no progress since 10:00:00Z"


class StuckHandler(BaseHTTPRequestHandler):
    """A controller whose /healthz reports a stuck run."""

    def do_GET(self) -> None:
        """Respond to a GET request."""
        self.send_response(503 if self.path == "/healthz" else 404)
        self.end_headers()
        self.wfile.write(f"{STUCK_MESSAGE}\n".encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is http.server's
        """Write no log."""


@contextmanager
def serve_stuck_controller() -> Iterator[int]:
    """Serve a controller with a stuck run, and yield its port."""
    with ThreadingHTTPServer(("127.0.0.1", 0), StuckHandler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


@pytest.mark.parametrize(
    ("listen", "hosts"), [("127.0.0.1", ["127.0.0.1"]), ("", ["", "127.0.0.1", "[::1]"]), ("[::1]", ["[::1]"])]
)
def test_progressing_controller_is_healthy(program: Program, listen: str, hosts: list[str]) -> None:
    """A controller on any kind of --listen address is healthy, by the address in RECONCILER_LISTEN."""
    program.add("october")
    process = program.start("controller", "--listen", f"{listen}:0")
    try:
        assert process.stderr
        log = map(json.loads, process.stderr)
        port = next(line["url"] for line in log if line["event"] == "listening").rpartition(":")[2]
        for host in hosts:
            result = program.run("health", env={"RECONCILER_LISTEN": f"{host}:{port}"})
            assert (result.code, result.out, result.err) == (0, "ok\n", "")
    finally:
        process.kill()
        process.communicate()


def test_stuck_run_is_unhealthy(program: Program) -> None:
    """A stuck run exits with 1 and the message of the controller."""
    with serve_stuck_controller() as port:
        result = program.run("health", "--listen", f":{port}")
    assert (result.code, result.out, result.err) == (1, "", f"reconcile: {STUCK_MESSAGE}\n")


def test_absent_controller_is_unhealthy(program: Program) -> None:
    """A missing controller exits with 1, and one line names the address."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    result = program.run("health", "--listen", f"127.0.0.1:{port}")
    message = f"reconcile: no controller answers on 127.0.0.1:{port}: Connection refused\n"
    assert (result.code, result.out, result.err) == (1, "", message)


def test_another_service_is_not_taken_for_a_controller(program: Program, server: SandboxServer) -> None:
    """The answer of another service is an error that names the address, and does not show the answer."""
    address = server.url.partition("://")[2]
    result = program.run("health", "--listen", address)
    assert (result.code, result.out) == (1, "")
    assert result.err.startswith(f"reconcile: {address} answers, but not as a controller (HTTP ")
    assert result.err.endswith("): correct --listen\n")


def test_health_requires_the_listen_option(program: Program) -> None:
    """A missing --listen is a usage error."""
    result = program.run("health")
    assert result.code == 64
    assert "Missing option '--listen'" in result.err
