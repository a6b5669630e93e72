"""The routes: each is a function of the board, or a webhook."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from reconciler.core.controller.status import ControllerStatus
from reconciler.web import probes
from reconciler.web.api import written
from reconciler.web.page import html
from reconciler.web.page.filters import Asked
from reconciler.web.page.page import Process, page
from reconciler.web.response_cache import Found, Shared
from reconciler.web.sanitize import typed
from reconciler.web.security_headers import Sealed
from reconciler.web.webhooks import Hooks

_FRESH = 15
"""For how many seconds at most a page or a document is shared while nothing changes but the time."""


@dataclass(frozen=True, slots=True)
class Views:
    """What is shown. `metrics` returns a content type and a text; `manifest_url` is a template (see `places`)."""

    board: Callable[[], ControllerStatus]
    metrics: Callable[[], tuple[str, bytes]]
    patience: timedelta
    working: Callable[[], bool]
    stopping: Callable[[], bool]
    manifest_url: str | None = None

    def process(self) -> Process:
        """Return what the board does not know."""
        return Process(self.working(), self.stopping(), self.patience, self.manifest_url)


def application(views: Views, hooks: Hooks) -> Starlette:
    """Return the application."""
    pages, reports, metrics = Shared(), Shared(), Shared()

    async def index(request: Request) -> Response:
        asked = Asked.of(request.query_params)

        def look() -> Found:
            board, process = views.board(), views.process()
            return Found(_state(board, process), "text/html", html.written(page(typed(board), asked, process)))

        return await pages.answer(request, asked, look)

    async def report(request: Request) -> Response:
        def look() -> Found:
            board, process = views.board(), views.process()
            return Found(_state(board, process), "application/json", written(typed(board), process))

        return await reports.answer(request, None, look)

    async def healthz(_: Request) -> Response:
        return probes.health(views.board(), views.patience, working=views.working())

    async def readyz(_: Request) -> Response:
        return probes.readiness(views.board(), stopping=views.stopping())

    async def measures(request: Request) -> Response:
        def look() -> Found:
            content_type, text = views.metrics()
            return Found(None, content_type, (text.decode(),))

        return await metrics.answer(request, None, look)

    app = Starlette(
        routes=[
            Route("/", index),
            Route("/static/{name}", html.static),
            Route("/api/v1/report", report),
            Route("/healthz", healthz),
            Route("/readyz", readyz),
            Route("/metrics", measures),
            Route("/hooks/{sender}", hooks.answer, methods=["POST"]),
        ],
        middleware=[Middleware(GZipMiddleware, compresslevel=4)],
    )
    app.router.redirect_slashes = False  # it would lead to whatever host the request names
    app.middleware_stack = Sealed(app.build_middleware_stack())  # not one of them: errors are answered outside of those
    return app


def _state(board: ControllerStatus, process: Process) -> object:
    """Return what is equal for as long as documents may stay as they are, though time passes."""

    def coarse(time: datetime | None) -> int | None:
        return round(time.timestamp()) if time else None

    stuck = tuple(lane.target for lane in board.find_stuck(process.patience))
    times = tuple((coarse(lane.last_progress), coarse(lane.next_run)) for lane in board.targets)
    lanes = tuple(replace(lane, last_progress=None, next_run=None) for lane in board.targets)
    still = replace(board, now=board.started_at, targets=lanes, source_status=None)
    return int(board.now.timestamp() // _FRESH), still, times, stuck, process
