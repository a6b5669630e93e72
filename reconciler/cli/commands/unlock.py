"""`reconcile unlock`: free the lease of a dead run."""

from __future__ import annotations

import sys
from typing import Any

import click

from reconciler.app.sources import Source
from reconciler.cli import options, output, sources


@click.command("unlock", cls=options.Command)
@click.argument("target")
@sources.manifests
@options.aws_access
@options.state
@click.option("--yes", is_flag=True, help="Do not ask.")
def command(target: str, source: Source, *, yes: bool, **config_values: Any) -> int:
    """Show who holds the lease of TARGET's journal, and free it if you say that this run is dead.

    Leases expire by themselves, five minutes after their last renewal; one that a living process of this machine
    holds is not freed. If the run is alive after all, it makes no further call: it checks its lease before
    each.
    """
    from reconciler.app.assemble import sandbox_if_requested
    from reconciler.app.config import RunConfig
    from reconciler.app.once import prepare, read_manifests
    from reconciler.app.selection import select_configured_targets
    from reconciler.app.state import StateBackend, locate_target
    from reconciler.core.errors import UsageError
    from reconciler.core.model import Mode
    from reconciler.core.text import sanitize, timestamp
    from reconciler.edge.clock import generate_id

    config = RunConfig.from_options(targets=(target,), mode=Mode.OBSERVE, **config_values)
    prepare(config)
    (declared_target,) = select_configured_targets(read_manifests(source)[0], config, "TARGET").targets
    with sandbox_if_requested(config):
        account, region = locate_target(declared_target, config)
        state = StateBackend.from_config(config)
        reader = state.get_reader(account, region, may_create_journal=True)  # where there is none, nobody holds it
        journal = reader.read()
        if journal.lease is None:
            click.echo(f"Nobody holds {sanitize(reader.place)}.")
            return 0
        holder = f"{journal.lease.holder} until {timestamp(journal.lease.expires)}"
        click.echo(sanitize(f"{reader.place} is held by {holder} (number {journal.lease.number})."))
        if not yes and not output.is_terminal(sys.stdin):
            raise UsageError("nobody is here to answer: give --yes if that run is dead")
        if not yes and not click.confirm("Is that run dead, and shall its lease be freed?"):
            click.echo("Nothing was changed.")
            return 0
        state.create_writer(account, region, generate_id()).unlock(journal)
    click.echo("It is free.")
    return 0
