"""Decision table: each manifest gets exactly one decision, from the first matching row."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.builders import (
    INTEGRATION,
    NOW,
    ON_DEMAND,
    SETTLE,
    journal,
    live,
    manifest,
    observation,
    record,
    request,
    rules,
)

from reconciler.core.journal.jobs import Job, JobSource
from reconciler.core.journal.records import Bound, CreatePending, Record
from reconciler.core.model import Integration, Live, Manifest, Mode, Observation, OnLoss, Policy, Unobserved
from reconciler.core.plan.compute import compute_plan
from reconciler.core.plan.decision import Adopt, Blocked, Changed, Decision, Drifted, Finished, InSync, Lost, Settling
from reconciler.core.plan.inputs import RunOptions, RunRules
from reconciler.core.plan.plan import Plan
from reconciler.core.plan.write import Create, Update
from reconciler.core.request.token import compute_client_token

SCHEDULED: dict[str, Any] = {
    "ExecutionMode": "SCHEDULED",
    "ScheduleConfiguration": {"ScheduleExpression": "rate(1 hour)"},
}


def decide(
    desired: Manifest,
    *live_associations: Live,
    stored_record: Record | None = None,
    mode: Mode = Mode.CREATE,
    unobserved: str = "",
) -> Decision:
    """Plan one manifest and return its decision."""
    stored_journal = journal(*([stored_record] if stored_record else []))
    (decision,) = compute_plan(
        [desired], observation(*live_associations, unobserved=unobserved), stored_journal, rules(mode)
    ).decisions
    return decision


def build_pending_record(attempts: int = 1, age: timedelta = timedelta(minutes=1), **changes: Any) -> Record:
    """Return the record of a Create whose answer was lost."""
    return replace(record(**changes), state=CreatePending(attempts, NOW - age, NOW - age))


def build_missing_record(name: str = "export", id_: str = "a1") -> Record:
    """Return the record of an association that List has not shown for the settle time."""
    bound = record(name, id_)
    assert isinstance(bound.state, Bound)
    return replace(bound, state=replace(bound.state, missing_since=NOW - SETTLE))


def test_unlisted_integration_blocks_and_never_creates() -> None:
    """A data integration that could not be listed blocks its manifest. A failed List does not count as an empty one."""
    for stored_record in (None, record(), build_pending_record()):
        decision = decide(manifest(), stored_record=stored_record, unobserved="access denied")
        assert isinstance(decision, Blocked)
        assert "access denied" in decision.reason


def test_a_missing_association_is_created_with_its_token() -> None:
    """An association that is neither in the journal nor in AWS is created, with the token of the resolved request."""
    decision = decide(manifest())
    assert isinstance(decision, Create)
    assert decision.request == request()
    assert decision.token == compute_client_token(request(), 0)
    assert decision.record.state == CreatePending(1, NOW, NOW)


@pytest.mark.parametrize("spelling", [INTEGRATION.name, INTEGRATION.uuid, INTEGRATION.arn])
def test_name_uuid_and_arn_of_an_integration_give_one_token(spelling: str) -> None:
    """The token does not depend on how the manifest spells the data integration."""
    decision = decide(manifest(DataIntegrationIdentifier=spelling))
    assert isinstance(decision, Create)
    assert decision.token == compute_client_token(request(), 0)


def test_a_missing_integration_blocks_and_names_the_nearest() -> None:
    """A misspelled data integration blocks the manifest, and the reason suggests the closest name."""
    decision = decide(manifest(DataIntegrationIdentifier="profile-export"))
    assert isinstance(decision, Blocked)
    assert "did you mean 'profiles-export'?" in decision.reason
    unlike = decide(manifest(DataIntegrationIdentifier="zzz"))
    assert isinstance(unlike, Blocked)
    assert "create it" in unlike.reason


def test_a_matching_live_association_is_adopted_and_not_created() -> None:
    """A live association that matches is adopted without a token and without a call to AWS."""
    decision = decide(manifest(), live())
    assert isinstance(decision, Adopt)
    assert decision.record == Record("export", request(), None, 0, 1, Bound("a1", NOW, live("a1").arn))
    assert decision.differences == ()


def test_adoption_with_differences_records_the_live_state_as_applied() -> None:
    """An adopted association that differs from git is changed, because its history is unknown. It has no drift."""
    decision = decide(manifest(), live(ExecutionConfiguration=SCHEDULED))
    assert isinstance(decision, Adopt)
    assert decision.kind == "changed"
    assert decision.record.request == request(ExecutionConfiguration=SCHEDULED)
    assert decision.differences
    assert not any(difference.is_drifted for difference in decision.differences)
    assert "does not show which of them changed" in decision.reason


def test_several_matches_block_and_are_all_named() -> None:
    """Several matching associations block the manifest, and the reason names each of them."""
    for stored_record in (None, build_pending_record(), record(id_="gone")):
        decision = decide(manifest(), live("a1"), live("a2"), stored_record=stored_record)
        assert isinstance(decision, Blocked)
        assert live("a1").arn in decision.reason
        assert live("a2").arn in decision.reason


def test_policy_adopt_chooses_among_matches() -> None:
    """policy.adopt selects one of several matching associations."""
    decision = decide(manifest(policy=Policy(adopt=live("a2").arn)), live("a1"), live("a2"))
    assert isinstance(decision, Adopt)
    assert decision.live.id == "a2"


def test_policy_adopt_of_an_unlisted_arn_blocks() -> None:
    """policy.adopt with an ARN that List does not show blocks the manifest and creates nothing."""
    assert isinstance(decide(manifest(policy=Policy(adopt=live("zz").arn)), live("a1")), Blocked)


def test_policy_adopt_reason_tells_an_unknown_arn_from_another_manifest() -> None:
    """The reason says whether List does not show the association in policy.adopt, or another manifest has it."""
    unlisted = decide(manifest(policy=Policy(adopt=live("zz").arn)), live("a1"))
    assert isinstance(unlisted, Blocked)
    assert unlisted.reason == f"List does not show {live('zz').arn}, which policy.adopt names: correct policy.adopt"
    manifests = [manifest("a", Policy(adopt=live("a1").arn), DestinationURI=NEW), manifest("b")]
    taken, _ = compute_plan(manifests, observation(live("a1")), journal(record("b")), rules()).decisions
    assert isinstance(taken, Blocked)
    assert (
        taken.reason == f"policy.adopt names {live('a1').arn}, which belongs to the manifest 'b': correct policy.adopt"
    )


def test_policy_adopt_rebinds_a_bound_manifest() -> None:
    """policy.adopt overrides the association in the journal, and never leads to a Create."""
    desired = manifest(policy=Policy(adopt=live("a2").arn))
    decision = decide(desired, live("a1"), live("a2"), stored_record=record())
    assert isinstance(decision, Adopt)
    assert decision.record == Record("export", request(), None, 0, 1, Bound("a2", NOW, live("a2").arn))
    unlisted = manifest(policy=Policy(adopt=live("zz").arn))
    assert isinstance(decide(unlisted, live("a1"), stored_record=record()), Blocked)
    same = manifest(policy=Policy(adopt=live("a1").arn))
    assert isinstance(decide(same, live("a1"), stored_record=record()), InSync)


def test_policy_adopt_does_not_fall_back_to_another_association() -> None:
    """If the association in policy.adopt is gone, it is lost, even if another association matches."""
    desired = manifest(policy=Policy(adopt=live("a1").arn, generation=2, on_loss=OnLoss.RECREATE))
    decision = decide(desired, live("a2"), stored_record=build_missing_record())
    assert isinstance(decision, Lost)
    assert "policy.adopt" in decision.reason


def test_policy_adopt_ends_the_wait_for_a_lost_answer() -> None:
    """policy.adopt binds a Create without an answer to its association, and keeps the sent request and token."""
    association = live("a1", DestinationURI="s3://corp-exports/2026-10/")
    desired = manifest(policy=Policy(adopt=association.arn))
    decision = decide(desired, association, stored_record=build_pending_record(1, SETTLE))
    assert isinstance(decision, Adopt)
    assert (decision.record.request, decision.record.token) == (request(), record().token)
    assert isinstance(decide(desired, stored_record=build_pending_record(1, SETTLE)), Blocked)


def test_create_with_a_lost_answer_is_not_repeated_after_days() -> None:
    """A Create without an answer is not retried after the time limit. A person must look in AWS."""
    assert isinstance(decide(manifest(), stored_record=build_pending_record(1, SETTLE * 32)), Create)
    decision = decide(manifest(), stored_record=build_pending_record(1, SETTLE * 32 + timedelta(seconds=1)))
    assert isinstance(decision, Blocked)
    assert "policy.adopt" in decision.reason


OLD, NEW = "s3://corp-exports/2026-10", "s3://corp-exports/2026-11"


@pytest.mark.parametrize(
    ("stored_record", "live_associations"),
    [
        (record("a"), (live(),)),
        (record("a"), ()),
        (build_pending_record(1, timedelta(seconds=30)), ()),
        (build_pending_record(1, SETTLE), ()),
    ],
)
def test_a_reused_name_does_not_hide_its_association(
    stored_record: Record, live_associations: tuple[Live, ...]
) -> None:
    """If `a` gets a new request and `b` takes the old one, `b` is blocked while the record of `a` holds it."""
    manifests = [manifest("a", DestinationURI=NEW), manifest("b", DestinationURI=OLD)]
    result = compute_plan(
        manifests, observation(*live_associations), journal(replace(stored_record, name="a")), rules()
    )
    assert result.writes == ()
    blocked = result.decisions[1]
    assert isinstance(blocked, Blocked)
    assert "'a'" in blocked.reason


def test_bound_manifest_does_not_move_to_another_natural_key() -> None:
    """policy.adopt cannot move a bound manifest to another natural key: its old export may still be running."""
    association = live("a2", DestinationURI=NEW)
    desired = manifest("x", Policy(adopt=association.arn), DestinationURI=NEW)
    bound = replace(record("x"), state=Bound("a1", NOW))
    (decision,) = compute_plan([desired], observation(association), journal(bound), rules()).decisions
    assert isinstance(decision, Blocked)
    assert "adopt it in a manifest with a new name" in decision.reason
    moved = decide(manifest(DestinationURI=NEW), live("a1", DestinationURI=NEW), stored_record=record())
    assert isinstance(moved, Changed)


def test_association_released_by_policy_adopt_is_unmanaged_at_once() -> None:
    """If policy.adopt replaces the association of a manifest, the same report lists the old one as unmanaged."""
    desired = manifest(policy=Policy(adopt=live("a2").arn))
    result = compute_plan([desired], observation(live("a1"), live("a2")), journal(record()), rules())
    (decision,) = result.decisions
    assert isinstance(decision, Adopt)
    assert decision.record.token is None
    assert result.unmanaged == (live("a1"),)


def test_second_orphan_of_a_natural_key_does_not_block() -> None:
    """Of two orphaned records with one natural key, the one that the manifest takes over decides."""
    first_orphan, second_orphan = (
        replace(record(name, id_), state=Bound(id_, NOW - SETTLE * 9, "arn", NOW - SETTLE * 8))
        for name, id_ in (("p", "a1"), ("q", "a2"))
    )
    desired = manifest("new", Policy(generation=2))
    (decision,) = compute_plan([desired], observation(), journal(first_orphan, second_orphan), rules()).decisions
    assert isinstance(decision, Create)
    pending = replace(first_orphan, state=CreatePending(1, NOW, NOW))
    (decision,) = compute_plan([desired], observation(), journal(second_orphan, pending), rules()).decisions
    assert isinstance(decision, Settling)


def test_association_adopted_by_another_manifest_blocks_a_create() -> None:
    """A manifest is blocked if `policy.adopt` of another manifest has the only association with its natural key."""
    stored_record = replace(record("b", "a1", DestinationURI=NEW))
    manifests = [manifest("a"), manifest("b", Policy(adopt=live("a1").arn), DestinationURI=NEW)]
    for stored_journal in (journal(stored_record), journal()):
        result = compute_plan(manifests, observation(live("a1")), stored_journal, rules())
        assert isinstance(result.decisions[0], Blocked)
        assert result.writes == ()


def test_unlisted_integration_of_the_record_blocks() -> None:
    """A manifest is blocked if the data integration of its record could not be listed."""
    other = Integration(INTEGRATION.arn[:-1] + "2", "profiles-export")
    live_state = Observation((other,), {other.arn: (), INTEGRATION.arn: Unobserved("denied")})
    (decision,) = compute_plan([manifest()], live_state, journal(record()), rules()).decisions
    assert isinstance(decision, Blocked)


def test_the_record_of_another_association_is_not_taken_over() -> None:
    """A manifest with policy.adopt does not take over the orphaned record of another association."""
    desired = manifest("new", Policy(adopt=live("a2").arn))
    result = compute_plan([desired], observation(live("a1"), live("a2")), journal(record("old", "a1")), rules())
    assert isinstance(result.decisions[0], Adopt)
    assert result.old_names == set()
    renamed = compute_plan(
        [manifest("new", Policy(adopt=live("a1").arn))], observation(live("a1")), journal(record("old")), rules()
    )
    assert renamed.old_names == {"old"}


def test_renamed_record_is_found_by_the_arn_in_policy_adopt() -> None:
    """A renamed manifest with another destination finds its record by the ARN in policy.adopt."""
    desired = manifest("new", Policy(adopt=live("a1").arn), DestinationURI=NEW)
    result = compute_plan([desired], observation(live("a1")), journal(record("old", "a1")), rules())
    (decision,) = result.decisions
    assert isinstance(decision, Adopt)
    assert (decision.record, set(result.old_names)) == (record("new", "a1"), {"old"})
    assert any(each.is_changed and each.path == "/DestinationURI" for each in decision.differences)


def test_one_record_is_not_taken_over_by_two_manifests() -> None:
    """If two manifests match one orphaned record, the manifest with policy.adopt takes it over."""
    manifests = [manifest("key"), manifest("arn", Policy(adopt=live("a1").arn), DestinationURI=NEW)]
    for order in (manifests, manifests[::-1]):
        result = compute_plan(order, observation(live("a1")), journal(record("old", "a1")), rules())
        decisions = {decision.manifest.name: decision for decision in result.decisions}
        assert isinstance(decisions["arn"], Adopt)
        blocked = decisions["key"]
        assert isinstance(blocked, Blocked)
        assert "'arn'" in blocked.reason
        assert result.unmanaged == ()


def test_association_bound_by_two_records_blocks_the_second() -> None:
    """If two records have the same association, the second manifest is blocked."""
    manifests = [manifest("a"), manifest("b", DestinationURI=NEW)]
    stored_journal = journal(record("a", "a1"), record("b", "a1", DestinationURI=NEW))
    result = compute_plan(manifests, observation(live("a1")), stored_journal, rules())
    assert isinstance(result.decisions[0], InSync)
    blocked = result.decisions[1]
    assert isinstance(blocked, Blocked)
    assert "'a'" in blocked.reason
    with_adopt = replace(manifests[1], policy=Policy(adopt=live("a1").arn))
    assert isinstance(
        compute_plan([manifests[0], with_adopt], observation(live("a1")), stored_journal, rules()).decisions[1], Blocked
    )


def test_duplicates_are_blocked_unless_each_names_its_association() -> None:
    """Manifests with the same natural key are blocked if one of them has no policy.adopt."""
    duplicates = [manifest("a", Policy(adopt=live("a1").arn)), manifest("b")]
    decisions = compute_plan(duplicates, observation(live("a1"), live("a2")), journal(), rules()).decisions
    assert {type(decision) for decision in decisions} == {Blocked}


def test_lost_create_is_looked_up_at_its_original_destination() -> None:
    """After a change in git, a Create without an answer is still looked up at its original destination."""
    moved = manifest(DestinationURI=NEW)
    adopted = decide(moved, live("a1"), stored_record=build_pending_record())
    assert isinstance(adopted, Adopt)
    rebound = decide(moved, live("a2"), stored_record=record(id_="a1"))
    assert isinstance(rebound, Adopt)
    assert rebound.live.id == "a2"


def test_change_of_a_hidden_member_is_not_taken_as_applied() -> None:
    """A change in git counts as applied only if AWS shows every changed member."""
    desired = manifest(ExecutionConfiguration=SCHEDULED, ObjectConfiguration={"A": {"b": ["c"]}})
    decision = decide(desired, live(ExecutionConfiguration=SCHEDULED), stored_record=record())
    assert isinstance(decision, Changed)
    window: dict[str, Any] = {"StartTime": "1790812800000", "EndTime": "1800000000000"}
    partly_changed = live(ExecutionConfiguration={**ON_DEMAND, "OnDemandConfiguration": window})
    new_window: dict[str, Any] = {"StartTime": "1700000000000", "EndTime": "1800000000000"}
    changed = manifest(ExecutionConfiguration={**ON_DEMAND, "OnDemandConfiguration": new_window})
    assert isinstance(decide(changed, partly_changed, stored_record=record()), Changed)


def test_pending_orphan_takes_precedence_over_other_orphans() -> None:
    """Of several orphaned records with one natural key, a Create without an answer takes precedence."""
    pending = replace(build_pending_record(), name="y")
    stored_journal = journal(record("z", "gone"), pending, record("x", "gone2"))
    (decision,) = compute_plan([manifest("new")], observation(), stored_journal, rules()).decisions
    assert isinstance(decision, Settling)


def test_equal_desired_applied_and_live_are_in_sync() -> None:
    """An association is in sync if desired, applied and live are equal."""
    decision = decide(manifest(), live(), stored_record=record())
    assert decision == InSync(manifest(), live(), record())


def test_drift_is_reported_and_not_repaired() -> None:
    """Drift is reported in every mode, and never repaired."""
    for mode in Mode:
        desired = manifest(policy=Policy(mode=Mode.CREATE_AND_UPDATE))
        decision = decide(desired, live(ExecutionConfiguration=SCHEDULED), stored_record=record(), mode=mode)
        assert isinstance(decision, Drifted)


def test_a_change_of_execution_needs_both_modes_to_be_an_update() -> None:
    """An Update is sent only if the modes of both the manifest and the run allow it."""
    policy = Policy(mode=Mode.CREATE_AND_UPDATE)
    desired = manifest(policy=policy, ExecutionConfiguration=SCHEDULED)
    decision = decide(desired, live(), stored_record=record(), mode=Mode.CREATE_AND_UPDATE)
    assert isinstance(decision, Update)
    assert "REPEATS the export" in decision.reason
    assert isinstance(decide(desired, live(), stored_record=record(), mode=Mode.CREATE), Changed)
    create_only = manifest(ExecutionConfiguration=SCHEDULED)
    assert isinstance(decide(create_only, live(), stored_record=record(), mode=Mode.CREATE_AND_UPDATE), Changed)


def test_a_change_of_anything_else_needs_a_new_name() -> None:
    """A change that AWS cannot make is never sent. The reason names the members and the remedy."""
    policy = Policy(mode=Mode.CREATE_AND_UPDATE)
    desired = manifest(policy=policy, DestinationURI="s3://corp-exports/elsewhere")
    decision = decide(desired, live(), stored_record=record(), mode=Mode.CREATE_AND_UPDATE)
    assert isinstance(decision, Changed)
    assert "/DestinationURI" in decision.reason
    assert "new name" in decision.reason


def test_a_change_that_aws_already_shows_is_adopted_not_sent() -> None:
    """If AWS already matches a change in git, the change is adopted. An Update would only repeat the export."""
    desired = manifest(policy=Policy(mode=Mode.CREATE_AND_UPDATE), ExecutionConfiguration=SCHEDULED)
    association = live(ExecutionConfiguration=SCHEDULED)
    decision = decide(desired, association, stored_record=record(), mode=Mode.CREATE_AND_UPDATE)
    assert isinstance(decision, Adopt)
    assert decision.record.request == request(ExecutionConfiguration=SCHEDULED)
    assert decision.record.token == record().token


def test_ignored_drift_is_in_sync() -> None:
    """Drift in a member of policy.ignore does not count."""
    window: dict[str, Any] = {"StartTime": "1790812800000", "EndTime": "1800000000000"}
    association = live(ExecutionConfiguration={**ON_DEMAND, "OnDemandConfiguration": window})
    policy = Policy(ignore=("/ExecutionConfiguration/OnDemandConfiguration/EndTime",))
    assert isinstance(decide(manifest(), association, stored_record=record()), Drifted)
    assert isinstance(decide(manifest(policy=policy), association, stored_record=record()), InSync)


def test_newly_bound_association_may_be_missing_within_the_settle_time() -> None:
    """List may leave out a new association for the settle time."""
    new_record = replace(record(), state=Bound("a1", NOW - SETTLE + timedelta(seconds=1)))
    decision = decide(manifest(), stored_record=new_record)
    assert isinstance(decision, Settling)
    assert decision.until == NOW + timedelta(seconds=1)


def test_replaced_association_is_rebound() -> None:
    """If the bound association is gone and exactly one other matches, the manifest is bound to the other."""
    decision = decide(manifest(), live("a2"), stored_record=record(id_="a1"))
    assert isinstance(decision, Adopt)
    assert decision.record.state == Bound("a2", NOW, live("a2").arn)
    assert decision.record.token == record().token


def test_a_lost_answer_is_found_in_list() -> None:
    """A Create without an answer is bound to its association in List, with the sent request as applied."""
    decision = decide(manifest(ExecutionConfiguration=SCHEDULED), live(), stored_record=build_pending_record())
    assert isinstance(decision, Adopt)
    job = Job(JobSource.CREATE, NOW - timedelta(minutes=1))
    assert decision.record == replace(record(), state=Bound("a1", NOW, live().arn, job=job))
    assert all(difference.is_changed for difference in decision.differences)


def test_lost_answer_is_awaited_for_the_settle_time() -> None:
    """After a Create without an answer, nothing is sent before the settle time is over."""
    decision = decide(manifest(), stored_record=build_pending_record(age=SETTLE - timedelta(seconds=1)))
    assert isinstance(decision, Settling)
    assert decision.until == NOW + timedelta(seconds=1)


@pytest.mark.parametrize("attempts", [1, 2, 3, 4])
def test_waits_double_and_the_recorded_request_is_repeated(attempts: int) -> None:
    """Each retry waits twice as long as the previous one, and sends the same request and token."""
    wait = SETTLE * 2 ** (attempts - 1)
    early = build_pending_record(attempts, wait - timedelta(seconds=1))
    assert isinstance(decide(manifest(), stored_record=early), Settling)
    due = build_pending_record(attempts, wait)
    decision = decide(manifest(), stored_record=due)
    assert isinstance(decision, Create)
    assert (decision.request, decision.token) == (due.request, due.token)
    assert decision.record.state == CreatePending(attempts + 1, NOW - wait, NOW)


def test_create_is_given_up_after_the_fifth_attempt() -> None:
    """A Create is given up after the fifth attempt and its wait."""
    last_wait = SETTLE * 2**4
    assert isinstance(
        decide(manifest(), stored_record=build_pending_record(5, last_wait - timedelta(seconds=1))), Settling
    )
    decision = decide(manifest(), stored_record=build_pending_record(5, last_wait))
    assert isinstance(decision, Blocked)
    assert "given up" in decision.reason


def test_raised_generation_restarts_an_abandoned_create() -> None:
    """After a give-up, a raised generation creates the current request under a new token."""
    desired = manifest(policy=Policy(generation=2), ExecutionConfiguration=SCHEDULED)
    for stored_record in (
        build_pending_record(5, SETTLE * 16),
        build_pending_record(1, SETTLE),
        build_pending_record(1, SETTLE * 33),
    ):
        decision = decide(desired, stored_record=stored_record)
        assert isinstance(decision, Create)
        assert decision.request == request(ExecutionConfiguration=SCHEDULED)
        assert (decision.record.incarnation, decision.record.generation) == (1, 2)
        assert decision.token == compute_client_token(decision.request, 1)
        assert decision.record.state == CreatePending(1, NOW, NOW)


def test_a_short_settle_time_does_not_give_up_early() -> None:
    """The time limit for retries stays at eight hours, even with a very short settle time."""
    stored_record = build_pending_record(1, timedelta(minutes=5))
    short_rules = RunRules(RunOptions(settle_time=timedelta(seconds=1)), NOW)
    (decision,) = compute_plan([manifest()], observation(), journal(stored_record), short_rules).decisions
    assert isinstance(decision, Create)


def test_adoption_records_the_generation_and_keeps_the_incarnation() -> None:
    """An adoption records the generation, which then cannot count for a later loss. It keeps the incarnation."""
    desired = manifest(policy=Policy(generation=2))
    for stored_record in (replace(build_pending_record(), incarnation=3), replace(record(id_="gone"), incarnation=3)):
        decision = decide(desired, live("a9"), stored_record=stored_record)
        assert isinstance(decision, Adopt)
        assert (decision.record.incarnation, decision.record.generation) == (3, 2)


def test_bound_association_is_not_given_to_a_manifest_that_names_it() -> None:
    """The record of a manifest takes precedence over policy.adopt of another manifest."""
    manifests = [manifest("a"), manifest("b", Policy(adopt=live("a1").arn), DestinationURI=NEW)]
    for order in (manifests, manifests[::-1]):
        decisions = compute_plan(order, observation(live("a1")), journal(record("a", "a1")), rules()).decisions
        by_name = {decision.manifest.name: type(decision) for decision in decisions}
        assert by_name == {"a": InSync, "b": Blocked}


def test_a_raised_generation_does_not_cut_a_wait_short() -> None:
    """A raised generation does not shorten the wait for an answer, and does not change a retry."""
    desired = manifest(policy=Policy(generation=2))
    assert isinstance(decide(desired, stored_record=build_pending_record(5, SETTLE)), Settling)
    decision = decide(desired, stored_record=build_pending_record(1, SETTLE))
    assert isinstance(decision, Create)
    assert (decision.token, decision.record.incarnation) == (record().token, 0)


def test_create_that_git_no_longer_requests_is_not_repeated() -> None:
    """If git changes a request without an answer, neither the old nor the new request is sent."""
    for changes in ({"DestinationURI": "s3://corp-exports/elsewhere"}, {"ExecutionConfiguration": SCHEDULED}):
        decision = decide(manifest(**changes), stored_record=build_pending_record(1, SETTLE))
        assert isinstance(decision, Blocked)
        assert "s3://corp-exports/2026-10" in decision.reason


def test_a_renamed_manifest_keeps_its_record() -> None:
    """A renamed manifest takes over its record by the natural key, and creates nothing."""
    decision = decide(manifest("new-name"), live(), stored_record=record("old-name"))
    assert isinstance(decision, Adopt)
    assert decision.record == record("new-name")
    assert compute_plan(
        [manifest("new-name")], observation(live()), journal(record("old-name")), rules()
    ).old_names == {"old-name"}


def test_a_renamed_manifest_keeps_waiting_for_its_answer() -> None:
    """Renaming a manifest does not shorten the wait for a lost answer, and does not change the token."""
    pending = replace(build_pending_record(1, SETTLE - timedelta(seconds=1)), name="old-name")
    assert isinstance(decide(manifest("new-name"), stored_record=pending), Settling)
    due = replace(build_pending_record(1, SETTLE), name="old-name")
    decision = decide(manifest("new-name"), stored_record=due)
    assert isinstance(decision, Create)
    assert (decision.record.name, decision.token) == ("new-name", due.token)


def test_manifests_with_the_same_natural_key_in_aws_are_both_blocked() -> None:
    """Two manifests that spell one data integration differently have one natural key, and both are blocked."""
    duplicates = [manifest("a"), manifest("b", DataIntegrationIdentifier=INTEGRATION.arn)]
    decisions = compute_plan(duplicates, observation(), journal(), rules()).decisions
    assert all(isinstance(decision, Blocked) for decision in decisions)
    assert [
        decision.reason.count("'b'") + decision.reason.count("'a'")
        for decision in decisions
        if isinstance(decision, Blocked)
    ] == [1, 1]


def test_duplicates_that_each_name_their_association_are_managed() -> None:
    """Manifests with the same natural key are managed if each of them has policy.adopt."""
    duplicates = [manifest(name, Policy(adopt=live(id_).arn)) for name, id_ in (("a", "a1"), ("b", "a2"))]
    result = compute_plan(duplicates, observation(live("a1"), live("a2")), journal(), rules())
    assert [type(decision) for decision in result.decisions] == [Adopt, Adopt]
    assert result.unmanaged == ()
    next_journal = journal(record("a", "a1"), record("b", "a2"))
    assert {
        type(each)
        for each in compute_plan(duplicates, observation(live("a1"), live("a2")), next_journal, rules()).decisions
    } == {InSync}


def test_lost_duplicate_does_not_rebind_to_the_other_association() -> None:
    """A lost association is not replaced by the association of a manifest with the same natural key."""
    duplicates = [manifest(name, Policy(adopt=live(id_).arn)) for name, id_ in (("a", "a1"), ("b", "a2"))]
    stored_journal = journal(record("a", "a1"), build_missing_record("b", "a2"))
    decisions = compute_plan(duplicates, observation(live("a1")), stored_journal, rules()).decisions
    assert [type(decision) for decision in decisions] == [InSync, Finished]


def test_a_second_export_of_the_same_kind_is_not_hidden_by_the_first() -> None:
    """A second association with the natural key of a managed one is reported as unmanaged."""
    result = compute_plan([manifest()], observation(live("a1"), live("a2")), journal(record()), rules())
    assert isinstance(result.decisions[0], InSync)
    assert result.unmanaged == (live("a2"),)


def test_association_named_by_a_blocked_manifest_is_unmanaged() -> None:
    """An association in policy.adopt of a blocked manifest is reported as unmanaged."""
    desired = manifest(policy=Policy(adopt=live().arn), DataIntegrationIdentifier="renamed")
    result = compute_plan([desired], observation(live()), journal(), rules())
    assert isinstance(result.decisions[0], Blocked)
    assert result.unmanaged == (live(),)


def test_live_associations_without_a_manifest_are_unmanaged() -> None:
    """A live association without a manifest is reported as unmanaged."""
    unmanaged = live("zz", DestinationURI="s3://elsewhere/x")
    result = compute_plan([manifest()], observation(live(), unmanaged), journal(record()), rules())
    assert result.unmanaged == (unmanaged,)


def test_integration_name_that_means_another_one_needs_a_new_manifest() -> None:
    """If the name of a data integration moves to another one, nothing is created in it under the old record."""
    other = Integration(INTEGRATION.arn[:-1] + "2", "profiles-export")
    only_new = Observation((other,), {other.arn: ()})
    (decision,) = compute_plan([manifest()], only_new, journal(build_missing_record()), rules()).decisions
    assert isinstance(decision, Finished)
    both_integrations = Observation(
        (other, replace(INTEGRATION, name="old")), {other.arn: (), INTEGRATION.arn: (live(),)}
    )
    (decision,) = compute_plan([manifest()], both_integrations, journal(record()), rules()).decisions
    assert isinstance(decision, Changed)
    assert "/DataIntegrationIdentifier" in decision.reason


names = st.lists(st.sampled_from("abcdef"), unique=True, max_size=5)


@given(desired=names, association=names, recorded_names=names)
def test_plan_partitions_manifests_and_live_associations(
    desired: list[str], association: list[str], recorded_names: list[str]
) -> None:
    """Every manifest has exactly one decision. Every live association has a decision or is unmanaged."""

    def build_destination(name: str) -> str:
        return f"s3://corp-exports/{name}"

    manifests = [manifest(name, DestinationURI=build_destination(name)) for name in desired]
    live_associations = [live(name, DestinationURI=build_destination(name)) for name in association]
    stored_record = journal(*(record(name, name, DestinationURI=build_destination(name)) for name in recorded_names))
    result: Plan = compute_plan(manifests, observation(*live_associations), stored_record, rules())
    assert [decision.manifest.name for decision in result.decisions] == desired
    assert {each.id for each in result.unmanaged} == set(association) - set(desired)
    assert {write.manifest.name for write in result.writes} == set(desired) - set(association) - set(recorded_names)


@given(st.permutations(["a", "b", "c", "d"]))
def test_decisions_do_not_depend_on_manifest_order(order: list[str]) -> None:
    """The decision on a manifest does not depend on the order of the manifests."""

    def decide_all(names: list[str]) -> dict[str, Decision]:
        manifests = [manifest(name, DestinationURI=f"s3://x/{name}x") for name in names]
        live_associations = [live(name, DestinationURI=f"s3://x/{name}x") for name in names if name in "ab"]
        stored_journal = journal(
            record("a", "a", DestinationURI="s3://x/ax"), record("c", "c", DestinationURI="s3://x/cx")
        )
        result = compute_plan(manifests, observation(*live_associations), stored_journal, rules())
        return {decision.manifest.name: decision for decision in result.decisions}

    assert decide_all(order) == decide_all(["a", "b", "c", "d"])


def test_reason_names_the_data_integration_as_the_manifest_does() -> None:
    """A reason names the data integration as the manifest does.

    For the data integration of a record, it uses the name, or the ARN if the data integration is gone.
    """
    remedy = "run reconcile doctor, and correct what it reports"
    for spelling in (INTEGRATION.name, INTEGRATION.uuid, INTEGRATION.arn):
        decision = decide(manifest(DataIntegrationIdentifier=spelling), unobserved="denied")
        assert isinstance(decision, Blocked)
        assert decision.reason == f"the associations of {spelling} could not be listed: denied: {remedy}"
    first_crm, second_crm = (Integration(INTEGRATION.arn[:-1] + digit, "crm") for digit in "23")
    for association, name in (((first_crm, INTEGRATION), INTEGRATION.name), ((first_crm, second_crm), INTEGRATION.arn)):
        live_state = Observation(association, {first_crm.arn: (), INTEGRATION.arn: Unobserved("denied")})
        (moved,) = compute_plan(
            [manifest(DataIntegrationIdentifier="crm")], live_state, journal(record()), rules()
        ).decisions
        assert isinstance(moved, Blocked)
        assert moved.reason == f"the associations of {name} could not be listed: denied: {remedy}"
