"""Serve the web application of a controller over real HTTP, with a controller status that the test sets."""

from __future__ import annotations

import json
import socket
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from support.builders import NOW

from reconciler.core.controller.controller_status import ControllerStatus
from reconciler.edge.manifests.schema import load_schema
from reconciler.edge.metrics import Metrics
from reconciler.web.app import Views, build_application
from reconciler.web.server import serve
from reconciler.web.webhooks import Webhooks

SECRET = b"of this controller"
EMPTY = ControllerStatus(NOW, NOW, None, None, None, (), ())


@dataclass
class HttpResponse:
    """The response to a request."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """The body as text."""
        return self.body.decode()

    @property
    def json(self) -> Any:
        """The body as JSON."""
        return json.loads(self.body)


@dataclass
class Site:
    """A running web application. The test sets the controller status, and reads the recorded actions and results."""

    url: str = ""
    status: ControllerStatus = EMPTY
    secret: bytes | None = SECRET
    is_scheduler_running: bool = True
    is_stopping: bool = False
    actions: list[str] = field(default_factory=list)
    webhook_results: list[tuple[str, str]] = field(default_factory=list)
    metrics: Metrics = field(default_factory=lambda: Metrics("0"))
    may_respond: threading.Event = field(default_factory=threading.Event)

    def read_status(self) -> ControllerStatus:
        """Return the controller status, after the test allows the page to respond."""
        self.may_respond.wait()
        return self.status

    def get(self, path: str, **headers: str) -> HttpResponse:
        """Get a page."""
        return self.send(urllib.request.Request(self.url + path, headers=headers))

    def post(self, path: str, body: bytes, headers: dict[str, str]) -> HttpResponse:
        """Post a body."""
        return self.send(urllib.request.Request(self.url + path, body, headers, method="POST"))

    def connect(self) -> socket.socket:
        """Open a connection with a timeout of a minute, and send nothing."""
        return socket.create_connection(("127.0.0.1", int(self.url.rpartition(":")[2])), timeout=60)

    @staticmethod
    def send(request: urllib.request.Request) -> HttpResponse:
        """Send a request, and return the response even if it is an error."""
        try:
            with urllib.request.urlopen(request, timeout=30) as response:
                return HttpResponse(response.status, dict(response.headers), response.read())
        except urllib.error.HTTPError as error:
            with error:
                return HttpResponse(error.code, dict(error.headers), error.read())


@contextmanager
def serve_site(manifest_url: str | None = None, **options: Any) -> Iterator[Site]:
    """Serve the application during the block. `options` are passed to the server."""
    site = Site()
    site.metrics.show_status(lambda: site.status)
    site.may_respond.set()
    views = Views(
        site.read_status,
        site.metrics.render,
        timedelta(minutes=10),
        lambda: site.is_scheduler_running,
        lambda: site.is_stopping,
        manifest_url,
        "https://git.example/org/repo/commit/{revision}" if manifest_url else None,
        {name: load_schema(f"{name}.v1.json") for name in ("controller", "report")},
    )
    hooks = Webhooks(
        lambda: site.secret,
        "main",
        lambda: site.actions.append("poll"),
        lambda: site.actions.append("run all"),
        lambda sender, result: site.webhook_results.append((sender, result)),
    )
    with serve(build_application(views, hooks), "127.0.0.1", 0, **options) as url:
        site.url = url
        yield site
