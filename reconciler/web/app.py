"""Build the web application: its routes, caches and middleware."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from reconciler.core.controller.controller_status import ControllerStatus
from reconciler.core.shards import Shard
from reconciler.web import probes
from reconciler.web.api import stream_json
from reconciler.web.openapi import build_document
from reconciler.web.page import html
from reconciler.web.page.page import Process, build_page
from reconciler.web.page.view import View
from reconciler.web.response_cache import ResponseCache, ResponseContent
from reconciler.web.sanitize import enforce_types
from reconciler.web.security_headers import SecurityHeaders
from reconciler.web.webhooks import Webhooks

_MAX_AGE = 15
"""Seconds after which a cached page or document is rendered again, even if only the time has changed."""


@dataclass(frozen=True, slots=True)
class Views:
    """The sources of the served documents.

    `api_schemas` are the JSON schemas of the answers of the API, by name. `render_metrics` returns a content type and a
    text. `manifest_url` and `commit_url` are templates (see `web/page/links.py`). `shard` is the shard of the
    controller, or None if it has the targets of all shards.
    """

    get_status: Callable[[], ControllerStatus]
    render_metrics: Callable[[], tuple[str, bytes]]
    stuck_after: timedelta
    is_scheduler_running: Callable[[], bool]
    is_stopping: Callable[[], bool]
    manifest_url: str | None = None
    commit_url: str | None = None
    api_schemas: Mapping[str, Any] = field(default_factory=dict)
    shard: Shard | None = None

    def build_process(self) -> Process:
        """Return the state and settings of the process that are not in the controller status."""
        return Process(
            self.is_scheduler_running(),
            self.is_stopping(),
            self.stuck_after,
            self.manifest_url,
            self.commit_url,
            self.shard,
        )


def build_application(views: Views, webhooks: Webhooks) -> Starlette:
    """Return the application with its routes and middleware."""
    page_cache, report_cache, metrics_cache = ResponseCache(), ResponseCache(), ResponseCache()

    async def show_page(request: Request) -> Response:
        view = View.from_parameters(request.query_params.multi_items())

        def build_content() -> ResponseContent:
            status, process = views.get_status(), views.build_process()
            return ResponseContent(
                _compute_cache_state(status, process), "text/html", _stream_page(status, view, process)
            )

        return await page_cache.respond(request, view, build_content)

    async def show_report(request: Request) -> Response:
        def build_content() -> ResponseContent:
            status, process = views.get_status(), views.build_process()
            return ResponseContent(
                _compute_cache_state(status, process), "application/json", _stream_report(status, process)
            )

        return await report_cache.respond(request, None, build_content)

    async def describe_api(_: Request) -> Response:
        return JSONResponse(build_document(views.api_schemas))

    async def report_health(_: Request) -> Response:
        return probes.build_health_response(
            views.get_status(), views.stuck_after, is_scheduler_running=views.is_scheduler_running()
        )

    async def report_readiness(_: Request) -> Response:
        return probes.build_readiness_response(views.get_status(), is_stopping=views.is_stopping())

    async def show_metrics(request: Request) -> Response:
        def build_content() -> ResponseContent:
            content_type, text = views.render_metrics()
            return ResponseContent(None, content_type, (text.decode(),))

        return await metrics_cache.respond(request, None, build_content)

    app = Starlette(
        routes=[
            Route("/", show_page),
            Route("/static/{name}", html.serve_static),
            Route("/api/v1/report", show_report),
            Route("/api/v1/openapi.json", describe_api),
            Route("/healthz", report_health),
            Route("/readyz", report_readiness),
            Route("/metrics", show_metrics),
            Route("/hooks/{sender}", webhooks.respond, methods=["POST"]),
        ],
        middleware=[Middleware(GZipMiddleware, compresslevel=4)],
    )
    app.router.redirect_slashes = False  # a redirect would go to any host that the request names
    # A middleware would miss internal errors, because Starlette answers them outside the list of middleware.
    app.middleware_stack = SecurityHeaders(app.build_middleware_stack())
    return app


def _stream_page(status: ControllerStatus, view: View, process: Process) -> Iterator[str]:
    """Yield the page in pieces. Nothing is built if the cache has the page."""
    yield from html.stream_page(build_page(enforce_types(status), view, process))


def _stream_report(status: ControllerStatus, process: Process) -> Iterator[str]:
    """Yield the JSON report in pieces, as above."""
    yield from stream_json(enforce_types(status), process)


def _compute_cache_state(status: ControllerStatus, process: Process) -> object:
    """Return a value that stays equal while a cached document may be reused."""

    def round_to_seconds(time: datetime | None) -> int | None:
        return round(time.timestamp()) if time else None

    stuck_targets = tuple(target_status.target for target_status in status.find_stuck(process.stuck_after))
    times = tuple(
        (round_to_seconds(target_status.last_progress), round_to_seconds(target_status.next_run))
        for target_status in status.targets
    )
    targets = tuple(replace(target_status, last_progress=None, next_run=None) for target_status in status.targets)
    stable_status = replace(status, now=status.started_at, targets=targets, source_status=None)
    return int(status.now.timestamp() // _MAX_AGE), stable_status, times, stuck_targets, process
