"""Retired manifests: they cover their association, and nothing is ever written to AWS for them."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from support.builders import INTEGRATION, NOW, SETTLE, journal, live, manifest, observation, record, request, rules

from reconciler.core.apply.transitions import with_intents
from reconciler.core.journal.jobs import Job, JobSource, Refusal
from reconciler.core.journal.records import Bound, CreatePending, Journal, Record
from reconciler.core.model import Execution, Live, Manifest, Mode, Observation, OnLoss, Policy, Target
from reconciler.core.plan.compute import compute_plan
from reconciler.core.plan.decision import Adopt, Blocked, Drifted, Held, InSync, Lost, Retired, Settling
from reconciler.core.plan.guardrails import MAX_EXPORTS, apply_guardrails
from reconciler.core.plan.plan import Plan
from reconciler.core.plan.write import Create

RETIRED = Policy(mode=Mode.CREATE_AND_UPDATE, on_loss=OnLoss.RECREATE, retired="replaced on 2026-10-01")
OTHER: dict[str, Any] = {"ExecutionMode": "ON_DEMAND"}


def plan(*manifests: Manifest, live_associations: tuple[Live, ...] = (), records: tuple[Record, ...] = ()) -> Plan:
    """Return the plan of a run that may create and update."""
    return compute_plan(
        manifests, observation(*live_associations), journal(*records), rules(mode=Mode.CREATE_AND_UPDATE)
    )


def decide_retired(*live_associations: Live, stored_record: Record | None = None, **policy: Any) -> Retired:
    """Return the decision on a retired manifest, which must not be blocked or settling."""
    records = (stored_record,) if stored_record else ()
    desired = manifest(policy=replace(RETIRED, **policy))
    (decision,) = plan(desired, live_associations=live_associations, records=records).decisions
    assert isinstance(decision, Retired)
    return decision


def build_pending_record(age: timedelta = SETTLE, **changes: Any) -> Record:
    """Return the record of a Create whose answer was lost."""
    return replace(record(**changes), state=CreatePending(1, NOW - age, NOW - age))


def test_nothing_is_created_for_a_retired_manifest() -> None:
    """A retired manifest without an association creates nothing, and its reason has the text of policy.retired."""
    decision = decide_retired()
    assert (decision.live, decision.record) == (None, None)
    assert decision.reason == "List does not show its association; policy.retired: replaced on 2026-10-01"


def test_retired_association_without_a_record_is_covered_and_not_adopted() -> None:
    """A retired manifest covers the live association with its natural key, and the journal gets no record."""
    desired = manifest(policy=RETIRED)
    result = plan(desired, live_associations=(live(),))
    (decision,) = result.decisions
    assert decision == Retired(desired, live(), None, "policy.retired: replaced on 2026-10-01")
    assert result.unmanaged == ()
    assert with_intents(journal(), result, NOW).records == {}


def test_retired_association_with_a_record_keeps_its_record() -> None:
    """The record of a retired manifest stays in the journal, so that its association is not orphaned."""
    result = plan(manifest(policy=RETIRED), live_associations=(live(),), records=(record(),))
    assert with_intents(journal(record()), result, NOW).records == {"export": record()}
    assert (result.orphaned, result.unmanaged) == ((), ())


def test_drift_and_changes_of_a_retired_association_are_not_reported() -> None:
    """Neither drift in AWS nor a change in git is reported or sent."""
    drifted = live(ExecutionConfiguration=OTHER)
    assert decide_retired(drifted, stored_record=record()).live == drifted
    changed = manifest(policy=RETIRED, ExecutionConfiguration=OTHER)
    (decision,) = plan(changed, live_associations=(live(),), records=(record(),)).decisions
    assert isinstance(decision, Retired)


def test_raised_generation_of_a_retired_manifest_sends_nothing_then_or_later() -> None:
    """A generation raised while the manifest is retired sends nothing, and has no effect after it is un-retired."""
    bound = Bound("a1", NOW - timedelta(days=1), live().arn)
    lost = replace(record(), state=replace(bound, missing_since=NOW - SETTLE))
    refused = replace(record(), state=replace(bound, job=Job(JobSource.UPDATE, NOW - SETTLE, refusal=Refusal("no"))))
    for stored in (lost, refused, build_pending_record()):
        assert decide_retired(stored_record=stored, generation=2).record == replace(stored, generation=2)
    (decision,) = plan(manifest(policy=Policy(generation=2)), records=(replace(lost, generation=2),)).decisions
    assert isinstance(decision, Lost)


def test_retired_association_is_never_lost() -> None:
    """A retired association that leaves List is not lost, and policy.onLoss does not create it again."""
    missing = replace(record(), state=Bound("a1", NOW - timedelta(days=1), live().arn, NOW - 2 * SETTLE))
    decision = decide_retired(stored_record=missing)
    assert (decision.live, decision.record) == (None, missing)
    reappeared = decide_retired(live(), stored_record=missing).record
    assert reappeared
    assert reappeared.state == Bound("a1", NOW - timedelta(days=1), live().arn)


def test_retired_manifest_covers_the_association_that_replaced_its_own() -> None:
    """If List shows another association with the natural key, that one is covered, and the record does not change."""
    decision = decide_retired(live("a2"), stored_record=record())
    assert (decision.live, decision.record) == (live("a2"), record())


def test_unretired_manifest_is_judged_again_and_not_created_again() -> None:
    """Without policy.retired, drift is reported again, and a live association is not created again."""
    drifted = live(ExecutionConfiguration=OTHER)
    retired = plan(manifest(policy=RETIRED), live_associations=(drifted,), records=(record(),))
    kept = tuple(with_intents(journal(record()), retired, NOW).records.values())
    assert isinstance(plan(manifest(), live_associations=(drifted,), records=kept).decisions[0], Drifted)
    assert isinstance(plan(manifest(), live_associations=(live(),), records=kept).decisions[0], InSync)
    assert isinstance(plan(manifest(), live_associations=(live(),)).decisions[0], Adopt)


def test_unanswered_create_of_a_retired_manifest_is_resolved_by_list() -> None:
    """If List shows the result of an unanswered Create, the record is bound to it."""
    decision = decide_retired(live(), stored_record=build_pending_record())
    assert decision.record == replace(build_pending_record(), state=Bound("a1", NOW, live().arn))


def test_unanswered_create_of_a_retired_manifest_is_never_repeated() -> None:
    """While List may lag, the manifest is settling. Afterwards it is retired, and the Create is not sent again."""
    desired = manifest(policy=RETIRED)
    (waiting,) = plan(desired, records=(build_pending_record(timedelta(minutes=1)),)).decisions
    assert isinstance(waiting, Settling)
    assert waiting.until == NOW + SETTLE - timedelta(minutes=1)
    for age in (SETTLE, timedelta(days=1)):
        decision = decide_retired(stored_record=build_pending_record(age))
        assert decision.record == build_pending_record(age)
        assert "is not sent again" in decision.reason


@pytest.mark.parametrize("stored_record", [None, record(id_="gone"), build_pending_record()])
def test_several_matches_block_a_retired_manifest(stored_record: Record | None) -> None:
    """If several live associations match, a person names the right one in policy.adopt."""
    records = (stored_record,) if stored_record else ()
    matches = (live("a1"), live("a2"))
    (decision,) = plan(manifest(policy=RETIRED), live_associations=matches, records=records).decisions
    assert isinstance(decision, Blocked)
    assert "policy.adopt" in decision.reason
    adopting = replace(RETIRED, adopt=live("a2").arn)
    result = plan(manifest(policy=adopting), live_associations=matches, records=records)
    assert [each.live for each in result.decisions if isinstance(each, Retired)] == [live("a2")]
    assert result.unmanaged == (live("a1"),)


def test_retired_manifest_covers_the_association_in_policy_adopt() -> None:
    """policy.adopt names the association of a retired manifest. Nothing is blocked if List does not show it."""
    assert decide_retired(live("a1"), adopt=live("a1").arn).live == live("a1")
    assert decide_retired(live("a1"), adopt=live("a2").arn).live is None


def test_association_of_another_manifest_blocks_a_retired_manifest_that_adopts_it() -> None:
    """policy.adopt of a retired manifest cannot take an association from another manifest."""
    owner = manifest("owner", DestinationURI="s3://corp-exports/owner")
    bound = record("owner", DestinationURI="s3://corp-exports/owner")
    owned = live(DestinationURI="s3://corp-exports/owner")
    retired = manifest(policy=replace(RETIRED, adopt=owned.arn))
    _, decision = plan(owner, retired, live_associations=(owned,), records=(bound,)).decisions
    assert isinstance(decision, Blocked)
    assert "belongs to the manifest 'owner'" in decision.reason


def test_renamed_retired_manifest_takes_over_its_record() -> None:
    """A retired manifest with a new name takes over the record of its natural key."""
    result = plan(manifest("new", policy=RETIRED), live_associations=(live(),), records=(record("old"),))
    assert with_intents(journal(record("old")), result, NOW).records == {"new": record("new")}
    assert result.orphaned == ()


def test_retired_manifest_needs_no_data_integration() -> None:
    """If the data integration is gone, a retired manifest is still retired, and keeps its record."""
    nothing = Observation((), {}, NOW)
    (decision,) = compute_plan([manifest(policy=RETIRED)], nothing, journal(record()), rules()).decisions
    assert isinstance(decision, Retired)
    assert decision.record == record()
    assert decision.reason.startswith("its data integration does not exist; policy.retired: ")


def test_failed_list_blocks_a_retired_manifest() -> None:
    """Nothing is concluded from a failed List, for a retired manifest either."""
    (decision,) = compute_plan(
        [manifest(policy=RETIRED)], observation(unobserved="denied"), Journal("", "", ""), rules()
    ).decisions
    assert isinstance(decision, Blocked)
    assert decision.is_unobserved


def test_retired_association_blocks_the_create_of_a_second_manifest() -> None:
    """A manifest with the natural key of a retired manifest is blocked, as for any two manifests with one key."""
    retired, second = manifest(policy=RETIRED), manifest("second")
    for records in ((), (record(),), (build_pending_record(),)):
        decisions = plan(retired, second, live_associations=(live(),), records=records).decisions
        assert [type(decision) for decision in decisions] == [Blocked, Blocked]


def test_retired_association_blocks_the_create_of_a_similar_manifest() -> None:
    """A live association in another spelling blocks a Create, also if a retired manifest covers it without a record."""
    similar = manifest("similar", DestinationURI="s3://corp-exports/2026-10/")
    result = plan(manifest(policy=RETIRED), similar, live_associations=(live(),))
    assert [type(decision) for decision in result.decisions] == [Retired, Blocked]


def test_retired_associations_count_for_quotas() -> None:
    """A retired association counts for AssociationsPerIntegration, and its running export for the exports at once."""
    retired = manifest(policy=RETIRED)
    new = manifest("new", DestinationURI="s3://corp-exports/new")
    target = Target("prod", associations_per_integration=1)
    live_state = observation(live())
    result = compute_plan([retired, new], live_state, journal(record()), rules())
    _, decision = apply_guardrails(result, target, rules(), live_state).decisions
    assert isinstance(decision, Blocked)
    assert "would have 2 associations" in decision.reason
    exports = tuple(
        replace(live(f"r{number}", DestinationURI=f"s3://r/{number}"), last_execution=Execution("IN_PROGRESS", None))
        for number in range(MAX_EXPORTS)
    )
    running = [
        manifest(f"r{number}", policy=RETIRED, DestinationURI=f"s3://r/{number}") for number in range(MAX_EXPORTS)
    ]
    live_state = observation(*exports)
    result = compute_plan([*running, new], live_state, journal(), rules())
    guarded = apply_guardrails(result, Target("prod", associations_per_integration=99), rules(), live_state)
    held = guarded.decisions[-1]
    assert isinstance(held, Held)
    assert "20 bulk exports are running" in held.reason
    assert isinstance(result.decisions[-1], Create)


def test_unanswered_create_of_a_retired_manifest_counts_for_quotas() -> None:
    """While List may not show the result of a Create yet, that result counts for AssociationsPerIntegration."""
    new = manifest("new", DestinationURI="s3://corp-exports/new")
    live_state = observation()
    pending = build_pending_record(timedelta(minutes=1))
    result = compute_plan([manifest(policy=RETIRED), new], live_state, journal(pending), rules())
    target = Target("prod", associations_per_integration=1)
    _, decision = apply_guardrails(result, target, rules(), live_state).decisions
    assert isinstance(decision, Blocked)
    assert INTEGRATION.name in decision.reason


def test_record_with_another_request_keeps_covering_its_association() -> None:
    """If git changed the natural key of a retired manifest, its record still names the association."""
    changed = manifest(policy=RETIRED, DestinationURI="s3://corp-exports/changed")
    result = plan(changed, live_associations=(live(),), records=(record(),))
    (decision,) = result.decisions
    assert isinstance(decision, Retired)
    assert (decision.live, result.unmanaged) == (live(), ())
    assert decision.record
    assert decision.record.request == request()
