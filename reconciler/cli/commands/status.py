"""`reconcile status`: show the records of the journal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from reconciler.app.sources import Source
from reconciler.cli import options, output, sources
from reconciler.cli.command import Command
from reconciler.cli.environment import read_settings
from reconciler.cli.failures import print_doctor_advice
from reconciler.core.report.status import JournalStatus


@click.command(
    "status",
    cls=Command,
    examples=(
        "reconcile status --state s3://corp-state/reconciler",
        "reconcile status --target production -o json",
    ),
)
@sources.manifests
@output.plain_outputs
@options.connection
@options.shard
@options.state
def command(source: Source, outputs: tuple[str, ...], **config_values: Any) -> int:
    """Show the record of each association in the journal. This command writes nothing.

    It does not call AppIntegrations. If no Target is declared, it asks STS for the account.
    """
    from reconciler.app.assemble import open_sandbox_if_requested
    from reconciler.app.config import RunConfig
    from reconciler.app.once import prepare, read_manifests
    from reconciler.app.selection import select_configured_targets
    from reconciler.app.status import read_status
    from reconciler.core.errors import EXIT_FAILED
    from reconciler.render import status

    renderers: Mapping[str, output.Renderer[tuple[JournalStatus, ...]]] = {
        "text": lambda targets, _: status.render_text(targets, config.shard),
        "json": lambda targets, _: status.render_json(targets, config.shard),
    }
    parsed_outputs = output.parse(outputs, renderers)
    config = RunConfig.from_options(settings=read_settings(), dry_run=True, **config_values)
    prepare(config)
    desired = select_configured_targets(read_manifests(source)[0], config)
    with open_sandbox_if_requested(config):
        statuses = tuple(read_status(target, desired, config) for target in desired.targets)
    output.write(statuses, parsed_outputs, renderers)
    if any(target.is_access_failure for target in statuses):
        print_doctor_advice()
    return EXIT_FAILED if any(target.error for target in statuses) else 0
