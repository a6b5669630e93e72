"""The journal as people ask for it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.builders import NOW, journal, live, record

from reconciler.core.journal.records import Bound, Intended, Sent, Standing, State
from reconciler.core.journal.status import remembered
from reconciler.core.model import Execution

BOUND = Bound("a1", NOW, live().arn)


@pytest.mark.parametrize(
    ("state", "words"),
    [
        (Intended(2, NOW, NOW), "the answer to a Create is unknown; attempt 2 at 2026-11-01 12:00:00Z"),
        (replace(BOUND, missing_since=NOW), "List has left it out since 2026-11-01 12:00:00Z"),
        (replace(BOUND, update=Sent(NOW)), "the Update of 2026-11-01 12:00:00Z does not show yet"),
        (replace(BOUND, update=Sent(NOW, "no")), "the Update of 2026-11-01 12:00:00Z was refused"),
        (replace(BOUND, arn=None), "created, and no later run has seen it yet"),
        (BOUND, "live"),
    ],
)
def test_each_record_state_has_a_description(state: State, words: str) -> None:
    """Whoever looks at night is told what is known, not how it is stored."""
    (only,) = remembered(journal(replace(record(), state=state)), {"export"})
    assert only.state == words


def test_blocked_manifests_and_orphaned_records_are_listed() -> None:
    """What was blocked from the start stands there, and what git no longer asks for as orphaned."""
    done = Execution("COMPLETED", None)
    standings = {"export": Standing("in-sync", NOW, done), "stray": Standing("blocked", NOW)}
    export, old, stray = remembered(replace(journal(record(), record("old")), standings=standings), {"export", "stray"})
    assert (export.decision, export.since, export.last_execution, export.arn) == ("in-sync", NOW, done, live().arn)
    assert (old.decision, old.orphaned, old.association_id) == (None, True, "a1")
    assert (stray.decision, stray.orphaned, stray.state) == ("blocked", False, "nothing was ever sent or found")
