"""Lost associations: wait for them, report them, and create them again only on request."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from support.builders import INTEGRATION, NOW, SETTLE, journal, live, manifest, observation, record, request, rules

from reconciler.core.apply.transitions import with_intents
from reconciler.core.journal.records import Bound, CreatePending, Record
from reconciler.core.model import Integration, Live, Manifest, Observation, OnLoss, Policy, Target
from reconciler.core.plan.compute import compute_plan
from reconciler.core.plan.decision import Adopt, Blocked, Decision, Held, InSync, Lost, Settling
from reconciler.core.plan.guardrails import apply_guardrails
from reconciler.core.plan.write import Create
from reconciler.core.request.token import compute_client_token

RECREATE = Policy(on_loss=OnLoss.RECREATE)


def decide(desired: Manifest, stored_record: Record, *live_associations: Live) -> Decision:
    """Plan one manifest and return its decision."""
    (decision,) = compute_plan([desired], observation(*live_associations), journal(stored_record), rules()).decisions
    return decision


def build_missing_record(missing_time: timedelta = SETTLE, *, was_listed: bool = True, generation: int = 1) -> Record:
    """Return the record of an association that List has left out for a time."""
    bound = Bound("a1", NOW - timedelta(days=1), live().arn if was_listed else None, NOW - missing_time)
    return replace(record(), state=bound, generation=generation)


def test_association_is_lost_only_after_two_misses() -> None:
    """An association is lost only if two runs, a settle time apart, do not see it."""
    decision = decide(manifest(policy=RECREATE), record())
    assert isinstance(decision, Settling)
    assert isinstance(decision.record.state, Bound)
    assert decision.record.state.missing_since == NOW
    again = decide(manifest(policy=RECREATE), build_missing_record(SETTLE - timedelta(seconds=1)))
    assert isinstance(again, Settling)
    assert again.until == NOW + timedelta(seconds=1)


def test_reappearing_association_resets_the_loss() -> None:
    """If List shows the association again, the count of missed runs starts again."""
    decision = decide(manifest(policy=RECREATE), build_missing_record(), live())
    assert isinstance(decision, InSync)
    assert isinstance(decision.record.state, Bound)
    assert decision.record.state.missing_since is None


def test_lost_association_is_reported_and_not_recreated() -> None:
    """A lost association is reported and not created again by default: a finished job may leave List."""
    decision = decide(manifest(), build_missing_record())
    assert isinstance(decision, Lost)
    assert "policy.generation" in decision.reason


def test_on_loss_recreate_recreates_a_lost_association() -> None:
    """With policy.onLoss recreate, the current request is created with the token of the next incarnation."""
    decision = decide(manifest(policy=RECREATE), build_missing_record())
    assert isinstance(decision, Create)
    assert decision.token == compute_client_token(request(), 1)
    assert decision.record == Record("export", request(), decision.token, 1, 1, CreatePending(1, NOW, NOW))
    assert decision.previous_record == build_missing_record()


def test_association_never_listed_is_not_recreated() -> None:
    """policy.onLoss does not recreate an association that List never showed. A raised generation does."""
    decision = decide(manifest(policy=RECREATE), build_missing_record(was_listed=False))
    assert isinstance(decision, Lost)
    assert "no run ever saw it" in decision.reason
    recreation = decide(manifest(policy=replace(RECREATE, generation=2)), build_missing_record(was_listed=False))
    assert isinstance(recreation, Create)


def test_raised_generation_recreates_a_lost_association_once() -> None:
    """A raised generation recreates a lost association once. The next loss needs another one."""
    desired = manifest(policy=Policy(generation=3))
    decision = decide(desired, build_missing_record(generation=2))
    assert isinstance(decision, Create)
    assert (decision.record.generation, decision.record.incarnation) == (3, 1)
    assert isinstance(decide(desired, build_missing_record(generation=3)), Lost)


def test_generation_raised_while_in_sync_has_no_later_effect() -> None:
    """A generation raised while the association is in sync does not recreate it after a later loss."""
    decision = decide(manifest(policy=Policy(generation=2)), record(), live())
    assert isinstance(decision, InSync)
    assert decision.record.generation == 2
    lowered = decide(manifest(policy=Policy(generation=1)), replace(record(), generation=2), live())
    assert isinstance(lowered, InSync)
    assert lowered.record.generation == 2


def test_generation_raised_while_settling_has_no_later_effect() -> None:
    """A generation raised while an association settles does not recreate it after a later loss."""
    desired = manifest(policy=Policy(generation=2))
    new_record = replace(record(), state=Bound("a1", NOW))
    for stored_record in (
        new_record,
        build_missing_record(timedelta(0)),
        replace(record(), state=CreatePending(1, NOW, NOW)),
    ):
        decision = decide(desired, stored_record)
        assert isinstance(decision, Settling)
        assert decision.record.generation == 2
    repeated = decide(desired, replace(record(), state=CreatePending(1, NOW - SETTLE, NOW - SETTLE)))
    assert isinstance(repeated, Create)
    assert (repeated.record.generation, repeated.record.incarnation) == (2, 0)


def test_recreation_obeys_guardrails() -> None:
    """A suspended or blocked recreation sends nothing and keeps the loss in its record."""
    suspended = manifest(policy=replace(RECREATE, suspend=True))
    plan = compute_plan([suspended], observation(), journal(build_missing_record()), rules())
    held_decision = apply_guardrails(plan, Target("prod"), rules(), observation()).decisions[0]
    assert isinstance(held_decision, Held)
    assert held_decision.record == build_missing_record()
    other_manifest = manifest("twin", Policy(adopt=live("a2").arn), DestinationURI="s3://corp-exports/other")
    stored_journal = journal(
        build_missing_record(), replace(record("twin", "a2", DestinationURI="s3://corp-exports/other"))
    )
    result = compute_plan([manifest(policy=RECREATE), other_manifest], observation(live("a2")), stored_journal, rules())
    blocked = result.decisions[0]
    assert isinstance(blocked, Blocked)
    assert blocked.record == build_missing_record()


def test_lost_association_keeps_its_natural_key() -> None:
    """A new request cannot replace a lost association under the same name. It needs a new name."""
    desired = manifest(policy=replace(RECREATE, generation=2), DestinationURI="s3://corp-exports/other")
    association = live("a2", DestinationURI="s3://corp-exports/other")
    abandoned = replace(record(), state=CreatePending(5, NOW - SETTLE * 40, NOW - SETTLE * 40))
    for stored_record in (build_missing_record(), abandoned):
        for live_associations in ((), (association,)):
            (decision,) = compute_plan(
                [desired], observation(*live_associations), journal(stored_record), rules()
            ).decisions
            assert isinstance(decision, Blocked)
            assert "new name" in decision.reason


def test_recreated_integration_gets_its_association_again() -> None:
    """If a data integration was deleted and created again, its manifest applies to the new one."""
    new = Integration(INTEGRATION.arn[:-1] + "2", INTEGRATION.name)
    without_association = Observation((new,), {new.arn: ()})
    (decision,) = compute_plan(
        [manifest(policy=RECREATE)], without_association, journal(build_missing_record()), rules()
    ).decisions
    assert isinstance(decision, Create)
    assert decision.request["DataIntegrationIdentifier"] == new.arn
    association = replace(live("a9"), spec=decision.request)
    with_association = Observation((new,), {new.arn: (association,)})
    (decision,) = compute_plan(
        [manifest(policy=RECREATE)], with_association, journal(build_missing_record()), rules()
    ).decisions
    assert isinstance(decision, Adopt)
    assert (decision.record.token, decision.record.incarnation) == (None, 0)
    with_duplicates = Observation((new,), {new.arn: (association, replace(association, arn=association.arn + "b"))})
    (decision,) = compute_plan(
        [manifest(policy=RECREATE)], with_duplicates, journal(build_missing_record()), rules()
    ).decisions
    assert isinstance(decision, Blocked)


def test_listed_association_is_no_longer_missing() -> None:
    """List resets the missed runs of an association, even if its manifest is gone or blocked."""
    stored_journal = journal(build_missing_record())
    manifests: tuple[tuple[Manifest, ...], ...] = ((), (manifest("export"), manifest("twin")))
    for desired in manifests:
        result = compute_plan(desired, observation(live()), stored_journal, rules())
        state = with_intents(stored_journal, result, NOW).records["export"].state
        assert isinstance(state, Bound)
        assert state.missing_since is None
