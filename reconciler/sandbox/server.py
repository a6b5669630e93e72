"""The sandbox over HTTP: moto's server with AppIntegrations in it, for any client in any language."""

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


class SandboxServer:
    """A sandbox that listens while the `with` block runs; port 0 takes a free one.

    Several may run in one process, each with an AppIntegrations of its own. The other services (STS, S3)
    are moto's, are empty at the start of the process and are one for the whole process: all servers share
    them, and moto's own `mock_aws` empties them.
    """

    def __init__(  # noqa: PLR0913  # where it listens, what it keeps and what it is given
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        data: Path | None = None,
        behaviour: Behaviour | None = None,
        clock: TimeSource = read_system_time,
        new_id: IdSource = generate_id,
    ) -> None:
        """Read the data file; DataFileError if it cannot be used."""
        register()
        self.sandbox = Sandbox(data, behaviour, clock=clock, new_id=new_id)
        self._host, self._port = host, port
        self._server: BaseWSGIServer | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Give the endpoint for clients."""
        if self._server is None:
            raise RuntimeError("The server is not running.")
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"http://{host}:{self._server.port}"

    def start(self) -> None:
        """Listen; OSError if the address cannot be had."""
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        try:
            listener = socket.create_server((self._host, self._port), family=family, backlog=128)
        except OSError as error:
            self.sandbox.close()
            message = f"cannot listen on {self._host}:{self._port}: {error.strerror}; choose another port"
            raise OSError(error.errno, message) from error
        except TypeError as error:  # what Python says of a name that cannot be encoded
            self.sandbox.close()
            raise OSError(errno.EINVAL, f"cannot listen on {self._host}: no host can have this name") from error
        with listener:  # werkzeug makes its own copy; binding by itself, it would end the program on an error
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
        """Stop listening, and let another sandbox have the file; a request that is under way is refused."""
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
    """A handler of one connection, without logs."""

    disable_nagle_algorithm = True

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log nothing."""

    def connection_dropped(self, error: BaseException, environ: dict[str, Any] | None = None) -> None:
        """Close the connection: werkzeug would wait for its next request."""
        super().connection_dropped(error, environ)
        self.close_connection = True


def serve(  # noqa: PLR0913  # all that `reconcile sandbox` can be told
    host: str,
    port: int,
    *,
    data: Path | None,
    behaviour: Behaviour,
    announce: Callable[[str], None],
    stop: threading.Event,
) -> None:
    """Serve until told to stop; announce in one line where, once it listens."""
    with SandboxServer(host=host, port=port, data=data, behaviour=behaviour) as server:
        storage = "in memory" if data is None else f"in {data}"
        switches = "".join(f", {switch}" for switch in behaviour.list_changes())
        announce(f"AppIntegrations sandbox at {server.url} (account 123456789012, state {storage}{switches})")
        stop.wait()
