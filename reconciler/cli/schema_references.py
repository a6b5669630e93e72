"""Resolves the references of a JSON Schema, for tools that follow none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_SCHEMA_MAPS = {"properties", "patternProperties", "dependentSchemas"}
_SINGLE_SCHEMAS = {
    "additionalProperties", "propertyNames", "unevaluatedProperties", "items", "contains", "unevaluatedItems",
    "not", "if", "then", "else",
}  # fmt: skip
_SCHEMA_LISTS = {"allOf", "anyOf", "oneOf", "prefixItems"}
_ANNOTATIONS = {
    "$comment", "title", "description", "default", "examples", "deprecated", "readOnly", "writeOnly",
    "markdownDescription", "enumDescriptions", "defaultSnippets", "deprecationMessage", "doNotSuggest",
    "errorMessage", "patternErrorMessage",
}  # fmt: skip
"""What decides nothing: the annotations of JSON Schema, and the words that editors and our messages read."""


def resolve_references(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema without `$ref` and `$defs` that accepts the same documents.

    Beside a reference, an annotation replaces the one that is referred to, and a rule holds as well as those that are
    referred to. Raises ValueError for a reference that leads into itself or out of the schema.
    """
    resolved_schema: dict[str, Any] = _resolve(schema, schema, ())
    return resolved_schema


def _resolve(node: Any, root: Mapping[str, Any], open_references: tuple[str, ...]) -> Any:
    if not isinstance(node, Mapping):  # true and false are schemas, too
        return node
    own_keywords = {
        key: _resolve_keyword(key, value, root, open_references)
        for key, value in node.items()
        if key not in {"$ref", "$defs"}
    }
    if "$ref" not in node:
        return own_keywords
    reference = node["$ref"]
    if reference in open_references:
        raise ValueError(f"{reference} refers to itself")
    referent = _resolve(_find_referent(reference, root), root, (*open_references, reference))
    if own_keywords.keys() <= _ANNOTATIONS and isinstance(referent, Mapping):
        return {**own_keywords, **{key: value for key, value in referent.items() if key not in own_keywords}}
    return {**own_keywords, "allOf": [*own_keywords.get("allOf", ()), referent]}


def _resolve_keyword(key: str, value: Any, root: Mapping[str, Any], open_references: tuple[str, ...]) -> Any:
    """Resolve the schemas in the value of a keyword; constants, examples and snippets stay as they are."""
    if key in _SCHEMA_MAPS:
        return {name: _resolve(inner, root, open_references) for name, inner in value.items()}
    if key in _SCHEMA_LISTS:
        return [_resolve(inner, root, open_references) for inner in value]
    return _resolve(value, root, open_references) if key in _SINGLE_SCHEMAS else value


def _find_referent(reference: str, root: Mapping[str, Any]) -> Any:
    """Return what a JSON Pointer in a fragment (`#/$defs/Name`) leads to."""
    start, *steps = reference.split("/")
    if start != "#":
        raise ValueError(f"{reference} leads out of the schema")
    node: Any = root
    for step in steps:
        node = node[step.replace("~1", "/").replace("~0", "~")]
    return node
