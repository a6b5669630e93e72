"""Snapshot of a controller: associations that could not be listed keep their last known report."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from support.builders import NOW, live

from reconciler.core.controller.controller_status import TargetStatus
from reconciler.core.model import Execution, Origin
from reconciler.core.plan.decision_kind import DecisionKind
from reconciler.core.report.report import AssociationReport, Report, RunInfo, TargetReport

BLOCKED = AssociationReport("contacts", Origin("a.yaml", 1, 1), DecisionKind.BLOCKED, "denied", "profiles", "s3://b")
DRIFTED = replace(BLOCKED, decision=DecisionKind.DRIFTED, arn=live().arn, last_execution=Execution("FAILED", "no key"))
OTHER = replace(DRIFTED, name="calls")


def build_report(associations: Sequence[AssociationReport]) -> Report:
    """Return the report of a run of one target."""
    run = RunInfo("id", NOW, NOW, dry_run=False, revision=None, version="0")
    return Report(run, (TargetReport("prod", "1", "r", None, tuple(associations)),))


def test_unlisted_association_keeps_its_last_known_state() -> None:
    """An unlisted association keeps its last known report. A listed one has that of the last run."""
    target_status = TargetStatus("prod", None, None, None, 0, None, None)
    assert (target_status.unlisted_associations, target_status.associations, target_status.stalled_since) == (
        {},
        (),
        None,
    )
    full_listing = build_report([DRIFTED, OTHER])
    target_status = replace(
        target_status, last_report=full_listing, last_complete_report=full_listing, last_progress=NOW
    )
    assert (target_status.unlisted_associations, target_status.associations, target_status.stalled_since) == (
        {},
        (DRIFTED, OTHER),
        NOW,
    )
    target_status = replace(
        target_status, last_report=build_report([BLOCKED, replace(OTHER, decision=DecisionKind.IN_SYNC)])
    )
    assert target_status.unlisted_associations == {"contacts": DRIFTED}
    assert target_status.associations == (DRIFTED, replace(OTHER, decision=DecisionKind.IN_SYNC))


def test_export_has_failed_when_its_last_job_failed() -> None:
    """A failed last export counts as a failed export, whatever the decision."""
    completed = replace(DRIFTED, last_execution=Execution("COMPLETED", None))
    assert [each.has_failed_export for each in (DRIFTED, completed, BLOCKED)] == [True, False, False]
