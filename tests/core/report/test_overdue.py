"""An association is overdue if a window was due for a day, and the run did not plan to send it."""

from __future__ import annotations

import pytest
from support.recurring import DAY, HOUR, OCTOBER, SEPTEMBER, build_recurring_record, build_windows
from support.reports import association

from reconciler.core.report.overdue import is_overdue

OVERDUE_AT = OCTOBER.end + HOUR + DAY


@pytest.mark.parametrize(
    ("decision", "expected"),
    [("held", True), ("blocked", True), ("in-sync", True), ("update", False), ("create", False)],
)
def test_run_that_sends_the_window_is_not_overdue(decision: str, *, expected: bool) -> None:
    """Each decision without a call is overdue a day after the window became due. A planned call ends the wait."""
    windows = build_windows(build_recurring_record(SEPTEMBER), OVERDUE_AT)
    assert is_overdue(association("export", decision, windows=windows)) is expected


def test_association_is_overdue_after_a_day_and_not_before() -> None:
    """The time of the report decides, or a later one. An association without recurring windows is never overdue."""
    early = build_windows(build_recurring_record(SEPTEMBER), OVERDUE_AT - HOUR)
    assert not is_overdue(association("export", "held", windows=early))
    assert is_overdue(association("export", "held", windows=early), OVERDUE_AT)
    assert not is_overdue(association("export", "held"), OVERDUE_AT)
