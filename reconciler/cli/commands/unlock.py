"""`reconcile unlock`: free the lease of a dead run."""

from __future__ import annotations

import sys
from typing import Any

import click

from reconciler.app.sources import Source
from reconciler.cli import options, output, sources
from reconciler.cli.command import Command
from reconciler.cli.completion import complete_targets
from reconciler.cli.environment import read_settings
from reconciler.cli.sections import WRITES, section


@click.command(
    "unlock",
    cls=Command,
    examples=(
        "reconcile unlock production",
        "reconcile unlock production --state s3://corp-state/reconciler --yes",
    ),
)
@click.argument("target", shell_complete=complete_targets)
@sources.manifests
@options.aws_access
@options.state
@section(WRITES, click.option("--yes", is_flag=True, help="Free the lease without confirmation."))
def command(target: str, source: Source, *, yes: bool, **config_values: Any) -> int:
    """Show which run holds the lease of TARGET, and free the lease after you confirm that this run is dead.

    A lease expires by itself five minutes after its last renewal. The command does not free the lease of a live process
    on this machine. On another machine, a run checks its lease before each write, and stops if the lease is gone.
    """
    from reconciler.app.assemble import open_sandbox_if_requested
    from reconciler.app.config import RunConfig
    from reconciler.app.once import prepare, read_manifests
    from reconciler.app.selection import find_named_target
    from reconciler.app.state import Journals, locate_target
    from reconciler.core.errors import UsageError
    from reconciler.core.model import Mode
    from reconciler.core.text import format_timestamp, sanitize
    from reconciler.edge.clock import generate_id

    config = RunConfig.from_options(settings=read_settings(), targets=(target,), mode=Mode.OBSERVE, **config_values)
    prepare(config)
    declared_target = find_named_target(read_manifests(source)[0], target)
    with open_sandbox_if_requested(config):
        account, region = locate_target(declared_target, config)
        state = Journals.from_config(config)
        reader = state.get_reader(account, region, may_create_journal=True)  # a missing journal has no lease
        journal = reader.read()
        if journal.lease is None:
            click.echo(f"No run holds the lease of {sanitize(reader.place)}.")
            return 0
        holder = f"{journal.lease.holder} until {format_timestamp(journal.lease.expires)}"
        click.echo(sanitize(f"The lease of {reader.place} is held by {holder} (number {journal.lease.number})."))
        if not yes and not output.is_terminal(sys.stdin):
            raise UsageError("standard input is not a terminal, so you cannot confirm: if that run is dead, use --yes")
        if not yes and not click.confirm("That run must be dead. Free its lease?"):
            click.echo("Nothing was changed.")
            return 0
        state.create_writer(account, region, generate_id()).unlock(journal)
    click.echo("The lease is free.")
    return 0
