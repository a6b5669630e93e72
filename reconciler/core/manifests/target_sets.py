"""Expand a TargetSet into its Targets: the template, with what each member adds or replaces."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from reconciler.core.manifests.checked_document import CheckedDocument

TARGET_SET = "TargetSet"
_JOINED_MEMBERS = ("labels", "Values")


def expand_target_set(document: CheckedDocument) -> Iterator[CheckedDocument]:
    """Yield a Target for each member of a TargetSet, in order. The Targets are not validated yet.

    Members of an invalid set become invalid Targets, so that manifests may refer to their names.
    """
    if not document.is_valid:
        yield from _list_invalid_targets(document)
        return
    spec = document.value["spec"]
    template = spec.get("template", {})
    for index, member in enumerate(spec["members"]):
        fields = {**template, **member}
        fields |= {
            name: {**template.get(name, {}), **member.get(name, {})} for name in _JOINED_MEMBERS if name in fields
        }
        metadata = {"name": fields.pop("name"), "labels": fields.pop("labels", {})}
        yield replace(document, value={"kind": "Target", "metadata": metadata, "spec": fields}, member=index)


def _list_invalid_targets(document: CheckedDocument) -> Iterator[CheckedDocument]:
    """Yield an invalid Target for each member that has a name."""
    tree: Any = document.document.value
    spec = tree.get("spec")
    members = spec.get("members") if isinstance(spec, Mapping) else None
    for index, member in enumerate(members if isinstance(members, list) else ()):
        name = member.get("name") if isinstance(member, Mapping) else None
        if isinstance(name, str):
            yield replace(document, value={"kind": "Target", "metadata": {"name": name}}, member=index)
