"""Guardrails: every write passes them, and the reason of a stopped write names the remedy."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from support.builders import INTEGRATION, NOW, SETTLE, journal, live, manifest, observation, record, rules, spec
from support.exports import span
from support.recurring import build_recurring_manifest

from reconciler.core.journal.jobs import Job, JobSource
from reconciler.core.journal.records import Bound, CreatePending, Journal
from reconciler.core.model import Execution, Live, Manifest, Mode, Policy, Target
from reconciler.core.plan.compute import compute_plan
from reconciler.core.plan.decision import Blocked, Decision, Held, InSync
from reconciler.core.plan.guardrails import MAX_EXPORTS, apply_guardrails
from reconciler.core.plan.inputs import RunOptions, RunRules
from reconciler.core.plan.write import Create, Update
from reconciler.core.request.export_window import build_execution
from reconciler.core.request.normalise import resolve_request

TARGET = Target("prod", account="123456789012", allowed_destinations=("s3://corp-exports/*", "s3://other/[x]?"))


def decide_creates(*manifests: Manifest, target: Target = TARGET, mode: Mode = Mode.CREATE) -> tuple[Decision, ...]:
    """Return the decisions on missing associations after the guardrails."""
    live_state = observation()
    return apply_guardrails(
        compute_plan(manifests, live_state, journal(), rules(mode)), target, rules(mode), live_state
    ).decisions


def test_create_to_an_allowed_destination_passes() -> None:
    """A Create to a destination in AllowedDestinations passes."""
    (decision,) = decide_creates(manifest())
    assert isinstance(decision, Create)


def test_every_destination_passes_without_allowed_destinations() -> None:
    """Without AllowedDestinations, every destination passes, and so does a request without a destination."""
    (decision,) = decide_creates(manifest(DestinationURI=None), target=Target("prod"))
    assert isinstance(decision, Create)


@pytest.mark.parametrize(
    ("policy", "target", "mode", "reason"),
    [
        (Policy(suspend=True), TARGET, Mode.CREATE, "policy.suspend"),
        (Policy(), replace(TARGET, suspend=True), Mode.CREATE, "'prod' is suspended"),
        (Policy(), TARGET, Mode.OBSERVE, "--mode observe"),
        (Policy(mode=Mode.OBSERVE), TARGET, Mode.CREATE, "policy.mode is observe"),
    ],
)
def test_suspended_or_observed_create_is_held(policy: Policy, target: Target, mode: Mode, reason: str) -> None:
    """A suspended or observed Create is held, and the reason names the setting."""
    (decision,) = decide_creates(manifest(policy=policy), target=target, mode=mode)
    assert isinstance(decision, Held)
    assert reason in decision.reason


def test_mode_in_the_reason_is_one_that_the_manifest_accepts() -> None:
    """A manifest with a window needs create-and-update, and the reason of an observed write names this mode."""
    (fixed,) = decide_creates(manifest(policy=Policy(mode=Mode.OBSERVE)))
    assert isinstance(fixed, Held)
    assert "set policy.mode to create in the manifest" in fixed.reason
    (recurring,) = decide_creates(build_recurring_manifest(policy=Policy(mode=Mode.OBSERVE), first=date(2026, 10, 1)))
    assert isinstance(recurring, Held)
    assert "set policy.mode to create-and-update in the manifest" in recurring.reason


def test_an_update_is_held_like_a_create() -> None:
    """A suspended manifest sends no Update. Guardrails leave other decisions unchanged."""
    policy = Policy(mode=Mode.CREATE_AND_UPDATE, suspend=True)
    changed = manifest(policy=policy, ExecutionConfiguration={"ExecutionMode": "ON_DEMAND"})
    mode = Mode.CREATE_AND_UPDATE
    live_state = observation(live())
    (decision,) = apply_guardrails(
        compute_plan([changed], live_state, journal(record()), rules(mode)), TARGET, rules(mode), live_state
    ).decisions
    assert isinstance(decision, Held)
    assert isinstance(decision.write, Update)
    (unchanged,) = apply_guardrails(
        compute_plan([manifest()], live_state, journal(record()), rules()), TARGET, rules(mode), live_state
    ).decisions
    assert isinstance(unchanged, InSync)


@pytest.mark.parametrize("destination", ["s3://elsewhere/x", "s3://corp-exports", "s3://other/xx", None])
def test_disallowed_destination_blocks(destination: str | None) -> None:
    """A destination outside AllowedDestinations is blocked, and the reason names the allowed ones."""
    (decision,) = decide_creates(manifest(DestinationURI=destination))
    assert isinstance(decision, Blocked)
    assert "s3://corp-exports/*" in decision.reason


def test_repeated_create_is_checked_by_its_recorded_destination() -> None:
    """A retry is checked by the destination in its record, because it sends the recorded request."""
    pending = replace(record(), state=CreatePending(1, NOW - 2 * SETTLE, NOW - 2 * SETTLE))
    plan = compute_plan([manifest()], observation(), journal(pending), rules())
    other_target = replace(TARGET, allowed_destinations=("s3://other/*",))
    (decision,) = apply_guardrails(plan, other_target, rules(), observation()).decisions
    assert isinstance(decision, Blocked)


def test_creates_beyond_max_creates_block_all_creates() -> None:
    """If a run would exceed MaxCreates, each of its Creates is blocked."""
    manifests = [manifest(name, DestinationURI=f"s3://corp-exports/{name}") for name in "abc"]
    assert {type(each) for each in decide_creates(*manifests, target=replace(TARGET, max_creates=3))} == {Create}
    decisions = decide_creates(*manifests, target=replace(TARGET, max_creates=2))
    assert {type(each) for each in decisions} == {Blocked}
    assert all(
        "3 associations" in each.reason and "is 2" in each.reason for each in decisions if isinstance(each, Blocked)
    )


@pytest.mark.parametrize(
    ("run_limit", "target_limit", "expected"),
    [
        (2, 9, "--max-creates is 2: review the plan, then raise --max-creates"),
        (9, 2, "MaxCreates of target 'prod' is 2: review the plan, then raise MaxCreates"),
    ],
)
def test_stricter_of_two_limits_applies_and_is_named(run_limit: int, target_limit: int, expected: str) -> None:
    """The reason names the stricter of MaxCreates and --max-creates."""
    manifests = [manifest(name, DestinationURI=f"s3://corp-exports/{name}") for name in "abc"]
    plan = compute_plan(manifests, observation(), journal(), rules())
    target, limited_rules = replace(TARGET, max_creates=target_limit), RunRules(RunOptions(max_creates=run_limit), NOW)
    for decision in apply_guardrails(plan, target, limited_rules, observation()).decisions:
        assert isinstance(decision, Blocked)
        assert expected in decision.reason


def test_limit_without_a_declared_target_names_its_remedy() -> None:
    """Without a declared Target, the limit can be raised only by declaring one."""
    manifests = [manifest(str(number), DestinationURI=f"s3://b/{number}") for number in range(3)]
    for decision in decide_creates(*manifests, target=Target("default", max_creates=2)):
        assert isinstance(decision, Blocked)
        assert "declare a Target with a higher MaxCreates" in decision.reason


def test_max_creates_counts_and_blocks_only_creates() -> None:
    """MaxCreates leaves associations in sync unchanged."""
    manifests = [manifest("a", DestinationURI="s3://corp-exports/a"), manifest()]
    plan = compute_plan(manifests, observation(live()), journal(record()), rules())
    decisions = apply_guardrails(plan, replace(TARGET, max_creates=0), rules(), observation()).decisions
    assert [type(each) for each in decisions] == [Blocked, InSync]


def test_stricter_mode_wins() -> None:
    """The stricter mode applies, regardless of the order."""
    assert Mode.CREATE.choose_stricter(Mode.OBSERVE) is Mode.OBSERVE
    assert Mode.CREATE.choose_stricter(Mode.CREATE_AND_UPDATE) is Mode.CREATE


def build_running_exports(count: int, **changes: str) -> tuple[Live, ...]:
    """Return associations whose exports are running."""
    running = Execution("IN_PROGRESS", None)
    return tuple(
        replace(
            live(f"r{n}", **{"ClientId": f"r{n}", "DestinationURI": f"s3://corp/{n}", **changes}),
            last_execution=running,
        )
        for n in range(count)
    )


def build_manifests(count: int) -> tuple[Manifest, ...]:
    """Return manifests for a number of exports."""
    return tuple(manifest(f"m{n:02}", ClientId=f"m{n:02}") for n in range(count))


def decide_beside(
    *manifests: Manifest, live_associations: tuple[Live, ...] = (), stored_journal: Journal | None = None
) -> tuple[Decision, ...]:
    """Return the decisions beside other associations, in a target with high limits."""
    target = Target("prod", max_creates=99, associations_per_integration=99)
    live_state = observation(*live_associations)
    return apply_guardrails(
        compute_plan(manifests, live_state, stored_journal or journal(), rules()), target, rules(), live_state
    ).decisions


def test_export_beyond_the_running_quota_is_held() -> None:
    """Exports above the quota of AWS are held, and resume by themselves. Those of one window go in the order in git."""
    decisions = decide_beside(*build_manifests(4), live_associations=build_running_exports(MAX_EXPORTS - 2))
    assert [each.kind for each in decisions] == ["create", "create", "held", "held"]
    (reason,) = {each.reason for each in decisions if isinstance(each, Held)}
    assert reason == (
        "18 bulk exports are running and this run starts 2 more, and AWS allows 20 at once in an account and Region "
        "(this quota cannot be raised): a later run starts this export"
    )
    assert all(each.is_temporary for each in decisions if isinstance(each, Held))
    (decision,) = decide_beside(manifest(), live_associations=build_running_exports(MAX_EXPORTS))
    assert isinstance(decision, Held)
    assert decision.reason.startswith("20 bulk exports are running, and AWS allows 20")


def test_window_that_ended_first_is_exported_first() -> None:
    """Below the quota of AWS, an export without a window precedes those with one, and an older window a newer one."""
    windows = {"a": span(6, 9), "b": span(6, 7), "d": span(6, 8)}
    executions = {name: build_execution(each) for name, each in windows.items()} | {"c": {"ExecutionMode": "ON_DEMAND"}}
    manifests = [manifest(name, ClientId=name, ExecutionConfiguration=executions[name]) for name in sorted(executions)]
    decisions = decide_beside(*manifests, live_associations=build_running_exports(MAX_EXPORTS - 2))
    assert [(each.manifest.name, each.kind) for each in decisions if isinstance(each, Create)] == [
        ("b", "create"),
        ("c", "create"),
    ]
    assert sum(isinstance(each, Held) for each in decisions) == 2


def test_scheduled_association_ignores_the_running_exports() -> None:
    """The quota of exports does not hold a scheduled association, which starts its jobs later."""
    schedule = {"ExecutionMode": "SCHEDULED", "ScheduleConfiguration": {"ScheduleExpression": "rate(1 hour)"}}
    running = build_running_exports(MAX_EXPORTS)
    for changes in ({"ExecutionConfiguration": schedule}, {"ExecutionConfiguration": None}):
        (decision,) = decide_beside(manifest(**changes), live_associations=running)
        assert isinstance(decision, Create)


@pytest.mark.parametrize(
    ("source", "is_held"),
    [("AmazonConnect://AppIntegrations", True), ("", True), ("Other://source", True), ("s3://bucket/x", False)],
)
def test_quota_of_running_exports_applies_to_bulk_exports(source: str, *, is_held: bool) -> None:
    """The quota counts and holds exports unless their data integration has another known source."""
    live_state = replace(
        observation(*build_running_exports(MAX_EXPORTS)), integrations=(replace(INTEGRATION, source=source),)
    )
    target = Target("prod", associations_per_integration=99)
    plan = compute_plan([manifest()], live_state, journal(), rules())
    (decision,) = apply_guardrails(plan, target, rules(), live_state).decisions
    assert isinstance(decision, Held if is_held else Create)


def test_running_jobs_of_other_sources_do_not_hold_a_bulk_export() -> None:
    """Jobs and unanswered Creates of a data integration with an s3:// source do not count."""
    other = replace(INTEGRATION, arn=INTEGRATION.arn[:-1] + "9", name="articles", source="s3://corp/articles")
    pending = replace(
        record("unanswered", DataIntegrationIdentifier=other.name),
        request=resolve_request(spec(DataIntegrationIdentifier=other.name), other.arn),
        state=CreatePending(1, NOW, NOW),
    )
    live_state = replace(
        observation(),
        integrations=(INTEGRATION, other),
        associations={INTEGRATION.arn: (), other.arn: build_running_exports(MAX_EXPORTS)},
    )
    manifests = [manifest(), manifest("unanswered", DataIntegrationIdentifier=other.name)]
    target = Target("prod", associations_per_integration=99)
    plan = compute_plan(manifests, live_state, journal(pending), rules())
    decisions = apply_guardrails(plan, target, rules(), live_state).decisions
    assert [each.kind for each in decisions] == ["create", "settling"]


def test_update_that_exports_is_held_like_a_create() -> None:
    """An Update that repeats an export counts as an export."""
    mode, policy = Mode.CREATE_AND_UPDATE, Policy(mode=Mode.CREATE_AND_UPDATE)
    new_execution = {"ExecutionMode": "ON_DEMAND", "OnDemandConfiguration": {"StartTime": "1790000000000"}}
    live_state = observation(live(), *build_running_exports(MAX_EXPORTS))
    plan = compute_plan(
        [manifest(policy=policy, ExecutionConfiguration=new_execution)], live_state, journal(record()), rules(mode)
    )
    (decision,) = apply_guardrails(plan, Target("prod"), rules(mode), live_state).decisions
    assert isinstance(decision, Held)
    assert isinstance(decision.write, Update)


def test_create_that_list_does_not_show_counts_as_running() -> None:
    """A Create that List does not show yet counts as a running export."""
    pending = replace(record("m00", ClientId="m00"), state=CreatePending(1, NOW, NOW))
    bound = replace(record("m01", ClientId="m01"), state=Bound("b", NOW))
    decisions = decide_beside(
        *build_manifests(3),
        live_associations=build_running_exports(MAX_EXPORTS - 2),
        stored_journal=journal(pending, bound),
    )
    assert [each.kind for each in decisions] == ["settling", "settling", "held"]


def test_association_quota_of_a_data_integration_is_not_exceeded() -> None:
    """Creates above the quota of associations are blocked. The others are created in the order of their names."""
    live_state = observation(*(live(f"l{n}", ClientId=f"l{n}") for n in range(8)))
    decisions = apply_guardrails(
        compute_plan(build_manifests(4), live_state, journal(), rules()), Target("prod"), rules(), live_state
    ).decisions
    assert [each.kind for each in decisions] == ["create", "create", "blocked", "blocked"]
    (reason,) = {each.reason for each in decisions if isinstance(each, Blocked)}
    assert "would have 11 associations, and AssociationsPerIntegration of target 'prod' is 10" in reason
    assert "L-3DEFA101" in reason


def test_unanswered_create_counts_towards_the_association_quota() -> None:
    """A Create without an answer counts towards the quota of associations."""
    pending = replace(record("m00", ClientId="m00"), state=CreatePending(1, NOW, NOW))
    live_state = observation(*(live(f"l{n}", ClientId=f"l{n}") for n in range(9)))
    decisions = apply_guardrails(
        compute_plan(build_manifests(2), live_state, journal(pending), rules()), Target("prod"), rules(), live_state
    ).decisions
    assert [each.kind for each in decisions] == ["settling", "blocked"]


def test_update_does_not_count_towards_the_association_quota() -> None:
    """An Update does not count towards the quota of associations."""
    mode, policy = Mode.CREATE_AND_UPDATE, Policy(mode=Mode.CREATE_AND_UPDATE)
    new_execution = {"ExecutionMode": "ON_DEMAND", "OnDemandConfiguration": {"StartTime": "1790000000000"}}
    live_state = observation(live(), *(live(f"l{n}", ClientId=f"l{n}") for n in range(9)))
    plan = compute_plan(
        [manifest(policy=policy, ExecutionConfiguration=new_execution)], live_state, journal(record()), rules(mode)
    )
    (decision,) = apply_guardrails(plan, Target("prod"), rules(mode), live_state).decisions
    assert isinstance(decision, Update)


@pytest.mark.parametrize("status", ["COMPLETED", "IN_PROGRESS"])
def test_pending_update_counts_as_one_running_export(status: str) -> None:
    """An Update that List does not show yet counts as one running export, even if List shows its job."""
    old_execution = {"ExecutionMode": "ON_DEMAND"}
    association = replace(
        live("s", ClientId="s", ExecutionConfiguration=old_execution), last_execution=Execution(status, None)
    )
    stored_record = record("sent", "s", ClientId="s")
    stored_record = replace(
        stored_record,
        state=Bound("s", NOW - 2 * SETTLE, association.arn, job=Job(JobSource.UPDATE, NOW)),
        previous_executions=(old_execution,),
    )
    live_associations = (association, *build_running_exports(MAX_EXPORTS - 2))
    decisions = decide_beside(
        manifest("sent", ClientId="s"),
        *build_manifests(2),
        live_associations=live_associations,
        stored_journal=journal(stored_record),
    )
    assert [each.kind for each in decisions] == ["settling", "create", "held"]


def test_held_create_counts_towards_max_creates() -> None:
    """A held Create counts towards MaxCreates. Otherwise the plan would change when the hold ends."""
    live_state = observation(*build_running_exports(MAX_EXPORTS))
    plan = compute_plan(build_manifests(3), live_state, journal(), rules())
    target = Target("prod", max_creates=2, associations_per_integration=99)
    assert {each.kind for each in apply_guardrails(plan, target, rules(), live_state).decisions} == {"blocked"}


def test_unlisted_associations_are_ignored_by_guardrails() -> None:
    """Guardrails work if a data integration could not be listed."""
    live_state = observation(unobserved="denied")
    (decision,) = apply_guardrails(
        compute_plan([manifest()], live_state, journal(), rules()), TARGET, rules(), live_state
    ).decisions
    assert isinstance(decision, Blocked)
