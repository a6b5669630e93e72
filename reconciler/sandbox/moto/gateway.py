"""The WSGI door of a server: gives each request its sandbox, and mends what moto's server gets wrong."""

import re
import threading
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from reconciler.sandbox.moto.responses import SANDBOX
from reconciler.sandbox.sandbox import Sandbox

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

_APPINTEGRATIONS = re.compile(r"/app-integrations/aws4_request")
_S3 = re.compile(r"/s3/aws4_request")


class SandboxMiddleware:
    """Stands before moto's application."""

    def __init__(
        self,
        sandbox: Sandbox,
        application: "WSGIApplication",
        s3_lock: AbstractContextManager[object] | None = None,
    ) -> None:
        """Serve this sandbox by that application, S3 under this lock (by default, one of its own)."""
        self._sandbox = sandbox
        self._application = application
        self._s3_lock = s3_lock or threading.Lock()

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Pass one request on."""
        authorization = environ.get("HTTP_AUTHORIZATION", "")
        environ[SANDBOX] = self._sandbox
        if environ["PATH_INFO"] == "/moto-api/reset" and environ["REQUEST_METHOD"] == "POST":
            self._sandbox.reset()
        if _APPINTEGRATIONS.search(authorization):
            # The answer is found by the raw URL; a name with "//" in it would be redirected on the way there.
            environ["PATH_INFO"] = "/app-integrations"
        # moto's S3 checks conditions and acts on them in two steps: without a lock, several writers may win.
        with self._s3_lock if _S3.search(authorization) else nullcontext():
            return self._application(environ, start_response)
