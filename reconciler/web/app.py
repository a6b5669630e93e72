"""The routes: each is a function of the board, or a webhook."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from reconciler.core.board import Board
from reconciler.web import html, probes
from reconciler.web.asked import Asked
from reconciler.web.document import written
from reconciler.web.hooks import Hooks
from reconciler.web.page import Process, page
from reconciler.web.sealed import Sealed


@dataclass(frozen=True, slots=True)
class Views:
    """What is shown. `metrics` returns a content type and a text; `manifest_url` is a template (see `places`)."""

    board: Callable[[], Board]
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

    def index(request: Request) -> Response:  # not async, as what takes long: it has a thread, and probes do not wait
        return html.answer(page(views.board(), Asked.of(request.query_params), views.process()))

    def report(_: Request) -> Response:
        return StreamingResponse(written(views.board(), views.process()), media_type="application/json")

    async def healthz(_: Request) -> Response:
        return probes.health(views.board(), views.patience, working=views.working())

    async def readyz(_: Request) -> Response:
        return probes.readiness(views.board(), stopping=views.stopping())

    async def metrics(_: Request) -> Response:
        content_type, text = views.metrics()
        return Response(text, headers={"content-type": content_type})

    app = Starlette(
        routes=[
            Route("/", index),
            Route("/static/{name}", html.static),
            Route("/api/v1/report", report),
            Route("/healthz", healthz),
            Route("/readyz", readyz),
            Route("/metrics", metrics),
            Route("/hooks/{sender}", hooks.answer, methods=["POST"]),
        ],
        middleware=[Middleware(GZipMiddleware, compresslevel=4)],
    )
    app.router.redirect_slashes = False  # it would lead to whatever host the request names
    app.middleware_stack = Sealed(app.build_middleware_stack())  # not one of them: errors are answered outside of those
    return app
