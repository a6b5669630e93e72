"""`reconcile sandbox`: a local AppIntegrations over HTTP."""

from __future__ import annotations

import signal
import threading
from pathlib import Path

import click

from reconciler import redaction


@click.command("sandbox")
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS", help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=5000, show_default=True, help="The port; 0: a free one.")
@click.option("--data", type=click.Path(dir_okay=False, path_type=Path), help="Keep the state in this file.")
@click.option(
    "--set",
    "switches",
    multiple=True,
    metavar="SWITCH=VALUE",
    help="How to behave where AWS's way is not known, as in tokens=ignored. May be repeated; see docs/sandbox.md.",
)
def command(host: str, port: int, data: Path | None, switches: tuple[str, ...]) -> None:
    """Serve AppIntegrations (and moto's STS and S3) over HTTP until interrupted.

    Use it with any AWS client: give its endpoint as --endpoint-url, and any credentials.
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
