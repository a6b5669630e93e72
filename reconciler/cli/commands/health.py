"""`reconcile health`: show the health of a controller as an exit code."""

from __future__ import annotations

import click

from reconciler import redaction
from reconciler.app.http import Address
from reconciler.cli import options
from reconciler.cli.addresses import ListenAddress
from reconciler.cli.command import Command

_TIMEOUT = 4
"""Seconds to wait for the answer. Less than the timeout of the image's HEALTHCHECK, which is 5 seconds."""
_LOOPBACK_BY_WILDCARD = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared, not listened on


@click.command(
    "health",
    cls=Command,
    examples=(
        "reconcile health --listen :8080",
        "reconcile health --listen 127.0.0.1:8080",
    ),
)
@options.option(
    "--listen",
    type=ListenAddress(),
    required=True,
    metavar="HOST:PORT",
    is_safety=False,
    help="Address of the controller: the value of its own option --listen.",
)
def command(listen: Address) -> None:
    """Check that the controller on this machine answers and makes progress (/healthz). Exit with 1 otherwise."""
    from http.client import HTTPConnection, HTTPException

    connection = HTTPConnection(_LOOPBACK_BY_WILDCARD.get(listen.host, listen.host), listen.port, timeout=_TIMEOUT)
    try:
        connection.request("GET", "/healthz")
        response = connection.getresponse()
        message = redaction.redact(response.read(4096).decode(errors="replace").strip())
    except (OSError, HTTPException) as error:
        reason = getattr(error, "strerror", None) or redaction.describe_error(error) or type(error).__name__
        raise click.ClickException(f"no controller answers on {listen.host}:{listen.port}: {reason}") from error
    finally:
        connection.close()
    if response.status != 200:  # noqa: PLR2004 - HTTP's OK
        if response.status != 503:  # noqa: PLR2004 - the answer of an unhealthy controller
            address = f"{listen.host}:{listen.port}"
            message = f"{address} answers, but not as a controller (HTTP {response.status}): correct --listen"
        raise click.ClickException(message)
    click.echo(message)
