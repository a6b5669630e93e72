"""Proxy between a client and a sandbox. It counts requests, and injects faults."""

from __future__ import annotations

import http.client
import socket
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from support.http_servers import QuietHandler, create_server, serve


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
        target = self.headers.get("X-Amz-Target", "")  # KMS names the operation here: TrentService.DescribeKey
        if target:
            return target.partition(".")[2]
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


_TIMEOUT = 60.0
"""Seconds in which `upstream` must answer. An endless wait for it would be an endless test."""


class FaultProxy:
    """Proxy on loopback that passes requests on to `upstream` during the `with` block.

    `before_request` may answer instead of AWS. `after_request` may replace the answer of AWS. The proxy also
    serves as a plain HTTP proxy for any address. A connection serves one request, or several if it `is_persistent`.
    """

    def __init__(
        self,
        upstream: str,
        before_request: Fault = lambda _: None,
        after_request: Fault = lambda _: None,
        *,
        is_persistent: bool = False,
    ) -> None:
        self.requests: list[Request] = []
        self.before_request, self.after_request = before_request, after_request
        address = urlsplit(upstream)
        proxy = self

        class ProxyHandler(QuietHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                body = self.read_body()
                path = (
                    self.path
                    if self.path.startswith("/")
                    else urlsplit(self.path)._replace(scheme="", netloc="").geturl()
                )
                request = Request(self.command, path, dict(self.headers), body)
                proxy.requests.append(request)
                response = proxy.before_request(request)
                self._send(self._forward(request) if response is None else response)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any  # noqa: N815 - http.server's names

            def _forward(self, request: Request) -> bytes:
                upstream = http.client.HTTPConnection(address.hostname or "", address.port, timeout=_TIMEOUT)
                with closing(upstream) as connection:
                    connection.request(request.method, request.path, request.body, request.headers)
                    response = connection.getresponse()
                    body = response.read()
                replacement = proxy.after_request(request)
                if replacement is not None:
                    return replacement
                hop_headers = {"connection", "transfer-encoding"}
                headers = [(name, value) for name, value in response.getheaders() if name.lower() not in hop_headers]
                headers += [] if is_persistent else [("Connection", "close")]
                head = "".join(f"{name}: {value}\r\n" for name, value in headers)
                return f"HTTP/1.1 {response.status} {response.reason}\r\n{head}\r\n".encode("latin-1") + body

            def _send(self, response: bytes) -> None:
                self.close_connection = not is_persistent or not response or b"\r\nConnection: close\r\n" in response
                if response:
                    self.wfile.write(response)
                else:
                    self.connection.shutdown(socket.SHUT_RDWR)

        self._server = create_server(ProxyHandler)
        self._stack = ExitStack()

    @property
    def url(self) -> str:
        """The endpoint for clients."""
        return f"http://127.0.0.1:{self._server.server_port}"

    @property
    def counts(self) -> dict[str, int]:
        """The number of requests, by operation."""
        return dict(Counter(request.operation for request in self.requests))

    def __enter__(self) -> Self:
        self._stack.enter_context(serve(self._server))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()


def build_sts_error(status: int, code: str, message: str = "because") -> bytes:
    """Return an error in the query protocol of AWS."""
    error = f"<Error><Code>{code}</Code><Message>{message}</Message></Error><RequestId>req-1</RequestId>"
    return build_response(status, f"<ErrorResponse>{error}</ErrorResponse>", "text/xml")


def build_response(status: int, text: str, content_type: str = "text/html") -> bytes:
    """Return a complete HTTP answer with a text."""
    body = text.encode()
    head = f"HTTP/1.1 {status} X\r\nContent-Type: {content_type}\r\n"
    return f"{head}Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body


def build_error(status: int, code: str, message: str = "because") -> bytes:
    """Return an error in the rest-json protocol of AWS."""
    body = f'{{"Message": "{message}"}}'.encode()
    head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nx-amzn-ErrorType: {code}\r\n"
    return f"{head}x-amzn-RequestId: req-1\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode() + body
