"""Describe `/api/v1/` as an OpenAPI document, which contains the schemas of its answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from reconciler import __version__

_REFERENCE = "urn:appintegrations-reconciler:controller.v1"
_CACHE_HEADER = {"ETag": {"description": "The version of the answer, for If-None-Match.", "schema": {"type": "string"}}}


def build_document(schemas: Mapping[str, Any]) -> dict[str, Any]:
    """Return the document. `schemas` are those of the answers by name. They refer to one another by `$id`."""
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
        "components": {"schemas": dict(schemas)},
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
