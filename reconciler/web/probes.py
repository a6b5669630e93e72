"""`/healthz` and `/readyz`: progress decides whether a controller lives, and a revision whether it is ready."""

from __future__ import annotations

from datetime import timedelta

from starlette.responses import PlainTextResponse, Response

from reconciler.core.controller.status import ControllerStatus, TargetStatus


def health(board: ControllerStatus, patience: timedelta, *, working: bool) -> Response:
    """Say 503 where a run makes no progress, or nothing would be run any more."""
    stuck = board.find_stuck(patience)
    wrong = [f"{_what(board, lane)} has made no progress since {lane.stalled_since:%H:%M:%SZ}" for lane in stuck]
    wrong += [] if working else ["the timetable has stopped"]
    return _said("\n".join(wrong or ["ok"]), 503 if wrong else 200)


def _what(board: ControllerStatus, lane: TargetStatus) -> str:
    return "the poll of git" if lane is board.source_status else f"the run of target {lane.target}"


def readiness(board: ControllerStatus, *, stopping: bool) -> Response:
    """Say 503 until a first revision is active, and when a stop was asked for."""
    if stopping:
        return _said("stopping", 503)
    if board.revision is None:
        reason = f": {board.rejected_revision.reason}" if board.rejected_revision else ""
        return _said(f"no revision is active yet{reason}", 503)
    return _said("ok", 200)


def _said(text: str, status: int) -> Response:
    return PlainTextResponse(f"{text}\n".encode("utf-8", "replace"), status)
