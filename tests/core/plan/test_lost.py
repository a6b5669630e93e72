"""Lost associations: wait for them, report them, and create them again only on request."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from support.builders import INTEGRATION, NOW, SETTLE, journal, live, manifest, observation, record, request, rules

from reconciler.core.apply.transitions import with_intents
from reconciler.core.journal.records import Bound, CreatePending, Record
from reconciler.core.model import Integration, Live, Manifest, Observation, OnLoss, Policy, Target
from reconciler.core.plan.compute import compute_plan
from reconciler.core.plan.decision import Adopt, Blocked, Create, Decision, Held, InSync, Lost, Settling
from reconciler.core.plan.guardrails import apply_guardrails
from reconciler.core.request.token import compute_client_token

RECREATE = Policy(on_loss=OnLoss.RECREATE)


def decide(wanted: Manifest, known: Record, *lives: Live) -> Decision:
    """Plan one manifest and return its decision."""
    (decision,) = compute_plan([wanted], observation(*lives), journal(known), rules()).decisions
    return decision


def gone(since: timedelta = SETTLE, *, listed: bool = True, generation: int = 1) -> Record:
    """Return the record of an association that List has left out for a time."""
    bound = Bound("a1", NOW - timedelta(days=1), live().arn if listed else None, NOW - since)
    return replace(record(), state=bound, generation=generation)


def test_association_is_lost_only_after_two_misses() -> None:
    """An association is lost only if two runs, a settle time apart, do not see it."""
    decision = decide(manifest(policy=RECREATE), record())
    assert isinstance(decision, Settling)
    assert isinstance(decision.record.state, Bound)
    assert decision.record.state.missing_since == NOW
    again = decide(manifest(policy=RECREATE), gone(SETTLE - timedelta(seconds=1)))
    assert isinstance(again, Settling)
    assert again.until == NOW + timedelta(seconds=1)


def test_reappearing_association_resets_the_loss() -> None:
    """If List shows the association again, the count of missed runs starts again."""
    decision = decide(manifest(policy=RECREATE), gone(), live())
    assert isinstance(decision, InSync)
    assert isinstance(decision.record.state, Bound)
    assert decision.record.state.missing_since is None


def test_lost_association_is_reported_and_not_recreated() -> None:
    """A lost association is reported and not created again by default: a finished job may leave List."""
    decision = decide(manifest(), gone())
    assert isinstance(decision, Lost)
    assert "policy.generation" in decision.reason


def test_on_loss_recreate_recreates_a_lost_association() -> None:
    """With policy.onLoss recreate, the current request is created with the token of the next incarnation."""
    decision = decide(manifest(policy=RECREATE), gone())
    assert isinstance(decision, Create)
    assert decision.token == compute_client_token(request(), 1)
    assert decision.record == Record("export", request(), decision.token, 1, 1, CreatePending(1, NOW, NOW))
    assert decision.previous_record == gone()


def test_association_never_listed_is_not_recreated() -> None:
    """policy.onLoss does not recreate an association that List never showed. A raised generation does."""
    decision = decide(manifest(policy=RECREATE), gone(listed=False))
    assert isinstance(decision, Lost)
    assert "no run ever saw it" in decision.reason
    insisted = decide(manifest(policy=replace(RECREATE, generation=2)), gone(listed=False))
    assert isinstance(insisted, Create)


def test_raised_generation_recreates_a_lost_association_once() -> None:
    """A raised generation recreates a lost association once. The next loss needs another one."""
    wanted = manifest(policy=Policy(generation=3))
    decision = decide(wanted, gone(generation=2))
    assert isinstance(decision, Create)
    assert (decision.record.generation, decision.record.incarnation) == (3, 1)
    assert isinstance(decide(wanted, gone(generation=3)), Lost)


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
    wanted = manifest(policy=Policy(generation=2))
    fresh = replace(record(), state=Bound("a1", NOW))
    for known in (fresh, gone(timedelta(0)), replace(record(), state=CreatePending(1, NOW, NOW))):
        decision = decide(wanted, known)
        assert isinstance(decision, Settling)
        assert decision.record.generation == 2
    repeated = decide(wanted, replace(record(), state=CreatePending(1, NOW - SETTLE, NOW - SETTLE)))
    assert isinstance(repeated, Create)
    assert (repeated.record.generation, repeated.record.incarnation) == (2, 0)


def test_recreation_obeys_guardrails() -> None:
    """A suspended or blocked recreation sends nothing and keeps the loss in its record."""
    suspended = manifest(policy=replace(RECREATE, suspend=True))
    decided = compute_plan([suspended], observation(), journal(gone()), rules())
    held = apply_guardrails(decided, Target("prod"), rules(), observation()).decisions[0]
    assert isinstance(held, Held)
    assert held.record == gone()
    twin = manifest("twin", Policy(adopt=live("a2").arn), DestinationURI="s3://corp-exports/other")
    known = journal(gone(), replace(record("twin", "a2", DestinationURI="s3://corp-exports/other")))
    result = compute_plan([manifest(policy=RECREATE), twin], observation(live("a2")), known, rules())
    blocked = result.decisions[0]
    assert isinstance(blocked, Blocked)
    assert blocked.record == gone()


def test_lost_association_keeps_its_natural_key() -> None:
    """A new request cannot replace a lost association under the same name. It needs a new name."""
    wanted = manifest(policy=replace(RECREATE, generation=2), DestinationURI="s3://corp-exports/other")
    there = live("a2", DestinationURI="s3://corp-exports/other")
    given_up = replace(record(), state=CreatePending(5, NOW - SETTLE * 40, NOW - SETTLE * 40))
    for known in (gone(), given_up):
        for lives in ((), (there,)):
            (decision,) = compute_plan([wanted], observation(*lives), journal(known), rules()).decisions
            assert isinstance(decision, Blocked)
            assert "new name" in decision.reason


def test_recreated_integration_gets_its_association_again() -> None:
    """If a data integration was deleted and created again, its manifest applies to the new one."""
    new = Integration(INTEGRATION.arn[:-1] + "2", INTEGRATION.name)
    seen = Observation((new,), {new.arn: ()})
    (decision,) = compute_plan([manifest(policy=RECREATE)], seen, journal(gone()), rules()).decisions
    assert isinstance(decision, Create)
    assert decision.request["DataIntegrationIdentifier"] == new.arn
    shown = replace(live("a9"), spec=decision.request)
    there = Observation((new,), {new.arn: (shown,)})
    (decision,) = compute_plan([manifest(policy=RECREATE)], there, journal(gone()), rules()).decisions
    assert isinstance(decision, Adopt)
    assert (decision.record.token, decision.record.incarnation) == (None, 0)
    several = Observation((new,), {new.arn: (shown, replace(shown, arn=shown.arn + "b"))})
    (decision,) = compute_plan([manifest(policy=RECREATE)], several, journal(gone()), rules()).decisions
    assert isinstance(decision, Blocked)


def test_listed_association_is_no_longer_missing() -> None:
    """List resets the missed runs of an association, even if its manifest is gone or blocked."""
    known = journal(gone())
    manifests: tuple[tuple[Manifest, ...], ...] = ((), (manifest("export"), manifest("twin")))
    for wanted in manifests:
        result = compute_plan(wanted, observation(live()), known, rules())
        state = with_intents(known, result, NOW).records["export"].state
        assert isinstance(state, Bound)
        assert state.missing_since is None
