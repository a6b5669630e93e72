"""Expand the manifests of a revision: one for each target, with the values of the target."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeGuard

from reconciler.core.errors import Problem
from reconciler.core.manifests.checked_document import CheckedDocument
from reconciler.core.manifests.choices import choose_values, find_chosen_names
from reconciler.core.manifests.document import ValuePath
from reconciler.core.manifests.files import MAX_TOTAL_BYTES
from reconciler.core.manifests.placeholders import find_texts, find_unknown_names, measure, substitute
from reconciler.core.manifests.selectors import Selector, describe_labels
from reconciler.core.manifests.target_values import (
    AMBIENT_TARGET,
    MAX_FIELD_LENGTH,
    SUBSTITUTED_FIELDS,
    FindProblems,
    build_values,
    drop_value,
)
from reconciler.core.model import Json, ensure_mapping
from reconciler.core.suggestions import LimitedSuggestions, format_suggestion, join_names
from reconciler.core.text import shorten

MAX_MATCHES = 2_000_000
"""The most comparisons of selectors with Targets in a revision: a thousand selectors and two thousand Targets."""

MAX_CHARACTERS = MAX_TOTAL_BYTES
"""The most characters of the strings with placeholders in a revision, after the substitution in each target."""

_MAX_SUGGESTIONS = 100

_SUBSTITUTED_MEMBERS = ("spec", "window")


def find_placeholder_texts(kind: object, tree: Mapping[str, Any]) -> Iterator[tuple[ValuePath, str]]:
    """Yield (path, string) for each string with `${` that is substituted in a document, which may be invalid."""
    match kind:
        case "DataIntegrationAssociation":
            for name in (*_SUBSTITUTED_MEMBERS, "target"):
                yield from find_texts(tree.get(name), (name,))
        case "Target":
            yield from _find_field_texts(tree.get("spec"), ("spec",))
        case "TargetSet":
            spec = ensure_mapping(tree.get("spec"))
            yield from _find_field_texts(spec.get("template"), ("spec", "template"))
            members = spec.get("members")
            for index, member in enumerate(members if isinstance(members, list) else ()):
                yield from _find_field_texts(member, ("spec", "members", index))
        case _:
            pass


def _find_field_texts(tree: Json, path: ValuePath) -> Iterator[tuple[ValuePath, str]]:
    for name in SUBSTITUTED_FIELDS:
        yield from find_texts(ensure_mapping(tree).get(name), (*path, name))


class ManifestExpander:
    """Expander of manifests over the Targets of a revision. `warnings` are those about selectors."""

    def __init__(self, targets: Sequence[CheckedDocument], find_problems: FindProblems) -> None:
        self.warnings: list[Problem] = []
        self._targets: dict[str, CheckedDocument] = {}
        for target in targets:
            if target.name:
                self._targets.setdefault(target.name, target)
        self._names_text = join_names([*map(shorten, self._targets)])
        valid_targets = [target for target in self._targets.values() if target.is_valid]
        self._labels_text = describe_labels(target.labels for target in valid_targets)
        self._value_names = {name for target in valid_targets for name in target.value["spec"].get("Values", {})}
        self._order = {name: index for index, name in enumerate(self._targets)}
        self._find_problems = find_problems
        self._names_by_selector: dict[Selector, tuple[str, ...]] = {}
        self._match_count = self._character_count = 0
        self._suggestions = LimitedSuggestions(_MAX_SUGGESTIONS)

    def expand(self, manifest: CheckedDocument) -> Iterator[CheckedDocument | Problem]:
        """Yield the manifest for each of its targets, and then each problem of its substitutions once."""
        names = self._select(manifest)
        self._warn_about_choices(manifest, names)
        found: dict[tuple[ValuePath, str, str], tuple[str, list[str]]] = {}
        for name in names:
            if not manifest.placeholders:
                value = choose_values(manifest.value, name or AMBIENT_TARGET)
                is_same = name == manifest.target and value is manifest.value
                yield manifest if is_same else replace(manifest, target=name, value=value)
                continue
            target = self._targets.get(name or "")
            if not manifest.is_valid or not (target.is_valid if target else name is None and not self._targets):
                yield replace(manifest, target=name, rejected_paths=manifest.rejected_paths or frozenset({()}))
                continue
            expansion, problems = self._substitute(manifest, name, build_values(target))
            yield expansion
            for path, token, message in problems:
                key = path, token, drop_value(message, expansion.value, path)
                found.setdefault(key, (message, []))[1].append(name or "")
        for (path, token, _), (message, affected) in found.items():
            place = f" (in target {join_names([*map(shorten, affected)])})" if any(affected) else ""
            yield manifest.build_problem(path, message + place, token)
        target_text = manifest.value.get("target")
        if self._match_count > MAX_MATCHES and ("targets" in manifest.value or is_substituted(target_text)):
            message = (
                f"the selectors up to this line need more than {MAX_MATCHES:,} comparisons with Targets: use fewer "
                "selectors"
            )
            yield manifest.build_problem(("targets" if "targets" in manifest.value else "target",), message)
        elif not names and is_substituted(target_text):
            yield self._build_target_problem(manifest, target_text)

    def _select(self, manifest: CheckedDocument) -> Sequence[str | None]:
        """Return the names of a manifest's targets. None is the ambient target, or an unknown one.

        The value of `targets` is None if it is invalid.
        """
        if "targets" in manifest.value:
            return () if manifest.value["targets"] is None else self._select_with_warnings(manifest)
        target = manifest.value.get("target")
        if is_substituted(target):
            self._match_count += len(self._targets)
            if self._match_count > MAX_MATCHES or len(target) > MAX_FIELD_LENGTH:
                return ()
            return [name for name, each in self._targets.items() if each.is_valid and _has_name(each, target)]
        if isinstance(target, str):
            return (target,)
        return tuple(self._targets) if len(self._targets) == 1 else (None,)

    def _warn_about_choices(self, manifest: CheckedDocument, names: Sequence[str | None]) -> None:
        """Add a warning for each declared Target that a map of a manifest names, and that the manifest is not in."""
        own_names = set(names)
        for path, name in find_chosen_names(manifest.value) if names else ():
            if name in self._targets and name not in own_names:
                message = f"this manifest is not in target {shorten(name)}, so this value has no effect: remove it"
                self.warnings.append(manifest.build_problem(path, message))

    def _select_with_warnings(self, manifest: CheckedDocument) -> Sequence[str]:
        value = manifest.value["targets"]
        if isinstance(value, list):
            names_by_glob = {glob: self._find_named(glob) for glob in value}
            unmatched = [glob for glob, matches in names_by_glob.items() if not matches]
            selected = {name for matches in names_by_glob.values() for name in matches}
            names = tuple(sorted(selected, key=self._order.__getitem__))
        else:
            names, unmatched = self._find_names(Selector.from_value(value)), []
        if not names:
            declared = (
                f"the Targets are {self._names_text}"
                if isinstance(value, list)
                else f"the Targets have {self._labels_text}"
            )
            reason = declared if self._targets else "no Target is declared"
            message = f"no Target is selected, and nothing is created: {reason}"
            self.warnings.append(manifest.build_problem(("targets",), message))
        elif unmatched:
            closest = self._suggestions.find_closest(unmatched[0], self._targets)
            remedy = format_suggestion(repr(closest)) if closest else f"the Targets are {self._names_text}"
            message = f"no Target is selected by {join_names([*map(shorten, unmatched)])}: {remedy}"
            self.warnings.append(manifest.build_problem(("targets", value.index(unmatched[0])), message))
        return names

    def _find_named(self, glob: str) -> tuple[str, ...]:
        """Return the names that a name or glob selects."""
        if "*" in glob or "?" in glob:
            return self._find_names(Selector((glob,)))
        return (glob,) if glob in self._targets else ()

    def _find_names(self, selector: Selector) -> tuple[str, ...]:
        """Return the names that a selector selects, or none after too many comparisons."""
        if selector not in self._names_by_selector:
            self._match_count += len(self._targets)
            if self._match_count > MAX_MATCHES:
                return ()
            self._names_by_selector[selector] = tuple(
                name for name, target in self._targets.items() if selector.has_match(name, target.labels)
            )
        return self._names_by_selector[selector]

    def _substitute(
        self, manifest: CheckedDocument, name: str | None, values: Mapping[str, str]
    ) -> tuple[CheckedDocument, list[tuple[ValuePath, str, str]]]:
        """Return the manifest of one target, with (path, text of a placeholder, message) for each of its problems."""
        value = manifest.value
        texts = [each for name in _SUBSTITUTED_MEMBERS for each in find_texts(value.get(name), (name,))]
        problems = [*self._find_text_problems(texts, values)]
        if not problems:
            members = {member: substitute(value[member], values) for member in _SUBSTITUTED_MEMBERS if member in value}
            value = {**value, **members, **({"target": name} if "target" in value else {})}
            value = choose_values(value, name or AMBIENT_TARGET)
            problems = [
                (path, "", message) for path, message in self._find_problems("DataIntegrationAssociation", value)
            ]
        rejected_paths = frozenset(path for path, _, _ in problems)
        return replace(manifest, target=name, value=value, rejected_paths=rejected_paths), problems

    def _find_text_problems(
        self, texts: Sequence[tuple[ValuePath, str]], values: Mapping[str, str]
    ) -> Iterator[tuple[ValuePath, str, str]]:
        """Yield (path, text of a placeholder, message) for each unknown name, or one problem if there is too much text.

        Texts of any length are counted before they are searched.
        """
        self._character_count += sum(len(text) for _, text in texts)
        if self._character_count <= MAX_CHARACTERS:
            self._character_count += sum(measure(text, values) - len(text) for _, text in texts)
        if self._character_count > MAX_CHARACTERS:
            message = (
                f"the substituted texts up to this line have more than {MAX_CHARACTERS:,} characters: use shorter "
                "values, or fewer targets"
            )
            yield (), "", message
            return
        for path, text in texts:
            for token, message in find_unknown_names(text, values, self._suggestions.find_closest, self._value_names):
                yield path, token, message

    def _build_target_problem(self, manifest: CheckedDocument, text: str) -> Problem:
        """Return the problem of a `target` with a placeholder that gives the name of no Target."""
        for target in self._targets.values():
            if target.is_valid and len(text) <= MAX_FIELD_LENGTH:
                for token, message in find_unknown_names(text, build_values(target), self._suggestions.find_closest):
                    return manifest.build_problem(("target",), message, token)
        message = (
            f"{shorten(text)} names no Target: once the values of a Target replace its placeholders, it must be the "
            "name of that Target"
        )
        return manifest.build_problem(("target",), message)


def is_substituted(value: object) -> TypeGuard[str]:
    """Tell whether a value is a string with a placeholder."""
    return isinstance(value, str) and any(find_texts(value))


def _has_name(target: CheckedDocument, text: str) -> bool:
    """Tell whether a text, with the values of a Target, is the name of this Target."""
    values = build_values(target)
    return not any(find_unknown_names(text, values, lambda *_: None)) and substitute(text, values) == target.name
