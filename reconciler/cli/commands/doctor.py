"""`reconcile doctor`: check what a run needs, without writing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from reconciler.app.sources import FOLDER, Source
from reconciler.cli import options, output, sources
from reconciler.cli.command import Command
from reconciler.cli.environment import read_settings

if TYPE_CHECKING:
    from reconciler.app.config import RunConfig
    from reconciler.core.doctor.diagnosis import Check, Diagnosis
    from reconciler.core.model import Desired


@click.command(
    "doctor",
    cls=Command,
    examples=(
        "reconcile doctor --state s3://corp-state/reconciler",
        "reconcile doctor --target production -o json=doctor.json",
    ),
)
@sources.manifests
@output.plain_outputs
@options.connection
@options.shard
@options.state
@options.ignored_new_state
def command(source: Source, outputs: tuple[str, ...], **config_values: Any) -> int:
    """Check credentials, permissions, data integrations, KMS keys, buckets and journal. Exit with 1 if a check fails.

    For a bulk export, this command prints the policy statements that AWS's guide asks for.

    This command writes nothing. Checks that would need a write are listed as skipped.
    """
    from reconciler.app.assemble import open_sandbox_if_requested
    from reconciler.app.config import RunConfig
    from reconciler.app.doctor import DoctorRun
    from reconciler.app.once import prepare
    from reconciler.core.doctor.diagnosis import CheckResult, Diagnosis
    from reconciler.core.errors import EXIT_FAILED
    from reconciler.render import doctor

    renderers: Mapping[str, output.Renderer[Diagnosis]] = {
        "text": lambda diagnosis, terminal: doctor.render_text(diagnosis, is_terminal=terminal),
        "json": lambda diagnosis, _: doctor.render_json(diagnosis),
    }
    parsed_outputs = output.parse(outputs, renderers)
    output.refuse_to_replace_manifests(parsed_outputs, source)
    config = RunConfig.from_options(settings=read_settings(), dry_run=True, **config_values)
    prepare(config)
    manifests_check, desired = _check_manifests(source, config)
    doctor_run = DoctorRun(config)
    with open_sandbox_if_requested(config):
        targets = tuple(doctor_run.check_target(each, desired.manifests[each.name]) for each in desired.targets)
    diagnosis = Diagnosis((doctor_run.check_versions(), manifests_check, doctor_run.check_state()), targets)
    output.write(diagnosis, parsed_outputs, renderers)
    return EXIT_FAILED if diagnosis.counts[CheckResult.FAILED] else 0


def _check_manifests(source: Source, config: RunConfig) -> tuple[Check, Desired]:
    """Return the check of the manifests, and the desired state.

    If the manifests cannot be read, the desired state holds only the target of the environment.
    """
    from reconciler.app.once import read_manifests
    from reconciler.app.selection import select_configured_targets
    from reconciler.core.doctor import checks
    from reconciler.core.doctor.diagnosis import build_skipped_check
    from reconciler.core.errors import GitError, InvalidManifests
    from reconciler.edge import manifests

    ambient_desired = manifests.load_manifests((), source.clock.now())
    if source.is_missing:
        skipped_check = build_skipped_check(
            "manifests", f"the folder {FOLDER} does not exist here", "give the manifests with -f or --git-url"
        )
        return skipped_check, select_configured_targets(ambient_desired, config)
    try:
        desired, _ = read_manifests(source)
    except (InvalidManifests, GitError) as error:
        return checks.check_invalid_manifests(error), ambient_desired
    return checks.check_valid_manifests(desired), select_configured_targets(desired, config)
