"""`reconcile validate`: check manifests alone, without AWS and credentials."""

from __future__ import annotations

import click

from reconciler.app.sources import Source
from reconciler.cli import options, output, sources
from reconciler.core.text import sanitize


@click.command("validate", cls=options.Command)
@sources.manifests
@sources.strict
@output.outputs
def command(source: Source, outputs: tuple[str, ...]) -> int:
    """Check manifests and report every problem of every file, and warnings; exit 3 if there is a problem."""
    from reconciler.cli.formats import FINDINGS
    from reconciler.core.errors import EXIT_INVALID, InvalidManifests
    from reconciler.core.manifests.findings import ValidationResult

    wanted = output.parse(outputs, FINDINGS)
    try:
        found = ValidationResult.from_desired(*source.read())
    except InvalidManifests as invalid:
        wrong = ValidationResult.from_error(invalid)
        if failed := output.unwritten(wrong, wanted, FINDINGS):
            click.echo(sanitize(f"Error: {'; '.join(failed)}"), err=True)
            raise  # the problems go to standard error
        return EXIT_INVALID
    output.write(found, wanted, FINDINGS)
    return 0
