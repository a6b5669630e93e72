"""The board as JSON, by schemas/controller.v1.json: what the page shows, for programs.

It is written piece by piece: the runs of a busy day, or thousands of associations, all at once, would take tens of MB,
of which Python then keeps a part.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from reconciler.core.controller.status import ControllerStatus, FinishedRun, RejectedRevision, TargetStatus
from reconciler.render.formats import json
from reconciler.web.page.page import Process

FORMAT = "reconciler/controller/v1"


def written(board: ControllerStatus, process: Process) -> Iterator[str]:
    """Yield the board as the document that the schema describes, in pieces."""
    stuck = board.find_stuck(process.patience)
    targets = json.items(_lane(lane, stuck=lane in stuck) for lane in board.targets)
    runs = json.items((json.line(_run(run)),) for run in board.finished_runs)
    yield from json.members(_board(board, process), targets=targets, runs=runs)
    yield "\n"


def _board(board: ControllerStatus, process: Process) -> dict[str, Any]:
    revision, stuck = board.revision, board.find_stuck(process.patience)
    return {
        "format": FORMAT,
        "generatedAt": board.now.isoformat(),
        "startedAt": board.started_at.isoformat(),
        "sourceCheckedAt": _time(board.source_checked_at),
        "revision": revision
        and {"id": revision.id, "since": revision.since.isoformat(), "manifests": revision.manifest_count},
        "rejection": board.rejected_revision and _refusal(board.rejected_revision),
        "schedulerRunning": process.working,
        "stopping": process.stopping,
        "sourceStuck": board.source_status in stuck,
    }


def _refusal(refusal: RejectedRevision) -> dict[str, Any]:
    return {
        "reason": refusal.reason,
        "since": refusal.since.isoformat(),
        "problems": [json.problem(problem) for problem in refusal.problems],
    }


def _lane(lane: TargetStatus, *, stuck: bool) -> Iterator[str]:
    head = {
        "target": lane.target,
        "runningSince": _time(lane.running_since),
        "lastProgressAt": _time(lane.last_progress),
        "nextRunAt": _time(lane.next_run),
        "stuck": stuck,
        "consecutiveFailures": lane.failures,
        "lastSuccessAt": _time(lane.last_success),
    }
    unseen = json.items((json.line(json.association(each)),) for each in lane.unlisted_associations.values())
    yield from json.members(
        head, lastSeen=unseen, report=json.written(lane.last_report) if lane.last_report else ("null",)
    )


def _run(run: FinishedRun) -> dict[str, Any]:
    return {
        "id": run.id,
        "target": run.target,
        "startedAt": run.started_at.isoformat(),
        "finishedAt": run.finished_at.isoformat(),
        "succeeded": run.is_success,
        "written": run.write_count,
        "drifted": run.drift_count,
        "open": run.open_count,
    }


def _time(time: datetime | None) -> str | None:
    return time.isoformat() if time else None
