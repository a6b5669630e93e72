"""A revision that must not send its windows is no silent end of the exports: an overdue window is trouble."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

import pytest
from support.builders import SETTLE, recurring_manifest, window
from support.exports import DAY, REST, Export, at, expect, lose, rest, span

from reconciler.core.apply.outcome import Unknown
from reconciler.core.plan.decision import Changed
from reconciler.core.plan.write import Create

SECOND = timedelta(seconds=1)


def start_export() -> Export:
    """Return an export whose January has completed. It is March 1, 01:00 UTC, and February is due."""
    export = Export(recurring_manifest(window()), at(2, 1, 1))
    export.run()
    export.finish()
    export.run()
    export.now = at(3, 1, 1)
    return export


def start_superseded(status: str = "COMPLETED") -> Export:
    """Return an export in an older revision, after its latest revision sent February, and its job ended."""
    export = start_export()
    monthly = export.manifest
    export.edit_window(delay=timedelta(minutes=30))
    export.run()
    export.finish(status)
    export.run()
    export.manifest = monthly
    return export


def test_older_revision_is_trouble_once_a_window_is_overdue() -> None:
    """A superseded window is reported with exit code 1 once its next window has been due for a day."""
    export = start_superseded()
    for now, codes, text in (
        (at(4, 2, 1) - SECOND, (0, 0), "until then nothing is sent"),
        (at(4, 2, 1), (1, 0), "2026-03-01 to 2026-04-01 has been due since 2026-04-01 01:00:00Z"),
        (at(6, 1), (1, 0), "2026-03-01 to 2026-05-01 has been due since 2026-04-01 01:00:00Z"),
    ):
        export.now = now
        expect(export.run(), Changed, codes, text)
    export.aws_offset = None
    expect(export.run(), Changed, (1, 0))


@pytest.mark.parametrize("change", REST)
def test_older_revision_that_rests_is_no_trouble(change: Mapping[str, object]) -> None:
    """A superseded window of a manifest that is suspended or observes is no trouble, and none under a reviewed plan."""
    export = start_superseded()
    export.now = at(6, 1)
    export.has_reviewed_plan = True
    expect(export.run(), Changed)
    export.has_reviewed_plan = False
    expect(export.run(), Changed, (1, 0))
    rest(export, change)
    expect(export.run(), Changed)


def test_older_revision_is_no_trouble_while_the_window_is_exported() -> None:
    """While the job of the last window may run, only the window after it can be overdue for an older revision."""
    export = start_export()
    monthly = export.manifest
    export.now = at(5, 9)
    export.edit_window(delay=timedelta(minutes=30))
    export.shows_updates = False
    export.run()
    latest, export.manifest = export.manifest, monthly
    expect(export.run(), Changed)
    export.wait(DAY)
    expect(export.run(), Changed, (1, 0))
    export.show(span(2, 5), "IN_PROGRESS")
    export.manifest = latest
    export.run()
    export.manifest = monthly
    expect(export.run(), Changed)
    export.now = at(6, 2, 1)
    expect(export.run(), Changed, (1, 0), "2026-05-01 to 2026-06-01 has been due")


def test_older_revision_hides_no_failed_export() -> None:
    """A superseded window has exit code 1 at once if the last export failed, also before a window is overdue."""
    expect(start_superseded("FAILED").run(), Changed, (1, 0), "; the last export FAILED")


def test_older_revision_repeats_the_create_of_a_raised_generation() -> None:
    """A Create without an answer, which a raised generation requested, is repeated as it was by an older revision.

    That Create may export once more what a Create before the loss has exported, because a person asked for it.
    """
    export = Export(recurring_manifest(window()), at(2, 1, 1))
    export.run()
    export.wait(DAY)
    lose(export)
    older = export.manifest
    export.edit_policy(generation=2)
    expect(export.run(Unknown("killed")), Create)
    token = export.record.token
    export.manifest = older
    export.wait(SETTLE)
    repeated = export.run()
    assert isinstance(repeated, Create)
    assert (repeated.token, export.sent, export.record.generation) == (token, [span(1, 2), span(1, 2)], 2)
