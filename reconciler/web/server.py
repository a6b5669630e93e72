"""Serves the application in a thread of its own, by uvicorn."""

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
"""Seconds that requests under way may take at the end."""
_FIXED_SETTINGS: dict[str, Any] = {"workers": 1, "proxy_headers": False, "forwarded_allow_ips": "", "env_file": None}
"""What uvicorn would take from WEB_CONCURRENCY and FORWARDED_ALLOW_IPS, which are meant for other servers."""


class ListenError(OSError):
    """The address cannot be listened on; its text says why and what would be right."""


class _Server(uvicorn.Server):
    """A server whose loop says briefly what it lacks."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to listen."""
        asyncio.get_running_loop().set_exception_handler(LoopErrorHandler().handle)
        await super().startup(sockets)
        for listener in sockets or ():
            listener.listen(
                BACKLOG
            )  # asyncio takes as many in one go as it lets wait; those that wait take no descriptor


@contextmanager
def serve(application: Starlette, host: str, port: int, lifetime: float = MAX_LIFETIME) -> Iterator[str]:
    """Serve while the block runs, and give the address. Raises ListenError.

    An empty host is every address of this machine, of both kinds where it has both.
    `lifetime` is for how many seconds a connection may last.
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
            url_host = f"[{host}]" if ":" in host else host or "0.0.0.0"  # noqa: S104 - asked for
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
        number = getattr(error, "errno", 0) or 0  # below 0 where the name cannot be resolved
        reason = os.strerror(number) if number > 0 else "there is no host of this name"
        raise ListenError(f"cannot listen on {host}:{port}: {reason}: give --listen another address") from error
