"""Guardrails: every write passes them, and the reason of a stopped write names the remedy."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.builders import NOW, SETTLE, journal, live, manifest, observation, record, rules

from reconciler.core.journal.records import Bound, CreatePending, Journal, UpdatePending
from reconciler.core.model import Execution, Live, Manifest, Mode, Policy, Target
from reconciler.core.plan.compute import compute_plan
from reconciler.core.plan.decision import Blocked, Create, Decision, Held, InSync, Update
from reconciler.core.plan.guardrails import MAX_EXPORTS, apply_guardrails
from reconciler.core.plan.inputs import RunOptions, RunRules

TARGET = Target("prod", allowed_destinations=("s3://corp-exports/*", "s3://other/[x]?"))


def guarded(*manifests: Manifest, target: Target = TARGET, mode: Mode = Mode.CREATE) -> tuple[Decision, ...]:
    """Return the decisions on missing associations after the guardrails."""
    seen = observation()
    return apply_guardrails(compute_plan(manifests, seen, journal(), rules(mode)), target, rules(mode), seen).decisions


def test_create_to_an_allowed_destination_passes() -> None:
    """A Create to a destination in AllowedDestinations passes."""
    (decision,) = guarded(manifest())
    assert isinstance(decision, Create)


def test_every_destination_passes_without_allowed_destinations() -> None:
    """Without AllowedDestinations, every destination passes, and so does a request without a destination."""
    (decision,) = guarded(manifest(DestinationURI=None), target=Target("prod"))
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
    (decision,) = guarded(manifest(policy=policy), target=target, mode=mode)
    assert isinstance(decision, Held)
    assert reason in decision.reason


def test_an_update_is_held_like_a_create() -> None:
    """A suspended manifest sends no Update. Guardrails leave other decisions unchanged."""
    policy = Policy(mode=Mode.CREATE_AND_UPDATE, suspend=True)
    changed = manifest(policy=policy, ExecutionConfiguration={"ExecutionMode": "ON_DEMAND"})
    mode = Mode.CREATE_AND_UPDATE
    seen = observation(live())
    (held,) = apply_guardrails(
        compute_plan([changed], seen, journal(record()), rules(mode)), TARGET, rules(mode), seen
    ).decisions
    assert isinstance(held, Held)
    assert isinstance(held.write, Update)
    (same,) = apply_guardrails(
        compute_plan([manifest()], seen, journal(record()), rules()), TARGET, rules(mode), seen
    ).decisions
    assert isinstance(same, InSync)


@pytest.mark.parametrize("destination", ["s3://elsewhere/x", "s3://corp-exports", "s3://other/xx", None])
def test_disallowed_destination_blocks(destination: str | None) -> None:
    """A destination outside AllowedDestinations is blocked, and the reason names the allowed ones."""
    (decision,) = guarded(manifest(DestinationURI=destination))
    assert isinstance(decision, Blocked)
    assert "s3://corp-exports/*" in decision.reason


def test_repeated_create_is_checked_by_its_recorded_destination() -> None:
    """A retry is checked by the destination in its record, because it sends the recorded request."""
    sent = replace(record(), state=CreatePending(1, NOW - 2 * SETTLE, NOW - 2 * SETTLE))
    decided = compute_plan([manifest()], observation(), journal(sent), rules())
    elsewhere = replace(TARGET, allowed_destinations=("s3://other/*",))
    (decision,) = apply_guardrails(decided, elsewhere, rules(), observation()).decisions
    assert isinstance(decision, Blocked)


def test_creates_beyond_max_creates_block_all_creates() -> None:
    """If a run would exceed MaxCreates, each of its Creates is blocked."""
    three = [manifest(name, DestinationURI=f"s3://corp-exports/{name}") for name in "abc"]
    assert {type(each) for each in guarded(*three, target=replace(TARGET, max_creates=3))} == {Create}
    decisions = guarded(*three, target=replace(TARGET, max_creates=2))
    assert {type(each) for each in decisions} == {Blocked}
    assert all(
        "3 associations" in each.reason and "is 2" in each.reason for each in decisions if isinstance(each, Blocked)
    )


@pytest.mark.parametrize(
    ("given", "declared", "said"),
    [
        (2, 9, "--max-creates is 2: read the plan, then raise --max-creates"),
        (9, 2, "MaxCreates of target 'prod' is 2: read the plan, then raise MaxCreates"),
    ],
)
def test_stricter_of_two_limits_applies_and_is_named(given: int, declared: int, said: str) -> None:
    """The reason names the stricter of MaxCreates and --max-creates."""
    three = [manifest(name, DestinationURI=f"s3://corp-exports/{name}") for name in "abc"]
    decided = compute_plan(three, observation(), journal(), rules())
    target, bounded = replace(TARGET, max_creates=declared), RunRules(RunOptions(max_creates=given), NOW)
    for decision in apply_guardrails(decided, target, bounded, observation()).decisions:
        assert isinstance(decision, Blocked)
        assert said in decision.reason


def test_max_creates_counts_and_blocks_only_creates() -> None:
    """MaxCreates leaves associations in sync unchanged."""
    manifests = [manifest("a", DestinationURI="s3://corp-exports/a"), manifest()]
    decided = compute_plan(manifests, observation(live()), journal(record()), rules())
    decisions = apply_guardrails(decided, replace(TARGET, max_creates=0), rules(), observation()).decisions
    assert [type(each) for each in decisions] == [Blocked, InSync]


def test_stricter_mode_wins() -> None:
    """The stricter mode applies, regardless of the order."""
    assert Mode.CREATE.choose_stricter(Mode.OBSERVE) is Mode.OBSERVE
    assert Mode.CREATE.choose_stricter(Mode.CREATE_AND_UPDATE) is Mode.CREATE


def runs(count: int, **changes: str) -> tuple[Live, ...]:
    """Return associations whose exports are running."""
    running = Execution("IN_PROGRESS", None)
    return tuple(
        replace(
            live(f"r{n}", **{"ClientId": f"r{n}", "DestinationURI": f"s3://corp/{n}", **changes}),
            last_execution=running,
        )
        for n in range(count)
    )


def exports(count: int) -> tuple[Manifest, ...]:
    """Return manifests for a number of exports."""
    return tuple(manifest(f"m{n:02}", ClientId=f"m{n:02}") for n in range(count))


def crowded(*manifests: Manifest, lives: tuple[Live, ...] = (), known: Journal | None = None) -> tuple[Decision, ...]:
    """Return the decisions beside other associations, in a target with high limits."""
    roomy = Target("prod", max_creates=99, associations_per_integration=99)
    seen = observation(*lives)
    return apply_guardrails(compute_plan(manifests, seen, known or journal(), rules()), roomy, rules(), seen).decisions


def test_export_beyond_the_running_quota_is_held() -> None:
    """Exports above the quota of AWS are held, in the order of their names, and resume by themselves."""
    decisions = crowded(*exports(4), lives=runs(MAX_EXPORTS - 2))
    assert [each.kind for each in decisions] == ["create", "create", "held", "held"]
    (held,) = {each.reason for each in decisions if isinstance(each, Held)}
    assert held == (
        "18 exports are running and this run starts 2 more, and AWS allows 20 at once in an account and Region "
        "(this quota cannot be raised): a later run starts this export"
    )
    assert all(each.resumes_by_itself for each in decisions if isinstance(each, Held))
    (alone,) = crowded(manifest(), lives=runs(MAX_EXPORTS))
    assert isinstance(alone, Held)
    assert alone.reason.startswith("20 exports are running, and AWS allows 20")


def test_scheduled_association_ignores_the_running_exports() -> None:
    """The quota of exports does not hold a scheduled association, which starts its jobs later."""
    schedule = {"ExecutionMode": "SCHEDULED", "ScheduleConfiguration": {"ScheduleExpression": "rate(1 hour)"}}
    lives = runs(MAX_EXPORTS)
    for changes in ({"ExecutionConfiguration": schedule}, {"ExecutionConfiguration": None}):
        (decision,) = crowded(manifest(**changes), lives=lives)
        assert isinstance(decision, Create)


def test_update_that_exports_is_held_like_a_create() -> None:
    """An Update that repeats an export counts as an export."""
    mode, policy = Mode.CREATE_AND_UPDATE, Policy(mode=Mode.CREATE_AND_UPDATE)
    later = {"ExecutionMode": "ON_DEMAND", "OnDemandConfiguration": {"StartTime": "1790000000000"}}
    seen = observation(live(), *runs(MAX_EXPORTS))
    decided = compute_plan(
        [manifest(policy=policy, ExecutionConfiguration=later)], seen, journal(record()), rules(mode)
    )
    (held,) = apply_guardrails(decided, Target("prod"), rules(mode), seen).decisions
    assert isinstance(held, Held)
    assert isinstance(held.write, Update)


def test_create_that_list_does_not_show_counts_as_running() -> None:
    """A Create that List does not show yet counts as a running export."""
    waiting = replace(record("m00", ClientId="m00"), state=CreatePending(1, NOW, NOW))
    fresh = replace(record("m01", ClientId="m01"), state=Bound("b", NOW))
    decisions = crowded(*exports(3), lives=runs(MAX_EXPORTS - 2), known=journal(waiting, fresh))
    assert [each.kind for each in decisions] == ["settling", "settling", "held"]


def test_association_quota_of_a_data_integration_is_not_exceeded() -> None:
    """Creates above the quota of associations are blocked. The others are created in the order of their names."""
    seen = observation(*(live(f"l{n}", ClientId=f"l{n}") for n in range(8)))
    decisions = apply_guardrails(
        compute_plan(exports(4), seen, journal(), rules()), Target("prod"), rules(), seen
    ).decisions
    assert [each.kind for each in decisions] == ["create", "create", "blocked", "blocked"]
    (reason,) = {each.reason for each in decisions if isinstance(each, Blocked)}
    assert "would have 11 associations, and AssociationsPerIntegration of target 'prod' is 10" in reason
    assert "L-3DEFA101" in reason


def test_unanswered_create_counts_towards_the_association_quota() -> None:
    """A Create without an answer counts towards the quota of associations."""
    waiting = replace(record("m00", ClientId="m00"), state=CreatePending(1, NOW, NOW))
    seen = observation(*(live(f"l{n}", ClientId=f"l{n}") for n in range(9)))
    decisions = apply_guardrails(
        compute_plan(exports(2), seen, journal(waiting), rules()), Target("prod"), rules(), seen
    ).decisions
    assert [each.kind for each in decisions] == ["settling", "blocked"]


def test_update_does_not_count_towards_the_association_quota() -> None:
    """An Update does not count towards the quota of associations."""
    mode, policy = Mode.CREATE_AND_UPDATE, Policy(mode=Mode.CREATE_AND_UPDATE)
    later = {"ExecutionMode": "ON_DEMAND", "OnDemandConfiguration": {"StartTime": "1790000000000"}}
    seen = observation(live(), *(live(f"l{n}", ClientId=f"l{n}") for n in range(9)))
    decided = compute_plan(
        [manifest(policy=policy, ExecutionConfiguration=later)], seen, journal(record()), rules(mode)
    )
    (decision,) = apply_guardrails(decided, Target("prod"), rules(mode), seen).decisions
    assert isinstance(decision, Update)


@pytest.mark.parametrize("status", ["COMPLETED", "IN_PROGRESS"])
def test_pending_update_counts_as_one_running_export(status: str) -> None:
    """An Update that List does not show yet counts as one running export, even if List shows its job."""
    before = {"ExecutionMode": "ON_DEMAND"}
    shown = replace(live("s", ClientId="s", ExecutionConfiguration=before), last_execution=Execution(status, None))
    sent = record("sent", "s", ClientId="s")
    sent = replace(
        sent, state=Bound("s", NOW - 2 * SETTLE, shown.arn, update=UpdatePending(NOW)), previous_executions=(before,)
    )
    lives = (shown, *runs(MAX_EXPORTS - 2))
    decisions = crowded(manifest("sent", ClientId="s"), *exports(2), lives=lives, known=journal(sent))
    assert [each.kind for each in decisions] == ["settling", "create", "held"]


def test_held_create_counts_towards_max_creates() -> None:
    """A held Create counts towards MaxCreates. Otherwise the plan would change when the hold ends."""
    seen = observation(*runs(MAX_EXPORTS))
    decided = compute_plan(exports(3), seen, journal(), rules())
    few = Target("prod", max_creates=2, associations_per_integration=99)
    assert {each.kind for each in apply_guardrails(decided, few, rules(), seen).decisions} == {"blocked"}


def test_unlisted_associations_are_ignored_by_guardrails() -> None:
    """Guardrails work if a data integration could not be listed."""
    seen = observation(unobserved="denied")
    (decision,) = apply_guardrails(
        compute_plan([manifest()], seen, journal(), rules()), TARGET, rules(), seen
    ).decisions
    assert isinstance(decision, Blocked)
