"""Tests for `/api/v1/`: the report has the content of the page, and every answer fits the OpenAPI document."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import jsonschema
import pytest
from referencing import Registry, Resource
from starlette.routing import Route
from support import statuses
from support.builders import NOW
from support.sites import EMPTY, Site

from reconciler.core.controller.controller_status import ControllerStatus, TargetStatus
from reconciler.edge.manifests.schema import load_schema
from reconciler.render.formats.json import encode_report
from reconciler.web.app import Views, build_application
from reconciler.web.openapi import build_document
from reconciler.web.webhooks import Webhooks

REGISTRY: Registry[Any] = Registry().with_resource(
    "urn:appintegrations-reconciler:report.v1", Resource.from_contents(load_schema("report.v1.json"))
)
VALIDATOR = jsonschema.Draft202012Validator(load_schema("controller.v1.json"), registry=REGISTRY)


@pytest.mark.parametrize(
    "status",
    [
        EMPTY, statuses.build_status_before_first_revision(), statuses.build_status_without_manifests(),
        statuses.build_status_in_sync(), statuses.build_status_with_open_differences(),
        statuses.build_status_with_rejected_revision(), statuses.build_status_with_failing_target(),
        statuses.build_status_with_failure_history(),
        statuses.build_status_with_foreign_text("\u202e</script>"),
    ],
)  # fmt: skip
def test_every_controller_state_fits_the_schema(site: Site, status: ControllerStatus) -> None:
    """Each controller status fits the schema, with the last report of each target as `-o json` writes it."""
    site.status = status
    response = site.get("/api/v1/report")
    assert (response.status, response.headers["content-type"]) == (200, "application/json")
    VALIDATOR.validate(response.json)
    assert [each["report"] for each in response.json["targets"]] == [
        target.last_report and encode_report(target.last_report) for target in status.targets
    ]
    assert len(response.json["runs"]) == len(status.finished_runs)


def test_report_contains_the_probe_states(site: Site) -> None:
    """The JSON says which target is stuck, and whether the poll, the scheduler or the process has stopped."""
    idle_report = site.get("/api/v1/report").json
    assert (idle_report["schedulerRunning"], idle_report["stopping"], idle_report["sourceStuck"]) == (
        True,
        False,
        False,
    )
    overdue_target = replace(statuses.build_target_status(None), next_run=NOW - timedelta(minutes=11))
    source_status = TargetStatus("(git)", NOW, NOW - timedelta(minutes=11), None, 0, None, None)
    site.status = replace(
        statuses.build_status(overdue_target, statuses.build_target_status(None, "other")), source_status=source_status
    )
    site.is_scheduler_running, site.is_stopping = False, True
    report = site.get("/api/v1/report").json
    VALIDATOR.validate(report)
    assert (report["schedulerRunning"], report["stopping"], report["sourceStuck"]) == (False, True, True)
    assert [each["stuck"] for each in report["targets"]] == [True, False]


@pytest.mark.parametrize("count", [0, 1, 199, 200, 201, 400, 401])
def test_streamed_runs_are_complete_and_ordered(site: Site, count: int) -> None:
    """The runs are complete and in order for any number of them."""
    runs = tuple(
        replace(run, id=f"r{number}")
        for number, run in enumerate((*statuses.build_finished_runs(), *statuses.build_finished_runs()))
    )[:count]
    site.status = replace(statuses.build_status_in_sync(), finished_runs=runs)
    report = site.get("/api/v1/report").json
    VALIDATOR.validate(report)
    assert [each["id"] for each in report["runs"]] == [f"r{number}" for number in range(count)]


def test_rejected_revision_is_reported_with_its_problems(site: Site) -> None:
    """A rejected revision is reported with its reason, its time and each problem with its place."""
    site.status = statuses.build_status_with_rejected_revision()
    rejection = site.get("/api/v1/report").json["rejection"]
    assert (rejection["reason"], rejection["since"]) == (
        "2 problems in the manifests of commit 9c1b", "2026-11-01T11:00:00+00:00",
    )  # fmt: skip
    assert [(each["file"], each["line"]) for each in rejection["problems"]] == [
        ("manifests/a.yaml", 7), ("manifests/b.yaml", 1),
    ]  # fmt: skip


@pytest.mark.parametrize("path", ["/", "/api/v1/report", "/static/page.css"])
def test_report_endpoint_is_read_only(site: Site, path: str) -> None:
    """The page, the JSON and static files refuse POST."""
    assert site.post(path, b"{}", {}).status == 405


def read_description(site: Site) -> Any:
    """Return the OpenAPI document as the site serves it."""
    return site.get("/api/v1/openapi.json").json


def list_references(content: Any) -> Iterator[str]:
    """Yield the references in a part of a document."""
    if isinstance(content, dict):
        yield from [content["$ref"]] if isinstance(content.get("$ref"), str) else []
        content = list(content.values())
    for each in content if isinstance(content, list) else ():
        yield from list_references(each)


def test_references_in_the_openapi_document_are_json_pointers(site: Site) -> None:
    """Each reference is a JSON pointer to a part of the document, which every generator of clients can follow."""
    document = read_description(site)
    references = set(list_references(document))
    assert {"#/components/schemas/controller", "#/components/schemas/report_Association"} <= references
    for reference in references:
        assert reference.startswith("#/components/schemas/")
        assert reference.removeprefix("#/components/schemas/") in document["components"]["schemas"], reference
    assert all(re.fullmatch(r"[A-Za-z0-9._-]+", name) for name in document["components"]["schemas"])
    assert not {"$id", "$schema", "$defs"} & {
        key for each in document["components"]["schemas"].values() for key in each
    }


def test_openapi_document_describes_every_path() -> None:
    """The document has exactly the paths below /api/ that the application serves, each with GET only."""
    document = build_document({})
    views = Views(lambda: EMPTY, lambda: ("", b""), timedelta(1), bool, bool)
    application = build_application(views, Webhooks(lambda: None, None, lambda: None, lambda: None, lambda *_: None))
    routes = {route.path: route.methods for route in application.routes if isinstance(route, Route)}
    served = {path: methods for path, methods in routes.items() if path.startswith("/api/")}
    assert {path: {name.upper() for name in each} for path, each in document["paths"].items()} == {
        path: (methods or set()) - {"HEAD"} for path, methods in served.items()
    }
    assert document["openapi"] == "3.1.0"
    ids = [operation["operationId"] for each in document["paths"].values() for operation in each.values()]
    assert len(ids) == len(set(ids))


@pytest.mark.parametrize("path", ["/api/v1/report", "/api/v1/openapi.json"])
def test_answers_fit_the_openapi_document(site: Site, path: str) -> None:
    """Each answer has a status, a type, headers and a content that the document describes, from its own schemas."""
    document = read_description(site)
    responses = document["paths"][path]["get"]["responses"]
    for status in (EMPTY, statuses.build_status_with_windows(), statuses.build_status_with_failure_history()):
        site.status = status
        response = site.get(path)
        description = responses[str(response.status)]
        (media_type, content), *others = description["content"].items()
        assert (others, response.headers["content-type"]) == ([], media_type)
        validator = jsonschema.Draft202012Validator({"components": document["components"], **content["schema"]})
        validator.validate(response.json)
        assert all(name.lower() in response.headers for name in description.get("headers", {}))
        assert list(validator.iter_errors([]))
        if etag := response.headers.get("etag"):
            unchanged = site.get(path, **{"If-None-Match": etag})
            assert (unchanged.status, unchanged.body) == (304, b"")
            assert "304" in responses


def test_openapi_document_fits_the_schema_of_openapi(site: Site) -> None:
    """Each operation has the members that OpenAPI 3.1 requires, and each schema is a valid one of JSON Schema."""
    document = read_description(site)
    assert {"title", "version"} <= document["info"].keys()
    for each in document["paths"].values():
        for response in each["get"]["responses"].values():
            assert response["description"]
    for schema in document["components"]["schemas"].values():
        jsonschema.Draft202012Validator.check_schema(schema)
