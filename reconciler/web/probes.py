"""Answer `/healthz` and `/readyz`. A controller is healthy while runs progress, and ready with an active revision."""

from __future__ import annotations

from datetime import timedelta

from starlette.responses import PlainTextResponse, Response

from reconciler.core.controller.controller_status import ControllerStatus, TargetStatus


def build_health_response(status: ControllerStatus, stuck_after: timedelta, *, is_scheduler_running: bool) -> Response:
    """Return 503 if a run is stuck or the scheduler has stopped, otherwise 200."""
    stuck = status.find_stuck(stuck_after)
    problems = [
        f"{_describe_task(status, target_status)} has made no progress since {target_status.stalled_since:%H:%M:%SZ}"
        for target_status in stuck
    ]
    problems += [] if is_scheduler_running else ["the scheduler has stopped"]
    return _build_response("\n".join(problems or ["ok"]), 503 if problems else 200)


def _describe_task(status: ControllerStatus, target_status: TargetStatus) -> str:
    return (
        "the poll of the manifests"
        if target_status is status.source_status
        else f"the run of target {target_status.target}"
    )


def build_readiness_response(status: ControllerStatus, *, is_stopping: bool) -> Response:
    """Return 503 until the first revision is active and after a shutdown was requested, otherwise 200."""
    if is_stopping:
        return _build_response("stopping", 503)
    if status.revision is None:
        reason = f": {status.rejected_revision.reason}" if status.rejected_revision else ""
        return _build_response(f"no revision is active yet{reason}", 503)
    return _build_response("ok", 200)


def _build_response(text: str, status: int) -> Response:
    return PlainTextResponse(f"{text}\n".encode("utf-8", "replace"), status)
