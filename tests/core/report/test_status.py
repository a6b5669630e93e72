"""The status of a journal describes each association in plain words."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.builders import NOW, journal, live, manifest, record
from support.recurring import OCTOBER, QUIET, SEPTEMBER, build_recurring_manifest, build_recurring_record

from reconciler.core.journal.jobs import Job, JobSource, Refusal
from reconciler.core.journal.records import Bound, CreatePending, LastDecision, RecordState
from reconciler.core.model import Execution
from reconciler.core.report.status import list_recorded_associations

BOUND = Bound("a1", NOW, live().arn)


@pytest.mark.parametrize(
    ("state", "description"),
    [
        (CreatePending(2, NOW, NOW), "the answer to a Create is unknown; attempt 2 at 2026-11-01 12:00:00Z"),
        (replace(BOUND, missing_since=NOW), "missing from List since 2026-11-01 12:00:00Z"),
        (replace(BOUND, job=Job(JobSource.UPDATE, NOW)), "List does not show the Update of 2026-11-01 12:00:00Z yet"),
        (
            replace(BOUND, job=Job(JobSource.UPDATE, NOW, refusal=Refusal("no"))),
            "AWS refused the Update of 2026-11-01 12:00:00Z",
        ),
        (
            replace(BOUND, job=Job(JobSource.UPDATE, NOW, refusal=Refusal("no"), ended_at=NOW)),
            "window.skip left out the window of the Update of 2026-11-01 12:00:00Z",
        ),
        (replace(BOUND, arn=None), "created; no run has recorded yet that List shows it"),
        (BOUND, "live"),
    ],
)
def test_each_record_state_has_a_description(state: RecordState, description: str) -> None:
    """The status describes each record in words, not in the terms of the stored document."""
    (association,) = list_recorded_associations(journal(replace(record(), state=state)), [manifest()], NOW)
    assert association.state == description


def test_blocked_manifests_and_orphaned_records_are_listed() -> None:
    """The status lists a blocked manifest without a record, and marks a record without a manifest as orphaned."""
    job = Execution("COMPLETED", None)
    last_decisions = {"export": LastDecision("in-sync", NOW, job), "stray": LastDecision("blocked", NOW)}
    export, old, stray = list_recorded_associations(
        replace(journal(record(), record("old")), last_decisions=last_decisions),
        [manifest(), manifest("stray")],
        NOW,
    )
    assert (export.decision, export.since, export.last_execution, export.arn) == ("in-sync", NOW, job, live().arn)
    assert (old.decision, old.is_orphaned, old.association_id) == (None, True, "a1")
    assert (stray.decision, stray.is_orphaned, stray.state) == (
        "blocked",
        False,
        "no record: no Create was accepted, and no association was adopted",
    )


def test_created_association_without_a_manifest_is_described() -> None:
    """No run records whether List shows an association whose manifest was removed, and the status says so."""
    created = replace(record("old"), state=replace(BOUND, arn=None))
    (old,) = list_recorded_associations(journal(created), (), NOW)
    assert old.state == "created; without a manifest, no run records whether List shows it"


def test_status_has_the_windows_of_a_manifest() -> None:
    """The status shows the watermark and the next windows, from the manifest and the journal alone."""
    (export,) = list_recorded_associations(journal(build_recurring_record()), [build_recurring_manifest()], QUIET)
    assert export.windows
    assert (export.windows.watermark, export.windows.next_windows[0].window) == (SEPTEMBER.end, OCTOBER)


@pytest.mark.parametrize(
    ("decision", "state"),
    [
        ("update", "the export was sent at 2026-11-01 12:00:00Z, and no later run has checked List yet"),
        ("settling", "List does not show the Update of 2026-11-01 12:00:00Z yet"),
    ],
)
def test_status_of_an_earlier_export_is_not_the_last_one(decision: str, state: str) -> None:
    """Until List shows something of an Update, the status in List belongs to an earlier export."""
    bound = replace(BOUND, job=Job(JobSource.UPDATE, NOW, is_accepted=True))
    stored = replace(
        journal(replace(record(), state=bound)),
        last_decisions={"export": LastDecision(decision, NOW, Execution("COMPLETED", None))},
    )
    (association,) = list_recorded_associations(stored, [manifest()], NOW)
    assert (association.last_execution, association.state) == (None, state)


def test_status_of_a_job_that_list_shows_is_the_last_one() -> None:
    """Once List shows the Update, or for a job that another program started, the status is that of the last export."""
    execution = Execution("COMPLETED", None)
    for job in (Job(JobSource.UPDATE, NOW, shown_at=NOW), Job(JobSource.OBSERVED, NOW)):
        stored = replace(
            journal(replace(record(), state=replace(BOUND, job=job))),
            last_decisions={"export": LastDecision("in-sync", NOW, execution)},
        )
        (association,) = list_recorded_associations(stored, [manifest()], NOW)
        assert association.last_execution == execution
