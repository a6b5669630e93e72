"""Preview runs, and read exported manifests back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from support.builders import ACCOUNT, NOW, REGION, rules

from reconciler.core.apply.preview import Preview
from reconciler.core.export.export import ExportedManifest
from reconciler.core.journal.records import Journal
from reconciler.core.manifests.files import File
from reconciler.core.model import Manifest, Mode, Observation, Target
from reconciler.core.plan.plan import Plan
from reconciler.edge.manifests.load import load_manifests
from reconciler.render.manifest import render_yaml

AMBIENT = Target("default")
EMPTY = Journal(ACCOUNT, REGION, "")


def preview(
    live_state: Observation,
    manifests: Sequence[Manifest] = (),
    stored_journal: Journal = EMPTY,
    target: Target = AMBIENT,
    now: datetime = NOW,
) -> Preview:
    """Return the preview of a run."""
    return Preview(Plan(), stored_journal, live_state, rules(Mode.CREATE_AND_UPDATE, now), now).replan(
        target, manifests, live_state
    )


def read_exported(exported: Sequence[ExportedManifest], target: Target = AMBIENT) -> tuple[Manifest, ...]:
    """Return the manifests as one revision, read back from their YAML."""
    files = [File(f"{each.name}.yaml", render_yaml(each.document, each.comments).encode()) for each in exported]
    if target.account:
        spec = {"Region": target.region, "AccountId": target.account}
        header = {"apiVersion": "appintegrations.reconciler/v1", "kind": "Target", "metadata": {"name": target.name}}
        files.append(File("target.json", json.dumps({**header, "spec": spec}).encode()))
    return load_manifests(files, NOW).manifests[target.name]
