"""Serve the application with uvicorn in a separate thread."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from starlette.applications import Starlette

from reconciler.web.connection_limits import (
    BACKLOG,
    MAX_LIFETIME,
    ConnectionLimits,
    LoopErrorHandler,
    limit_connections,
)

_SHUTDOWN_TIMEOUT = 5
"""Seconds that active requests have left to finish at shutdown."""
_FIXED_SETTINGS: dict[str, Any] = {"workers": 1, "proxy_headers": False, "forwarded_allow_ips": "", "env_file": None}
"""Settings that uvicorn would read from WEB_CONCURRENCY and FORWARDED_ALLOW_IPS, which are meant for other servers."""


class ListenError(OSError):
    """The server cannot listen on its address. The message contains the reason and the fix."""


class _Server(uvicorn.Server):
    """A uvicorn server that logs a lack of descriptors in one line."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start to listen, with the longer backlog."""
        asyncio.get_running_loop().set_exception_handler(LoopErrorHandler().handle)
        await super().startup(sockets)
        for listener in sockets or ():
            # asyncio uses one number for the connections that it accepts at once and for the backlog. Accepted
            # connections take descriptors and waiting ones do not, so the backlog may be longer.
            listener.listen(BACKLOG)


@contextmanager
def serve(application: Starlette, host: str, port: int, lifetime: float = MAX_LIFETIME) -> Iterator[str]:
    """Serve the application during the block, and yield its URL. Raises ListenError.

    An empty host means every address of this machine, IPv4 and IPv6. `lifetime` is in seconds per connection.
    """
    limits = ConnectionLimits.from_process()
    with _open_listener(host, port) as listener:
        config = uvicorn.Config(
            application, log_config=None, access_log=False, lifespan="off", server_header=False, date_header=False,
            timeout_graceful_shutdown=_SHUTDOWN_TIMEOUT, h11_max_incomplete_event_size=64 * 1024,
            http=limit_connections(lifetime, limits.max_connections), backlog=limits.backlog, ws="none",
            **_FIXED_SETTINGS,
        )  # fmt: skip
        server = _Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]}, name="web", daemon=True)
        thread.start()
        try:
            url_host = f"[{host}]" if ":" in host else host or "0.0.0.0"  # noqa: S104 - an empty host requests it
            yield f"http://{url_host}:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(2 * _SHUTDOWN_TIMEOUT)


def _open_listener(host: str, port: int) -> socket.socket:
    is_dual_stack = not host and socket.has_dualstack_ipv6()
    family = socket.AF_INET6 if is_dual_stack or ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG, dualstack_ipv6=is_dual_stack)
    except (OSError, TypeError) as error:
        number = getattr(error, "errno", 0) or 0  # negative if the name cannot be resolved
        reason = os.strerror(number) if number > 0 else "unknown host"
        raise ListenError(f"cannot listen on {host}:{port}: {reason}: choose another address with --listen") from error
