"""`reconcile validate`: check manifests alone, without AWS and credentials."""

from __future__ import annotations

import click

from reconciler.app.sources import Source
from reconciler.cli import output, sources
from reconciler.cli.command import Command
from reconciler.cli.failures import print_error


@click.command(
    "validate",
    cls=Command,
    examples=(
        "reconcile validate --strict",
        "reconcile validate -f manifests/ -o sarif=findings.sarif",
    ),
)
@sources.manifests
@sources.strict
@output.outputs
def command(source: Source, outputs: tuple[str, ...]) -> int:
    """Check manifests, and report every problem and warning. Exit with 3 if there is a problem."""
    from reconciler.cli.formats import VALIDATION_RENDERERS
    from reconciler.core.errors import EXIT_INVALID, InvalidManifests
    from reconciler.core.manifests.validation import ValidationResult

    parsed_outputs = output.parse(outputs, VALIDATION_RENDERERS)
    output.refuse_to_replace_manifests(parsed_outputs, source)
    try:
        result = ValidationResult.from_desired(*source.read())
    except InvalidManifests as invalid:
        invalid_result = ValidationResult.from_error(invalid)
        if failures := output.try_write(invalid_result, parsed_outputs, VALIDATION_RENDERERS):
            print_error("; ".join(failures))
            raise  # the caller then shows the problems on standard error
        return EXIT_INVALID
    output.write(result, parsed_outputs, VALIDATION_RENDERERS)
    return 0
