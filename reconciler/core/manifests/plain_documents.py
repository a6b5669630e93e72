"""Turn expanded documents into plain ones: without selectors, sets and placeholders, and valid as manifests."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from reconciler.core.manifests.checked_document import CheckedDocument
from reconciler.core.manifests.placeholders import escape
from reconciler.core.manifests.target_values import AMBIENT_TARGET
from reconciler.core.model import Json

API_VERSION = "appintegrations.reconciler/v1"


def build_plain_documents(
    documents: Sequence[CheckedDocument], target_names: Collection[str]
) -> Iterator[tuple[Mapping[str, Json], str]]:
    """Yield (document, `file:line` of its origin) for each Target with one of the names, before its manifests.

    Targets keep the order of the files. The manifests of a target are sorted by name. Annotations, and the labels of
    manifests, are left out, because they have no effect.
    """
    targets = {str(document.name): document for document in documents if document.kind == "Target"}
    manifests: dict[str, list[CheckedDocument]] = {}
    for document in documents:
        if document.kind == "DataIntegrationAssociation":
            manifests.setdefault(document.target or AMBIENT_TARGET, []).append(document)
    for name in [*targets] or [AMBIENT_TARGET]:
        if name in target_names:
            if name in targets:
                yield _build_target(targets[name]), targets[name].locate()
            for manifest in sorted(manifests.get(name, ()), key=lambda each: str(each.name)):
                yield _build_manifest(manifest), manifest.locate()


def _build_target(target: CheckedDocument) -> Mapping[str, Json]:
    """Return a Target without Values, which its substituted fields no longer need."""
    metadata: dict[str, Json] = {"name": target.name, **({"labels": target.labels} if target.labels else {})}
    spec = {name: value for name, value in target.value["spec"].items() if name != "Values"}
    return {"apiVersion": API_VERSION, "kind": "Target", "metadata": metadata, "spec": spec}


def _build_manifest(manifest: CheckedDocument) -> Mapping[str, Json]:
    value = manifest.value
    return {
        "apiVersion": API_VERSION,
        "kind": "DataIntegrationAssociation",
        "metadata": {"name": manifest.name},
        **({"target": manifest.target} if manifest.target else {}),
        **({"policy": value["policy"]} if "policy" in value else {}),
        **{member: escape(value[member]) for member in ("window", "spec") if member in value},
    }
