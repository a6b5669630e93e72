"""Render the manifests of each target with their values, as YAML that is valid input again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from reconciler.app.selection import select_targets
from reconciler.app.sources import Source
from reconciler.core.errors import InvalidManifests, Problem, UnknownTarget, UsageError
from reconciler.core.manifests.desired import build_desired
from reconciler.core.manifests.plain_documents import build_plain_documents
from reconciler.core.manifests.selectors import Requirement
from reconciler.edge import manifests
from reconciler.edge.manifests.zones import read_zone
from reconciler.render.manifest import render_yaml


@dataclass(frozen=True, slots=True)
class RenderedManifests:
    """The YAML of expanded manifests, and the warnings about the revision."""

    text: str
    warnings: tuple[Problem, ...]


def render_manifests(source: Source, globs: Sequence[str], selector: Sequence[Requirement]) -> RenderedManifests:
    """Return the Targets and manifests of a source, expanded. Raises UsageError, InvalidManifests and GitError."""
    files, revision = source.read_files()
    try:
        documents, selector_warnings = manifests.load_documents(files)
    except InvalidManifests as invalid:
        raise invalid.with_revision(revision) from invalid
    desired = build_desired(documents, source.clock.now(), read_zone, selector_warnings)
    try:
        names = {target.name for target in select_targets(desired, globs, (), selector).targets}
    except UnknownTarget as error:
        raise UsageError(str(error)) from error
    texts = [render_yaml(document, (origin,)) for document, origin in build_plain_documents(documents, names)]
    return RenderedManifests("---\n".join(texts), desired.all_warnings)
