"""Read the reviewed plan of `--expect-plan`: a digest, or the JSON report with the plan."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, assert_never

from reconciler.core.errors import UsageError
from reconciler.core.plan.decision_kind import DecisionKind
from reconciler.core.plan.review import ReviewedPlan, compute_digest, format_canonical_line
from reconciler.core.plan.write import WRITE_CLASSES
from reconciler.core.shards import Shard


def read_reviewed_plan(value: str, shard: Shard | None) -> ReviewedPlan:
    """Return the reviewed plan for a digest or the name of a report. Raises UsageError, also for another shard."""
    if not value.strip():
        raise UsageError("--expect-plan is empty: give the digest (sha256:…) or the JSON report of a dry run")
    if re.fullmatch(r"sha256:[0-9a-f]{64}", value):
        return ReviewedPlan(value)
    if re.match(r"sha256:|[0-9a-fA-F]{40,}$", value):
        raise _build_error(
            value, "not a plan digest: write sha256: and 64 hexadecimal digits, or the file of a JSON report"
        )
    try:
        report = json.loads(Path(value).read_text(encoding="utf-8"))
        lines = tuple(
            _format_write(association["write"])
            for target in report["targets"]
            for association in target["associations"]
            if association["write"] and association["write"]["reviewed"]
        )
        is_rejected = report["mismatch"] is not None
        place = report.get("run", {}).get("shard")
        plan_shard = place and Shard(place["number"], place["count"])
        has_failed_target = any(target["error"] for target in report["targets"])
        reviewed = ReviewedPlan(str(report["planDigest"] or compute_digest(())), lines)
    except OSError as error:
        raise _build_error(value, f"the file cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _build_error(value, "not a JSON report of this version: write one with --dry-run -o json=FILE") from error
    if report["planDigest"] is None and has_failed_target:
        raise _build_error(value, "the report has no plan, because its targets failed: review a new --dry-run")
    if is_rejected:
        raise _build_error(value, "the report is from a run that was refused: review a new --dry-run")
    if plan_shard != shard:
        raise _build_error(
            value, f"the plan is of {_name_shard(plan_shard)}, and this run is of {_name_shard(shard)}: give its plan"
        )
    if compute_digest(lines) != reviewed.digest:
        raise _build_error(
            value,
            "the digest in the report does not match its writes, so the report was edited: review a new --dry-run",
        )
    return reviewed


def _format_write(write: Any) -> str:
    kind = {each.operation: each.kind for each in WRITE_CLASSES}[write["operation"]]
    match kind:
        case DecisionKind.CREATE:
            reference = write["clientToken"]
        case DecisionKind.UPDATE:
            reference = write["associationId"]
        case other:
            assert_never(other)
    return format_canonical_line(kind, write["request"], reference)


def _name_shard(shard: Shard | None) -> str:
    return f"shard {shard}" if shard else "all targets"


def _build_error(value: str, message: str) -> UsageError:
    return UsageError(f"--expect-plan {value!r}: {message}")
