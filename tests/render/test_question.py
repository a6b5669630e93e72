"""The question before writes says what starts, and what is sent."""

from __future__ import annotations

import pytest
from support.builders import request
from support.reports import association, create, report, update

from reconciler.core.plan.decision_kind import DecisionKind
from reconciler.core.plan.write import Write
from reconciler.render.question import format_question, list_sent_writes

SCHEDULED = create(request(ExecutionConfiguration={"ExecutionMode": "SCHEDULED"}))
ONE = "1 export of customer data starts at once and cannot be stopped."


@pytest.mark.parametrize(
    ("writes", "question"),
    [
        ([create()], f"{ONE} Create it?"),
        ([create(), create()], "2 exports of customer data start at once and cannot be stopped. Create them?"),
        ([update()], f"{ONE} Send it?"),
        ([create(), update()], "2 exports of customer data start at once and cannot be stopped. Send them?"),
        ([SCHEDULED], "1 schedule of exports begins, and AWS deletes no association. Create it?"),
        ([create(), SCHEDULED], f"{ONE} 1 schedule of exports begins, and AWS deletes no association. Create them?"),
        ([SCHEDULED] * 2, "2 schedules of exports begin, and AWS deletes no association. Create them?"),
    ],
)
def test_question_names_what_starts(writes: list[Write], question: str) -> None:
    """The question counts exports and schedules. A person who types anything but yes sends nothing."""
    assert format_question(writes, is_sandbox=False) == f"{question} Type yes: "
    assert format_question(writes, is_sandbox=True) == f"In the sandbox: {question} Type yes: "


def test_writes_that_wait_are_not_asked_about() -> None:
    """Only writes that are sent now are counted, and not those that wait."""
    held = association("held", DecisionKind.HELD, write=create())
    assert list_sent_writes(report(held, association("in-sync", DecisionKind.IN_SYNC))) == ()
    assert len(list_sent_writes(report(held, association()))) == 1
