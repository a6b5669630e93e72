"""`reconcile`: one pass over all targets."""

from __future__ import annotations

from typing import Any

import click

from reconciler.cli import options, output


@click.command("run")
@click.option("--dry-run", is_flag=True, envvar="RECONCILER_DRY_RUN", help="Show what a run would do; write nothing.")
@options.manifests
@output.outputs
@options.connection
@options.conduct
@options.option("--revision", metavar="TEXT", help="The revision of the manifests, for report and logs.")
@options.option(
    "--detailed-exitcode",
    is_flag=True,
    help="Exit 2 where nothing failed and a difference between git and AWS remains.",
)
def command(files: tuple[str, ...], outputs: tuple[str, ...], *, detailed_exitcode: bool, **chosen: Any) -> int:
    """Reconcile once: read the manifests, compare them with AWS, create what is missing, and report."""
    from reconciler.cli.choices import Choices  # noqa: PLC0415
    from reconciler.cli.session import once  # noqa: PLC0415 - help is shown without boto3

    return once(files, outputs, Choices.of(**chosen), detailed=detailed_exitcode)
