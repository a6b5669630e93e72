"""`reconcile status`: the journal, for people."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli import EXIT_FAILED, options, output, source
from reconciler.cli.source import Source

if TYPE_CHECKING:
    from reconciler.cli.choices import Choices
    from reconciler.core.journal.status import Status
    from reconciler.core.model import Desired, Target


@click.command("status", cls=options.Command)
@source.manifests
@output.plain
@options.connection
@options.state
def command(source: Source, outputs: tuple[str, ...], **chosen: Any) -> int:
    """Show what the journal holds of each association; reads the journal, and writes nothing.

    AWS is asked only for the account of the credentials, and only if the Target does not declare account and Region.
    """
    from reconciler.cli.choices import Choices
    from reconciler.cli.session import begin, read
    from reconciler.cli.wiring import selected, surroundings
    from reconciler.render import status

    formats: Mapping[str, output.Format[tuple[Status, ...]]] = {
        "text": lambda targets, _: status.text(targets),
        "json": lambda targets, _: status.as_json(targets),
    }
    wanted = output.parse(outputs, formats)
    choices = Choices.of(dry_run=True, **chosen)
    begin(choices)
    desired = selected(read(source)[0], choices)
    with surroundings(choices):
        found = tuple(_status(target, desired, choices) for target in desired.targets)
    output.write(found, wanted, formats)
    return EXIT_FAILED if any(target.error for target in found) else 0


def _status(target: Target, desired: Desired, choices: Choices) -> Status:
    from reconciler.cli.journals import Journals, located
    from reconciler.core.errors import ReconcilerError
    from reconciler.core.journal.status import Status, remembered
    from reconciler.edge.clock import SystemClock

    account, region, place = target.account, target.region, None
    try:
        account, region = located(target, choices)
        reader = Journals.of(choices).reader(account, region)
        place, journal = reader.place, reader.read()
    except ReconcilerError as error:
        return Status(target.name, account, region, place, str(error))
    names = {manifest.name for manifest in desired.manifests[target.name]}
    return Status(
        target.name,
        account,
        region,
        place,
        serial=journal.serial,
        written=journal.written,
        lease=journal.lease,
        lease_expired=bool(journal.lease and SystemClock().now() >= journal.lease.expires),
        associations=remembered(journal, names),
    )
