"""Export live associations as manifests, each of which the program itself reads back as what is live."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from threading import Event

from reconciler.app.assemble import Runner
from reconciler.app.config import RunConfig
from reconciler.core.apply.preview import Preview
from reconciler.core.errors import InvalidManifests, ReconcilerError
from reconciler.core.export import ExportedManifest, check_roundtrip, describe_second_create, export_associations
from reconciler.core.manifests.files import File
from reconciler.core.model import Desired, Target
from reconciler.core.ports import Progress
from reconciler.core.run import Run
from reconciler.edge import manifests
from reconciler.edge.clock import generate_id
from reconciler.fleet import TargetConnection
from reconciler.render import manifest
from reconciler.run import preview


@dataclass(slots=True)
class ExportResult:
    """What there is to write, as texts by file name, and all that has to be said beside it."""

    texts: dict[str, str] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    advice: list[str] = field(default_factory=list)
    left_out: int = 0
    managed: int = 0

    def add(self, each: ExportedManifest, target: Target, site: TargetConnection, seen: Preview) -> None:
        """Add one manifest, unless it would not be read back as what is live."""
        text = manifest.text(each.document, each.comments)
        if wrong := _wrong(each, text, target, site, seen):
            self.left_out += 1
            self.failed.append(f"left out {each.live.arn}: {wrong}")
            return
        name = f"{each.name}.yaml"
        self.texts[name if name not in self.texts else f"{each.name}.{target.name}.yaml"] = text
        for twin in each.duplicates:
            self.advice.append(f"{twin.manifest.origin}: asks for the same as {each.name!r}: {twin.advice}")
        for suspecting in each.blocked_manifests:
            self.advice.append(f"{suspecting.origin}: {describe_second_create(repr(each.name), repr(suspecting.name))}")


def export(desired: Desired, config: RunConfig, progress: Progress, *, unmanaged: bool) -> ExportResult:
    """Look at one target after the other, through nothing that can write: the failure of one is not the others'."""
    result = ExportResult()
    runner = Runner(config, Event())
    connect, context = runner.connector(generate_id()), runner.context(progress)
    for target in sorted(desired.targets, key=lambda each: each.name):
        try:
            site = connect(target)
            seen = preview(Run(target, desired.manifests[target.name], context), site.cloud, site.journal)
        except ReconcilerError as error:
            result.failed.append(f"{target.name}: {error}")
            continue
        for arn, reason in seen.plan.unlisted:
            named = f"{seen.plan.integration_names[arn]}, {arn}"
            result.failed.append(f"the associations of {named} could not be listed: {reason}")
        for each in export_associations(target, seen):
            result.managed += each.managed_by is not None
            if not (unmanaged and each.managed_by):
                result.add(each, target, site, seen)
    return result


def _wrong(each: ExportedManifest, text: str, target: Target, site: TargetConnection, seen: Preview) -> str | None:
    """Return why a text is no manifest that takes the association over as it is."""
    files = [File("manifest", text.encode())]
    if target.account:
        place = {"Region": site.region, "AccountId": site.account}
        head = {"apiVersion": each.document["apiVersion"], "kind": "Target", "metadata": {"name": target.name}}
        files.append(File("target", json.dumps({**head, "spec": place}).encode()))
    try:
        desired = manifests.read_manifests(files, seen.rules.now)
    except InvalidManifests as invalid:
        return "; ".join(f"{problem.pointer or 'its manifest'}: {problem.message}" for problem in invalid.problems)
    (read,) = desired.manifests[target.name]
    return check_roundtrip(read, each.live, seen.observation, seen.rules)
