"""What List may spell otherwise than git is never created beside: absence of an exact match is not absence."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.builders import NOW, journal, live, manifest, observed, record, rules

from reconciler.core.journal.records import Bound, Intended, Record
from reconciler.core.model import Live, Manifest, Policy, resembles
from reconciler.core.plan.compute import plan
from reconciler.core.plan.decision import Adopt, Blocked, Create, Decision, Settling

RESPELT = [
    {"DestinationURI": "s3://corp-exports/2026-10/"},
    {"DestinationURI": "s3://corp-exports/2026-10//"},
    {"DestinationURI": "S3://corp-exports/2026-10"},
    {"DestinationURI": None},
    {"ClientId": "filled-in"},
    {"DestinationURI": None, "ClientId": "filled-in"},
]
OTHERS = [
    {"DestinationURI": "s3://corp-exports/2026-11"},
    {"DestinationURI": "s3://Corp-exports/2026-10"},
    {"DestinationURI": "s3://corp-exports/2026-1"},
]


def decide(
    wanted: Manifest, *lives: Live, known: tuple[Record, ...] = (), others: tuple[Manifest, ...] = ()
) -> Decision:
    """Return what becomes of a manifest."""
    return plan([wanted, *others], observed(*lives), journal(*known), rules()).decisions[0]


def waiting(seen: tuple[str, ...] = (), name: str = "export") -> Record:
    """Return the record of a Create whose answer was lost an hour ago."""
    then = NOW - timedelta(hours=1)
    return replace(record(name), state=Intended(1, then, then, seen))


def adopted(id_: str, name: str = "other") -> Record:
    """Return the record of an association that another manifest has taken over by its natural key."""
    return replace(record(name, id_, DestinationURI="s3://corp-exports/other"), token=None)


@pytest.mark.parametrize("shown", RESPELT)
def test_what_may_be_the_same_blocks_a_create(shown: dict[str, str | None]) -> None:
    """No journal explains it: a person says whether it is the one."""
    decision = decide(manifest(), live("x1", **shown))
    assert isinstance(decision, Blocked)
    assert live("x1").arn in decision.reason
    assert "name it in policy.adopt here" in decision.reason
    assert "in policy.adopt of a manifest of its own" in decision.reason


@pytest.mark.parametrize("shown", OTHERS)
def test_what_is_another_one_does_not(shown: dict[str, str | None]) -> None:
    """Another place is another association."""
    assert isinstance(decide(manifest(), live("x1", **shown)), Create)


@pytest.mark.parametrize("shown", RESPELT)
def test_the_ways_out_lead_on(shown: dict[str, str | None]) -> None:
    """Named here it is adopted; named by a manifest of its own it is another one, and this one is created."""
    there = live("x1", **shown)
    assert isinstance(decide(manifest(policy=Policy(adopt=there.arn)), there), Adopt)
    own = manifest("own", policy=Policy(adopt=there.arn), DestinationURI="s3://corp-exports/own")
    assert isinstance(decide(manifest(), there, others=(own,)), Create)


def test_an_exact_match_goes_first() -> None:
    """What is spelt as in git is the one, whatever else there is."""
    decision = decide(manifest(), live("x1"), live("x2", DestinationURI="s3://corp-exports/2026-10/"))
    assert isinstance(decision, Adopt)
    assert decision.live.id == "x1"


def test_what_a_record_explains_does_not_block() -> None:
    """It came of another manifest, also of one that is gone."""
    there = live("x1", ClientId="client")
    known = record("gone", "x1", ClientId="client")
    assert isinstance(decide(manifest(), there, known=(known,)), Create)


@pytest.mark.parametrize("shown", [*RESPELT, *OTHERS])
def test_a_create_without_an_answer_is_not_repeated_beside_what_nothing_explains(shown: dict[str, str | None]) -> None:
    """However it is spelt: it was not there when the first one was sent."""
    decision = decide(manifest(), live("x1", **shown), known=(waiting(),))
    assert isinstance(decision, Blocked)
    assert decision.reason.startswith("the answer to the Create of ")


def test_what_was_there_before_does_not_block_a_repeat() -> None:
    """It cannot have come of the Create, unless it may be the same all along."""
    other = live("x1", DestinationURI="s3://corp-exports/2026-11")
    assert isinstance(decide(manifest(), other, known=(waiting(("x1",)),)), Create)
    alike = live("x1", DestinationURI="s3://corp-exports/2026-10/")
    assert isinstance(decide(manifest(), alike, known=(waiting(("x1",)),)), Blocked)


def test_what_another_manifest_has_adopted_since_does_not_explain_it() -> None:
    """It may be what came of the Create, by the other's key; a person who names it there says that it is not."""
    there = live("x1", DestinationURI="s3://corp-exports/other")
    other = manifest("other", DestinationURI="s3://corp-exports/other")
    assert isinstance(decide(manifest(), there, known=(waiting(), adopted("x1")), others=(other,)), Blocked)
    named = replace(other, policy=Policy(adopt=there.arn))
    assert isinstance(decide(manifest(), there, known=(waiting(), adopted("x1")), others=(named,)), Create)
    sent = replace(adopted("x1"), token="token")
    assert isinstance(decide(manifest(), there, known=(waiting(), sent), others=(other,)), Create)


def test_what_came_of_another_create_without_an_answer_does_not_block() -> None:
    """Two answers were lost, and List shows one of the two: it is adopted, and the other one is sent again at once."""
    other = manifest("other", DestinationURI="s3://corp-exports/other")
    then = NOW - timedelta(hours=1)
    lost = replace(record("other", DestinationURI="s3://corp-exports/other"), state=Intended(1, then, then))
    there = live("x1", DestinationURI="s3://corp-exports/other")
    decisions = plan([manifest(), other], observed(there), journal(waiting(), lost), rules()).decisions
    assert [type(each) for each in decisions] == [Create, Adopt]


def test_the_intent_remembers_what_was_there() -> None:
    """So that a repeat knows what is new."""
    decision = decide(manifest(), live("x2", DestinationURI="s3://b"), live("x1", DestinationURI="s3://a"))
    assert isinstance(decision, Create)
    assert isinstance(decision.record.state, Intended)
    assert decision.record.state.seen == ("x1", "x2")
    again = decide(manifest(), live("x1", DestinationURI="s3://a"), known=(waiting(("x1",)),))
    assert isinstance(again, Create)
    assert isinstance(again.record.state, Intended)
    assert again.record.state.seen == ("x1",)


def test_while_it_settles_nothing_is_said_of_it() -> None:
    """Within the settle time it may still show as it was sent."""
    known = replace(record(), state=Intended(1, NOW, NOW))
    assert isinstance(decide(manifest(), live("x1", DestinationURI="s3://other"), known=(known,)), Settling)


def test_what_is_lost_is_not_created_again_beside_the_alike() -> None:
    """A raised generation is a word about the loss, not about what List shows in its place."""
    gone = replace(record(), state=Bound("a1", NOW - timedelta(days=2), live("a1").arn, NOW - timedelta(days=1)))
    wanted = manifest(policy=Policy(generation=2))
    assert isinstance(decide(wanted, known=(gone,)), Create)
    assert isinstance(decide(wanted, live("x1", DestinationURI="s3://corp-exports/2026-10/"), known=(gone,)), Blocked)


@given(one=st.text(), other=st.text(), slashes=st.integers(0, 3), upper=st.booleans())
def test_resembling_is_mutual_and_holds_of_itself(one: str, other: str, slashes: int, *, upper: bool) -> None:
    """Whatever the texts are."""
    this, that = {"DestinationURI": one}, {"DestinationURI": other}
    assert resembles(this, that) == resembles(that, this)
    assert resembles(this, this)
    place = f"s3://corp/{one}".rstrip("/")
    assert resembles(
        {"DestinationURI": place}, {"DestinationURI": ("S3" if upper else "s3") + place[2:] + "/" * slashes}
    )
