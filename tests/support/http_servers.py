"""HTTP servers in a thread of the test, and a client that returns each status as a value."""

from __future__ import annotations

import socketserver
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class QuietHandler(BaseHTTPRequestHandler):
    """Handler that logs nothing, and ignores a request whose client dies before it has sent all of it."""

    def handle_one_request(self) -> None:
        """Serve the next request of the connection."""
        try:
            super().handle_one_request()
        except ConnectionAbortedError:
            self.close_connection = True

    def read_body(self) -> bytes:
        """Return the body of the request. Raises ConnectionAbortedError if the client dies before its end."""
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length)
        if len(body) < length:
            raise ConnectionAbortedError(f"the client sent {len(body)} of {length} bytes")
        return body

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is http.server's
        """Log nothing."""


def create_server(handler: type[QuietHandler], port: int = 0) -> ThreadingHTTPServer:
    """Return a server on loopback that accepts no request yet. Port 0 selects a free port."""
    return ThreadingHTTPServer(("127.0.0.1", port), handler)


@contextmanager
def serve(server: socketserver.BaseServer) -> Iterator[None]:
    """Accept requests in a thread during the block, and close the server at its end."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def request_page(url: str, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> tuple[int, str]:
    """Request a page, with a POST if there is a body, and return the status and the text of the response."""
    request = urllib.request.Request(url, body, dict(headers or {}))
    try:
        with urllib.request.urlopen(request, timeout=120) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()
