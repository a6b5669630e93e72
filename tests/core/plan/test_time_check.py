"""An export waits until its window has ended and the delay has passed, by the clocks of this machine and of AWS."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from support.builders import NOW, journal, live, manifest, observation, record, rules

from reconciler.core.journal.records import CreatePending, Journal
from reconciler.core.model import Json, Manifest, Mode, Observation, Policy, Target
from reconciler.core.plan.compute import compute_plan
from reconciler.core.plan.decision import Decision, Held, get_exit_code
from reconciler.core.plan.guardrails import apply_guardrails
from reconciler.core.plan.plan import Plan
from reconciler.core.plan.time_check import check_time
from reconciler.core.plan.write import Create, Update
from reconciler.core.windows.declaration import Period, WindowDeclaration

TARGET = Target("prod")
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
OLD_INTENT = CreatePending(1, NOW - HOUR, NOW - HOUR)


def build_execution(end: datetime | None) -> Json:
    """Return an ON_DEMAND execution whose window ends at `end`."""
    window = {"StartTime": "1790812800000"}
    window |= {"EndTime": str(int(end.timestamp() * 1000))} if end else {}
    return {"ExecutionMode": "ON_DEMAND", "OnDemandConfiguration": window}


def build_manifest(end: datetime | None, name: str = "export", policy: Policy | None = None) -> Manifest:
    """Return a manifest of an export whose window ends at `end`."""
    return manifest(
        name, policy=policy or Policy(), DestinationURI=f"s3://b/{name}", ExecutionConfiguration=build_execution(end)
    )


def plan_manifests(
    *manifests: Manifest, listed: Observation | None = None, stored: Journal | None = None, target: Target = TARGET
) -> Plan:
    """Return the plan of manifests after the guardrails."""
    live_state = listed or observation()
    run_rules = rules(Mode.CREATE_AND_UPDATE)
    return apply_guardrails(
        compute_plan(manifests, live_state, stored or journal(), run_rules), target, run_rules, live_state
    )


def decide(end: datetime | None, policy: Policy | None = None, listed: Observation | None = None) -> Decision:
    """Return the decision on a missing association whose window ends at `end`."""
    (decision,) = plan_manifests(build_manifest(end, policy=policy), listed=listed).decisions
    return decision


@pytest.mark.parametrize(
    ("end", "delay", "kind"),
    [
        (NOW - HOUR, HOUR, Create),
        (NOW - HOUR + SECOND, HOUR, Held),
        (NOW, timedelta(0), Create),
        (NOW + timedelta(days=30), HOUR, Held),
        (NOW + timedelta(days=30), None, Create),
        (None, HOUR, Create),
    ],
)
def test_export_waits_for_the_end_of_its_window_and_the_delay(
    end: datetime | None, delay: timedelta | None, kind: type[Decision]
) -> None:
    """An export is held until its delay has passed. Without EndTime, or with `start: at-once`, it is not held."""
    assert isinstance(decide(end, Policy(delay=delay)), kind)


@pytest.mark.parametrize(("aws_time", "kind"), [(NOW, Create), (NOW - SECOND, Held), (NOW + HOUR, Create)])
def test_clock_of_aws_must_have_passed_as_well(aws_time: datetime, kind: type[Decision]) -> None:
    """A machine whose clock is fast sends nothing early."""
    assert isinstance(decide(NOW - HOUR, listed=replace(observation(), aws_time=aws_time)), kind)


def test_without_the_time_of_aws_nothing_is_sent() -> None:
    """If AWS's answer has no Date, an export whose window has ended is held, and the reason says why."""
    decision = decide(NOW - HOUR, listed=replace(observation(), aws_time=None))
    assert isinstance(decision, Held)
    assert "has no valid Date" in decision.reason
    earlier = decide(NOW, listed=replace(observation(), aws_time=None))
    assert isinstance(earlier, Held)
    assert "a run sends the create at or after 2026-11-01 13:00:00Z" in earlier.reason


@pytest.mark.parametrize("aws_time", [None, NOW - 400 * HOUR])
@pytest.mark.parametrize(("age", "exit_code"), [(25 * HOUR - SECOND, 0), (25 * HOUR, 1)])
def test_export_that_the_clock_of_aws_holds_for_a_day_is_trouble(
    aws_time: datetime | None, age: timedelta, exit_code: int
) -> None:
    """After a day by the clock of this machine, an export that only the clock of AWS holds counts as missed."""
    decision = decide(NOW - age, listed=replace(observation(), aws_time=aws_time))
    assert isinstance(decision, Held)
    assert get_exit_code(decision, is_dry_run=False) == exit_code


def test_reason_names_the_time_and_no_shorter_delay() -> None:
    """A run sends the export by itself. A shorter delay may lose data, so the reason does not recommend one."""
    held = decide(NOW)
    assert isinstance(held, Held)
    assert held.reason.endswith(": a run sends the create at or after 2026-11-01 13:00:00Z")
    write = held.write
    assert isinstance(write, Create)
    recurring = replace(write.manifest, window=WindowDeclaration(Period.MONTH, "UTC", UTC, date(2026, 10, 1)))
    held_window = check_time(replace(write, manifest=recurring), NOW, NOW)
    assert isinstance(held_window, Held)
    assert held_window.reason == held.reason


def test_held_export_names_the_time_of_its_run() -> None:
    """A held export carries the time from which a run sends it. Without a Date of AWS, that time is unknown."""
    (waiting, unknown) = (decide(NOW), decide(NOW - HOUR, listed=replace(observation(), aws_time=None)))
    assert isinstance(waiting, Held)
    assert isinstance(unknown, Held)
    assert (waiting.until, unknown.until) == (NOW + HOUR, None)


def test_held_export_is_part_of_the_reviewed_plan() -> None:
    """A later run sends a held export without a further change, so that the review covers it."""
    plan = plan_manifests(build_manifest(NOW))
    assert plan.writes == ()
    assert len(plan.reviewed_writes) == 1


def test_limits_count_only_exports_whose_time_has_come() -> None:
    """Eleven exports of later windows do not block the one that is due."""
    later = [build_manifest(NOW + timedelta(days=30 * number), f"later-{number}") for number in range(1, 12)]
    plan = plan_manifests(
        build_manifest(NOW - HOUR, "due"), *later, target=replace(TARGET, max_creates=1, associations_per_integration=1)
    )
    assert [type(each) for each in plan.decisions] == [Create] + [Held] * 11


def test_an_update_waits_like_a_create() -> None:
    """An Update to a window that has not ended is held."""
    changed = build_manifest(NOW, policy=Policy(mode=Mode.CREATE_AND_UPDATE))
    applied = build_execution(NOW - timedelta(days=30))
    stored = record(DestinationURI="s3://b/export", ExecutionConfiguration=applied)
    listed = observation(live(DestinationURI="s3://b/export", ExecutionConfiguration=applied))
    (decision,) = plan_manifests(changed, listed=listed, stored=journal(stored)).decisions
    assert isinstance(decision, Held)
    assert isinstance(decision.write, Update)


def test_create_that_was_sent_before_is_not_held() -> None:
    """The retry of a Create without an answer follows its own rules, whatever its window is."""
    end = NOW + timedelta(days=1)
    stored = replace(
        record(DestinationURI="s3://b/export", ExecutionConfiguration=build_execution(end)), state=OLD_INTENT
    )
    (decision,) = plan_manifests(build_manifest(end), stored=journal(stored)).decisions
    assert isinstance(decision, Create)


@pytest.mark.parametrize("end", ["x", "9" * 18])
def test_unreadable_end_holds_nothing(end: str) -> None:
    """An EndTime that is no time within the calendar holds nothing."""
    execution: Json = {"ExecutionMode": "ON_DEMAND", "OnDemandConfiguration": {"StartTime": "1", "EndTime": end}}
    (decision,) = plan_manifests(manifest(ExecutionConfiguration=execution)).decisions
    assert isinstance(decision, Create)
