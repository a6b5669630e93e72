"""Updates: each change in git leads to at most one Update, whatever its outcome."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from support.builders import NOW, ON_DEMAND, SETTLE, journal, live, manifest, observation, record, request, rules

from reconciler.core.journal.jobs import Job, JobSource, Refusal
from reconciler.core.journal.records import Bound, Record
from reconciler.core.model import Live, Manifest, Mode, Policy
from reconciler.core.plan.compute import compute_plan
from reconciler.core.plan.decision import Adopt, Blocked, Changed, Decision, Drifted, Held, InSync, Settling
from reconciler.core.plan.write import Create, Update

UPDATES = Policy(mode=Mode.CREATE_AND_UPDATE)


def build_execution(end: str) -> dict[str, Any]:
    """Return an ExecutionConfiguration with another end time."""
    return {**ON_DEMAND, "OnDemandConfiguration": {"StartTime": "1790812800000", "EndTime": end}}


OLD, NEW, THIRD = ON_DEMAND, build_execution("1793577600000"), build_execution("1793664000000")


def decide(
    desired: Manifest, stored_record: Record, *live_associations: Live, mode: Mode = Mode.CREATE_AND_UPDATE
) -> Decision:
    """Plan one manifest and return its decision."""
    (decision,) = compute_plan(
        [desired], observation(*live_associations), journal(stored_record), rules(mode)
    ).decisions
    return decision


def build_manifest(execution: Any, generation: int = 1) -> Manifest:
    """Return a manifest with an ExecutionConfiguration that allows updates."""
    return manifest(policy=replace(UPDATES, generation=generation), ExecutionConfiguration=execution)


def build_updated_record(
    age: timedelta, refusal: str | None = None, generation: int = 1, result: str | None = None
) -> Record:
    """Return the record of an association that was updated from OLD to NEW. With a result, its export has ended."""
    job = Job(
        JobSource.UPDATE,
        NOW - age,
        is_accepted=refusal is None,
        refusal=Refusal(refusal) if refusal else None,
        refusal_count=int(refusal is not None),
        shown_at=NOW - age if result else None,
        result=result,
    )
    bound = Bound("a1", NOW - timedelta(days=1), live().arn, job=job)
    return replace(record(ExecutionConfiguration=NEW), state=bound, generation=generation, previous_executions=(OLD,))


def test_update_contains_the_record_to_journal_first() -> None:
    """An Update holds the record to write before the call: the new request as applied, and the old one as previous."""
    decision = decide(build_manifest(NEW), record(), live())
    assert isinstance(decision, Update)
    assert decision.record.request == request(ExecutionConfiguration=NEW)
    assert decision.record.state == Bound("a1", NOW - timedelta(hours=1), live().arn, job=Job(JobSource.UPDATE, NOW))
    assert decision.record.previous_executions == (OLD,)
    assert decision.previous_record == record()
    assert (decision.association_id, decision.execution) == ("a1", NEW)
    assert "REPEATS" in decision.reason


def test_update_shown_by_list_is_in_sync() -> None:
    """An Update that List shows is in sync, and the record keeps the old ExecutionConfiguration."""
    decision = decide(build_manifest(NEW), build_updated_record(timedelta(minutes=1)), live(ExecutionConfiguration=NEW))
    assert isinstance(decision, InSync)
    assert isinstance(decision.record.state, Bound)
    assert decision.record.state.job
    assert (decision.record.state.job.shown_at, decision.record.previous_executions) == (NOW, (OLD,))


def test_update_not_shown_by_list_settles_and_is_not_repeated() -> None:
    """An Update that List does not show settles, then is blocked. It is not repeated, and is no drift."""
    early = decide(build_manifest(NEW), build_updated_record(SETTLE - timedelta(seconds=1)), live())
    assert isinstance(early, Settling)
    assert early.live == live()
    assert all(each.is_changed and not each.is_drifted for each in early.differences)
    for ago in (SETTLE, timedelta(days=9)):
        late = decide(build_manifest(NEW), build_updated_record(ago), live())
        assert isinstance(late, Blocked)
        assert late.is_past
        assert "never showed" in late.reason
        assert isinstance(late.write, Update)
        assert all(each.is_changed and not each.is_drifted for each in late.write.differences)


def test_refused_update_is_sent_once_more_after_the_settle_time() -> None:
    """An Update that AWS refused once is held, and sent once more: AWS may refuse it while a job runs."""
    decision = decide(build_manifest(NEW), build_updated_record(timedelta(0), "InvalidRequest: no"), live())
    assert isinstance(decision, Held)
    assert "InvalidRequest: no" in decision.reason
    assert (decision.exit_code, decision.is_temporary, decision.until) == (1, True, NOW + SETTLE)
    again = decide(build_manifest(NEW), build_updated_record(SETTLE, "InvalidRequest: no"), live())
    assert isinstance(again, Update)
    assert isinstance(again.record.state, Bound)
    assert again.record.state.job == Job(JobSource.UPDATE, NOW, refusal_count=1)


def test_update_that_was_refused_twice_is_blocked() -> None:
    """An Update that AWS refused twice needs a person, and a raised generation sends it again."""
    stored_record = build_updated_record(timedelta(days=1), "InvalidRequest: no")
    assert isinstance(stored_record.state, Bound)
    assert stored_record.state.job
    job = replace(stored_record.state.job, refusal_count=2)
    twice_refused = replace(stored_record, state=replace(stored_record.state, job=job))
    decision = decide(build_manifest(NEW), twice_refused, live())
    assert isinstance(decision, Blocked)
    assert decision.is_past
    assert "raise policy.generation above 1" in decision.reason
    again = decide(build_manifest(NEW, generation=2), twice_refused, live())
    assert isinstance(again, Update)
    assert isinstance(again.record.state, Bound)
    assert again.record.state.job == Job(JobSource.UPDATE, NOW)


@pytest.mark.parametrize(
    ("count", "pause"),
    [(1, SETTLE), (2, 2 * SETTLE), (7, timedelta(hours=16)), (8, timedelta(days=1)), (2**40, timedelta(days=1))],
)
def test_denied_update_is_tried_again_with_growing_pauses(count: int, pause: timedelta) -> None:
    """An Update that a policy denies is blocked, and tried again after pauses that double up to a day."""
    for age in (pause - timedelta(seconds=1), pause):
        stored_record = build_updated_record(age, "explicit deny")
        assert isinstance(stored_record.state, Bound)
        job = Job(JobSource.UPDATE, NOW - age, refusal=Refusal("explicit deny", is_denied=True), refusal_count=count)
        decision = decide(
            build_manifest(NEW), replace(stored_record, state=replace(stored_record.state, job=job)), live()
        )
        assert isinstance(decision, Blocked if age < pause else Update)


def test_raised_generation_sends_a_refused_update_at_once() -> None:
    """A raised generation sends a refused Update again without a wait."""
    again = decide(build_manifest(NEW, generation=2), build_updated_record(timedelta(0), "InvalidRequest: no"), live())
    assert isinstance(again, Update)
    assert again.record.generation == 2
    assert again.record.state == Bound("a1", NOW - timedelta(days=1), live().arn, job=Job(JobSource.UPDATE, NOW))
    assert again.record.previous_executions == (OLD,)


def test_raised_generation_repeats_an_update_that_never_showed() -> None:
    """A raised generation repeats an Update after the settle time, if both modes allow it."""
    stored_record = build_updated_record(SETTLE)
    assert isinstance(decide(build_manifest(NEW, 2), build_updated_record(timedelta(0)), live()), Settling)
    assert isinstance(decide(build_manifest(NEW, 2), stored_record, live(), mode=Mode.CREATE), Blocked)
    assert isinstance(decide(build_manifest(NEW, 2), stored_record, live()), Update)
    assert isinstance(decide(build_manifest(NEW, 2), replace(stored_record, generation=2), live()), Blocked)


def test_drift_is_never_repaired_by_an_update() -> None:
    """Drift without a change in git leads to no Update, even after an earlier Update."""
    assert isinstance(decide(build_manifest(OLD), record(), live(ExecutionConfiguration=NEW)), Drifted)
    decision = decide(build_manifest(NEW), build_updated_record(timedelta(hours=1)), live(ExecutionConfiguration=THIRD))
    assert isinstance(decision, Drifted)


def test_drift_together_with_a_change_is_not_overwritten() -> None:
    """A change in git is not sent over drift, because an Update replaces the whole ExecutionConfiguration."""
    decision = decide(build_manifest(NEW), record(), live(ExecutionConfiguration=THIRD))
    assert isinstance(decision, Changed)
    (difference,) = decision.differences
    assert (difference.is_changed, difference.is_drifted) == (True, True)
    assert difference.path in decision.reason


def test_further_change_waits_for_the_pending_update() -> None:
    """A further change in git waits for the pending Update and for the end of its export, and is sent afterwards."""
    assert isinstance(decide(build_manifest(THIRD), build_updated_record(timedelta(minutes=1)), live()), Settling)
    for association, result in ((live(), None), (live(ExecutionConfiguration=NEW), "COMPLETED")):
        if result:
            waiting = decide(build_manifest(THIRD), build_updated_record(SETTLE), association)
            assert isinstance(waiting, Held)
            assert (waiting.is_temporary, waiting.exit_code) == (True, 0)
        decision = decide(build_manifest(THIRD), build_updated_record(SETTLE, result=result), association)
        assert isinstance(decision, Update)
        assert decision.record.previous_executions == ((NEW, OLD) if association == live() else (OLD, NEW))
        assert isinstance(decide(build_manifest(THIRD), decision.record, association), Settling)


def test_reverting_needs_a_raised_generation() -> None:
    """A revert needs a raised generation. Otherwise two runs of different revisions would update in turn for ever."""
    association = live(ExecutionConfiguration=NEW)
    updated_record = build_updated_record(timedelta(hours=1), result="COMPLETED")
    without_generation = decide(build_manifest(OLD), updated_record, association)
    assert isinstance(without_generation, Changed)
    assert "policy.generation" in without_generation.reason
    update = decide(build_manifest(OLD, 2), updated_record, association)
    assert isinstance(update, Update)
    assert update.record.generation == 2
    assert update.record.previous_executions == (NEW,)
    older_revision = decide(build_manifest(NEW, 1), update.record, live())
    assert isinstance(older_revision, Changed)
    assert "is 1 and was 2" in older_revision.reason


def test_reverted_configuration_is_not_sent_twice() -> None:
    """A configuration that was sent and then reverted is not sent again: List may still show the first Update."""
    adoption = decide(build_manifest(OLD), build_updated_record(SETTLE), live())
    assert isinstance(adoption, Adopt)
    assert isinstance(decide(build_manifest(NEW), adoption.record, live()), Changed)


@pytest.mark.parametrize(
    ("policy", "mode"),
    [
        (Policy(), Mode.CREATE_AND_UPDATE),
        (UPDATES, Mode.CREATE),
        (UPDATES, Mode.OBSERVE),
        (Policy(mode=Mode.OBSERVE), Mode.CREATE_AND_UPDATE),
    ],
)
def test_update_needs_both_modes(policy: Policy, mode: Mode) -> None:
    """The stricter mode of the manifest and the run applies to Updates."""
    desired = manifest(policy=policy, ExecutionConfiguration=NEW)
    assert isinstance(decide(desired, record(), live(), mode=mode), Changed)


def test_execution_cannot_be_removed() -> None:
    """ExecutionConfiguration cannot be removed: UpdateDataIntegrationAssociation requires it (service model)."""
    desired = manifest(policy=UPDATES, ExecutionConfiguration=None)
    decision = decide(desired, record(), live())
    assert isinstance(decision, Changed)
    assert "restore it" in decision.reason


def test_a_first_execution_can_be_given() -> None:
    """An association without ExecutionConfiguration can be updated to have one."""
    decision = decide(build_manifest(NEW), record(ExecutionConfiguration=None), live(ExecutionConfiguration=None))
    assert isinstance(decision, Update)
    pending = decide(build_manifest(NEW), decision.record, live(ExecutionConfiguration=None))
    assert isinstance(pending, Settling)


def test_generation_raised_while_drifted_is_recorded() -> None:
    """A generation raised during drift is recorded, repairs nothing and has no later effect."""
    decision = decide(
        build_manifest(NEW, 2), build_updated_record(timedelta(hours=1)), live(ExecutionConfiguration=THIRD)
    )
    assert isinstance(decision, Drifted)
    assert decision.record.generation == 2
    assert isinstance(decide(build_manifest(NEW, 2), decision.record, live()), Blocked)


def test_generation_raised_while_settling_does_not_allow_a_later_repeat() -> None:
    """A generation raised while an Update settles is recorded, and does not allow a later repeat."""
    early = decide(build_manifest(NEW, 2), build_updated_record(timedelta(0)), live())
    assert isinstance(early, Settling)
    assert early.record.generation == 2
    assert isinstance(
        decide(build_manifest(NEW, 2), replace(build_updated_record(SETTLE), generation=2), live()), Blocked
    )


def test_revert_during_settling_is_sent_afterwards() -> None:
    """A generation raised with a revert counts for the revert, which is sent when the export before has ended."""
    early = decide(build_manifest(OLD, 2), build_updated_record(timedelta(0)), live())
    assert isinstance(early, Settling)
    assert early.record.generation == 1
    waiting = decide(build_manifest(OLD, 2), early.record, live(ExecutionConfiguration=NEW))
    assert isinstance(waiting, Held)
    assert waiting.record
    assert waiting.record.generation == 1
    ended_record = replace(early.record, state=build_updated_record(SETTLE, result="COMPLETED").state)
    assert isinstance(decide(build_manifest(OLD, 2), ended_record, live(ExecutionConfiguration=NEW)), Update)


def test_update_does_not_overwrite_ignored_members() -> None:
    """An Update does not overwrite drift in the members of policy.ignore."""
    end = "/ExecutionConfiguration/OnDemandConfiguration/EndTime"
    start: dict[str, Any] = {**OLD, "OnDemandConfiguration": {**OLD["OnDemandConfiguration"], "StartTime": "1"}}
    policy = replace(UPDATES, ignore=(end,))
    desired = manifest(policy=policy, ExecutionConfiguration=start)
    decision = decide(desired, record(), live(ExecutionConfiguration=NEW))
    assert isinstance(decision, Changed)
    assert end in decision.reason
    assert isinstance(decide(desired, record(), live()), Update)


def test_earlier_configuration_is_not_sent_again_in_one_generation() -> None:
    """A configuration that was applied earlier in the same generation is not sent again."""
    stored_record = replace(record(ExecutionConfiguration=THIRD), previous_executions=(OLD, NEW))
    for execution in (OLD, NEW):
        assert isinstance(decide(build_manifest(execution), stored_record, live(ExecutionConfiguration=THIRD)), Changed)
        update = decide(build_manifest(execution, 2), stored_record, live(ExecutionConfiguration=THIRD))
        assert isinstance(update, Update)
        assert update.record.previous_executions == (THIRD,)


def test_previous_executions_survive_rebinding_and_recreation() -> None:
    """Earlier configurations stay in the record when the association is replaced or created again."""
    stored_record = replace(record(id_="gone", ExecutionConfiguration=NEW), previous_executions=(OLD,))
    rebound = decide(build_manifest(NEW), stored_record, live("a2", ExecutionConfiguration=NEW))
    assert isinstance(rebound, Adopt)
    assert rebound.record.previous_executions == (OLD,)
    lost_record = replace(stored_record, state=Bound("gone", NOW - timedelta(days=1), "arn", NOW - SETTLE))
    recreated = decide(build_manifest(NEW, 2), lost_record)
    assert isinstance(recreated, Create)
    assert recreated.record.previous_executions == (OLD,)


def test_reason_names_the_mode_when_only_the_mode_is_missing() -> None:
    """If the generation is already raised, the reason names the missing mode."""
    decision = decide(build_manifest(NEW, 2), build_updated_record(SETTLE), live(), mode=Mode.CREATE)
    assert isinstance(decision, Blocked)
    assert "to send the update again, set --mode to create-and-update" in decision.reason
    assert "raise policy.generation" not in decision.reason


def test_reason_names_drift_and_every_step_to_send_a_change() -> None:
    """The reason of a change that meets drift names the drift first, then each step that an update still needs."""
    stored_record = replace(record(), previous_executions=(NEW,))
    desired = manifest(ExecutionConfiguration=NEW)
    decision = decide(desired, stored_record, live(ExecutionConfiguration=THIRD), mode=Mode.CREATE)
    assert isinstance(decision, Changed)
    assert decision.reason == (
        "git asks for a configuration that was sent before, and an update would overwrite drift in AWS "
        "(/ExecutionConfiguration/OnDemandConfiguration/EndTime): put the values of AWS into git first, and make the "
        "change afterwards; to send the change then, raise policy.generation above 1, and set policy.mode in the "
        "manifest and --mode to create-and-update; the update REPEATS the export"
    )


def test_hidden_change_is_not_advised_a_new_name_alone() -> None:
    """A new name alone is no remedy if the natural key stays the same: it would take over the same record."""
    decision = decide(manifest(ObjectConfiguration={"A": {"b": ["c"]}}), record(), live())
    assert isinstance(decision, Changed)
    assert "another DestinationURI" in decision.reason
