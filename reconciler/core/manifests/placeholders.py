"""Substitute placeholders such as `${bucket}` in the strings of a document, once and without logic."""

from __future__ import annotations

import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping

from reconciler.core.manifests.document import ValuePath
from reconciler.core.model import Json
from reconciler.core.suggestions import find_closest, format_suggestion, join_names
from reconciler.core.text import shorten

_MARK = "${"
_PLACEHOLDER = re.compile(r"\$\$\{|\$\{(?P<name>[^{}]*)\}|\$\{")
"""An escaped mark, a placeholder, or a mark that no brace closes."""
_DOUBLE_BRACES = re.compile(r"\$\{\{+ *(?P<name>[^{} ]{1,80}) *\}\}+")
_VALUE_NAME = re.compile("[A-Za-z_][A-Za-z0-9_-]{0,62}")
"""A name that Values of a Target may have, as in the schema."""


def find_texts(tree: Json, path: ValuePath = ()) -> Iterator[tuple[ValuePath, str]]:
    """Yield (path, string) for each string of a tree that contains `${`. `path` is the path of the tree."""
    match tree:
        case str() if _MARK in tree:
            yield path, tree
        case Mapping():
            for key, value in tree.items():
                yield from find_texts(value, (*path, key))
        case list():
            for index, value in enumerate(tree):
                yield from find_texts(value, (*path, index))
        case _:
            pass


def find_tokens(text: str) -> Iterator[str]:
    """Yield the text of each placeholder of a string, as the string has it."""
    return (match[0] for match in _PLACEHOLDER.finditer(text))


def find_unknown_names(
    text: str,
    values: Mapping[str, str],
    suggest: Callable[[str, Iterable[str]], str | None] = find_closest,
    declared_names: Container[str] = (),
) -> Iterator[tuple[str, str]]:
    """Yield (text of the placeholder, message) for each placeholder of a string that has no value.

    `suggest` returns the known name that is most similar to an unknown one. `declared_names` are the names of values
    that some Target has.
    """
    for match in _PLACEHOLDER.finditer(text):
        name = match["name"]
        if match[0] == _MARK and (double := _DOUBLE_BRACES.match(text, match.start())):
            yield match[0], f"{shorten(double[0])} has more than one pair of braces: write ${{{double['name']}}}"
        elif match[0] == _MARK:
            yield match[0], "'${' has no closing brace: write ${NAME} for a value, or $${ for the characters ${"
        elif name is not None and name not in values:
            yield (
                match[0],
                f"no value has the name {shorten(name)}: {_find_remedy(name, values, suggest, declared_names)}",
            )


def _find_remedy(
    name: str,
    values: Mapping[str, str],
    suggest: Callable[[str, Iterable[str]], str | None],
    declared_names: Container[str],
) -> str:
    """Return what to do about an unknown name. A name that other Targets have is missing, and not misspelt."""
    if name in declared_names:
        return f"add {name!r} to Values of the Target"
    if name.startswith("target.labels"):
        return "labels are no values: add the text to Values of the Target"
    if closest := suggest(name, values):
        return format_suggestion(repr(closest))
    use = f"use {join_names(sorted(values))}"
    return f"{use}, or declare {name!r} in Values of a Target" if _VALUE_NAME.fullmatch(name) else use


def measure(text: str, values: Mapping[str, str]) -> int:
    """Return an upper bound of the length of a string after its substitution."""
    return len(text) + sum(len(values.get(match["name"], "")) for match in _PLACEHOLDER.finditer(text))


def substitute(tree: Json, values: Mapping[str, str]) -> Json:
    """Return a tree with the value in the place of each `${name}` in its strings, and `${` in the place of `$${`.

    Keys stay unchanged, and values are not searched for placeholders. Parts without a placeholder are shared with
    `tree`. Raises KeyError for a name without a value.
    """
    match tree:
        case str():
            return _PLACEHOLDER.sub(lambda match: _replace(match, values), tree) if _MARK in tree else tree
        case Mapping():
            members = {key: substitute(value, values) for key, value in tree.items()}
            return members if any(members[key] is not value for key, value in tree.items()) else tree
        case list():
            items = [substitute(value, values) for value in tree]
            return items if any(one is not other for one, other in zip(items, tree, strict=True)) else tree
        case _:
            return tree


def _replace(match: re.Match[str], values: Mapping[str, str]) -> str:
    name = match["name"]
    return _MARK if name is None else values[name]


def escape(tree: Json) -> Json:
    """Return a tree whose substitution gives the original tree: `$${` in the place of each `${`."""
    match tree:
        case str():
            return tree.replace(_MARK, "$" + _MARK)
        case Mapping():
            return {key: escape(value) for key, value in tree.items()}
        case list() | tuple():
            return [escape(value) for value in tree]
        case _:
            return tree
