"""Validate documents against the JSON Schemas: a fast validator decides, and a slow one explains.

jsonschema-rs accepts a valid document in microseconds. Only a rejected document goes to jsonschema, whose errors
`schema_messages.py` turns into messages. A rejected document stays rejected, even if jsonschema accepts it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Container, Iterator
from functools import cache
from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import Any

from reconciler.core.model import Json
from reconciler.edge.manifests.patterns import build_fast_validator, build_pattern_check
from reconciler.edge.manifests.schema_messages import describe_placeholder, explain_error, has_placeholder

SCHEMA_FILES = {
    "DataIntegrationAssociation": "data-integration-association.v1.json",
    "Target": "target.v1.json",
    "TargetSet": "target-set.v1.json",
}
"""The schema file of each kind of manifest."""

_PLACEHOLDER_ALTERNATIVE = r"|\$\{"
"""The end of each pattern that accepts a string with a placeholder."""


def load_schema(file: str) -> dict[str, Any]:
    """Return a schema of the program by its file name."""
    folder: Traversable = files("reconciler") / "schemas"
    if not folder.is_dir():  # in a checkout, the schemas are not inside the package
        folder = Path(__file__).parents[3] / "schemas"
    document: dict[str, Any] = json.loads((folder / file).read_text(encoding="utf-8"))
    return document


def load_kind(kind: str, *, is_substituted: bool = False) -> dict[str, Any]:
    """Return the schema of a kind. In the schema of a substituted document, patterns accept no placeholder.

    Editors apply the schema file to documents before the substitution, and should not mark every placeholder.
    """
    rules = load_schema(SCHEMA_FILES[kind])
    return _remove_placeholders(rules) if is_substituted else rules


def _remove_placeholders(node: Any) -> Any:
    """Return a schema without the alternative for placeholders in its patterns."""
    match node:
        case dict():
            return {key: _remove_placeholders(value) for key, value in node.items()}
        case list():
            return [_remove_placeholders(each) for each in node]
        case str():
            return node.removesuffix(_PLACEHOLDER_ALTERNATIVE)
        case _:
            return node


_FORM_KEYWORDS = frozenset(("const", "enum", "pattern", "type"))
"""The keywords that refuse the form of a text. A text of the right form may be free text with a literal `${`."""


@cache
def get_fast_check(kind: str, *, is_substituted: bool = False) -> Callable[[Json], bool]:
    """Return the fast validator of a kind, a function from a document to a boolean."""
    return build_fast_validator(load_kind(kind, is_substituted=is_substituted)).is_valid


def find_schema_problems(
    kind: str,
    document: Json,
    find_source_text: Callable[[tuple[str | int, ...]], str],
    placeholders: Container[tuple[str | int, ...]] = (),
    *,
    is_substituted: bool = False,
) -> Iterator[tuple[tuple[str | int, ...], bool, str]]:
    """Yield (path, whether the problem is the key, message) for each problem of a rejected document.

    `find_source_text` returns the value at a path in the spelling of the file. The text of a string at one of the
    paths in `placeholders` is not checked, because it is substituted later.
    """
    has_explanation = False
    for error in _build_slow_validator(kind, is_substituted=is_substituted).iter_errors(document):
        for path, is_key, message in explain_error(error, find_source_text):
            has_explanation = True
            is_replaced = is_substituted or (path in placeholders and not is_key)
            if not is_replaced and error.validator in _FORM_KEYWORDS and has_placeholder(error.instance):
                yield path, is_key, describe_placeholder(error.instance)
            elif is_substituted or not is_replaced or error.validator == "type":
                yield path, is_key, message
    if not has_explanation:
        for refusal in build_fast_validator(load_kind(kind, is_substituted=is_substituted)).iter_errors(document):
            yield tuple(refusal.instance_path), False, refusal.message


@cache
def _build_slow_validator(kind: str, *, is_substituted: bool = False) -> Any:
    from jsonschema import (  # noqa: PLC0415 - see TYPE_CHECKING in schema_messages.py
        Draft202012Validator,
        ValidationError,
        validators,
    )

    extend: Any = validators.extend

    def match_pattern(_: Any, regex: str, instance: object, __: Any) -> Iterator[ValidationError]:
        """Match a pattern with the fast validator, by the same ECMA-262 rules and in linear time."""
        if isinstance(instance, str) and not build_pattern_check(regex)(instance):
            yield ValidationError("pattern")

    return extend(Draft202012Validator, {"pattern": match_pattern})(load_kind(kind, is_substituted=is_substituted))
