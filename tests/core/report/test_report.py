"""Reports: every manifest counts once, and the exit code gives the result of the run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from support import reports
from support.builders import INTEGRATION, NOW, SETTLE, journal, live, manifest, observation, record, rules
from support.recurring import build_recurring_manifest

from reconciler.core.apply.outcome import Created, NotSent, Outcome, Refused, Skipped, Unknown
from reconciler.core.apply.result import Result
from reconciler.core.journal.records import Bound, CreatePending, Record
from reconciler.core.model import Execution, Ignored, Live, Manifest, Mode, Policy, Target
from reconciler.core.plan.compute import compute_plan
from reconciler.core.plan.guardrails import apply_guardrails
from reconciler.core.plan.plan import Plan
from reconciler.core.plan.review import PlanMismatch
from reconciler.core.report.build import build_blocked_lines, build_target_report
from reconciler.core.report.report import Report, RunInfo, TargetReport
from reconciler.core.shards import Shard

OTHER: dict[str, Any] = {"ExecutionMode": "ON_DEMAND"}
UPDATING = Policy(mode=Mode.CREATE_AND_UPDATE)


def build_missing_record(*, has_ended: bool = False) -> Record:
    """Return the record of an association that List has not shown for the settle time."""
    bound = record()
    assert isinstance(bound.state, Bound)
    job = bound.state.job if has_ended else None
    assert isinstance(bound.state, Bound)
    return replace(bound, state=replace(bound.state, missing_since=NOW - SETTLE, job=job))


def build_plan(
    *manifests: Manifest,
    live_associations: tuple[Live, ...] = (),
    records: tuple[Record, ...] = (),
    mode: Mode = Mode.CREATE,
    target: Target | None = None,
) -> Plan:
    """Return a plan after the guardrails."""
    live_state = observation(*live_associations)
    plan = compute_plan(manifests, live_state, journal(*records), rules(mode))
    return apply_guardrails(plan, target or Target("prod"), rules(mode), live_state)


def build_report(
    plan: Plan, outcomes: Mapping[str, Outcome] | None = None, live_after_writes: Mapping[str, Live] | None = None
) -> Report:
    """Return the report of one target with a plan."""
    target = build_target_report("prod", "1", "r", Result(plan, outcomes or {}, live_after_writes or {}))
    return Report(RunInfo("id", NOW, NOW, dry_run=True, revision=None, version="0"), (target,))


CASES: list[tuple[str, str, Plan, int, int]] = [
    ("create", "create", build_plan(manifest()), 0, 2),
    ("update", "update", build_plan(
        manifest(policy=UPDATING, ExecutionConfiguration=OTHER),
        live_associations=(live(),), records=(record(),), mode=Mode.CREATE_AND_UPDATE,
    ), 0, 2),
    ("adopt", "adopt", build_plan(manifest(), live_associations=(live(),)), 0, 0),
    ("changed", "changed", build_plan(manifest(), live_associations=(live(ExecutionConfiguration=OTHER),)), 0, 2),
    ("drifted", "drifted", build_plan(
        manifest(), live_associations=(live(ExecutionConfiguration=OTHER),),
        records=(replace(record(), state=CreatePending(1, NOW, NOW)),),
    ), 0, 2),
    ("changed", "changed", build_plan(
        manifest(ExecutionConfiguration=OTHER), live_associations=(live(),), records=(record("former"),)), 0, 2),
    ("retired", "retired", build_plan(
        manifest(policy=Policy(retired="replaced")), live_associations=(live(ExecutionConfiguration=OTHER),),
        records=(record(),),
    ), 0, 0),
    ("in-sync", "inSync", build_plan(manifest(), live_associations=(live(),), records=(record(),)), 0, 0),
    ("drifted", "drifted", build_plan(
        manifest(), live_associations=(live(ExecutionConfiguration=OTHER),), records=(record(),)), 0, 2),
    ("changed", "changed", build_plan(
        manifest(ExecutionConfiguration=OTHER), live_associations=(live(),), records=(record(),)), 0, 2),
    ("settling", "settling", build_plan(
        manifest(), records=(replace(record(), state=CreatePending(1, NOW, NOW)),)), 0, 2),
    ("lost", "lost", build_plan(manifest(), records=(build_missing_record(),)), 0, 2),
    ("finished", "finished", build_plan(manifest(), records=(build_missing_record(has_ended=True),)), 0, 0),
    ("held", "held", build_plan(manifest(policy=Policy(suspend=True))), 0, 2),
    ("held", "held", build_plan(
        manifest(policy=replace(UPDATING, suspend=True), ExecutionConfiguration=OTHER),
        live_associations=(live(),), records=(record(),), mode=Mode.CREATE_AND_UPDATE,
    ), 0, 2),
    ("blocked", "blocked", build_plan(manifest(DataIntegrationIdentifier="none")), 1, 1),
    ("blocked", "blocked", build_plan(manifest(), target=Target("prod", max_creates=0)), 1, 1),
]  # fmt: skip


@pytest.mark.parametrize(("decision", "summary_key", "plan", "code", "detailed_code"), CASES)
def test_each_decision_is_counted_once_and_has_its_exit_codes(
    decision: str, summary_key: str, plan: Plan, code: int, detailed_code: int
) -> None:
    """Each decision counts once. Blocked is exit code 1, and a remaining difference is detailed exit code 2."""
    report = build_report(plan)
    assert [each.decision for each in report.targets[0].associations] == [decision]
    assert {name for name, count in report.summary.items() if count} == {summary_key}
    assert (report.exit_code, report.get_detailed_exit_code()) == (code, detailed_code)


@pytest.mark.parametrize(
    ("outcome", "failed_count", "code", "detailed_code"),
    [
        (Created("a9"), 0, 0, 0),
        (Skipped("stopped"), 0, 0, 2),
        (Refused("no"), 1, 1, 1),
        (NotSent("busy"), 1, 1, 1),
        (Unknown("time-out"), 1, 1, 1),
    ],
)
def test_failed_call_has_exit_code_1(outcome: Outcome, failed_count: int, code: int, detailed_code: int) -> None:
    """A refused, unsent or unanswered write is exit code 1. A skipped write is a remaining difference."""
    report = build_report(build_plan(manifest()), {"export": outcome})
    assert (report.summary["failed"], report.exit_code, report.get_detailed_exit_code()) == (
        failed_count,
        code,
        detailed_code,
    )


def test_failed_list_fails_the_run() -> None:
    """A data integration that could not be listed fails the run, even without writes."""
    (target,) = build_report(build_plan(manifest())).targets
    report = Report(build_report(Plan()).run, (replace(target, unlisted=(("arn:one", "denied"),)),))
    assert report.has_failed
    assert report.exit_code == report.get_detailed_exit_code() == 1
    assert not report.targets[0].has_attempted_writes
    assert build_report(build_plan(manifest()), {"export": Created("a1")}).targets[0].has_attempted_writes


def test_unmanaged_associations_are_counted_and_do_not_fail_the_run() -> None:
    """Unmanaged associations are counted, and do not fail the run."""
    report = build_report(build_plan(live_associations=(live(),)))
    assert (report.summary["unmanaged"], report.get_detailed_exit_code()) == (1, 0)


def test_ignored_associations_are_neither_managed_nor_unmanaged() -> None:
    """An ignored association counts as live, and is neither managed nor a difference."""
    plan = replace(build_plan(), ignored=(Ignored(live(), "not ours"),), live_ids=frozenset({"a1", "a2"}))
    report = build_report(plan)
    assert (report.live_count, report.managed_count, report.ignored_count, report.unmanaged_count) == (2, 1, 1, 0)
    assert report.get_detailed_exit_code(should_count_unmanaged=True) == 0


def test_failed_export_of_a_retired_association_is_not_reported() -> None:
    """The failed export of a retired association does not count. Without policy.retired it does."""
    failed = replace(live(), last_execution=Execution("FAILED", "no key"))
    for policy, has_failed_export in ((Policy(), True), (Policy(retired="replaced"), False)):
        plan = build_plan(manifest(policy=policy), live_associations=(failed,), records=(record(),))
        (association,) = build_report(plan).associations
        assert association.last_execution == failed.last_execution
        assert association.has_failed_export is has_failed_export
        assert bool(association.unverifiable) is has_failed_export


def test_failed_target_fails_the_run_and_blocks_its_manifests() -> None:
    """A failed target fails the run, even without manifests, and blocks its manifests."""
    failed_target = TargetReport("prod", None, None, "no credentials", build_blocked_lines([manifest()], "no"))
    report = Report(build_report(Plan()).run, (failed_target,))
    assert (report.summary["blocked"], report.exit_code) == (1, 1)
    empty = Report(report.run, (replace(failed_target, associations=()),))
    assert (empty.summary["blocked"], empty.exit_code, empty.get_detailed_exit_code()) == (0, 1, 1)


def test_member_that_aws_never_shows_is_unverifiable() -> None:
    """A member that AWS never shows is reported as unverifiable."""
    (association,) = (
        build_report(build_plan(manifest(), live_associations=(live(),), records=(record(),))).targets[0].associations
    )
    assert association.unverifiable == ("/ObjectConfiguration",)


def test_report_has_the_arn_of_a_created_association() -> None:
    """The report of a run has the ARN of the association that it created."""
    report = build_report(build_plan(manifest()), {"export": Created("a1")}, {"a1": live()})
    assert report.targets[0].associations[0].arn == live().arn


def test_digest_covers_only_writes() -> None:
    """The digest changes with the writes, and not with times, drift or positions."""
    report = build_report(build_plan(manifest()))
    assert report.plan_digest.startswith("sha256:")
    moved_manifest = replace(manifest(), origin=replace(manifest().origin, line=99))
    later_report = replace(report, run=replace(report.run, revision="abc", finished_at=NOW + SETTLE))
    assert build_report(build_plan(moved_manifest)).plan_digest == later_report.plan_digest == report.plan_digest
    drifted_plan = build_plan(manifest(), live_associations=(live(ExecutionConfiguration=OTHER),))
    assert build_report(drifted_plan).plan_digest == build_report(Plan()).plan_digest != report.plan_digest
    assert build_report(build_plan(manifest(ClientId="c"))).plan_digest != report.plan_digest


def test_report_counts_live_and_managed_associations() -> None:
    """The report counts live and managed associations, which shows how much of an account git manages."""
    report = build_report(
        build_plan(manifest(), live_associations=(live(), live("b", ClientId="b"), live("c", ClientId="c")))
    )
    assert (report.managed_count, report.live_count) == (1, 3)


def test_created_association_counts_as_live_and_managed() -> None:
    """A created association counts as live and managed, even if List does not show it yet."""
    report = build_report(
        build_plan(manifest(), live_associations=(live("c", ClientId="c"),)), {"export": Created("a1")}
    )
    assert (report.managed_count, report.live_count) == (1, 2)


def test_record_without_a_manifest_is_reported_as_orphaned() -> None:
    """A record without a manifest is orphaned, even without an association. A renamed record is not."""
    pending = replace(record("gone", ClientId="x"), state=CreatePending(1, NOW, NOW))
    report = build_report(build_plan(manifest("new"), live_associations=(live(),), records=(record("old"), pending)))
    assert [each.name for each in report.targets[0].orphaned] == ["gone"]


def test_list_failure_without_a_manifest_is_reported() -> None:
    """A data integration that could not be listed is reported, even without manifests."""
    plan = compute_plan([], observation(unobserved="denied"), journal(), rules())
    assert build_report(plan).targets[0].unlisted == ((INTEGRATION.arn, "denied"),)


def test_unmanaged_associations_are_a_difference_on_request() -> None:
    """Unmanaged associations are a difference on request."""
    report = build_report(build_plan(live_associations=(live(),)))
    assert (report.get_detailed_exit_code(), report.get_detailed_exit_code(should_count_unmanaged=True)) == (0, 2)
    assert build_report(Plan()).get_detailed_exit_code(should_count_unmanaged=True) == 0


def test_plan_mismatch_fails_the_run() -> None:
    """A plan mismatch is exit code 1."""
    report = replace(build_report(build_plan(manifest())), mismatch=PlanMismatch("sha256:0", None))
    assert (report.exit_code, report.get_detailed_exit_code()) == (1, 1)


def test_report_without_a_reached_target_has_no_plan() -> None:
    """A target without manifests or without a connection has no plan. A plan without writes is a plan."""
    failed_target = TargetReport("prod", None, None, "no credentials", build_blocked_lines([manifest()], "no"))
    empty = build_report(build_plan(live_associations=(live(),)))
    assert not empty.has_plan
    assert not replace(empty, targets=(failed_target, failed_target)).has_plan
    assert not replace(empty, targets=()).has_plan
    in_sync_report = build_report(build_plan(manifest(), live_associations=(live(),), records=(record(),)))
    assert in_sync_report.has_plan
    assert replace(empty, targets=(failed_target, *in_sync_report.targets)).has_plan
    leased_target = replace(build_report(build_plan(manifest())).targets[0], error="held by another")
    assert replace(empty, targets=(leased_target,)).has_plan


def test_shard_without_targets_has_a_complete_plan() -> None:
    """The plan of a shard without targets has no writes, and can be reviewed like any other."""
    empty = replace(build_report(build_plan()), targets=())
    sharded = replace(empty, run=replace(empty.run, shard=Shard(1, 3)))
    assert (empty.has_plan, sharded.has_plan) == (False, True)


def test_a_report_knows_the_names_of_data_integrations() -> None:
    """A report has the names of the data integrations. The digest does not depend on them."""
    report = build_report(build_plan(manifest(), records=(record("gone", ClientId="x"),)))
    (target,) = report.targets
    assert target.get_integration_name(INTEGRATION.arn) == INTEGRATION.name
    assert target.format_integration(INTEGRATION.arn) == f"{INTEGRATION.name} ({INTEGRATION.arn})"
    assert (target.get_integration_name("arn:gone"), target.format_integration("arn:gone")) == ("arn:gone", "arn:gone")
    assert replace(report, targets=(replace(target, integration_names={}),)).plan_digest == report.plan_digest


def test_waiting_writes_are_those_that_a_later_run_sends() -> None:
    """A write that waits for the end of its window waits for a later run. A suspended one waits for a person."""
    open_window = {
        "ExecutionMode": "ON_DEMAND",
        "OnDemandConfiguration": {"StartTime": "1790812800000", "EndTime": "1893456000000"},
    }
    report = build_report(
        build_plan(
            manifest("waiting", ExecutionConfiguration=open_window),
            manifest("suspended", Policy(suspend=True), DestinationURI="s3://corp-exports/other"),
        )
    )
    assert [each.name for each in report.waiting_writes] == ["waiting"]


def test_updates_of_recurring_exports_are_no_reviewed_writes() -> None:
    """A plan whose only writes are updates of recurring exports has nothing for a review."""
    recurring = replace(reports.update(), manifest=build_recurring_manifest())
    line = reports.association("monthly", "update", write=recurring)
    assert not reports.report(line).has_reviewed_writes
    assert reports.report(reports.association()).has_reviewed_writes
