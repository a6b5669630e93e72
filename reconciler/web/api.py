"""Encode the controller status as JSON (schemas/controller.v1.json), with the same content as the page.

The document is streamed in pieces. Encoding the runs of a busy day or thousands of associations at once would take tens
of MB, and Python would keep part of that memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from reconciler.core.controller.controller_status import ControllerStatus, FinishedRun, RejectedRevision, TargetStatus
from reconciler.render.formats import json
from reconciler.web.page.page import Process

FORMAT = "reconciler/controller/v1"


def stream_json(status: ControllerStatus, process: Process) -> Iterator[str]:
    """Yield the controller status in pieces, as the document that the schema describes."""
    stuck_targets = {each.target for each in status.find_stuck(process.stuck_after)}
    targets = json.stream_array(
        _stream_target(target_status, is_stuck=target_status.target in stuck_targets)
        for target_status in status.targets
    )
    runs = json.stream_array((json.dump_line(_encode_run(run)),) for run in status.finished_runs)
    yield from json.stream_object(_encode_head(status, process), targets=targets, runs=runs)
    yield "\n"


def _encode_head(status: ControllerStatus, process: Process) -> dict[str, Any]:
    revision, stuck = status.revision, status.find_stuck(process.stuck_after)
    return {
        "format": FORMAT,
        "generatedAt": status.now.isoformat(),
        "shard": json.encode_shard(process.shard),
        "startedAt": status.started_at.isoformat(),
        "sourceCheckedAt": _format_time(status.source_checked_at),
        "revision": revision
        and {
            "id": revision.id,
            "since": revision.since.isoformat(),
            "manifests": revision.manifest_count,
            "subject": revision.subject or None,
            "author": revision.author or None,
            "warnings": [json.encode_problem(problem) for problem in revision.warnings],
        },
        "rejection": status.rejected_revision and _encode_rejection(status.rejected_revision),
        "schedulerRunning": process.is_scheduler_running,
        "stopping": process.is_stopping,
        "sourceStuck": status.source_status in stuck,
    }


def _encode_rejection(rejection: RejectedRevision) -> dict[str, Any]:
    return {
        "reason": rejection.reason,
        "since": rejection.since.isoformat(),
        "problems": [json.encode_problem(problem) for problem in rejection.problems],
    }


def _stream_target(target_status: TargetStatus, *, is_stuck: bool) -> Iterator[str]:
    head = {
        "target": target_status.target,
        "runningSince": _format_time(target_status.running_since),
        "lastProgressAt": _format_time(target_status.last_progress),
        "nextRunAt": _format_time(target_status.next_run),
        "stuck": is_stuck,
        "consecutiveFailures": target_status.failures,
        "lastSuccessAt": _format_time(target_status.last_success),
    }
    last_seen = json.stream_array(
        (json.dump_line(json.encode_association(each)),) for each in target_status.unlisted_associations.values()
    )
    yield from json.stream_object(
        head,
        lastSeen=last_seen,
        report=json.stream_report(target_status.last_report) if target_status.last_report else ("null",),
    )


def _encode_run(run: FinishedRun) -> dict[str, Any]:
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


def _format_time(time: datetime | None) -> str | None:
    return time.isoformat() if time else None
