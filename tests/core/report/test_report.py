"""Reports: every manifest counts once, and the exit code gives the result of the run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from support.builders import INTEGRATION, NOW, SETTLE, journal, live, manifest, observation, record, rules

from reconciler.core.apply.outcome import Created, NotSent, Outcome, Refused, Skipped, Unknown
from reconciler.core.apply.result import Result
from reconciler.core.journal.records import Bound, CreatePending, Record
from reconciler.core.model import Live, Manifest, Mode, Policy, Target
from reconciler.core.plan.compute import compute_plan
from reconciler.core.plan.decision import Plan
from reconciler.core.plan.guardrails import apply_guardrails
from reconciler.core.plan.review import PlanMismatch
from reconciler.core.report.build import build_blocked_lines, build_target_report
from reconciler.core.report.report import Report, RunInfo, TargetReport

OTHER: dict[str, Any] = {"ExecutionMode": "ON_DEMAND"}
UPDATING = Policy(mode=Mode.CREATE_AND_UPDATE)


def missing() -> Record:
    """Return the record of an association that List has not shown for the settle time."""
    known = record()
    assert isinstance(known.state, Bound)
    return replace(known, state=replace(known.state, missing_since=NOW - SETTLE))


def planned(
    *manifests: Manifest,
    lives: tuple[Live, ...] = (),
    records: tuple[Record, ...] = (),
    mode: Mode = Mode.CREATE,
    target: Target | None = None,
) -> Plan:
    """Return a plan after the guardrails."""
    seen = observation(*lives)
    decided = compute_plan(manifests, seen, journal(*records), rules(mode))
    return apply_guardrails(decided, target or Target("prod"), rules(mode), seen)


def report(
    decided: Plan, outcomes: Mapping[str, Outcome] | None = None, refreshed: Mapping[str, Live] | None = None
) -> Report:
    """Return the report of one target with a plan."""
    target = build_target_report("prod", "1", "r", Result(decided, outcomes or {}, refreshed or {}))
    return Report(RunInfo("id", NOW, NOW, dry_run=True, revision=None, version="0"), (target,))


CASES: list[tuple[str, str, Plan, int, int]] = [
    ("create", "create", planned(manifest()), 0, 2),
    ("update", "update", planned(
        manifest(policy=UPDATING, ExecutionConfiguration=OTHER),
        lives=(live(),), records=(record(),), mode=Mode.CREATE_AND_UPDATE,
    ), 0, 2),
    ("adopt", "adopt", planned(manifest(), lives=(live(),)), 0, 0),
    ("changed", "changed", planned(manifest(), lives=(live(ExecutionConfiguration=OTHER),)), 0, 2),
    ("drifted", "drifted", planned(
        manifest(), lives=(live(ExecutionConfiguration=OTHER),),
        records=(replace(record(), state=CreatePending(1, NOW, NOW)),),
    ), 0, 2),
    ("changed", "changed", planned(
        manifest(ExecutionConfiguration=OTHER), lives=(live(),), records=(record("former"),)), 0, 2),
    ("in-sync", "inSync", planned(manifest(), lives=(live(),), records=(record(),)), 0, 0),
    ("drifted", "drifted", planned(
        manifest(), lives=(live(ExecutionConfiguration=OTHER),), records=(record(),)), 0, 2),
    ("changed", "changed", planned(
        manifest(ExecutionConfiguration=OTHER), lives=(live(),), records=(record(),)), 0, 2),
    ("settling", "settling", planned(manifest(), records=(replace(record(), state=CreatePending(1, NOW, NOW)),)), 0, 2),
    ("lost", "lost", planned(manifest(), records=(missing(),)), 0, 2),
    ("held", "held", planned(manifest(policy=Policy(suspend=True))), 0, 2),
    ("held", "held", planned(
        manifest(policy=replace(UPDATING, suspend=True), ExecutionConfiguration=OTHER),
        lives=(live(),), records=(record(),), mode=Mode.CREATE_AND_UPDATE,
    ), 0, 2),
    ("blocked", "blocked", planned(manifest(DataIntegrationIdentifier="none")), 1, 1),
    ("blocked", "blocked", planned(manifest(), target=Target("prod", max_creates=0)), 1, 1),
]  # fmt: skip


@pytest.mark.parametrize(("decision", "counted", "decided", "code", "detailed"), CASES)
def test_each_decision_is_counted_once_and_has_its_exit_codes(
    decision: str, counted: str, decided: Plan, code: int, detailed: int
) -> None:
    """Each decision counts once. Blocked is exit code 1, and a remaining difference is detailed exit code 2."""
    told = report(decided)
    assert [each.decision for each in told.targets[0].associations] == [decision]
    assert {name for name, count in told.summary.items() if count} == {counted}
    assert (told.exit_code, told.get_detailed_exit_code()) == (code, detailed)


@pytest.mark.parametrize(
    ("outcome", "failed", "code", "detailed"),
    [
        (Created("a9"), 0, 0, 0),
        (Skipped("stopped"), 0, 0, 2),
        (Refused("no"), 1, 1, 1),
        (NotSent("busy"), 1, 1, 1),
        (Unknown("time-out"), 1, 1, 1),
    ],
)
def test_failed_call_has_exit_code_1(outcome: Outcome, failed: int, code: int, detailed: int) -> None:
    """A refused, unsent or unanswered write is exit code 1. A skipped write is a remaining difference."""
    told = report(planned(manifest()), {"export": outcome})
    assert (told.summary["failed"], told.exit_code, told.get_detailed_exit_code()) == (failed, code, detailed)


def test_failed_list_fails_the_run() -> None:
    """A data integration that could not be listed fails the run, even without writes."""
    (target,) = report(planned(manifest())).targets
    told = Report(report(Plan()).run, (replace(target, unlisted=(("arn:one", "denied"),)),))
    assert told.has_failed
    assert not told.targets[0].has_attempted_writes
    assert report(planned(manifest()), {"export": Created("a1")}).targets[0].has_attempted_writes


def test_unmanaged_associations_are_counted_and_do_not_fail_the_run() -> None:
    """Unmanaged associations are counted, and do not fail the run."""
    told = report(planned(lives=(live(),)))
    assert (told.summary["unmanaged"], told.get_detailed_exit_code()) == (1, 0)


def test_failed_target_fails_the_run_and_blocks_its_manifests() -> None:
    """A failed target fails the run, even without manifests, and blocks its manifests."""
    failed = TargetReport("prod", None, None, "no credentials", build_blocked_lines([manifest()], "no"))
    told = Report(report(Plan()).run, (failed,))
    assert (told.summary["blocked"], told.exit_code) == (1, 1)
    empty = Report(told.run, (replace(failed, associations=()),))
    assert (empty.summary["blocked"], empty.exit_code, empty.get_detailed_exit_code()) == (0, 1, 1)


def test_member_that_aws_never_shows_is_unverifiable() -> None:
    """A member that AWS never shows is reported as unverifiable."""
    (association,) = report(planned(manifest(), lives=(live(),), records=(record(),))).targets[0].associations
    assert association.unverifiable == ("/ObjectConfiguration",)


def test_report_has_the_arn_of_a_created_association() -> None:
    """The report of a run has the ARN of the association that it created."""
    told = report(planned(manifest()), {"export": Created("a1")}, {"a1": live()})
    assert told.targets[0].associations[0].arn == live().arn


def test_digest_covers_only_writes() -> None:
    """The digest changes with the writes, and not with times, drift or positions."""
    one = report(planned(manifest()))
    assert one.plan_digest.startswith("sha256:")
    moved = replace(manifest(), origin=replace(manifest().origin, line=99))
    later = replace(one, run=replace(one.run, revision="abc", finished_at=NOW + SETTLE))
    assert report(planned(moved)).plan_digest == later.plan_digest == one.plan_digest
    drifted = planned(manifest(), lives=(live(ExecutionConfiguration=OTHER),))
    assert report(drifted).plan_digest == report(Plan()).plan_digest != one.plan_digest
    assert report(planned(manifest(ClientId="c"))).plan_digest != one.plan_digest


def test_report_counts_live_and_managed_associations() -> None:
    """The report counts live and managed associations, which shows how much of an account git manages."""
    told = report(planned(manifest(), lives=(live(), live("b", ClientId="b"), live("c", ClientId="c"))))
    assert (told.managed_count, told.live_count) == (1, 3)


def test_created_association_counts_as_live_and_managed() -> None:
    """A created association counts as live and managed, even if List does not show it yet."""
    told = report(planned(manifest(), lives=(live("c", ClientId="c"),)), {"export": Created("a1")})
    assert (told.managed_count, told.live_count) == (1, 2)


def test_record_without_a_manifest_is_reported_as_orphaned() -> None:
    """A record without a manifest is orphaned, even without an association. A renamed record is not."""
    waiting = replace(record("gone", ClientId="x"), state=CreatePending(1, NOW, NOW))
    told = report(planned(manifest("new"), lives=(live(),), records=(record("old"), waiting)))
    assert [each.name for each in told.targets[0].orphaned] == ["gone"]


def test_list_failure_without_a_manifest_is_reported() -> None:
    """A data integration that could not be listed is reported, even without manifests."""
    decided = compute_plan([], observation(unobserved="denied"), journal(), rules())
    assert report(decided).targets[0].unlisted == ((INTEGRATION.arn, "denied"),)


def test_unmanaged_associations_are_a_difference_on_request() -> None:
    """Unmanaged associations are a difference on request."""
    told = report(planned(lives=(live(),)))
    assert (told.get_detailed_exit_code(), told.get_detailed_exit_code(unmanaged=True)) == (0, 2)
    assert report(Plan()).get_detailed_exit_code(unmanaged=True) == 0


def test_plan_mismatch_fails_the_run() -> None:
    """A plan mismatch is exit code 1."""
    told = replace(report(planned(manifest())), mismatch=PlanMismatch("sha256:0", None))
    assert (told.exit_code, told.get_detailed_exit_code()) == (1, 1)


def test_report_without_a_reached_target_has_no_plan() -> None:
    """A target without manifests or without a connection has no plan. A plan without writes is a plan."""
    failed = TargetReport("prod", None, None, "no credentials", build_blocked_lines([manifest()], "no"))
    empty = report(planned(lives=(live(),)))
    assert not empty.has_plan
    assert not replace(empty, targets=(failed, failed)).has_plan
    assert not replace(empty, targets=()).has_plan
    same = report(planned(manifest(), lives=(live(),), records=(record(),)))
    assert same.has_plan
    assert replace(empty, targets=(failed, *same.targets)).has_plan
    held = replace(report(planned(manifest())).targets[0], error="held by another")
    assert replace(empty, targets=(held,)).has_plan


def test_a_report_knows_the_names_of_data_integrations() -> None:
    """A report has the names of the data integrations. The digest does not depend on them."""
    one = report(planned(manifest(), records=(record("gone", ClientId="x"),)))
    (target,) = one.targets
    assert target.get_integration_name(INTEGRATION.arn) == INTEGRATION.name
    assert target.format_integration(INTEGRATION.arn) == f"{INTEGRATION.name} ({INTEGRATION.arn})"
    assert (target.get_integration_name("arn:gone"), target.format_integration("arn:gone")) == ("arn:gone", "arn:gone")
    assert replace(one, targets=(replace(target, integration_names={}),)).plan_digest == one.plan_digest
