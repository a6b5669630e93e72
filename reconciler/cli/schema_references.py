"""Resolve the references of a JSON Schema, for tools that do not follow references."""

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
    "errorMessage", "patternErrorMessage", "textErrorMessage", "listErrorMessage", "mapErrorMessage",
    "mistakes", "units", "unknownKeyMessages",
}  # fmt: skip
"""Keywords that do not affect validation: annotations, and keywords for editors and for our messages."""


def resolve_references(schema: Mapping[str, Any]) -> dict[str, Any]:
    """Return a schema without `$ref` and `$defs` that accepts the same documents.

    An annotation beside a reference replaces the annotation of the referenced schema. A rule beside a reference
    applies in addition to the rules of the referenced schema. Raises ValueError for a circular reference, and for a
    reference to another document.
    """
    resolved_schema: dict[str, Any] = _resolve(schema, schema, ())
    return resolved_schema


def _resolve(node: Any, root: Mapping[str, Any], open_references: tuple[str, ...]) -> Any:
    if not isinstance(node, Mapping):  # `true` and `false` are schemas as well
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
    """Return the value of a keyword with its schemas resolved. Constants, examples and snippets stay unchanged."""
    if key in _SCHEMA_MAPS:
        return {name: _resolve(inner, root, open_references) for name, inner in value.items()}
    if key in _SCHEMA_LISTS:
        return [_resolve(inner, root, open_references) for inner in value]
    return _resolve(value, root, open_references) if key in _SINGLE_SCHEMAS else value


def _find_referent(reference: str, root: Mapping[str, Any]) -> Any:
    """Return the schema at a JSON Pointer in a fragment, such as `#/$defs/Name`."""
    start, *steps = reference.split("/")
    if start != "#":
        raise ValueError(f"{reference} leads out of the schema")
    node: Any = root
    for step in steps:
        node = node[step.replace("~1", "/").replace("~0", "~")]
    return node
