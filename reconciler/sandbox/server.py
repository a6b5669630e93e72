"""Serve the sandbox over HTTP: moto's server with AppIntegrations added, for AWS clients in any language."""

import errno
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from moto.moto_server.werkzeug_app import (
    DomainDispatcherApplication,
    MotoRequestHandler,
    create_backend_app,
)
from werkzeug.serving import BaseWSGIServer, make_server

from reconciler.sandbox.moto.gateway import SandboxMiddleware
from reconciler.sandbox.moto.registration import register
from reconciler.sandbox.sandbox import Sandbox
from reconciler.sandbox.service.behaviour import Behaviour
from reconciler.sandbox.service.defaults import IdSource, TimeSource, generate_id, read_system_time

_PORT_ERRORS = (errno.EADDRINUSE, errno.EACCES)
"""Errors of an address whose port is in use or reserved for root."""


class SandboxServer:
    """A sandbox that listens during the `with` block. Port 0 selects a free port.

    A process may run several servers, each with its own AppIntegrations. The other services (STS, S3) are those of
    moto: every server of the process shares them. They are empty when the process starts, and moto's `mock_aws`
    empties them again.
    """

    def __init__(  # noqa: PLR0913 - address, data file, behaviour, and the sources of time and ids
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        data: Path | None = None,
        behaviour: Behaviour | None = None,
        clock: TimeSource = read_system_time,
        new_id: IdSource = generate_id,
    ) -> None:
        """Load the data file. Raises DataFileError if it cannot be used."""
        register()
        self.sandbox = Sandbox(data, behaviour, clock=clock, new_id=new_id)
        self._host, self._port = host, port
        self._server: BaseWSGIServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Return the endpoint URL for clients. Raises RuntimeError if the server is not running."""
        if self._server is None:
            raise RuntimeError("The server is not running.")
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._server.port}"

    def start(self) -> None:
        """Start to listen. Raises OSError if the address is not available."""
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        try:
            listener = socket.create_server((self._host, self._port), family=family, backlog=128)
        except OSError as error:
            self.sandbox.close()
            reason = str(error.strerror).partition(" (")[0]  # Python adds the address again in parentheses
            is_port_wrong = error.errno in _PORT_ERRORS
            remedy = "choose another port with --port" if is_port_wrong else "choose another address with --host"
            message = f"cannot listen on {self._host}:{self._port}: {reason}: {remedy}"
            raise OSError(error.errno, message) from error
        except TypeError as error:  # Python raises it for a host name that cannot be encoded
            self.sandbox.close()
            remedy = "choose another address with --host"
            raise OSError(errno.EINVAL, f"cannot listen on {self._host}: not a valid host name: {remedy}") from error
        with listener:  # werkzeug copies the socket. If werkzeug bound it itself, an error would end the program.
            self._server = make_server(
                self._host,
                self._port,
                SandboxMiddleware(self.sandbox, DomainDispatcherApplication(create_backend_app)),
                threaded=True,
                request_handler=_Handler,
                fd=listener.fileno(),
            )
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop listening and release the data file. Requests in progress are refused."""
        if self._server is not None and self._thread is not None:
            self._server.shutdown()
            self._thread.join()
            self._server = self._thread = None
        self.sandbox.close()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


class _Handler(MotoRequestHandler):
    """A connection handler that writes no log."""

    disable_nagle_algorithm = True

    def send_response(self, code: int, message: str | None = None) -> None:
        """Send the status without http.server's own Date. The application sends the time of the sandbox."""
        self.send_response_only(code, message)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Discard the log line."""

    def connection_dropped(self, error: BaseException, environ: dict[str, Any] | None = None) -> None:
        """Close the connection. werkzeug would wait for the next request on it."""
        super().connection_dropped(error, environ)
        self.close_connection = True


def serve(  # noqa: PLR0913 - the options of `reconcile sandbox`
    host: str,
    port: int,
    *,
    data: Path | None,
    behaviour: Behaviour,
    announce: Callable[[str], None],
    stop: threading.Event,
) -> None:
    """Serve the sandbox until `stop` is set. Call `announce` with one line that holds the address once it listens.

    Raises OSError if the address is not available, and DataFileError if the data file cannot be used.
    """
    with SandboxServer(host=host, port=port, data=data, behaviour=behaviour) as server:
        storage = "in memory" if data is None else f"in {data}"
        switches = "".join(f", {switch}" for switch in behaviour.list_changes())
        announce(f"AppIntegrations sandbox at {server.url} (account 123456789012, data {storage}{switches})")
        stop.wait()
