"""Resolve Targets: the values of placeholders in each one, and RoleArn and ExternalId with these values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, TypeAlias

from reconciler.core.errors import Problem
from reconciler.core.manifests.checked_document import CheckedDocument
from reconciler.core.manifests.document import ValuePath
from reconciler.core.manifests.placeholders import find_unknown_names, measure, substitute
from reconciler.core.suggestions import join_names
from reconciler.core.text import shorten

AMBIENT_TARGET = "default"
"""The name of the target if no Target is declared. Its credentials and Region come from the environment."""

MAX_FIELD_LENGTH = 2048  # characters, as in the schema of RoleArn

SUBSTITUTED_FIELDS = ("RoleArn", "ExternalId")
"""The members of a Target in which placeholders are substituted."""

FindProblems: TypeAlias = Callable[[str, Mapping[str, Any]], Iterator[tuple[ValuePath, str]]]
"""Function that yields (path, message) for each problem of a substituted document of a kind."""

_REQUIRED_FIELDS = ("Region", "AccountId")
_TEMPLATE_POINTER = "/spec/template/"


def resolve_targets(
    targets: Iterable[CheckedDocument], find_problems: FindProblems
) -> Iterator[CheckedDocument | Problem]:
    """Yield each Target of a document with the values in RoleArn and ExternalId, and then each problem once.

    A problem in the template of a set names its members if it does not concern all of them, or shows the value of one.
    """
    found: dict[Problem, list[tuple[Problem, str]]] = {}
    count = 0
    for target in targets:
        resolved_target, problems = _resolve_target(target, find_problems)
        yield resolved_target
        count += 1
        for problem, path in problems:
            key = replace(problem, message=drop_value(problem.message, resolved_target.value, path))
            found.setdefault(key, []).append((problem, str(target.name)))
    for repetitions in found.values():
        problem, _ = repetitions[0]
        is_general = len(repetitions) == count and all(each == problem for each, _ in repetitions)
        names = join_names([shorten(name) for _, name in repetitions])
        has_names = problem.pointer.startswith(_TEMPLATE_POINTER) and not is_general
        yield replace(problem, message=f"{problem.message} (in member {names})") if has_names else problem


def _resolve_target(
    target: CheckedDocument, find_problems: FindProblems
) -> tuple[CheckedDocument, list[tuple[Problem, ValuePath]]]:
    """Return a Target with the values in RoleArn and ExternalId, and (problem, path) after the substitution."""
    if not target.is_valid or (target.member is None and not target.placeholders):
        return target, []  # the reader has validated the Target
    values, spec = build_values(target), target.value["spec"]
    found: list[tuple[ValuePath, str, str]] = []
    is_complete = all(name in spec for name in _REQUIRED_FIELDS)
    fields = {name: spec[name] for name in SUBSTITUTED_FIELDS if name in spec}
    for name, text in fields.items() if is_complete else ():
        if len(text) > MAX_FIELD_LENGTH or measure(text, values) > MAX_FIELD_LENGTH:
            found.append((("spec", name), "", f"the text has more than {MAX_FIELD_LENGTH:,} characters: shorten it"))
        else:
            found += ((("spec", name), token, message) for token, message in find_unknown_names(text, values))
    if not found:
        rest = {name: value for name, value in spec.items() if name not in fields}
        resolved_fields = {name: substitute(text, values) for name, text in fields.items()} if is_complete else {}
        target = replace(target, value={**target.value, "spec": {**rest, **resolved_fields}})
        found = [(path, "", message) for path, message in find_problems("Target", target.value)]
    problems = [
        (target.build_problem(path, _add_template(target, path, message), token), path)
        for path, token, message in found
    ]
    return replace(target, rejected_paths=frozenset(path for path, _, _ in found)), problems


def _add_template(target: CheckedDocument, path: ValuePath, message: str) -> str:
    """Return the message about a missing member of a Target. A member of a set may inherit it from the template."""
    is_missing = target.member is not None and path == ("spec",)
    return f"{message}: set it in this member, or in the template" if is_missing else message


def build_values(target: CheckedDocument | None) -> Mapping[str, str]:
    """Return the values of placeholders in a valid Target. Without a Target, only its name is known."""
    if target is None:
        return {"target.name": AMBIENT_TARGET}
    spec = target.value["spec"]
    known = {"name": target.name, "region": spec.get("Region"), "accountId": spec.get("AccountId")}
    return {
        **spec.get("Values", {}),
        **{f"target.{name}": value for name, value in known.items() if isinstance(value, str)},
    }


def drop_value(message: str, tree: Any, path: ValuePath) -> str:
    """Return a message without the text at a path, so that one mistake is equal in targets with different values."""
    for step in path:
        tree = tree.get(step) if isinstance(tree, Mapping) else tree[step]
    return message.replace(tree, "") if isinstance(tree, str) and tree else message
