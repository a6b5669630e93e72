"""`reconcile explain`: show what is known about one association, and what a run would do with it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from reconciler.app.sources import Source
from reconciler.cli import options, output, sources
from reconciler.cli.command import Command
from reconciler.cli.completion import complete_manifests
from reconciler.cli.environment import read_settings
from reconciler.cli.failures import print_doctor_advice, print_error

if TYPE_CHECKING:
    from reconciler.core.report.target_explanation import TargetExplanation


@click.command(
    "explain",
    cls=Command,
    examples=(
        "reconcile explain profiles-monthly",
        "reconcile explain profiles-monthly --target production -o json",
    ),
)
@click.argument("name", shell_complete=complete_manifests)
@sources.manifests
@output.plain_outputs
@options.connection
@options.plan_options
@options.state
def command(name: str, source: Source, outputs: tuple[str, ...], **config_values: Any) -> int:
    """Explain the association of the manifest NAME: what is known about it, what a run would do with it, and why.

    If the manifest is for several targets, the command explains its association in each of them.

    This command reads AWS and the journal as a dry run does, and writes nothing.
    """
    from reconciler.app.assemble import open_sandbox_if_requested
    from reconciler.app.config import RunConfig
    from reconciler.app.explanation import explain_manifest
    from reconciler.app.once import prepare, read_manifests
    from reconciler.app.selection import find_manifest_targets
    from reconciler.cli import progress
    from reconciler.core.report.target_explanation import FailedExplanation, LocatedExplanation, compute_exit_code
    from reconciler.render import explanation

    renderers: Mapping[str, output.Renderer[Sequence[TargetExplanation]]] = {
        "text": lambda subjects, _: explanation.render_text(subjects),
        "json": lambda subjects, _: explanation.render_json(subjects),
    }
    parsed_outputs = output.parse(outputs, renderers)
    output.refuse_to_replace_manifests(parsed_outputs, source)
    config = RunConfig.from_options(settings=read_settings(), dry_run=True, **config_values)
    prepare(config)
    desired, _ = read_manifests(source)
    targets = find_manifest_targets(name, desired, config)
    with open_sandbox_if_requested(config), progress.show_bars() as bars:
        subjects = explain_manifest(name, targets, desired, config, bars.update)
    for subject in subjects:
        if isinstance(subject, LocatedExplanation) and subject.refusal:
            print_error(subject.refusal if len(subjects) == 1 else f"{subject.target}: {subject.refusal}")
    output.write(subjects, parsed_outputs, renderers)
    if any(isinstance(each, FailedExplanation) and each.is_access_failure for each in subjects):
        print_doctor_advice()
    return compute_exit_code(subjects)
