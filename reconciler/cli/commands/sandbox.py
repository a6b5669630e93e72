"""`reconcile sandbox`: a local AppIntegrations over HTTP."""

from __future__ import annotations

import signal
import threading
from pathlib import Path

import click

from reconciler import redaction


@click.command("sandbox")
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS", help="Address to listen on.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=5000,
    show_default=True,
    help="Port to listen on. 0 picks a free port.",
)
@click.option("--data", type=click.Path(dir_okay=False, path_type=Path), help="File that keeps the sandbox's state.")
@click.option(
    "--set",
    "switches",
    multiple=True,
    metavar="SWITCH=VALUE",
    help="Behaviour to simulate where AWS's behaviour is unknown, such as tokens=ignored. May be repeated. See "
    "docs/sandbox.md.",
)
def command(host: str, port: int, data: Path | None, switches: tuple[str, ...]) -> None:
    """Serve AppIntegrations, and moto's STS and S3, over HTTP until interrupted.

    Any AWS client can use the sandbox: give its address as --endpoint-url, with any credentials.
    """
    from reconciler.app.assemble import build_sandbox_missing_error

    try:
        from reconciler.sandbox import Behaviour, DataFileError, serve
    except ImportError as error:
        raise build_sandbox_missing_error() from error
    try:
        behaviour = Behaviour.parse(switches)
    except ValueError as error:
        raise click.UsageError(f"--set {redaction.describe_error(error)}") from error
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        serve(host, port, data=data, behaviour=behaviour, announce=click.echo, stop=stop)
    except (OSError, DataFileError) as error:
        raise click.ClickException(getattr(error, "strerror", None) or redaction.describe_error(error)) from error
