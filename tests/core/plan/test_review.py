"""Reviewed plans: the digest covers exactly the writes of a plan, and a mismatch names each difference."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from support.builders import INTEGRATION, NOW, ON_DEMAND, journal, live, manifest, observation, record, request, rules

from reconciler.core.model import Execution, Manifest, Mode, Policy, Target
from reconciler.core.plan.compute import compute_plan
from reconciler.core.plan.decision import Held
from reconciler.core.plan.decision_kind import DecisionKind
from reconciler.core.plan.guardrails import MAX_EXPORTS, apply_guardrails
from reconciler.core.plan.plan import Plan
from reconciler.core.plan.review import (
    ReviewedPlan,
    compare_with_review,
    compute_digest,
    format_canonical_line,
    format_write_line,
)
from reconciler.core.plan.write import Create, Update

SCHEDULED = {"ExecutionMode": "SCHEDULED", "ScheduleConfiguration": {"ScheduleExpression": "rate(1 hour)"}}
LATER = {**ON_DEMAND, "OnDemandConfiguration": {"StartTime": "1790812800000", "EndTime": "1793500000000"}}
UPDATING = Policy(mode=Mode.CREATE_AND_UPDATE)


def plan_creates(*manifests: Manifest) -> tuple[str, ...]:
    """Return the canonical lines of a plan that creates manifests."""
    return tuple(map(format_write_line, compute_plan(manifests, observation(), journal(), rules()).reviewed_writes))


def test_same_writes_in_any_order_match_the_reviewed_plan() -> None:
    """The same writes match the reviewed plan in any order."""
    lines = plan_creates(manifest("a", ClientId="a"), manifest("b", ClientId="b"))
    assert compare_with_review(ReviewedPlan(compute_digest(lines)), lines[::-1]) is None
    assert compare_with_review(ReviewedPlan(compute_digest(())), ()) is None


def test_mismatch_with_a_digest_only_lists_no_differences() -> None:
    """A mismatch with a digest alone lists no differences."""
    mismatch = compare_with_review(ReviewedPlan(compute_digest(())), plan_creates(manifest()))
    assert mismatch is not None
    assert (mismatch.reviewed_digest, mismatch.differences) == (compute_digest(()), None)


def list_differences(reviewed: tuple[str, ...], now: tuple[str, ...]) -> tuple[str, ...]:
    """Return the differences between two plans whose writes are known."""
    mismatch = compare_with_review(ReviewedPlan(compute_digest(reviewed), reviewed), now)
    assert mismatch is not None
    assert mismatch.differences is not None
    return mismatch.differences


def test_added_and_removed_writes_are_named() -> None:
    """Added and removed writes are named with their kind, destination and data integration."""
    first_lines, second_lines = plan_creates(manifest(ClientId="one")), plan_creates(manifest(ClientId="other"))
    assert list_differences(first_lines, second_lines) == (
        f"not reviewed: create the association {INTEGRATION.arn} → s3://corp-exports/2026-10 other",
        f"reviewed, but no longer planned: create the association {INTEGRATION.arn} → s3://corp-exports/2026-10 one",
    )
    assert list_differences((), plan_creates(manifest(DestinationURI=None))) == (
        f"not reviewed: create the association {INTEGRATION.arn} → (no destination)",
    )


def test_duplicated_write_is_a_plan_mismatch() -> None:
    """A second copy of a reviewed write is a mismatch."""
    lines = plan_creates(manifest())
    assert list_differences(lines, lines * 2) == (
        f"not reviewed: create the association {INTEGRATION.arn} → s3://corp-exports/2026-10",
    )


def test_changed_request_is_reported_member_by_member() -> None:
    """A changed request is reported with the old and new value of each changed member."""
    (difference,) = list_differences(plan_creates(manifest()), plan_creates(manifest(ExecutionConfiguration=LATER)))
    assert difference == (
        f"changed since the review: create the association {INTEGRATION.arn} → s3://corp-exports/2026-10: "
        "/ExecutionConfiguration/OnDemandConfiguration/EndTime is 1793500000000 and was 1793491200000"
    )
    (difference,) = list_differences(plan_creates(manifest()), plan_creates(manifest(ObjectConfiguration=None)))
    assert difference.endswith("/ObjectConfiguration/CustomerProfiles/objectType is absent and was ['_profile']")


def test_recreation_after_a_loss_is_a_plan_mismatch() -> None:
    """The same request with another token is a mismatch, because it exports again."""
    request = manifest().spec
    (difference,) = list_differences(
        (format_canonical_line(DecisionKind.CREATE, request, "t0"),),
        (format_canonical_line(DecisionKind.CREATE, request, "t1"),),
    )
    assert difference.endswith(": the ClientToken is t1 and was t0")


def test_changed_update_is_a_plan_mismatch() -> None:
    """An Update is a mismatch if its ExecutionConfiguration or its association differs."""
    request = manifest().spec
    (difference,) = list_differences(
        (format_canonical_line(DecisionKind.UPDATE, request, "a1"),),
        (format_canonical_line(DecisionKind.UPDATE, request, "a2"),),
    )
    assert difference.endswith(": the association is a2 and was a1")
    (difference,) = list_differences(
        (format_canonical_line(DecisionKind.UPDATE, request, "a1"),),
        (format_canonical_line(DecisionKind.UPDATE, manifest(ExecutionConfiguration=LATER).spec, "a1"),),
    )
    assert difference.endswith("EndTime is 1793500000000 and was 1793491200000")
    assert format_canonical_line(DecisionKind.UPDATE, manifest(ExecutionConfiguration=None).spec, "a1").endswith(
        "null]"
    )


def plan_with_running(*manifests: Manifest, running_count: int, mode: Mode = Mode.CREATE) -> Plan:
    """Return a plan for an account with a number of running exports."""
    in_progress = Execution("IN_PROGRESS", None)
    live_associations = [
        replace(live(f"r{n}", ClientId=f"r{n}", DestinationURI=f"s3://corp/{n}"), last_execution=in_progress)
        for n in range(running_count)
    ]
    live_state = observation(*live_associations)
    target = Target("prod", associations_per_integration=99)
    return apply_guardrails(
        compute_plan(manifests, live_state, journal(), rules(mode)), target, rules(mode), live_state
    )


def test_held_create_does_not_change_the_digest() -> None:
    """A Create that waits for the quota of exports is part of the reviewed plan, with the same digest."""
    free_plan, held_plan = (
        plan_with_running(manifest(), running_count=0),
        plan_with_running(manifest(), running_count=MAX_EXPORTS),
    )
    assert isinstance(free_plan.decisions[0], Create)
    assert isinstance(held_plan.decisions[0], Held)
    assert held_plan.writes == ()
    assert (
        compute_digest(map(format_write_line, held_plan.reviewed_writes))
        == compute_digest(map(format_write_line, free_plan.reviewed_writes))
        == compute_digest(map(format_write_line, free_plan.writes))
    )


def test_suspended_or_observed_create_is_not_in_the_plan() -> None:
    """A suspended or observed Create is no part of the reviewed plan."""
    suspended_plan = plan_with_running(manifest(policy=Policy(suspend=True)), running_count=0)
    observed_plan = plan_with_running(manifest(), running_count=0, mode=Mode.OBSERVE)
    assert suspended_plan.reviewed_writes == observed_plan.reviewed_writes == ()


def test_canonical_line_of_an_update_equals_that_of_its_report() -> None:
    """A plan and its report give the same canonical line of an Update."""
    changed = manifest(policy=UPDATING, ExecutionConfiguration=LATER)
    (update,) = compute_plan(
        [changed], observation(live()), journal(record()), rules(Mode.CREATE_AND_UPDATE)
    ).reviewed_writes
    assert isinstance(update, Update)
    assert format_write_line(update) == format_canonical_line(DecisionKind.UPDATE, update.request, "a1")
    assert '"1793500000000"' in format_write_line(update)


JSON = st.recursive(
    st.text(max_size=5) | st.none(), lambda inner: st.dictionaries(st.text(max_size=3), inner, max_size=3)
)


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.dictionaries(st.sampled_from("XYZ"), JSON)), max_size=6), st.data()
)
def test_plans_match_only_with_identical_writes(writes: list[tuple[str, Any]], data: st.DataObject) -> None:
    """Plans match only if they have the same writes. Each added or removed write is a difference."""
    lines = tuple(
        format_canonical_line(DecisionKind.CREATE, {"DataIntegrationIdentifier": "i", **spec}, token)
        for token, spec in writes
    )
    assert compare_with_review(ReviewedPlan(compute_digest(lines), lines), data.draw(st.permutations(lines))) is None
    other_line = format_canonical_line(DecisionKind.CREATE, {"DataIntegrationIdentifier": "i"}, "another")
    assert len(list_differences(lines, (*lines, other_line))) == 1
    assert len(list_differences((*lines, other_line), lines)) == 1


def test_digest_does_not_depend_on_the_time() -> None:
    """The digest does not depend on the time of the plan."""
    early_writes = compute_plan([manifest()], observation(), journal(), rules()).reviewed_writes
    late_writes = compute_plan(
        [manifest()], observation(), journal(), rules(now=NOW.replace(year=2027))
    ).reviewed_writes
    assert compute_digest(map(format_write_line, early_writes)) == compute_digest(map(format_write_line, late_writes))


def test_difference_names_the_data_integration_beside_its_arn() -> None:
    """A difference names the data integration beside its ARN."""
    lines = (format_canonical_line(DecisionKind.CREATE, request(), "token"),)
    integration_names = {INTEGRATION.arn: INTEGRATION.name}
    mismatch = compare_with_review(ReviewedPlan(compute_digest(()), ()), lines, integration_names)
    assert mismatch
    assert mismatch.differences == (
        f"not reviewed: create the association {INTEGRATION.arn} ({INTEGRATION.name}) → s3://corp-exports/2026-10",
    )


def test_write_describes_its_call() -> None:
    """A write holds the operation, body and reference of its call."""
    (create,) = compute_plan([manifest()], observation(), journal(), rules()).writes
    changed = manifest(policy=UPDATING, ExecutionConfiguration=LATER)
    (update,) = compute_plan([changed], observation(live()), journal(record()), rules(Mode.CREATE_AND_UPDATE)).writes
    assert isinstance(create, Create)
    assert isinstance(update, Update)
    assert (create.operation, create.body, create.reference) == (
        "CreateDataIntegrationAssociation", create.request, create.token,
    )  # fmt: skip
    assert (update.operation, update.body, update.reference) == (
        "UpdateDataIntegrationAssociation", {"ExecutionConfiguration": LATER}, "a1",
    )  # fmt: skip
