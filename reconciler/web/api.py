"""The board as JSON, by schemas/controller.v1.json: what the page shows, for programs.

It is written piece by piece: the runs of a busy day, or thousands of associations, all at once, would take tens of MB,
of which Python then keeps a part.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from reconciler.core.controller.status import Board, Lane, PastRun, Refusal
from reconciler.render.formats import json
from reconciler.web.page.page import Process

FORMAT = "reconciler/controller/v1"


def written(board: Board, process: Process) -> Iterator[str]:
    """Yield the board as the document that the schema describes, in pieces."""
    stuck = board.stuck(process.patience)
    targets = json.items(_lane(lane, stuck=lane in stuck) for lane in board.lanes)
    runs = json.items((json.line(_run(run)),) for run in board.past)
    yield from json.members(_board(board, process), targets=targets, runs=runs)
    yield "\n"


def _board(board: Board, process: Process) -> dict[str, Any]:
    revision, stuck = board.revision, board.stuck(process.patience)
    return {
        "format": FORMAT,
        "generatedAt": board.now.isoformat(),
        "startedAt": board.started.isoformat(),
        "sourceCheckedAt": _time(board.looked),
        "revision": revision
        and {"id": revision.id, "since": revision.since.isoformat(), "manifests": revision.manifests},
        "rejection": board.refusal and _refusal(board.refusal),
        "schedulerRunning": process.working,
        "stopping": process.stopping,
        "sourceStuck": board.looking in stuck,
    }


def _refusal(refusal: Refusal) -> dict[str, Any]:
    return {
        "reason": refusal.reason,
        "since": refusal.since.isoformat(),
        "problems": [json.problem(problem) for problem in refusal.problems],
    }


def _lane(lane: Lane, *, stuck: bool) -> Iterator[str]:
    head = {
        "target": lane.target,
        "runningSince": _time(lane.running),
        "lastProgressAt": _time(lane.moved),
        "nextRunAt": _time(lane.due),
        "stuck": stuck,
        "consecutiveFailures": lane.failures,
        "lastSuccessAt": _time(lane.succeeded),
    }
    unseen = json.items((json.line(json.association(each)),) for each in lane.unseen.values())
    yield from json.members(head, lastSeen=unseen, report=json.written(lane.last) if lane.last else ("null",))


def _run(run: PastRun) -> dict[str, Any]:
    return {
        "id": run.id,
        "target": run.target,
        "startedAt": run.started.isoformat(),
        "finishedAt": run.finished.isoformat(),
        "succeeded": run.well,
        "written": run.made,
        "drifted": run.drifted,
        "open": run.open,
    }


def _time(time: datetime | None) -> str | None:
    return time.isoformat() if time else None
