"""Check the documents of a revision against one another: targets, names, natural keys and adopted associations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any

from reconciler.core.errors import Problem
from reconciler.core.manifests.checked_document import CheckedDocument
from reconciler.core.model import NaturalKey, natural_key, uuid_of
from reconciler.core.suggestions import find_closest, join_names
from reconciler.core.text import shorten

_MAX_SUGGESTIONS = 100  # looking for a similar name takes long where many names are alike


def find_problems(documents: Sequence[CheckedDocument]) -> Iterator[Problem]:
    """Yield the problems that a document has because of another one."""
    targets = [document for document in documents if document.kind == "Target"]
    manifests = [document for document in documents if document.kind == "DataIntegrationAssociation"]
    declared_targets = _DeclaredTargets.from_documents(targets)
    yield from _find_duplicate_targets(targets)
    for manifest in manifests:
        yield from _find_unknown_target(manifest, declared_targets)
    yield from _find_duplicate_names(manifests, declared_targets.names)
    yield from _find_duplicate_adoptions(manifests, declared_targets.names)
    yield from _find_duplicate_requests(manifests, declared_targets.names)


def find_target(manifest: CheckedDocument, declared_names: Sequence[str]) -> str | None:
    """Return the target that a manifest names; the only one that is declared if it names none."""
    name = manifest.value.get("target")
    return name if isinstance(name, str) else declared_names[0] if len(declared_names) == 1 else None


def find_integration(identifier: str) -> str:
    """Return the UUID in an ARN, so that both mean the same; a name or a UUID unchanged."""
    return uuid_of(identifier) if identifier.startswith("arn:") else identifier


@dataclass(frozen=True, slots=True)
class _DeclaredTargets:
    """The names of the declared targets, as a message lists them, and names that are similar to unknown ones."""

    names: tuple[str, ...]
    name_set: AbstractSet[str]
    names_text: str
    suggestions: dict[str, str | None] = field(default_factory=dict)

    @classmethod
    def from_documents(cls, targets: Iterable[CheckedDocument]) -> _DeclaredTargets:
        names = tuple(dict.fromkeys(target.name for target in targets if target.name))
        return cls(names, frozenset(names), join_names([*map(shorten, names)]))

    def suggest(self, name: str) -> str | None:
        """Return the declared name that is most like an unknown one; None from the hundredth unknown name on."""
        if name not in self.suggestions:
            may_search = len(self.suggestions) < _MAX_SUGGESTIONS
            self.suggestions[name] = find_closest(name, self.names) if may_search else None
        return self.suggestions[name]


def _find_duplicate_targets(targets: Sequence[CheckedDocument]) -> Iterator[Problem]:
    for target, first in _find_repetitions((target.name, target) for target in targets if target.name):
        message = f"the name {shorten(target.name)} is taken by the Target at {first.locate()}"
        yield target.build_problem(("metadata", "name"), message)
    valid_targets = (target for target in targets if target.is_valid)
    places = ((_get_place(target.value["spec"]), target) for target in valid_targets)
    for target, first in _find_repetitions(places):
        message = (
            f"the Target at {first.locate()} is the same account and Region, which has one journal: keep one of them"
        )
        yield target.build_problem(("spec",), message)


def _get_place(spec: Mapping[str, Any]) -> tuple[object, object]:
    return spec["AccountId"], spec["Region"]


def _find_unknown_target(manifest: CheckedDocument, declared_targets: _DeclaredTargets) -> Iterator[Problem]:
    """Yield the problem with the target that a manifest names; a value that the schema rejected is not looked up."""
    name = manifest.value.get("target")
    if isinstance(name, str) and name not in declared_targets.name_set and ("target",) not in manifest.rejected_paths:
        suggestion = declared_targets.suggest(name)
        if not declared_targets.names:
            remedy = "declare it, or leave 'target' out"
        elif suggestion:
            remedy = f"did you mean {suggestion!r}?"
        else:
            remedy = f"declare it, or name one of {declared_targets.names_text}"
        yield manifest.build_problem(("target",), f"no Target {shorten(name)} is declared: {remedy}")
    elif "target" not in manifest.value and len(declared_targets.names) > 1:
        yield manifest.build_problem(
            (), f"'target' is missing, and several are declared: {declared_targets.names_text}"
        )


def _find_duplicate_names(manifests: Sequence[CheckedDocument], targets: Sequence[str]) -> Iterator[Problem]:
    keyed = (((find_target(manifest, targets), manifest.name), manifest) for manifest in manifests if manifest.name)
    for manifest, first in _find_repetitions(keyed):
        message = f"the name {shorten(manifest.name)} is taken by the manifest at {first.locate()}"
        yield manifest.build_problem(("metadata", "name"), f"{message}: names are unique per target")


def _find_duplicate_adoptions(manifests: Sequence[CheckedDocument], targets: Sequence[str]) -> Iterator[Problem]:
    keyed = (
        ((find_target(manifest, targets), manifest.adopted_arn), manifest)
        for manifest in manifests
        if manifest.adopted_arn
    )
    for manifest, first in _find_repetitions(keyed):
        message = f"the manifest {first.name!r} at {first.locate()} adopts this association already"
        yield manifest.build_problem(("policy", "adopt"), message)


def _find_duplicate_requests(manifests: Sequence[CheckedDocument], targets: Sequence[str]) -> Iterator[Problem]:
    """Yield manifests with the natural key of an earlier one, unless both name their association in policy.adopt."""
    keyed = (
        ((find_target(manifest, targets), _build_key(manifest.value["spec"])), manifest)
        for manifest in manifests
        if manifest.is_valid
    )
    for manifest, first in _find_repetitions(keyed):
        if manifest.adopted_arn and first.adopted_arn:
            continue
        message = (
            f"the manifest {first.name!r} at {first.locate()} has the same DataIntegrationIdentifier, ClientId and "
            "DestinationURI: remove one, or give each policy.adopt"
        )
        yield manifest.build_problem(("spec",), message)


def _build_key(spec: Mapping[str, Any]) -> NaturalKey:
    """Return the natural key of a request, as far as a manifest alone tells which data integration it means."""
    integration, client, destination = natural_key(spec)
    return find_integration(integration), client, destination


def _find_repetitions(
    keyed: Iterable[tuple[object, CheckedDocument]],
) -> Iterator[tuple[CheckedDocument, CheckedDocument]]:
    """Yield (document, the first document with the same key) for every repetition of a key."""
    first_by_key: dict[object, CheckedDocument] = {}
    for key, document in keyed:
        if first_by_key.setdefault(key, document) is not document:
            yield document, first_by_key[key]
