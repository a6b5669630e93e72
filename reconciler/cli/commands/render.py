"""`reconcile render`: print the manifests of each target, with the values of the target."""

from __future__ import annotations

import click

from reconciler.app.sources import Source
from reconciler.cli import options, sources
from reconciler.cli.command import Command
from reconciler.core.manifests.selectors import Requirement
from reconciler.core.text import sanitize


@click.command(
    "render",
    cls=Command,
    examples=(
        "reconcile render --target production",
        "reconcile render --selector env=production > rendered.yaml",
    ),
)
@sources.manifests
@options.target_selection
def command(source: Source, targets: tuple[str, ...], selector: tuple[Requirement, ...]) -> None:
    """Print the Targets and the manifests of each target as YAML, without calling AWS.

    Each TargetSet is replaced by its Targets. Each manifest with `targets` is replaced by one manifest for each Target.
    Placeholders are replaced by their values. You can validate and apply the output instead of the original manifests:
    both describe the same associations. Warnings go to standard error.
    """
    from reconciler.app.rendering import render_manifests

    rendered_manifests = render_manifests(source, targets, selector)
    for warning in rendered_manifests.warnings:
        click.echo(sanitize(f"warning: {warning}"), err=True)
    click.echo(rendered_manifests.text.encode(), nl=False)  # YAML is UTF-8 in every locale
