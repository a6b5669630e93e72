"""Export live associations as manifests, and check that each manifest describes its live association."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from threading import Event

from reconciler.app.assemble import Runner
from reconciler.app.config import RunConfig
from reconciler.core.apply.preview import Preview
from reconciler.core.errors import InvalidManifests, ReconcilerError, is_access_failure
from reconciler.core.export.export import ExportedManifest, check_roundtrip, describe_second_create, export_associations
from reconciler.core.manifests.files import File
from reconciler.core.model import Desired, Target
from reconciler.core.ports import Progress
from reconciler.core.run_context import Run
from reconciler.edge import manifests
from reconciler.edge.clock import generate_id
from reconciler.fleet import TargetConnection
from reconciler.render import manifest
from reconciler.run import preview


@dataclass(slots=True)
class ExportResult:
    """The manifests to write, as texts by file name, with the failures and the advice about them.

    `has_access_failure` is true if credentials, clock, Region or network may be the cause of a failed target.
    """

    texts: dict[str, str] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    advice: list[str] = field(default_factory=list)
    left_out_count: int = 0
    managed_count: int = 0
    ignored_count: int = 0
    has_access_failure: bool = False

    def add(
        self, exported_manifest: ExportedManifest, target: Target, connection: TargetConnection, target_preview: Preview
    ) -> None:
        """Add one manifest; add a failure instead if the manifest does not describe its live association."""
        text = manifest.render_yaml(exported_manifest.document, exported_manifest.comments)
        if problem := _find_roundtrip_problem(exported_manifest, text, target, connection, target_preview):
            self.left_out_count += 1
            self.failures.append(f"left out {exported_manifest.live.arn}: {problem}")
            return
        file_name = f"{exported_manifest.name}.yaml"
        self.texts[file_name if file_name not in self.texts else f"{exported_manifest.name}.{target.name}.yaml"] = text
        for duplicate in exported_manifest.duplicates:
            self.advice.append(
                f"{duplicate.manifest.origin}: describes the same association as {exported_manifest.name!r}: "
                f"{duplicate.advice}"
            )
        for blocked_manifest in exported_manifest.blocked_manifests:
            risk = describe_second_create(repr(exported_manifest.name), repr(blocked_manifest.name))
            self.advice.append(f"{blocked_manifest.origin}: {risk}")


def export_targets(
    desired: Desired,
    config: RunConfig,
    progress: Progress,
    *,
    should_skip_managed: bool,
    only_integration: str | None = None,
) -> ExportResult:
    """Export the live associations of each target without a write. A target that fails does not stop the others.

    If `should_skip_managed`, leave out associations that a manifest covers or that the Target ignores.
    `only_integration` is the ARN of the only data integration to export, or None for every one.
    """
    result = ExportResult()
    runner = Runner(config, Event())
    connect, context = runner.build_connector(generate_id()), runner.build_context(progress)
    for target in sorted(desired.targets, key=lambda each: each.name):
        try:
            connection = connect(target)
            target_preview = preview(
                Run(target, desired.manifests[target.name], context), connection.cloud, connection.journal
            )
        except ReconcilerError as error:
            result.failures.append(f"{target.name}: {error}")
            result.has_access_failure |= is_access_failure(error)
            continue
        for arn, reason in target_preview.plan.unlisted:
            if only_integration not in {None, arn}:
                continue
            integration = f"{target_preview.plan.integration_names[arn]}, {arn}"
            result.failures.append(f"the associations of {integration} could not be listed: {reason}")
        ignored_arns = {each.live.arn for each in target_preview.plan.ignored}
        for exported_manifest in export_associations(target, target_preview):
            if only_integration not in {None, exported_manifest.live.spec["DataIntegrationIdentifier"]}:
                continue
            is_ignored = exported_manifest.live.arn in ignored_arns
            result.managed_count += exported_manifest.managed_by is not None
            result.ignored_count += is_ignored
            if not (should_skip_managed and (exported_manifest.managed_by or is_ignored)):
                result.add(exported_manifest, target, connection, target_preview)
    return result


def _find_roundtrip_problem(
    exported_manifest: ExportedManifest,
    text: str,
    target: Target,
    connection: TargetConnection,
    target_preview: Preview,
) -> str | None:
    """Return why a manifest would not adopt its live association unchanged, or None if it would."""
    files = [File("manifest", text.encode())]
    if target.account:
        spec = {"Region": connection.region, "AccountId": connection.account}
        header = {
            "apiVersion": exported_manifest.document["apiVersion"],
            "kind": "Target",
            "metadata": {"name": target.name},
        }
        files.append(File("target", json.dumps({**header, "spec": spec}).encode()))
    try:
        desired = manifests.load_manifests(files, target_preview.rules.now)
    except InvalidManifests as invalid:
        return "; ".join(f"{problem.pointer or 'the manifest'}: {problem.message}" for problem in invalid.problems)
    (parsed_manifest,) = desired.manifests[target.name]
    return check_roundtrip(parsed_manifest, exported_manifest.live, target_preview.observation, target_preview.rules)
