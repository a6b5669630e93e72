"""Say what a report means for a review of its plan: the digest, what it covers, and a mismatch."""

from __future__ import annotations

from reconciler.core.plan.decision_kind import DecisionKind
from reconciler.core.report.report import Report
from reconciler.core.text import sanitize

_NO_PLAN = "there is no plan"
"""The text that stands for the digest of a run without a plan."""

_DIFFERENCES_UNKNOWN = (
    "differences unknown, because --expect-plan was given only a digest: "
    "give --expect-plan the JSON report of the reviewed plan"
)


def get_plan_digest(report: Report) -> str | None:
    """Return the digest of the plan, or None if the run has no plan."""
    return report.plan_digest if report.has_plan else None


def describe_unreviewed_updates(report: Report) -> str | None:
    """Return that the digest does not cover the updates of recurring exports. None if there are none."""
    updates = [each for each in report.associations if each.decision is DecisionKind.UPDATE and each.write]
    count = sum(each.reviewed_write is None for each in updates)
    if not count:
        return None
    subject = "the update of a recurring export" if count == 1 else f"the {count:,} updates of recurring exports"
    is_dry_run = report.run.dry_run and not report.run.is_question
    effect = f": a run without --expect-plan sends {'it' if count == 1 else 'them'}" if is_dry_run else ""
    return f"The digest does not cover {subject}{effect}."


def describe_mismatch(report: Report) -> tuple[str, ...]:
    """Return both digests, and how the plan differs from the reviewed plan."""
    digests = (f"{name} {digest}" for name, digest in list_mismatch_digests(report))
    return (*digests, *list_mismatch_differences(report))


def list_mismatch_digests(report: Report) -> tuple[tuple[str, str], ...]:
    """Return the digests of the reviewed plan and of the plan, each with its name, or () without a mismatch."""
    if not report.mismatch:
        return ()
    return (
        ("reviewed", sanitize(report.mismatch.reviewed_digest)),
        ("now", get_plan_digest(report) or _NO_PLAN),
    )


def list_mismatch_differences(report: Report) -> tuple[str, ...]:
    """Return the differences between the plan and the reviewed plan, as sentences, or () without a mismatch."""
    if not report.mismatch:
        return ()
    if report.mismatch.differences is None:
        return (_DIFFERENCES_UNKNOWN,)
    return tuple(sanitize(sentence) for sentence in report.mismatch.differences)
