"""Names of the counts in the summary of a report."""

from __future__ import annotations

from reconciler.core.plan.decision_kind import DecisionKind


def format_summary_name(kind: DecisionKind) -> str:
    """Return the member of a summary that counts a kind of decision: `inSync` for `in-sync`."""
    first, *rest = kind.split("-")
    return first + "".join(map(str.capitalize, rest))


SUMMARY_NAMES = (*map(format_summary_name, DecisionKind), "unmanaged", "failed")
"""Names of the counts in a summary, in the order of display."""
