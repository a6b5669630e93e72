"""`reconcile explain`: show what is known about one association, and what a run would do with it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from reconciler.app.sources import Source
from reconciler.cli import options, output, sources
from reconciler.cli.environment import read_settings
from reconciler.cli.failures import print_error

if TYPE_CHECKING:
    from reconciler.app.explanation import LocatedExplanation


@click.command("explain", cls=options.Command)
@click.argument("name")
@sources.manifests
@output.plain_outputs
@options.connection
@options.plan_options
@options.state
def command(name: str, source: Source, outputs: tuple[str, ...], **config_values: Any) -> None:
    """Explain the association of the manifest NAME: what is known about it, what a run would do with it, and why.

    This command reads AWS and the journal as a dry run does, and writes nothing.
    """
    from reconciler.app.assemble import open_sandbox_if_requested
    from reconciler.app.config import RunConfig
    from reconciler.app.explanation import explain_manifest
    from reconciler.app.once import prepare, read_manifests
    from reconciler.app.selection import find_manifest_target
    from reconciler.cli import progress
    from reconciler.render import explanation

    renderers: Mapping[str, output.Renderer[LocatedExplanation]] = {
        "text": lambda subject, _: explanation.render_text(
            subject.explanation, subject.target, f"{subject.account} {subject.region}"
        ),
        "json": lambda subject, _: explanation.render_json(
            subject.explanation, subject.target, subject.account, subject.region
        ),
    }
    parsed_outputs = output.parse(outputs, renderers)
    output.refuse_to_replace_manifests(parsed_outputs, source)
    config = RunConfig.from_options(settings=read_settings(), dry_run=True, **config_values)
    prepare(config)
    desired, _ = read_manifests(source)
    target = find_manifest_target(name, desired, config)
    with open_sandbox_if_requested(config), progress.show_bars() as show_progress:
        located_explanation = explain_manifest(name, target, desired, config, show_progress)
    if located_explanation.refusal:
        print_error(located_explanation.refusal)
    output.write(located_explanation, parsed_outputs, renderers)
