"""WSGI middleware that assigns the sandbox of its server to each request, and works around two faults of moto."""

import re
import threading
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from email.utils import formatdate
from typing import TYPE_CHECKING, Any

from reconciler.sandbox.moto.responses import SANDBOX
from reconciler.sandbox.sandbox import Sandbox

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

_APPINTEGRATIONS = re.compile(r"/app-integrations/aws4_request")
_S3 = re.compile(r"/s3/aws4_request")


class SandboxMiddleware:
    """Middleware in front of moto's WSGI application."""

    def __init__(
        self,
        sandbox: Sandbox,
        application: "WSGIApplication",
        s3_lock: AbstractContextManager[object] | None = None,
    ) -> None:
        """Wrap `application`. Requests to S3 hold `s3_lock`; by default, each middleware has its own lock."""
        self._sandbox = sandbox
        self._application = application
        self._s3_lock = s3_lock or threading.Lock()

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Pass one request to moto's application. Every answer has the time of the sandbox in its header Date."""

        def start_dated_response(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            others = [header for header in headers if header[0].lower() != "date"]
            date = ("Date", formatdate(self._sandbox.time, usegmt=True))
            return start_response(status, [*others, date], *error)

        authorization = environ.get("HTTP_AUTHORIZATION", "")
        environ[SANDBOX] = self._sandbox
        if environ["PATH_INFO"] == "/moto-api/reset" and environ["REQUEST_METHOD"] == "POST":
            self._sandbox.reset()
        if _APPINTEGRATIONS.search(authorization):
            # werkzeug redirects a path that contains "//", and a name may contain it. A fixed path avoids that:
            # the operation is read from the raw URL.
            environ["PATH_INFO"] = "/app-integrations"
        # moto's S3 checks the condition of a write and writes in two steps: without a lock, several writers succeed.
        with self._s3_lock if _S3.search(authorization) else nullcontext():
            return self._application(environ, start_dated_response)
