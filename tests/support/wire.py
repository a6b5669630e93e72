"""Proxy between a client and a sandbox. It counts requests, and injects faults."""

from __future__ import annotations

import http.client
import socket
import threading
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True)
class Request:
    """One request of a client."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes = field(repr=False)

    @property
    def operation(self) -> str:
        """The AWS operation, from the service, method and path."""
        if "/s3/aws4_request" in self.headers.get("Authorization", ""):
            return {"GET": "GetObject", "PUT": "PutObject"}[self.method]
        path = urlsplit(self.path).path
        if path == "/":
            return "STS"
        if path == "/dataIntegrations":
            return "ListDataIntegrations"
        if self.method == "GET" and not path.endswith("/associations"):
            return "GetDataIntegration"
        return {"GET": "List", "POST": "Create", "PATCH": "Update"}[self.method] + "DataIntegrationAssociation"


Fault = Callable[[Request], bytes | None]
"""Function that returns a complete HTTP answer, b"" to close the connection, or None to pass the request on."""


class Wire:
    """Proxy on loopback that passes requests on to `upstream` during the `with` block.

    `before` may answer instead of AWS. `after` may replace an answer after the request was carried out. The proxy also
    serves as a plain HTTP proxy for any address. A connection serves one request, or several if it is `kept`.
    """

    def __init__(
        self, upstream: str, before: Fault = lambda _: None, after: Fault = lambda _: None, *, kept: bool = False
    ) -> None:
        self.requests: list[Request] = []
        self.before, self.after = before, after
        address = urlsplit(upstream)
        wire = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                path = (
                    self.path
                    if self.path.startswith("/")
                    else urlsplit(self.path)._replace(scheme="", netloc="").geturl()
                )
                request = Request(self.command, path, dict(self.headers), body)
                wire.requests.append(request)
                instead = wire.before(request)
                self._answer(self._pass_on(request) if instead is None else instead)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any  # noqa: N815 - http.server's names

            def _pass_on(self, request: Request) -> bytes:
                with closing(http.client.HTTPConnection(address.hostname or "", address.port)) as there:
                    there.request(request.method, request.path, request.body, request.headers)
                    answer = there.getresponse()
                    body = answer.read()
                replaced = wire.after(request)
                if replaced is not None:
                    return replaced
                dropped = {"connection", "transfer-encoding"}
                headers = [(name, value) for name, value in answer.getheaders() if name.lower() not in dropped]
                headers += [] if kept else [("Connection", "close")]
                head = "".join(f"{name}: {value}\r\n" for name, value in headers)
                return f"HTTP/1.1 {answer.status} {answer.reason}\r\n{head}\r\n".encode("latin-1") + body

            def _answer(self, answer: bytes) -> None:
                self.close_connection = not kept or not answer or b"\r\nConnection: close\r\n" in answer
                if answer:
                    self.wfile.write(answer)
                else:
                    self.connection.shutdown(socket.SHUT_RDWR)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - http.server's name
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        """The endpoint for clients."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def counts(self) -> dict[str, int]:
        """The number of requests, by operation."""
        return dict(Counter(request.operation for request in self.requests))

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


def sts_answer(status: int, code: str, message: str = "because") -> bytes:
    """Return an error in the query protocol of AWS."""
    said = f"<Error><Code>{code}</Code><Message>{message}</Message></Error><RequestId>req-1</RequestId>"
    return page(status, f"<ErrorResponse>{said}</ErrorResponse>", "text/xml")


def page(status: int, text: str, content_type: str = "text/html") -> bytes:
    """Return a complete HTTP answer with a text."""
    body = text.encode()
    head = f"HTTP/1.1 {status} X\r\nContent-Type: {content_type}\r\n"
    return f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body


def answer(status: int, code: str, message: str = "because") -> bytes:
    """Return an error in the rest-json protocol of AWS."""
    body = f'{{"Message": "{message}"}}'.encode()
    head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nx-amzn-ErrorType: {code}\r\n"
    return f"{head}x-amzn-RequestId: req-1\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body
