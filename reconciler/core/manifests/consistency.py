"""Check the documents of a revision against one another: targets, names, natural keys and adopted associations."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from typing import Any, TypeAlias

from reconciler.core.errors import Problem
from reconciler.core.manifests.checked_document import CheckedDocument
from reconciler.core.manifests.choices import find_chosen_names
from reconciler.core.manifests.expansion import is_substituted
from reconciler.core.manifests.target_values import AMBIENT_TARGET
from reconciler.core.manifests.unset_values import find_unset_values
from reconciler.core.model import Mode, NaturalKey, build_natural_key, extract_uuid
from reconciler.core.suggestions import find_closest, format_suggestion, join_names
from reconciler.core.text import shorten

_ProblemsByTarget: TypeAlias = "list[tuple[Problem, str | None]]"
_MAX_SUGGESTIONS = 100  # searches: each takes long if many names are similar


def find_target_problems(targets: Sequence[CheckedDocument], manifests: Sequence[CheckedDocument]) -> Iterator[Problem]:
    """Yield the problems of Targets: duplicates, and those that are missing or not declared."""
    declared_targets = _DeclaredTargets.from_documents(targets)
    yield from _find_duplicate_targets(targets)
    for manifest in manifests:
        yield from _find_unknown_target(manifest, declared_targets)
        yield from _find_unknown_choices(manifest, declared_targets)


def find_manifest_problems(
    targets: Sequence[CheckedDocument], manifests: Sequence[CheckedDocument]
) -> Iterator[Problem]:
    """Yield duplicates in each target, what its policy or account does not permit, and placeholders of `init`.

    The manifests must have been expanded before.
    """
    yield from _find_duplicate_names(manifests)
    yield from _find_forbidden_windows(manifests, targets)
    yield from _find_duplicate_adoptions(manifests)
    yield from _find_adoptions_elsewhere(manifests, targets)
    yield from _find_duplicate_requests(manifests)
    yield from find_unset_values(manifests, targets)


def normalise_identifier(identifier: str) -> str:
    """Return the UUID of a data integration from its ARN. Return a name or a UUID unchanged."""
    return extract_uuid(identifier) if identifier.startswith("arn:") else identifier


@dataclass(frozen=True, slots=True)
class _DeclaredTargets:
    """The names of the declared Targets, their list for messages, and the suggestions for unknown names."""

    names: tuple[str, ...]
    name_set: AbstractSet[str]
    names_text: str
    suggestions: dict[str, str | None] = field(default_factory=dict)

    @classmethod
    def from_documents(cls, targets: Iterable[CheckedDocument]) -> _DeclaredTargets:
        names = tuple(dict.fromkeys(target.name for target in targets if target.name))
        return cls(names, frozenset(names), join_names([*map(shorten, names)]))

    def suggest(self, name: str) -> str | None:
        """Return the declared name most similar to an unknown one, or None. Only 100 unknown names are looked up."""
        if name not in self.suggestions:
            may_search = len(self.suggestions) < _MAX_SUGGESTIONS
            self.suggestions[name] = find_closest(name, self.names) if may_search else None
        return self.suggestions[name]


def _find_duplicate_targets(targets: Sequence[CheckedDocument]) -> Iterator[Problem]:
    for target, first in _find_repetitions((target.name, target) for target in targets if target.name):
        message = (
            f"the name {shorten(target.name)} is already used by the Target at {first.locate()}: rename one of them"
        )
        yield target.build_problem(("metadata", "name"), message)
    valid_targets = (target for target in targets if target.is_valid)
    places = ((_get_place(target.value["spec"]), target) for target in valid_targets)
    for target, first in _find_repetitions(places):
        message = (
            f"the Target at {first.locate()} has the same account and Region: keep one of them, because an account "
            "and Region have one journal"
        )
        yield target.build_problem(("spec",), message)


def _get_place(spec: Mapping[str, Any]) -> tuple[object, object]:
    return spec["AccountId"], spec["Region"]


def _find_unknown_target(manifest: CheckedDocument, declared_targets: _DeclaredTargets) -> Iterator[Problem]:
    """Yield a problem if a manifest has no `target` where it needs one, or names a target that is not declared.

    A `target` that the schema rejected gets no second problem. The expansion checks one with a placeholder.
    """
    name = manifest.value.get("target")
    if "targets" in manifest.value or is_substituted(name):
        return
    if isinstance(name, str) and name not in declared_targets.name_set and ("target",) not in manifest.rejected_paths:
        suggestion = declared_targets.suggest(name)
        if not declared_targets.names:
            remedy = "declare it, or leave 'target' out"
        elif suggestion:
            remedy = format_suggestion(repr(suggestion))
        else:
            choice = "one of " if len(declared_targets.names) > 1 else ""
            remedy = f"declare it, or use {choice}{declared_targets.names_text}"
        yield manifest.build_problem(("target",), f"no Target {shorten(name)} is declared: {remedy}")
    elif "target" not in manifest.value and len(declared_targets.names) > 1:
        yield manifest.build_problem(
            (),
            "'target' is missing, and several Targets are declared: set 'target' to one of "
            f"{declared_targets.names_text}, or select several with 'targets'",
        )


def _find_unknown_choices(manifest: CheckedDocument, declared_targets: _DeclaredTargets) -> Iterator[Problem]:
    """Yield a problem for each name in a map by target name that is not the name of a Target."""
    known_names = declared_targets.name_set or {AMBIENT_TARGET}
    for path, name in find_chosen_names(manifest.value):
        if name not in known_names:
            suggestion = declared_targets.suggest(name)
            remedy = format_suggestion(repr(suggestion)) if suggestion else "use the name of a Target"
            yield manifest.build_problem(path, f"no Target {shorten(name)} is declared: {remedy}")


def _find_duplicate_names(manifests: Sequence[CheckedDocument]) -> Iterator[Problem]:
    keyed = (((manifest.target, manifest.name), manifest) for manifest in manifests if manifest.name)
    problems: _ProblemsByTarget = []
    for manifest, first in _find_repetitions(keyed):
        message = f"the name {shorten(manifest.name)} is already used by the manifest at {first.locate()}"
        remedy = "rename one of them, because names are unique in a target"
        problems.append((manifest.build_problem(("metadata", "name"), f"{message}: {remedy}"), manifest.target))
    yield from _name_targets(problems)


def _name_targets(problems: _ProblemsByTarget) -> Iterator[Problem]:
    """Yield each problem once, with the names of the Targets that it concerns."""
    targets_by_problem: dict[Problem, list[str]] = {}
    for problem, target in problems:
        targets_by_problem.setdefault(problem, []).extend([shorten(target)] if target else [])
    for problem, names in targets_by_problem.items():
        place = f" (in target {join_names(names)})" if names else ""
        yield replace(problem, message=problem.message + place)


def _find_forbidden_windows(
    manifests: Sequence[CheckedDocument], targets: Sequence[CheckedDocument]
) -> Iterator[Problem]:
    """Yield a problem for each window whose manifest and Target do not permit the Updates that send it.

    A manifest with other problems is checked too. The mode is unknown if the manifest has none and its Target is
    invalid or not declared.
    """
    policies: dict[str | None, Any] = {
        target.name: target.value["spec"].get("Policy", {}) for target in targets if target.is_valid
    }
    if not targets:
        policies[None] = {}
    for manifest in manifests:
        if "window" not in manifest.value:
            continue
        policy = manifest.value.get("policy", {})
        defaults = policies.get(manifest.target, {"mode": None})
        if {**defaults, **policy}.get("mode", Mode.CREATE) == Mode.CREATE:
            message = (
                "a window needs updates, and policy.mode is create: set policy.mode to create-and-update, in the "
                "manifest or in the Policy of its Target"
            )
            yield manifest.build_problem(("policy", "mode") if "mode" in policy else ("window",), message)


def _find_duplicate_adoptions(manifests: Sequence[CheckedDocument]) -> Iterator[Problem]:
    keyed = (((manifest.target, manifest.adopted_arn), manifest) for manifest in manifests if manifest.adopted_arn)
    for manifest, first in _find_repetitions(keyed):
        message = f"the manifest {first.name!r} at {first.locate()} adopts the same association"
        yield manifest.build_problem(("policy", "adopt"), f"{message}: keep policy.adopt in one of them")


def _find_adoptions_elsewhere(
    manifests: Sequence[CheckedDocument], targets: Sequence[CheckedDocument]
) -> Iterator[Problem]:
    """Yield a problem for each policy.adopt that names another account or Region than that of its Target."""
    places = {target.name: _get_place(target.value["spec"]) for target in targets if target.is_valid}
    for manifest in manifests:
        if not manifest.adopted_arn or manifest.target not in places:
            continue
        _, _, _, region, account, *_ = manifest.adopted_arn.split(":")
        target_account, target_region = places[manifest.target]
        if (account, region) != (target_account, target_region):
            message = (
                f"the association is in account {account} and {region}, and Target {shorten(manifest.target)} is "
                f"account {target_account} in {target_region}: correct policy.adopt, or select another Target"
            )
            yield manifest.build_problem(("policy", "adopt"), message)


def _find_duplicate_requests(manifests: Sequence[CheckedDocument]) -> Iterator[Problem]:
    """Yield a problem for each manifest with the natural key of an earlier one, unless both have policy.adopt."""
    keyed = (
        ((manifest.target, _build_key(manifest.value["spec"])), manifest) for manifest in manifests if manifest.is_valid
    )
    problems: _ProblemsByTarget = []
    for manifest, first in _find_repetitions(keyed):
        if manifest.adopted_arn and first.adopted_arn:
            continue
        may_adopt = not any("targets" in each.value for each in (manifest, first))
        message = (
            f"the manifest {first.name!r} at {first.locate()} has the same DataIntegrationIdentifier, ClientId and "
            f"DestinationURI: remove one{', or set policy.adopt in both' if may_adopt else ''}"
        )
        problems.append((manifest.build_problem(("spec",), message), manifest.target))
    yield from _name_targets(problems)


def _build_key(spec: Mapping[str, Any]) -> NaturalKey:
    """Return the natural key of a request. The name and the UUID of one data integration give different keys."""
    integration, client, destination = build_natural_key(spec)
    return normalise_identifier(integration), client, destination


def _find_repetitions(
    keyed: Iterable[tuple[object, CheckedDocument]],
) -> Iterator[tuple[CheckedDocument, CheckedDocument]]:
    """Yield (document, first document with the same key) for each repetition of a key."""
    first_by_key: dict[object, CheckedDocument] = {}
    for key, document in keyed:
        if first_by_key.setdefault(key, document) is not document:
            yield document, first_by_key[key]
