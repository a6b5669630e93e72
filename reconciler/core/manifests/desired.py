"""Build the desired state of a revision from its documents, with warnings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, tzinfo
from typing import Any

from reconciler.core.errors import Problem
from reconciler.core.manifests import build
from reconciler.core.manifests.checked_document import CheckedDocument
from reconciler.core.manifests.consistency import normalise_identifier
from reconciler.core.manifests.document import ValuePath
from reconciler.core.manifests.overlaps import ExportSpan, build_span, find_overlaps
from reconciler.core.manifests.target_values import AMBIENT_TARGET
from reconciler.core.manifests.warnings import (
    ON_LOSS_POINTER,
    REGIONS,
    REPEATED_EXPORT,
    describe_sharing,
    find_warnings,
)
from reconciler.core.model import Desired, Manifest, Origin, Target
from reconciler.core.suggestions import join_names
from reconciler.core.text import shorten


def build_desired(
    documents: Sequence[CheckedDocument],
    now: datetime,
    read_zone: Callable[[str], tzinfo],
    warnings: Sequence[Problem] = (),
) -> Desired:
    """Return the desired state of valid documents: the manifests of each target in order of name, and warnings.

    The manifests must have been expanded before. `warnings` are those of the expansion. Each manifest that selects no
    Target has one.
    """
    target_documents = [document for document in documents if document.kind == "Target"]
    targets = tuple(build.build_target(document.value) for document in target_documents) or (Target(AMBIENT_TARGET),)
    manifests = _Manifests(target_documents, targets, now, read_zone)
    for document in documents:
        if document.kind == "DataIntegrationAssociation":
            manifests.add(document)
    target_warnings = manifests.build_warnings()
    return Desired(
        targets,
        {
            name: tuple(sorted(target_manifests, key=lambda each: each.name))
            for name, target_manifests in manifests.by_target.items()
        },
        tuple(sorted({*warnings, *(each for about_target in target_warnings.values() for each in about_target)})),
        is_unselected=bool(warnings) and not any(manifests.by_target.values()),
        target_warnings=target_warnings,
    )


class _Manifests:
    """The manifests of a revision by target, and the warnings about them."""

    def __init__(
        self,
        target_documents: Sequence[CheckedDocument],
        targets: Sequence[Target],
        now: datetime,
        read_zone: Callable[[str], tzinfo],
    ) -> None:
        self.by_target: dict[str, list[Manifest]] = {target.name: [] for target in targets}
        self._warnings: dict[tuple[Origin, Problem], list[str]] = {}
        self._targets_by_origin: dict[Origin, list[str]] = {}
        self._now, self._read_zone = now, read_zone
        self._target_documents = target_documents
        self._policies: dict[str, Any] = {
            str(document.name): document.value["spec"].get("Policy", {}) for document in target_documents
        }
        self._first_of_integration: dict[tuple[str, str], CheckedDocument] = {}
        self._first_recreated: dict[str, CheckedDocument] = {}
        self._documents: list[CheckedDocument] = []
        self._spans: dict[tuple[str, str], list[ExportSpan]] = {}

    def add(self, document: CheckedDocument) -> None:
        """Add the manifest in a document, and the warnings about it."""
        target = document.target or AMBIENT_TARGET
        origin = Origin(document.file, *document.document.find_position(()))
        manifest = build.build_manifest(document.value, origin, self._policies.get(target, {}), self._read_zone)
        self.by_target[target].append(manifest)
        self._targets_by_origin.setdefault(origin, []).append(target)
        for pointer, message in find_warnings(manifest, self._now):
            if pointer == ON_LOSS_POINTER and "onLoss" not in document.value.get("policy", {}):
                # onLoss comes from the Target, which gets the warning.
                self._first_recreated.setdefault(target, document)
            else:
                self._warn(document, tuple(pointer[1:].split("/")), message)
        key = target, normalise_identifier(manifest.integration)
        earlier = self._first_of_integration.setdefault(key, document)
        if earlier is not document and not (manifest.policy.adopt or manifest.policy.retired):
            message = describe_sharing(str(earlier.name), earlier.locate())
            self._warn(document, ("spec", "DataIntegrationIdentifier"), message)
        self._documents.append(document)
        if span := build_span(manifest, len(self._documents) - 1):
            self._spans.setdefault(key, []).append(span)

    def _warn(self, document: CheckedDocument, path: ValuePath, message: str) -> None:
        origin = Origin(document.file, *document.document.find_position(()))
        names = self._warnings.setdefault((origin, document.build_problem(path, message)), [])
        names.append(document.target or AMBIENT_TARGET)

    def build_warnings(self) -> dict[str, tuple[Problem, ...]]:
        """Return the warnings about Targets and about manifests, which must have been added before, by target name."""
        by_target: dict[str, set[Problem]] = {}
        for name, warning in (*self._find_manifest_warnings(), *self._find_target_warnings()):
            by_target.setdefault(name, set()).add(warning)
        return {name: tuple(sorted(warnings)) for name, warnings in by_target.items()}

    def _find_manifest_warnings(self) -> Iterator[tuple[str, Problem]]:
        """Yield (target name, warning). A warning that does not concern all targets of a manifest names its targets."""
        for spans in self._spans.values():
            for overlap in find_overlaps(spans):
                self._warn(self._documents[overlap.later.number], overlap.later.pointer, overlap.message)
        for (origin, warning), names in self._warnings.items():
            is_general = len(names) == len(self._targets_by_origin[origin])
            place = "" if is_general else f" (in target {join_names([*map(shorten, names)])})"
            full_warning = replace(warning, message=warning.message + place)
            yield from ((name, full_warning) for name in names)

    def _find_target_warnings(self) -> Iterator[tuple[str, Problem]]:
        """Yield (target name, warning) for each warning about a Target."""
        for target in self._target_documents:
            name = str(target.name)
            if target.value["spec"]["Region"] not in REGIONS:
                yield name, _build_region_warning(target)
            if manifest := self._first_recreated.get(name):
                yield name, _build_recreation_warning(target, manifest)


def _build_region_warning(target: CheckedDocument) -> Problem:
    region = target.value["spec"]["Region"]
    message = f"AppIntegrations may not be available in {region}: its known Regions are {', '.join(sorted(REGIONS))}"
    return target.build_problem(("spec", "Region"), message)


def _build_recreation_warning(target: CheckedDocument, manifest: CheckedDocument) -> Problem:
    message = (
        f"{REPEATED_EXPORT}, as for {manifest.name!r} at {manifest.locate()}: remove onLoss here, and set it in the "
        "manifests that need it"
    )
    return target.build_problem(("spec", "Policy", "onLoss"), message)
