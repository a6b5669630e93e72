"""Differences are listed as people read them: from the start to the end."""

from __future__ import annotations

from support.builders import live, manifest, record, rules

from reconciler.core.plan.decision import Changed
from reconciler.core.plan.difference import Difference
from reconciler.core.report.decision_row import build_row
from reconciler.core.report.difference_order import order_differences

PATHS = (
    "/DestinationURI",
    "/ExecutionConfiguration/ExecutionMode",
    "/ExecutionConfiguration/OnDemandConfiguration/StartTime",
    "/ExecutionConfiguration/OnDemandConfiguration/EndTime",
    "/ObjectConfiguration/Case",
)
DIFFERENCES = tuple(Difference(path, "new", "old", "old") for path in PATHS)


def test_start_comes_before_end() -> None:
    """Differences are in the order of their paths, but a StartTime comes before its EndTime."""
    assert order_differences(sorted(DIFFERENCES, key=lambda each: each.path)) == DIFFERENCES


def test_explanation_names_the_start_before_the_end() -> None:
    """The condition of the decision table lists the members in the same order."""
    decision = Changed(manifest(), live(), record(), tuple(reversed(DIFFERENCES)), "mode is create")
    row = build_row(decision, record(), "the bound association", rules())
    assert f" in {' '.join(PATHS)}, and an update cannot change all of these" in (row.condition or "")
