"""Put the documents of a revision together into the desired state, with the warnings about them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from reconciler.core.errors import Problem
from reconciler.core.manifests import build
from reconciler.core.manifests.checked_document import CheckedDocument
from reconciler.core.manifests.consistency import find_integration, find_target
from reconciler.core.manifests.warnings import ON_LOSS, REGIONS, REPEATED, unwise
from reconciler.core.model import Desired, Manifest, Origin, Target

AMBIENT = "default"
"""The name of the target that the environment's credentials and Region make, where no Target is declared."""


def build_desired(documents: Sequence[CheckedDocument], now: datetime) -> Desired:
    """Return the desired state of documents without problems: manifests by target in order of name, and warnings."""
    declared = [document for document in documents if document.kind == "Target"]
    targets = tuple(build.target(document.value) for document in declared) or (Target(AMBIENT),)
    manifests = _Manifests(declared, targets, now)
    for document in documents:
        if document.kind == "DataIntegrationAssociation":
            manifests.add(document)
    return Desired(
        targets,
        {name: tuple(sorted(found, key=lambda each: each.name)) for name, found in manifests.by_target.items()},
        tuple(sorted([*manifests.warnings, *manifests.target_warnings()])),
    )


class _Manifests:
    """The manifests of a revision by target, and the warnings that they give rise to."""

    def __init__(self, declared: Sequence[CheckedDocument], targets: Sequence[Target], now: datetime) -> None:
        self.by_target: dict[str, list[Manifest]] = {target.name: [] for target in targets}
        self.warnings: list[Problem] = []
        self._now = now
        self._declared = declared
        self._names = tuple(str(document.name) for document in declared)
        self._policies: dict[str, Any] = {
            str(document.name): document.value["spec"].get("Policy", {}) for document in declared
        }
        self._first_of_integration: dict[tuple[str, str], CheckedDocument] = {}
        self._first_recreated: dict[str, CheckedDocument] = {}

    def add(self, document: CheckedDocument) -> None:
        """Add the manifest in a document."""
        target = find_target(document, self._names) or AMBIENT
        origin = Origin(document.file, *document.document.position(()))
        manifest = build.manifest(document.value, origin, self._policies.get(target, {}))
        self.by_target[target].append(manifest)
        for at, message in unwise(manifest, self._now):
            if at == ON_LOSS and "onLoss" not in document.value.get("policy", {}):
                self._first_recreated.setdefault(target, document)  # its Target's Policy says so, and is warned about
            else:
                self.warnings.append(document.problem(tuple(at[1:].split("/")), message))
        key = target, find_integration(manifest.integration)
        earlier = self._first_of_integration.setdefault(key, document)
        if earlier is not document and not manifest.policy.adopt:
            self.warnings.append(_shared_integration(document, earlier))

    def target_warnings(self) -> list[Problem]:
        """Return the warnings about Targets; call it after all manifests were added."""
        unavailable = [_unavailable(each) for each in self._declared if each.value["spec"]["Region"] not in REGIONS]
        recreating = [(each, self._first_recreated.get(str(each.name))) for each in self._declared]
        return [*unavailable, *(_recreates(target, manifest) for target, manifest in recreating if manifest)]


def _unavailable(target: CheckedDocument) -> Problem:
    region = target.value["spec"]["Region"]
    message = f"AppIntegrations is not known to be in {region}: it is in {', '.join(sorted(REGIONS))}"
    return target.problem(("spec", "Region"), message)


def _recreates(target: CheckedDocument, manifest: CheckedDocument) -> Problem:
    message = (
        f"an ON_DEMAND export, such as {manifest.name!r} at {manifest.location()}, {REPEATED}: leave it out here, "
        "and write it into the manifests that need it"
    )
    return target.problem(("spec", "Policy", "onLoss"), message)


def _shared_integration(manifest: CheckedDocument, earlier: CheckedDocument) -> Problem:
    message = (
        f"the manifest {earlier.name!r} at {earlier.location()} is on this data integration too, and AWS may refuse a "
        "second association of one: give each its own"
    )
    return manifest.problem(("spec", "DataIntegrationIdentifier"), message)
