"""After a call that failed or had no answer, the report says what the next runs do. It promises nothing else."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from support.builders import NOW
from support.reports import association, create, update

from reconciler.core.apply.outcome import Created, NotSent, Outcome, RefusalKind, Refused, Unknown, Updated
from reconciler.core.journal.records import CreatePending
from reconciler.core.plan.decision_kind import DecisionKind
from reconciler.core.plan.write import Create
from reconciler.render.after_call import describe_next_attempt

QUARTER = timedelta(minutes=15)


@pytest.mark.parametrize(
    ("outcome", "pause", "expected"),
    [
        (NotSent("throttled"), None, "AWS did not carry out this call: the next run sends it again"),
        (
            Refused("expired", RefusalKind.ACCESS),
            None,
            "AWS changed nothing: correct the cause; the next run sends the update again",
        ),
        (
            Refused("gone", RefusalKind.MISSING),
            None,
            "AWS changed nothing: the next run sends the update again, if List still shows the association",
        ),
        (
            Refused("denied", RefusalKind.DENY),
            QUARTER,
            "AWS changed nothing: a run tries the update again after 15m, and later with growing pauses",
        ),
        (
            Refused("invalid"),
            QUARTER,
            "AWS changed nothing: a run sends the update once more after 15m, because a job may have run",
        ),
        (
            Refused("invalid"),
            None,
            "AWS refused this update before, and changed nothing: correct the cause; the next run says what to do",
        ),
        (
            Refused("busy", RefusalKind.QUOTA),
            None,
            "held: this passes by itself, and a later run sends the update, once fewer exports are running",
        ),
        (
            Unknown("time-out"),
            None,
            "AWS may have carried out this call: the next run checks AWS, and does not send the Update again",
        ),
        (Updated(), None, None),
    ],
)
def test_failed_update_says_what_follows(outcome: Outcome, pause: timedelta | None, expected: str | None) -> None:
    """An Update that AWS did not carry out is sent again, at the next run or after a pause. An unknown one is not."""
    line = association(decision=DecisionKind.UPDATE, write=update(), outcome=outcome, pause=pause)
    assert describe_next_attempt(line) == expected


def build_create(attempts: int) -> Create:
    """Return the Create of an attempt."""
    first = create()
    return replace(first, record=replace(first.record, state=CreatePending(attempts, NOW, NOW)))


@pytest.mark.parametrize(
    ("outcome", "attempts", "expected"),
    [
        (NotSent("throttled"), 1, "AWS did not carry out this call: the next run sends it again"),
        (Refused("invalid"), 1, "AWS created nothing: correct the cause; the next run sends the Create again"),
        (
            Refused("invalid"),
            2,
            (
                "AWS may have carried out an earlier Create: correct the cause; the next run checks AWS, and waits "
                "before it sends the Create again"
            ),
        ),
        (
            Unknown("time-out"),
            1,
            "AWS may have carried out this call: the next run checks AWS, and waits before it sends the Create again",
        ),
        (Created("a1"), 1, None),
    ],
)
def test_failed_create_says_what_follows(outcome: Outcome, attempts: int, expected: str | None) -> None:
    """A refused first Create is sent again. A refused repetition waits: an earlier Create may have succeeded."""
    assert describe_next_attempt(association(write=build_create(attempts), outcome=outcome)) == expected
