"""A recurring export needs a later run, unless a person or a held write comes first."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support import reports
from support.recurring import build_recurring_record, build_windows

from reconciler.core.report.report import AssociationReport
from reconciler.core.report.waiting_windows import list_waiting_windows

WINDOWS = build_windows(build_recurring_record())
IN_SYNC = reports.association(decision="in-sync", windows=WINDOWS)
HELD = reports.association(decision="held", windows=replace(WINDOWS, obstacle="held"))


@pytest.mark.parametrize(
    ("association", "is_waiting"),
    [
        (IN_SYNC, True),
        (replace(IN_SYNC, windows=replace(WINDOWS, is_unknown=True, next_windows=())), True),
        (HELD, True),  # as with --expect-plan
        (replace(HELD, exit_code=1), False),  # as with --mode create
        (replace(HELD, write=reports.create()), False),
        (replace(IN_SYNC, windows=None), False),
        (replace(IN_SYNC, windows=replace(WINDOWS, rest="policy.suspend is true")), False),
        (replace(IN_SYNC, windows=replace(WINDOWS, next_windows=())), False),
        (reports.association(decision="blocked", windows=replace(WINDOWS, obstacle="blocked")), False),
    ],
)
def test_windows_to_come_wait_for_a_run(association: AssociationReport, is_waiting: bool) -> None:
    """The next window of a manifest waits for a run, unless it is held, suspended, blocked or the last one was sent."""
    assert list_waiting_windows(reports.report(association)) == ((association,) if is_waiting else ())
