"""The plan that was reviewed, as `--expect-plan` names it: a digest, or the JSON report that holds it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from reconciler.core.errors import UsageError
from reconciler.core.plan.decision import Create, Update
from reconciler.core.plan.review import ReviewedPlan, compute_digest, format_canonical_line


def read_reviewed_plan(given: str) -> ReviewedPlan:
    """Return the plan that a digest or file names. Raises UsageError."""
    if not given.strip():
        raise UsageError("--expect-plan: is empty: give the digest (sha256:…) or the JSON report of a dry run")
    if re.fullmatch(r"sha256:[0-9a-f]{64}", given):
        return ReviewedPlan(given)
    if re.match(r"sha256:|[0-9a-fA-F]{40,}$", given):
        raise _wrong(given, "is no plan digest: write sha256: and 64 hexadecimal digits, or the file of a JSON report")
    try:
        report = json.loads(Path(given).read_text(encoding="utf-8"))
        lines = tuple(
            _line(association["write"])
            for target in report["targets"]
            for association in target["associations"]
            if association["write"]
        )
        refused = report["mismatch"] is not None
        failed = any(target["error"] for target in report["targets"])
        reviewed = ReviewedPlan(str(report["planDigest"] or compute_digest(())), lines)
    except OSError as error:
        raise _wrong(given, f"cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise _wrong(given, "is no JSON report of this version: write one with --dry-run -o json=FILE") from error
    if report["planDigest"] is None and failed:
        raise _wrong(given, "holds no plan, since its targets failed: review a plan of --dry-run")
    if refused:
        raise _wrong(given, "is the report of a run that was refused: review a plan of --dry-run")
    if compute_digest(lines) != reviewed.digest:
        raise _wrong(given, "is not as it was written: its digest is not that of its writes")
    return reviewed


def _line(write: Any) -> str:
    if write["operation"] == Create.operation:
        return format_canonical_line(Create.kind, write["request"], write["clientToken"])
    return format_canonical_line(Update.kind, write["request"], write["associationId"])


def _wrong(given: str, said: str) -> UsageError:
    return UsageError(f"--expect-plan {given}: {said}")
