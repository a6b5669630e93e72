"""Resolves the references of a JSON Schema, for tools that follow none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_NAMED = {"properties", "patternProperties", "dependentSchemas"}
_SINGLE = {
    "additionalProperties", "propertyNames", "unevaluatedProperties", "items", "contains", "unevaluatedItems",
    "not", "if", "then", "else",
}  # fmt: skip
_LISTED = {"allOf", "anyOf", "oneOf", "prefixItems"}
_SAYS_ONLY = {
    "$comment", "title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly",
    "markdownDescription", "enumDescriptions", "defaultSnippets", "deprecationMessage", "doNotSuggest",
    "errorMessage", "patternErrorMessage",
}  # fmt: skip
"""What decides nothing: the annotations of JSON Schema, and the words that editors and our messages read."""


def resolved(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema without `$ref` and `$defs` that accepts the same documents.

    Beside a reference, an annotation replaces the one that is referred to, and a rule holds as well as those that are
    referred to. Raises ValueError for a reference that leads into itself or out of the schema.
    """
    plain: dict[str, Any] = _resolved(schema, schema, ())
    return plain


def _resolved(node: Any, root: Mapping[str, Any], inside: tuple[str, ...]) -> Any:
    if not isinstance(node, Mapping):  # true and false are schemas, too
        return node
    own = {key: _part(key, value, root, inside) for key, value in node.items() if key not in {"$ref", "$defs"}}
    if "$ref" not in node:
        return own
    reference = node["$ref"]
    if reference in inside:
        raise ValueError(f"{reference} refers to itself")
    meant = _resolved(_find(reference, root), root, (*inside, reference))
    if own.keys() <= _SAYS_ONLY and isinstance(meant, Mapping):
        return {**own, **{key: value for key, value in meant.items() if key not in own}}
    return {**own, "allOf": [*own.get("allOf", ()), meant]}


def _part(key: str, value: Any, root: Mapping[str, Any], inside: tuple[str, ...]) -> Any:
    """Resolve the schemas in the value of a keyword; constants, examples and snippets stay as they are."""
    if key in _NAMED:
        return {name: _resolved(inner, root, inside) for name, inner in value.items()}
    if key in _LISTED:
        return [_resolved(inner, root, inside) for inner in value]
    return _resolved(value, root, inside) if key in _SINGLE else value


def _find(reference: str, root: Mapping[str, Any]) -> Any:
    """Return what a JSON Pointer in a fragment (`#/$defs/Name`) leads to."""
    start, *steps = reference.split("/")
    if start != "#":
        raise ValueError(f"{reference} leads out of the schema")
    found: Any = root
    for step in steps:
        found = found[step.replace("~1", "/").replace("~0", "~")]
    return found
