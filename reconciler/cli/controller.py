"""`reconcile controller`: the loop."""

from __future__ import annotations

from typing import Any

import click

from reconciler.cli import options


@click.command("controller")
@options.files
@options.connection
@options.conduct
@options.option(
    "--interval",
    type=options.Duration(),
    default="5m",
    show_default=True,
    metavar="TIME",
    help="How long from one pass to the next.",
)
@options.option(
    "--grace",
    type=options.Duration(),
    default="25s",
    show_default=True,
    metavar="TIME",
    help="How long a pass may take to end after SIGTERM.",
)
def command(files: tuple[str, ...], interval: float, grace: float, **chosen: Any) -> int:
    """Reconcile at once and then every --interval, until SIGTERM. Reports are log lines.

    Manifests are read anew each time; while they are invalid, the last valid ones stay in force.
    """
    from reconciler.cli.choices import Choices  # noqa: PLC0415
    from reconciler.cli.loop import keep_on  # noqa: PLC0415 - help is shown without boto3

    return keep_on(files, Choices.of(**chosen), interval, grace)
