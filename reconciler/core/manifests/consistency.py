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
    declared = _DeclaredTargets.of(targets)
    yield from _duplicate_targets(targets)
    for manifest in manifests:
        yield from _unknown_target(manifest, declared)
    yield from _duplicate_names(manifests, declared.names)
    yield from _duplicate_adoptions(manifests, declared.names)
    yield from _duplicate_requests(manifests, declared.names)


def find_target(manifest: CheckedDocument, declared: Sequence[str]) -> str | None:
    """Return the target that a manifest names; the only one that is declared if it names none."""
    named = manifest.value.get("target")
    return named if isinstance(named, str) else declared[0] if len(declared) == 1 else None


def find_integration(identifier: str) -> str:
    """Return the UUID in an ARN, so that both mean the same; a name or a UUID unchanged."""
    return uuid_of(identifier) if identifier.startswith("arn:") else identifier


@dataclass(frozen=True, slots=True)
class _DeclaredTargets:
    """The names of the declared targets, as a message lists them, and names that are similar to unknown ones."""

    names: tuple[str, ...]
    known: AbstractSet[str]
    listed: str
    suggestions: dict[str, str | None] = field(default_factory=dict)

    @classmethod
    def of(cls, targets: Iterable[CheckedDocument]) -> _DeclaredTargets:
        names = tuple(dict.fromkeys(target.name for target in targets if target.name))
        return cls(names, frozenset(names), join_names([*map(shorten, names)]))

    def suggest(self, unknown: str) -> str | None:
        """Return the declared name that is most like an unknown one; None from the hundredth unknown name on."""
        if unknown not in self.suggestions:
            search = len(self.suggestions) < _MAX_SUGGESTIONS
            self.suggestions[unknown] = find_closest(unknown, self.names) if search else None
        return self.suggestions[unknown]


def _duplicate_targets(targets: Sequence[CheckedDocument]) -> Iterator[Problem]:
    for target, first in _repetitions((target.name, target) for target in targets if target.name):
        message = f"the name {shorten(target.name)} is taken by the Target at {first.location()}"
        yield target.problem(("metadata", "name"), message)
    valid = (target for target in targets if target.is_valid)
    places = ((_place(target.value["spec"]), target) for target in valid)
    for target, first in _repetitions(places):
        message = (
            f"the Target at {first.location()} is the same account and Region, which has one journal: keep one of them"
        )
        yield target.problem(("spec",), message)


def _place(spec: Mapping[str, Any]) -> tuple[object, object]:
    return spec["AccountId"], spec["Region"]


def _unknown_target(manifest: CheckedDocument, declared: _DeclaredTargets) -> Iterator[Problem]:
    """Yield the problem with the target that a manifest names; a value that the schema rejected is not looked up."""
    named = manifest.value.get("target")
    if isinstance(named, str) and named not in declared.known and ("target",) not in manifest.rejected_paths:
        similar = declared.suggest(named)
        if not declared.names:
            remedy = "declare it, or leave 'target' out"
        elif similar:
            remedy = f"did you mean {similar!r}?"
        else:
            remedy = f"declare it, or name one of {declared.listed}"
        yield manifest.problem(("target",), f"no Target {shorten(named)} is declared: {remedy}")
    elif "target" not in manifest.value and len(declared.names) > 1:
        yield manifest.problem((), f"'target' is missing, and several are declared: {declared.listed}")


def _duplicate_names(manifests: Sequence[CheckedDocument], targets: Sequence[str]) -> Iterator[Problem]:
    named = (((find_target(manifest, targets), manifest.name), manifest) for manifest in manifests if manifest.name)
    for manifest, first in _repetitions(named):
        taken = f"the name {shorten(manifest.name)} is taken by the manifest at {first.location()}"
        yield manifest.problem(("metadata", "name"), f"{taken}: names are unique per target")


def _duplicate_adoptions(manifests: Sequence[CheckedDocument], targets: Sequence[str]) -> Iterator[Problem]:
    adopting = (
        ((find_target(manifest, targets), manifest.adopted_arn), manifest)
        for manifest in manifests
        if manifest.adopted_arn
    )
    for manifest, first in _repetitions(adopting):
        message = f"the manifest {first.name!r} at {first.location()} adopts this association already"
        yield manifest.problem(("policy", "adopt"), message)


def _duplicate_requests(manifests: Sequence[CheckedDocument], targets: Sequence[str]) -> Iterator[Problem]:
    """Yield manifests with the natural key of an earlier one, unless both name their association in policy.adopt."""
    keyed = (
        ((find_target(manifest, targets), _key(manifest.value["spec"])), manifest)
        for manifest in manifests
        if manifest.is_valid
    )
    for manifest, first in _repetitions(keyed):
        if manifest.adopted_arn and first.adopted_arn:
            continue
        message = (
            f"the manifest {first.name!r} at {first.location()} has the same DataIntegrationIdentifier, ClientId and "
            "DestinationURI: remove one, or give each policy.adopt"
        )
        yield manifest.problem(("spec",), message)


def _key(spec: Mapping[str, Any]) -> NaturalKey:
    """Return the natural key of a request, as far as a manifest alone tells which data integration it means."""
    integration, client, destination = natural_key(spec)
    return find_integration(integration), client, destination


def _repetitions(
    keyed: Iterable[tuple[object, CheckedDocument]],
) -> Iterator[tuple[CheckedDocument, CheckedDocument]]:
    """Yield (document, the first document with the same key) for every repetition of a key."""
    first: dict[object, CheckedDocument] = {}
    for key, document in keyed:
        if first.setdefault(key, document) is not document:
            yield document, first[key]
