"""`reconcile doctor`: what a run needs, looked at before it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli import EXIT_FAILED, options, output, source
from reconciler.cli.source import FOLDER, Source

if TYPE_CHECKING:
    from reconciler.cli.choices import Choices
    from reconciler.core.doctor.diagnosis import Check, Diagnosis
    from reconciler.core.model import Desired


@click.command("doctor", cls=options.Command)
@source.manifests
@output.plain
@options.connection
@options.state
@options.new_state
def command(source: Source, outputs: tuple[str, ...], **chosen: Any) -> int:
    """Check credentials, permissions, data integrations, buckets and state; exit 1 where a check failed.

    It writes nothing. Checks that would need a write are listed as skipped.
    """
    from reconciler.cli.choices import Choices
    from reconciler.cli.examination import Examination
    from reconciler.cli.session import begin
    from reconciler.cli.wiring import surroundings
    from reconciler.core.doctor.diagnosis import Diagnosis, Result
    from reconciler.render import doctor

    formats: Mapping[str, output.Format[Diagnosis]] = {
        "text": lambda diagnosis, terminal: doctor.text(diagnosis, terminal=terminal),
        "json": lambda diagnosis, _: doctor.as_json(diagnosis),
    }
    wanted = output.parse(outputs, formats)
    choices = Choices.of(dry_run=True, **chosen)
    begin(choices)
    readable, desired = _manifests(source, choices)
    examination = Examination(choices)
    with surroundings(choices):
        targets = tuple(examination.target(each, desired.manifests[each.name]) for each in desired.targets)
    diagnosis = Diagnosis((examination.versions(), readable, examination.state()), targets)
    output.write(diagnosis, wanted, formats)
    return EXIT_FAILED if diagnosis.counts[Result.FAILED] else 0


def _manifests(source: Source, choices: Choices) -> tuple[Check, Desired]:
    """Return how the manifests are, and what they ask for: the ambient target alone, where nobody knows."""
    from reconciler.cli.session import read
    from reconciler.cli.wiring import selected
    from reconciler.core.doctor import checks
    from reconciler.core.doctor.diagnosis import skipped
    from reconciler.core.errors import GitError, InvalidManifests
    from reconciler.edge import manifests
    from reconciler.edge.clock import SystemClock

    ambient = manifests.read((), SystemClock().now())
    if source.is_missing:
        missing = skipped("manifests", f"there is no folder {FOLDER} here", "name manifests with -f or --git-url")
        return missing, selected(ambient, choices)
    try:
        desired, _ = read(source)
    except (InvalidManifests, GitError) as error:
        return checks.unusable(error), ambient
    return checks.valid(desired), selected(desired, choices)
