"""Describe `/api/v1/` as an OpenAPI document, which contains the schemas of its answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler import __version__

_COMPONENTS = "#/components/schemas/"
_REFERENCE = f"{_COMPONENTS}controller"
_CACHE_HEADER = {"ETag": {"description": "The version of the answer, for If-None-Match.", "schema": {"type": "string"}}}


def build_document(schemas: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document. `schemas` are those of the answers by name. They refer to one another by `$id`.

    In the document they and their definitions are components, and all references are JSON pointers in the document.
    Generators of clients and validators follow no others.
    """
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "AppIntegrations reconciler",
            "version": __version__,
            "description": "The state of a controller. Everything is read-only. There is no login.",
        },
        "paths": {
            "/api/v1/report": {"get": _describe_report()},
            "/api/v1/openapi.json": {
                "get": {
                    "operationId": "getDescription",
                    "summary": "This document",
                    "responses": {"200": _describe_answer("This document.", {"type": "object"})},
                }
            },
        },
        "components": {"schemas": _collect_components(schemas)},
    }


def _describe_report() -> dict[str, Any]:
    return {
        "operationId": "getReport",
        "summary": "The content of the page as JSON",
        "parameters": [
            {
                "name": "If-None-Match",
                "in": "header",
                "required": False,
                "description": "The ETag of an earlier answer.",
                "schema": {"type": "string"},
            }
        ],
        "responses": {
            "200": _describe_answer("The state of the controller.", {"$ref": _REFERENCE}) | {"headers": _CACHE_HEADER},
            "304": {"description": "Only the time has changed since the earlier answer.", "headers": _CACHE_HEADER},
            "503": {
                "description": "Too many slow readers use the memory for answers. Retry later.",
                "headers": {"Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}},
                "content": {"text/plain": {"schema": {"type": "string"}}},
            },
        },
    }


def _describe_answer(description: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def _collect_components(schemas: Mapping[str, Any]) -> dict[str, Any]:
    """Return each schema and each of its definitions as a component, such as `report` and `report_Association`."""
    names = {schema["$id"]: name for name, schema in schemas.items()}
    components = {}
    for name, schema in schemas.items():
        definitions = {f"{name}_{each}": definition for each, definition in schema.get("$defs", {}).items()}
        root = {key: value for key, value in schema.items() if key not in {"$id", "$schema", "$defs"}}
        for component, content in {name: root, **definitions}.items():
            components[component] = _replace_references(content, name, names)
    return components


def _replace_references(content: Any, name: str, names: Mapping[str, str]) -> Any:
    """Return a part of the schema `name` with references to components. `names` are those of the schemas by `$id`."""
    if isinstance(content, list):
        return [_replace_references(each, name, names) for each in content]
    if not isinstance(content, Mapping):
        return content
    copy = {key: _replace_references(value, name, names) for key, value in content.items()}
    if isinstance(reference := content.get("$ref"), str):
        schema_id, _, pointer = reference.partition("#")
        definition = pointer.removeprefix("/$defs/")
        copy["$ref"] = _COMPONENTS + "_".join(filter(None, (names.get(schema_id, name), definition)))
    return copy
