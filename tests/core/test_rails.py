"""No write leaves the rails, and what stops one says how a person lifts it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from builders import NOW, SETTLE, journal, live, manifest, observed, record, rules

from reconciler.core.decisions import Blocked, Create, Decision, Held, InSync, Update
from reconciler.core.journal import Intended
from reconciler.core.model import Manifest, Mode, Policy, Target
from reconciler.core.plan import plan
from reconciler.core.rails import guard

TARGET = Target("prod", allowed_destinations=("s3://corp-exports/*", "s3://other/[x]?"))


def guarded(*manifests: Manifest, target: Target = TARGET, mode: Mode = Mode.CREATE) -> tuple[Decision, ...]:
    """Return what becomes of missing associations."""
    return guard(plan(manifests, observed(), journal(), rules(mode)), target, mode).decisions


def test_what_is_allowed_is_created() -> None:
    """A destination that fits a glob passes."""
    (decision,) = guarded(manifest())
    assert isinstance(decision, Create)


def test_everything_passes_where_nothing_is_declared() -> None:
    """Without AllowedDestinations any destination is allowed, and none at all too."""
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
def test_what_git_or_the_run_holds_back_is_held(policy: Policy, target: Target, mode: Mode, reason: str) -> None:
    """Nobody has to act: it is held, and says by what."""
    (decision,) = guarded(manifest(policy=policy), target=target, mode=mode)
    assert isinstance(decision, Held)
    assert reason in decision.reason


def test_an_update_is_held_like_a_create() -> None:
    """A suspended manifest sends no update either; what is no write is left alone."""
    policy = Policy(mode=Mode.CREATE_AND_UPDATE, suspend=True)
    changed = manifest(policy=policy, ExecutionConfiguration={"ExecutionMode": "ON_DEMAND"})
    mode = Mode.CREATE_AND_UPDATE
    (held,) = guard(plan([changed], observed(live()), journal(record()), rules(mode)), TARGET, mode).decisions
    assert isinstance(held, Held)
    assert isinstance(held.instead, Update)
    (same,) = guard(plan([manifest()], observed(live()), journal(record()), rules()), TARGET, mode).decisions
    assert isinstance(same, InSync)


@pytest.mark.parametrize("destination", ["s3://elsewhere/x", "s3://corp-exports", "s3://other/xx", None])
def test_a_destination_that_is_not_allowed_blocks(destination: str | None) -> None:
    """IAM cannot restrict destinations, so this rail does; it names what is allowed."""
    (decision,) = guarded(manifest(DestinationURI=destination))
    assert isinstance(decision, Blocked)
    assert "s3://corp-exports/*" in decision.reason


def test_a_repeated_create_is_held_to_what_is_sent() -> None:
    """The recorded request goes out again, so its destination counts, whatever git says now."""
    sent = replace(record(), state=Intended(1, NOW - 2 * SETTLE, NOW - 2 * SETTLE))
    decided = plan([manifest()], observed(), journal(sent), rules())
    (decision,) = guard(decided, replace(TARGET, allowed_destinations=("s3://other/*",)), Mode.CREATE).decisions
    assert isinstance(decision, Blocked)


def test_one_create_too_many_stops_all() -> None:
    """MaxCreates bounds the run: more are blocked, and none is made."""
    three = [manifest(name, DestinationURI=f"s3://corp-exports/{name}") for name in "abc"]
    assert {type(each) for each in guarded(*three, target=replace(TARGET, max_creates=3))} == {Create}
    decisions = guarded(*three, target=replace(TARGET, max_creates=2))
    assert {type(each) for each in decisions} == {Blocked}
    assert all(
        "3 associations" in each.reason and "is 2" in each.reason for each in decisions if isinstance(each, Blocked)
    )


def test_only_creates_count_and_only_creates_are_stopped() -> None:
    """What is in sync stays so beside creates that are blocked."""
    manifests = [manifest("a", DestinationURI="s3://corp-exports/a"), manifest()]
    decided = plan(manifests, observed(live()), journal(record()), rules())
    decisions = guard(decided, replace(TARGET, max_creates=0), Mode.CREATE).decisions
    assert [type(each) for each in decisions] == [Blocked, InSync]


def test_the_stricter_mode_holds() -> None:
    """Strictness has an order, whichever side says it."""
    assert Mode.CREATE.stricter(Mode.OBSERVE) is Mode.OBSERVE
    assert Mode.CREATE.stricter(Mode.CREATE_AND_UPDATE) is Mode.CREATE
