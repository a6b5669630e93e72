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

from reconciler.core.journal.records import Bound, CreatePending, Record
from reconciler.core.model import Integration, Live, Manifest, Mode, Observation, OnLoss, Policy, Unobserved
from reconciler.core.plan.compute import compute_plan
from reconciler.core.plan.decision import (
    Adopt,
    Blocked,
    Changed,
    Create,
    Decision,
    Drifted,
    InSync,
    Lost,
    Plan,
    Settling,
    Update,
)
from reconciler.core.plan.inputs import RunOptions, RunRules
from reconciler.core.request.token import compute_client_token

SCHEDULED: dict[str, Any] = {
    "ExecutionMode": "SCHEDULED",
    "ScheduleConfiguration": {"ScheduleExpression": "rate(1 hour)"},
}


def decide(
    wanted: Manifest, *lives: Live, remembered: Record | None = None, mode: Mode = Mode.CREATE, unobserved: str = ""
) -> Decision:
    """Plan one manifest and return its decision."""
    known = journal(*([remembered] if remembered else []))
    (decision,) = compute_plan([wanted], observation(*lives, unobserved=unobserved), known, rules(mode)).decisions
    return decision


def intended(attempts: int = 1, ago: timedelta = timedelta(minutes=1), **changes: Any) -> Record:
    """Return the record of a Create whose answer was lost."""
    return replace(record(**changes), state=CreatePending(attempts, NOW - ago, NOW - ago))


def missing(name: str = "export", id_: str = "a1") -> Record:
    """Return the record of an association that List has not shown for the settle time."""
    known = record(name, id_)
    assert isinstance(known.state, Bound)
    return replace(known, state=replace(known.state, missing_since=NOW - SETTLE))


def test_unlisted_integration_blocks_and_never_creates() -> None:
    """A data integration that could not be listed blocks its manifest. A failed List does not count as an empty one."""
    for remembered in (None, record(), intended()):
        decision = decide(manifest(), remembered=remembered, unobserved="access denied")
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
    far = decide(manifest(DataIntegrationIdentifier="zzz"))
    assert isinstance(far, Blocked)
    assert "create it" in far.reason


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
    assert "does not know which of them changed" in decision.reason


def test_several_matches_block_and_are_all_named() -> None:
    """Several matching associations block the manifest, and the reason names each of them."""
    for remembered in (None, intended(), record(id_="gone")):
        decision = decide(manifest(), live("a1"), live("a2"), remembered=remembered)
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


def test_policy_adopt_rebinds_a_bound_manifest() -> None:
    """policy.adopt overrides the association in the journal, and never leads to a Create."""
    wanted = manifest(policy=Policy(adopt=live("a2").arn))
    decision = decide(wanted, live("a1"), live("a2"), remembered=record())
    assert isinstance(decision, Adopt)
    assert decision.record == Record("export", request(), None, 0, 1, Bound("a2", NOW, live("a2").arn))
    missing = manifest(policy=Policy(adopt=live("zz").arn))
    assert isinstance(decide(missing, live("a1"), remembered=record()), Blocked)
    agreeing = manifest(policy=Policy(adopt=live("a1").arn))
    assert isinstance(decide(agreeing, live("a1"), remembered=record()), InSync)


def test_policy_adopt_does_not_fall_back_to_another_association() -> None:
    """If the association in policy.adopt is gone, it is lost, even if another association matches."""
    wanted = manifest(policy=Policy(adopt=live("a1").arn, generation=2, on_loss=OnLoss.RECREATE))
    decision = decide(wanted, live("a2"), remembered=missing())
    assert isinstance(decision, Lost)
    assert "policy.adopt" in decision.reason


def test_policy_adopt_ends_the_wait_for_a_lost_answer() -> None:
    """policy.adopt binds a Create without an answer to its association, and keeps the sent request and token."""
    shown = live("a1", DestinationURI="s3://corp-exports/2026-10/")
    wanted = manifest(policy=Policy(adopt=shown.arn))
    decision = decide(wanted, shown, remembered=intended(1, SETTLE))
    assert isinstance(decision, Adopt)
    assert (decision.record.request, decision.record.token) == (request(), record().token)
    assert isinstance(decide(wanted, remembered=intended(1, SETTLE)), Blocked)


def test_create_with_a_lost_answer_is_not_repeated_after_days() -> None:
    """A Create without an answer is not retried after the time limit. A person must look in AWS."""
    assert isinstance(decide(manifest(), remembered=intended(1, SETTLE * 32)), Create)
    decision = decide(manifest(), remembered=intended(1, SETTLE * 32 + timedelta(seconds=1)))
    assert isinstance(decision, Blocked)
    assert "policy.adopt" in decision.reason


OLD, NEW = "s3://corp-exports/2026-10", "s3://corp-exports/2026-11"


@pytest.mark.parametrize(
    ("known", "shown"),
    [
        (record("a"), (live(),)),
        (record("a"), ()),
        (intended(1, timedelta(seconds=30)), ()),
        (intended(1, SETTLE), ()),
    ],
)
def test_a_reused_name_does_not_hide_its_association(known: Record, shown: tuple[Live, ...]) -> None:
    """If `a` gets a new request and `b` takes the old one, `b` is blocked while the record of `a` holds it."""
    manifests = [manifest("a", DestinationURI=NEW), manifest("b", DestinationURI=OLD)]
    result = compute_plan(manifests, observation(*shown), journal(replace(known, name="a")), rules())
    assert result.writes == ()
    blocked = result.decisions[1]
    assert isinstance(blocked, Blocked)
    assert "'a'" in blocked.reason


def test_bound_manifest_does_not_move_to_another_natural_key() -> None:
    """policy.adopt cannot move a bound manifest to another natural key: its old export may still be running."""
    there = live("a2", DestinationURI=NEW)
    wanted = manifest("x", Policy(adopt=there.arn), DestinationURI=NEW)
    fresh = replace(record("x"), state=Bound("a1", NOW))
    (decision,) = compute_plan([wanted], observation(there), journal(fresh), rules()).decisions
    assert isinstance(decision, Blocked)
    assert "adopt it in a manifest with a new name" in decision.reason
    moved = decide(manifest(DestinationURI=NEW), live("a1", DestinationURI=NEW), remembered=record())
    assert isinstance(moved, Changed)


def test_association_released_by_policy_adopt_is_unmanaged_at_once() -> None:
    """If policy.adopt replaces the association of a manifest, the same report lists the old one as unmanaged."""
    wanted = manifest(policy=Policy(adopt=live("a2").arn))
    result = compute_plan([wanted], observation(live("a1"), live("a2")), journal(record()), rules())
    (decision,) = result.decisions
    assert isinstance(decision, Adopt)
    assert decision.record.token is None
    assert result.unmanaged == (live("a1"),)


def test_second_orphan_of_a_natural_key_does_not_block() -> None:
    """Of two orphaned records with one natural key, the one that the manifest takes over decides."""
    p, q = (
        replace(record(name, id_), state=Bound(id_, NOW - SETTLE * 9, "arn", NOW - SETTLE * 8))
        for name, id_ in (("p", "a1"), ("q", "a2"))
    )
    wanted = manifest("new", Policy(generation=2))
    (decision,) = compute_plan([wanted], observation(), journal(p, q), rules()).decisions
    assert isinstance(decision, Create)
    waiting = replace(p, state=CreatePending(1, NOW, NOW))
    (decision,) = compute_plan([wanted], observation(), journal(q, waiting), rules()).decisions
    assert isinstance(decision, Settling)


def test_association_adopted_by_another_manifest_blocks_a_create() -> None:
    """A manifest is blocked if `policy.adopt` of another manifest has the only association with its natural key."""
    owner = replace(record("b", "a1", DestinationURI=NEW))
    manifests = [manifest("a"), manifest("b", Policy(adopt=live("a1").arn), DestinationURI=NEW)]
    for known in (journal(owner), journal()):
        result = compute_plan(manifests, observation(live("a1")), known, rules())
        assert isinstance(result.decisions[0], Blocked)
        assert result.writes == ()


def test_unlisted_integration_of_the_record_blocks() -> None:
    """A manifest is blocked if the data integration of its record could not be listed."""
    other = Integration(INTEGRATION.arn[:-1] + "2", "profiles-export")
    seen = Observation((other,), {other.arn: (), INTEGRATION.arn: Unobserved("denied")})
    (decision,) = compute_plan([manifest()], seen, journal(record()), rules()).decisions
    assert isinstance(decision, Blocked)


def test_the_record_of_another_association_is_not_taken_over() -> None:
    """A manifest with policy.adopt does not take over the orphaned record of another association."""
    wanted = manifest("new", Policy(adopt=live("a2").arn))
    result = compute_plan([wanted], observation(live("a1"), live("a2")), journal(record("old", "a1")), rules())
    assert isinstance(result.decisions[0], Adopt)
    assert result.old_names == set()
    same = compute_plan(
        [manifest("new", Policy(adopt=live("a1").arn))], observation(live("a1")), journal(record("old")), rules()
    )
    assert same.old_names == {"old"}


def test_renamed_record_is_found_by_the_arn_in_policy_adopt() -> None:
    """A renamed manifest with another destination finds its record by the ARN in policy.adopt."""
    wanted = manifest("new", Policy(adopt=live("a1").arn), DestinationURI=NEW)
    result = compute_plan([wanted], observation(live("a1")), journal(record("old", "a1")), rules())
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
    known = journal(record("a", "a1"), record("b", "a1", DestinationURI=NEW))
    result = compute_plan(manifests, observation(live("a1")), known, rules())
    assert isinstance(result.decisions[0], InSync)
    blocked = result.decisions[1]
    assert isinstance(blocked, Blocked)
    assert "'a'" in blocked.reason
    named = replace(manifests[1], policy=Policy(adopt=live("a1").arn))
    assert isinstance(
        compute_plan([manifests[0], named], observation(live("a1")), known, rules()).decisions[1], Blocked
    )


def test_duplicates_are_blocked_unless_each_names_its_association() -> None:
    """Manifests with the same natural key are blocked if one of them has no policy.adopt."""
    twins = [manifest("a", Policy(adopt=live("a1").arn)), manifest("b")]
    decisions = compute_plan(twins, observation(live("a1"), live("a2")), journal(), rules()).decisions
    assert {type(decision) for decision in decisions} == {Blocked}


def test_lost_create_is_looked_up_at_its_original_destination() -> None:
    """After a change in git, a Create without an answer is still looked up at its original destination."""
    moved = manifest(DestinationURI=NEW)
    found = decide(moved, live("a1"), remembered=intended())
    assert isinstance(found, Adopt)
    rebound = decide(moved, live("a2"), remembered=record(id_="a1"))
    assert isinstance(rebound, Adopt)
    assert rebound.live.id == "a2"


def test_change_of_a_hidden_member_is_not_taken_as_applied() -> None:
    """A change in git counts as applied only if AWS shows every changed member."""
    wanted = manifest(ExecutionConfiguration=SCHEDULED, ObjectConfiguration={"A": {"b": ["c"]}})
    decision = decide(wanted, live(ExecutionConfiguration=SCHEDULED), remembered=record())
    assert isinstance(decision, Changed)
    window: dict[str, Any] = {"StartTime": "1790812800000", "EndTime": "1800000000000"}
    half = live(ExecutionConfiguration={**ON_DEMAND, "OnDemandConfiguration": window})
    later: dict[str, Any] = {"StartTime": "1700000000000", "EndTime": "1800000000000"}
    both = manifest(ExecutionConfiguration={**ON_DEMAND, "OnDemandConfiguration": later})
    assert isinstance(decide(both, half, remembered=record()), Changed)


def test_pending_orphan_takes_precedence_over_other_orphans() -> None:
    """Of several orphaned records with one natural key, a Create without an answer takes precedence."""
    waiting = replace(intended(), name="y")
    known = journal(record("z", "gone"), waiting, record("x", "gone2"))
    (decision,) = compute_plan([manifest("new")], observation(), known, rules()).decisions
    assert isinstance(decision, Settling)


def test_equal_desired_applied_and_live_are_in_sync() -> None:
    """An association is in sync if desired, applied and live are equal."""
    decision = decide(manifest(), live(), remembered=record())
    assert decision == InSync(manifest(), live(), record())


def test_drift_is_reported_and_not_repaired() -> None:
    """Drift is reported in every mode, and never repaired."""
    for mode in Mode:
        wanted = manifest(policy=Policy(mode=Mode.CREATE_AND_UPDATE))
        decision = decide(wanted, live(ExecutionConfiguration=SCHEDULED), remembered=record(), mode=mode)
        assert isinstance(decision, Drifted)


def test_a_change_of_execution_needs_both_modes_to_be_an_update() -> None:
    """An Update is sent only if the modes of both the manifest and the run allow it."""
    both = Policy(mode=Mode.CREATE_AND_UPDATE)
    wanted = manifest(policy=both, ExecutionConfiguration=SCHEDULED)
    decision = decide(wanted, live(), remembered=record(), mode=Mode.CREATE_AND_UPDATE)
    assert isinstance(decision, Update)
    assert "REPEATS the export" in decision.reason
    assert isinstance(decide(wanted, live(), remembered=record(), mode=Mode.CREATE), Changed)
    only_run = manifest(ExecutionConfiguration=SCHEDULED)
    assert isinstance(decide(only_run, live(), remembered=record(), mode=Mode.CREATE_AND_UPDATE), Changed)


def test_a_change_of_anything_else_needs_a_new_name() -> None:
    """A change that AWS cannot make is never sent. The reason names the members and the remedy."""
    policy = Policy(mode=Mode.CREATE_AND_UPDATE)
    wanted = manifest(policy=policy, DestinationURI="s3://corp-exports/elsewhere")
    decision = decide(wanted, live(), remembered=record(), mode=Mode.CREATE_AND_UPDATE)
    assert isinstance(decision, Changed)
    assert "/DestinationURI" in decision.reason
    assert "new name" in decision.reason


def test_a_change_that_aws_already_shows_is_adopted_not_sent() -> None:
    """If AWS already matches a change in git, the change is adopted. An Update would only repeat the export."""
    wanted = manifest(policy=Policy(mode=Mode.CREATE_AND_UPDATE), ExecutionConfiguration=SCHEDULED)
    shown = live(ExecutionConfiguration=SCHEDULED)
    decision = decide(wanted, shown, remembered=record(), mode=Mode.CREATE_AND_UPDATE)
    assert isinstance(decision, Adopt)
    assert decision.record.request == request(ExecutionConfiguration=SCHEDULED)
    assert decision.record.token == record().token


def test_ignored_drift_is_in_sync() -> None:
    """Drift in a member of policy.ignore does not count."""
    window: dict[str, Any] = {"StartTime": "1790812800000", "EndTime": "1800000000000"}
    shown = live(ExecutionConfiguration={**ON_DEMAND, "OnDemandConfiguration": window})
    policy = Policy(ignore=("/ExecutionConfiguration/OnDemandConfiguration/EndTime",))
    assert isinstance(decide(manifest(), shown, remembered=record()), Drifted)
    assert isinstance(decide(manifest(policy=policy), shown, remembered=record()), InSync)


def test_newly_bound_association_may_be_missing_within_the_settle_time() -> None:
    """List may leave out a new association for the settle time."""
    fresh = replace(record(), state=Bound("a1", NOW - SETTLE + timedelta(seconds=1)))
    decision = decide(manifest(), remembered=fresh)
    assert isinstance(decision, Settling)
    assert decision.until == NOW + timedelta(seconds=1)


def test_replaced_association_is_rebound() -> None:
    """If the bound association is gone and exactly one other matches, the manifest is bound to the other."""
    decision = decide(manifest(), live("a2"), remembered=record(id_="a1"))
    assert isinstance(decision, Adopt)
    assert decision.record.state == Bound("a2", NOW, live("a2").arn)
    assert decision.record.token == record().token


def test_a_lost_answer_is_found_in_list() -> None:
    """A Create without an answer is bound to its association in List, with the sent request as applied."""
    decision = decide(manifest(ExecutionConfiguration=SCHEDULED), live(), remembered=intended())
    assert isinstance(decision, Adopt)
    assert decision.record == replace(record(), state=Bound("a1", NOW, live().arn))
    assert all(difference.is_changed for difference in decision.differences)


def test_lost_answer_is_awaited_for_the_settle_time() -> None:
    """After a Create without an answer, nothing is sent before the settle time is over."""
    decision = decide(manifest(), remembered=intended(ago=SETTLE - timedelta(seconds=1)))
    assert isinstance(decision, Settling)
    assert decision.until == NOW + timedelta(seconds=1)


@pytest.mark.parametrize("attempts", [1, 2, 3, 4])
def test_waits_double_and_the_recorded_request_is_repeated(attempts: int) -> None:
    """Each retry waits twice as long as the previous one, and sends the same request and token."""
    wait = SETTLE * 2 ** (attempts - 1)
    early = intended(attempts, wait - timedelta(seconds=1))
    assert isinstance(decide(manifest(), remembered=early), Settling)
    due = intended(attempts, wait)
    decision = decide(manifest(), remembered=due)
    assert isinstance(decision, Create)
    assert (decision.request, decision.token) == (due.request, due.token)
    assert decision.record.state == CreatePending(attempts + 1, NOW - wait, NOW)


def test_create_is_given_up_after_the_fifth_attempt() -> None:
    """A Create is given up after the fifth attempt and its wait."""
    fifth = SETTLE * 2**4
    assert isinstance(decide(manifest(), remembered=intended(5, fifth - timedelta(seconds=1))), Settling)
    decision = decide(manifest(), remembered=intended(5, fifth))
    assert isinstance(decision, Blocked)
    assert "given up" in decision.reason


def test_raised_generation_restarts_an_abandoned_create() -> None:
    """After a give-up, a raised generation creates the current request under a new token."""
    wanted = manifest(policy=Policy(generation=2), ExecutionConfiguration=SCHEDULED)
    for known in (intended(5, SETTLE * 16), intended(1, SETTLE), intended(1, SETTLE * 33)):
        decision = decide(wanted, remembered=known)
        assert isinstance(decision, Create)
        assert decision.request == request(ExecutionConfiguration=SCHEDULED)
        assert (decision.record.incarnation, decision.record.generation) == (1, 2)
        assert decision.token == compute_client_token(decision.request, 1)
        assert decision.record.state == CreatePending(1, NOW, NOW)


def test_a_short_settle_time_does_not_give_up_early() -> None:
    """The time limit for retries stays at eight hours, even with a very short settle time."""
    known = intended(1, timedelta(minutes=5))
    quick = RunRules(RunOptions(settle_time=timedelta(seconds=1)), NOW)
    (decision,) = compute_plan([manifest()], observation(), journal(known), quick).decisions
    assert isinstance(decision, Create)


def test_adoption_records_the_generation_and_keeps_the_incarnation() -> None:
    """An adoption records the generation, which then cannot count for a later loss. It keeps the incarnation."""
    wanted = manifest(policy=Policy(generation=2))
    for known in (replace(intended(), incarnation=3), replace(record(id_="gone"), incarnation=3)):
        decision = decide(wanted, live("a9"), remembered=known)
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
    wanted = manifest(policy=Policy(generation=2))
    assert isinstance(decide(wanted, remembered=intended(5, SETTLE)), Settling)
    decision = decide(wanted, remembered=intended(1, SETTLE))
    assert isinstance(decision, Create)
    assert (decision.token, decision.record.incarnation) == (record().token, 0)


def test_create_that_git_no_longer_requests_is_not_repeated() -> None:
    """If git changes a request without an answer, neither the old nor the new request is sent."""
    for changes in ({"DestinationURI": "s3://corp-exports/elsewhere"}, {"ExecutionConfiguration": SCHEDULED}):
        decision = decide(manifest(**changes), remembered=intended(1, SETTLE))
        assert isinstance(decision, Blocked)
        assert "s3://corp-exports/2026-10" in decision.reason


def test_a_renamed_manifest_keeps_its_record() -> None:
    """A renamed manifest takes over its record by the natural key, and creates nothing."""
    decision = decide(manifest("new-name"), live(), remembered=record("old-name"))
    assert isinstance(decision, Adopt)
    assert decision.record == record("new-name")
    assert compute_plan(
        [manifest("new-name")], observation(live()), journal(record("old-name")), rules()
    ).old_names == {"old-name"}


def test_a_renamed_manifest_keeps_waiting_for_its_answer() -> None:
    """Renaming a manifest does not shorten the wait for a lost answer, and does not change the token."""
    lost = replace(intended(1, SETTLE - timedelta(seconds=1)), name="old-name")
    assert isinstance(decide(manifest("new-name"), remembered=lost), Settling)
    due = replace(intended(1, SETTLE), name="old-name")
    decision = decide(manifest("new-name"), remembered=due)
    assert isinstance(decision, Create)
    assert (decision.record.name, decision.token) == ("new-name", due.token)


def test_manifests_with_the_same_natural_key_in_aws_are_both_blocked() -> None:
    """Two manifests that spell one data integration differently have one natural key, and both are blocked."""
    twins = [manifest("a"), manifest("b", DataIntegrationIdentifier=INTEGRATION.arn)]
    decisions = compute_plan(twins, observation(), journal(), rules()).decisions
    assert all(isinstance(decision, Blocked) for decision in decisions)
    assert [
        decision.reason.count("'b'") + decision.reason.count("'a'")
        for decision in decisions
        if isinstance(decision, Blocked)
    ] == [1, 1]


def test_duplicates_that_each_name_their_association_are_managed() -> None:
    """Manifests with the same natural key are managed if each of them has policy.adopt."""
    twins = [manifest(name, Policy(adopt=live(id_).arn)) for name, id_ in (("a", "a1"), ("b", "a2"))]
    result = compute_plan(twins, observation(live("a1"), live("a2")), journal(), rules())
    assert [type(decision) for decision in result.decisions] == [Adopt, Adopt]
    assert result.unmanaged == ()
    again = journal(record("a", "a1"), record("b", "a2"))
    assert {
        type(each) for each in compute_plan(twins, observation(live("a1"), live("a2")), again, rules()).decisions
    } == {InSync}


def test_lost_duplicate_does_not_rebind_to_the_other_association() -> None:
    """A lost association is not replaced by the association of a manifest with the same natural key."""
    twins = [manifest(name, Policy(adopt=live(id_).arn)) for name, id_ in (("a", "a1"), ("b", "a2"))]
    known = journal(record("a", "a1"), missing("b", "a2"))
    decisions = compute_plan(twins, observation(live("a1")), known, rules()).decisions
    assert [type(decision) for decision in decisions] == [InSync, Lost]


def test_a_second_export_of_the_same_kind_is_not_hidden_by_the_first() -> None:
    """A second association with the natural key of a managed one is reported as unmanaged."""
    result = compute_plan([manifest()], observation(live("a1"), live("a2")), journal(record()), rules())
    assert isinstance(result.decisions[0], InSync)
    assert result.unmanaged == (live("a2"),)


def test_association_named_by_a_blocked_manifest_is_unmanaged() -> None:
    """An association in policy.adopt of a blocked manifest is reported as unmanaged."""
    wanted = manifest(policy=Policy(adopt=live().arn), DataIntegrationIdentifier="renamed")
    result = compute_plan([wanted], observation(live()), journal(), rules())
    assert isinstance(result.decisions[0], Blocked)
    assert result.unmanaged == (live(),)


def test_live_associations_without_a_manifest_are_unmanaged() -> None:
    """A live association without a manifest is reported as unmanaged."""
    stranger = live("zz", DestinationURI="s3://elsewhere/x")
    result = compute_plan([manifest()], observation(live(), stranger), journal(record()), rules())
    assert result.unmanaged == (stranger,)


def test_integration_name_that_means_another_one_needs_a_new_manifest() -> None:
    """If the name of a data integration moves to another one, nothing is created in it under the old record."""
    other = Integration(INTEGRATION.arn[:-1] + "2", "profiles-export")
    seen = Observation((other,), {other.arn: ()})
    (decision,) = compute_plan([manifest()], seen, journal(missing()), rules()).decisions
    assert isinstance(decision, Lost)
    both = Observation((other, replace(INTEGRATION, name="old")), {other.arn: (), INTEGRATION.arn: (live(),)})
    (decision,) = compute_plan([manifest()], both, journal(record()), rules()).decisions
    assert isinstance(decision, Changed)
    assert "/DataIntegrationIdentifier" in decision.reason


names = st.lists(st.sampled_from("abcdef"), unique=True, max_size=5)


@given(wanted=names, shown=names, known=names)
def test_plan_partitions_manifests_and_live_associations(wanted: list[str], shown: list[str], known: list[str]) -> None:
    """Every manifest has exactly one decision. Every live association has a decision or is unmanaged."""

    def destination(name: str) -> str:
        return f"s3://corp-exports/{name}"

    manifests = [manifest(name, DestinationURI=destination(name)) for name in wanted]
    lives = [live(name, DestinationURI=destination(name)) for name in shown]
    remembered = journal(*(record(name, name, DestinationURI=destination(name)) for name in known))
    result: Plan = compute_plan(manifests, observation(*lives), remembered, rules())
    assert [decision.manifest.name for decision in result.decisions] == wanted
    assert {each.id for each in result.unmanaged} == set(shown) - set(wanted)
    assert {write.manifest.name for write in result.writes} == set(wanted) - set(shown) - set(known)


@given(st.permutations(["a", "b", "c", "d"]))
def test_decisions_do_not_depend_on_manifest_order(order: list[str]) -> None:
    """The decision on a manifest does not depend on the order of the manifests."""

    def decisions(names: list[str]) -> dict[str, Decision]:
        manifests = [manifest(name, DestinationURI=f"s3://x/{name}x") for name in names]
        lives = [live(name, DestinationURI=f"s3://x/{name}x") for name in names if name in "ab"]
        known = journal(record("a", "a", DestinationURI="s3://x/ax"), record("c", "c", DestinationURI="s3://x/cx"))
        result = compute_plan(manifests, observation(*lives), known, rules())
        return {decision.manifest.name: decision for decision in result.decisions}

    assert decisions(order) == decisions(["a", "b", "c", "d"])


def test_reason_names_the_data_integration_as_the_manifest_does() -> None:
    """A reason names the data integration as the manifest does.

    For the data integration of a record, it uses the name, or the ARN if the data integration is gone.
    """
    for spelling in (INTEGRATION.name, INTEGRATION.uuid, INTEGRATION.arn):
        decision = decide(manifest(DataIntegrationIdentifier=spelling), unobserved="denied")
        assert isinstance(decision, Blocked)
        assert decision.reason == f"the associations of {spelling} could not be listed: denied"
    crm, gone = (Integration(INTEGRATION.arn[:-1] + digit, "crm") for digit in "23")
    for shown, name in (((crm, INTEGRATION), INTEGRATION.name), ((crm, gone), INTEGRATION.arn)):
        seen = Observation(shown, {crm.arn: (), INTEGRATION.arn: Unobserved("denied")})
        (moved,) = compute_plan([manifest(DataIntegrationIdentifier="crm")], seen, journal(record()), rules()).decisions
        assert isinstance(moved, Blocked)
        assert moved.reason == f"the associations of {name} could not be listed: denied"
