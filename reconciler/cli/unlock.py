"""`reconcile unlock`: free the lease that a dead run left behind."""

from __future__ import annotations

import sys
from typing import Any

import click

from reconciler.cli import options, output, source
from reconciler.cli.source import Source


@click.command("unlock", cls=options.Command)
@click.argument("target")
@source.manifests
@options.reach
@options.state
@click.option("--yes", is_flag=True, help="Do not ask.")
def command(target: str, source: Source, *, yes: bool, **chosen: Any) -> int:
    """Show who holds the lease of TARGET's journal, and free it if you say that this run is dead.

    Leases expire by themselves, five minutes after their last renewal; one that a living process of this machine
    holds is not freed. If the run is alive after all, it makes no further call: it checks its lease before
    each.
    """
    from reconciler.cli.choices import Choices
    from reconciler.cli.journals import Journals, located
    from reconciler.cli.session import begin, read
    from reconciler.cli.wiring import selected, surroundings
    from reconciler.core.text import harmless
    from reconciler.edge.clock import new_id

    choices = Choices.of("observe", targets=(target,), **chosen)
    begin(choices)
    (found,) = selected(read(source)[0], choices, "TARGET").targets
    with surroundings(choices):
        account, region = located(found, choices)
        journals = Journals.of(choices)
        reader = journals.reader(account, region, may_begin=True)  # where there is none, nobody holds it
        journal = reader.read()
        if journal.lease is None:
            click.echo(f"Nobody holds {harmless(reader.place)}.")
            return 0
        holder = f"{journal.lease.holder} until {journal.lease.expires:%Y-%m-%d %H:%M:%SZ}"
        click.echo(harmless(f"{reader.place} is held by {holder} (number {journal.lease.number})."))
        if not yes and not output.on_terminal(sys.stdin):
            raise click.UsageError("nobody is here to answer: give --yes if that run is dead")
        if not yes and not click.confirm("Is that run dead, and shall its lease be freed?"):
            click.echo("Nothing was changed.")
            return 0
        journals.writer(account, region, new_id()).unlock(journal)
    click.echo("It is free.")
    return 0
