"""`reconcile sandbox`: a local AppIntegrations over HTTP."""

from __future__ import annotations

import signal
import threading
from pathlib import Path

import click

from reconciler import redaction
from reconciler.cli import parameters
from reconciler.cli.command import Command

_SWITCHES = (
    "tokens, token_lifetime, list_lag, update_lag, updates_shown, status_lag, update_during_job, list_forgets, "
    "one_association_per_integration, explicit_deny, access_denied, list_denied, throttle_rate, throttle_burst, "
    "job_seconds, job_outcome, associations_per_integration, integrations, concurrent_exports, lose_answers, "
    "lost_answer and fail_writes"
)


@click.command(
    "sandbox",
    cls=Command,
    examples=(
        "reconcile sandbox --data sandbox.json",
        "reconcile sandbox --port 0 --set access_denied=true",
    ),
)
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS", help="Address to listen on.")
@click.option(
    "--port",
    type=parameters.WholeNumber(65535),
    default=5000,
    show_default=True,
    metavar="PORT",
    help="Port to listen on, up to 65535. 0 picks a free port.",
)
@click.option(
    "--data",
    type=click.Path(dir_okay=False, path_type=Path),
    help="File that keeps the data of the sandbox. Without it, the data is only in memory.",
)
@click.option(
    "--set",
    "switches",
    multiple=True,
    metavar="SWITCH=VALUE",
    help=f"Behaviour, quota or fault to simulate, such as tokens=ignored or access_denied=true. May be repeated. The "
    f"switches are {_SWITCHES}.",
)
def command(host: str, port: int, data: Path | None, switches: tuple[str, ...]) -> None:
    """Serve a simulated AppIntegrations API over HTTP until interrupted. The library moto simulates STS and S3.

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
