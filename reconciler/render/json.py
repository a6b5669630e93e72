"""A Report as JSON, by schemas/report.v1.json."""

from __future__ import annotations

import json
from typing import Any, assert_never

from reconciler.core.diff import Difference
from reconciler.core.model import Execution, Live
from reconciler.core.outcome import Created, NotSent, Outcome, Refused, Skipped, Unknown, Updated
from reconciler.core.report import Association, Report, TargetReport

FORMAT = "reconciler/report/v1"


def render(report: Report) -> str:
    """Return the report as a JSON document with a final newline."""
    return json.dumps(document(report), indent=2, ensure_ascii=True) + "\n"


def document(report: Report) -> dict[str, Any]:
    """Return the report as the tree that the schema describes."""
    run = report.run
    return {
        "format": FORMAT,
        "planDigest": report.plan_digest,
        "run": {
            "id": run.id,
            "startedAt": run.started_at.isoformat(),
            "finishedAt": run.finished_at.isoformat(),
            "dryRun": run.dry_run,
            "revision": run.revision,
            "version": run.version,
        },
        "summary": dict(report.summary),
        "targets": [_target(target) for target in report.targets],
    }


def _target(target: TargetReport) -> dict[str, Any]:
    return {
        "name": target.name,
        "account": target.account,
        "region": target.region,
        "error": target.error,
        "associations": [_association(association) for association in target.associations],
        "unmanaged": [_unmanaged(live) for live in target.unmanaged],
    }


def _association(association: Association) -> dict[str, Any]:
    origin = association.origin
    return {
        "name": association.name,
        "origin": {"file": origin.file, "line": origin.line, "column": origin.column},
        "decision": association.decision,
        "reason": association.reason,
        "arn": association.arn,
        "clientToken": association.client_token,
        "differences": [_difference(difference) for difference in association.differences],
        "unverifiable": list(association.unverifiable),
        "lastExecution": _execution(association.last_execution),
        "outcome": _outcome(association.outcome),
    }


def _difference(difference: Difference) -> dict[str, Any]:
    return {
        "path": difference.path,
        "desired": difference.desired,
        "applied": difference.applied,
        "live": difference.live,
    }


def _unmanaged(live: Live) -> dict[str, Any]:
    return {
        "arn": live.arn,
        "dataIntegrationArn": live.spec["DataIntegrationIdentifier"],
        "clientId": live.spec.get("ClientId"),
        "destinationURI": live.spec.get("DestinationURI"),
        "lastExecution": _execution(live.last_execution),
    }


def _execution(execution: Execution | None) -> dict[str, Any] | None:
    return {"status": execution.status, "message": execution.message} if execution else None


def _outcome(outcome: Outcome | None) -> dict[str, Any] | None:
    match outcome:
        case None:
            return None
        case Created(association_id):
            return {"result": "created", "id": association_id, "error": None}
        case Updated():
            return {"result": "updated", "id": None, "error": None}
        case Refused(reason) | NotSent(reason):
            return {"result": "failed", "id": None, "error": reason}
        case Unknown(reason):
            return {"result": "unknown", "id": None, "error": reason}
        case Skipped(reason):
            return {"result": "skipped", "id": None, "error": reason}
        case other:
            assert_never(other)
