"""What List may spell otherwise than git is never created beside: absence of an exact match is not absence."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.builders import NOW, journal, live, manifest, observed, record, rules

from reconciler.core.journal.records import Bound, CreatePending, Record
from reconciler.core.model import Live, Manifest, Policy, resembles
from reconciler.core.plan.compute import compute_plan
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
    return compute_plan([wanted, *others], observed(*lives), journal(*known), rules()).decisions[0]


def waiting(seen: tuple[str, ...] = (), name: str = "export") -> Record:
    """Return the record of a Create whose answer was lost an hour ago."""
    then = NOW - timedelta(hours=1)
    return replace(record(name), state=CreatePending(1, then, then, seen))


def adopted(id_: str, name: str = "other") -> Record:
    """Return the record of an association that another manifest has taken over by its natural key."""
    return replace(record(name, id_, DestinationURI="s3://corp-exports/other"), token=None)


@pytest.mark.parametrize("shown", RESPELT)
def test_similar_live_association_blocks_a_create(shown: dict[str, str | None]) -> None:
    """No journal explains it: a person says whether it is the one."""
    decision = decide(manifest(), live("x1", **shown))
    assert isinstance(decision, Blocked)
    assert live("x1").arn in decision.reason
    assert "name it in policy.adopt here" in decision.reason
    assert "in policy.adopt of a manifest of its own" in decision.reason


@pytest.mark.parametrize("shown", OTHERS)
def test_different_live_association_does_not_block_a_create(shown: dict[str, str | None]) -> None:
    """Another place is another association."""
    assert isinstance(decide(manifest(), live("x1", **shown)), Create)


@pytest.mark.parametrize("shown", RESPELT)
def test_remedies_of_a_similar_association_unblock_the_create(shown: dict[str, str | None]) -> None:
    """Named here it is adopted; named by a manifest of its own it is another one, and this one is created."""
    there = live("x1", **shown)
    assert isinstance(decide(manifest(policy=Policy(adopt=there.arn)), there), Adopt)
    own = manifest("own", policy=Policy(adopt=there.arn), DestinationURI="s3://corp-exports/own")
    assert isinstance(decide(manifest(), there, others=(own,)), Create)


def test_exact_match_takes_precedence_over_a_similar_association() -> None:
    """What is spelt as in git is the one, whatever else there is."""
    decision = decide(manifest(), live("x1"), live("x2", DestinationURI="s3://corp-exports/2026-10/"))
    assert isinstance(decision, Adopt)
    assert decision.live.id == "x1"


def test_similar_association_with_a_record_does_not_block() -> None:
    """It came of another manifest, also of one that is gone."""
    there = live("x1", ClientId="client")
    known = record("gone", "x1", ClientId="client")
    assert isinstance(decide(manifest(), there, known=(known,)), Create)


@pytest.mark.parametrize("shown", [*RESPELT, *OTHERS])
def test_unexplained_association_blocks_a_repeated_create(shown: dict[str, str | None]) -> None:
    """However it is spelt: it was not there when the first one was sent."""
    decision = decide(manifest(), live("x1", **shown), known=(waiting(),))
    assert isinstance(decision, Blocked)
    assert decision.reason.startswith("the answer to the Create of ")


def test_association_older_than_the_create_does_not_block_a_repeat() -> None:
    """It cannot have come of the Create, unless it may be the same all along."""
    other = live("x1", DestinationURI="s3://corp-exports/2026-11")
    assert isinstance(decide(manifest(), other, known=(waiting(("x1",)),)), Create)
    alike = live("x1", DestinationURI="s3://corp-exports/2026-10/")
    assert isinstance(decide(manifest(), alike, known=(waiting(("x1",)),)), Blocked)


def test_association_adopted_by_key_still_blocks_a_repeat() -> None:
    """It may be what came of the Create, by the other's key; a person who names it there says that it is not."""
    there = live("x1", DestinationURI="s3://corp-exports/other")
    other = manifest("other", DestinationURI="s3://corp-exports/other")
    assert isinstance(decide(manifest(), there, known=(waiting(), adopted("x1")), others=(other,)), Blocked)
    named = replace(other, policy=Policy(adopt=there.arn))
    assert isinstance(decide(manifest(), there, known=(waiting(), adopted("x1")), others=(named,)), Create)
    sent = replace(adopted("x1"), token="token")
    assert isinstance(decide(manifest(), there, known=(waiting(), sent), others=(other,)), Create)


def test_association_of_another_lost_create_does_not_block_a_repeat() -> None:
    """Two answers were lost, and List shows one of the two: it is adopted, and the other one is sent again at once."""
    other = manifest("other", DestinationURI="s3://corp-exports/other")
    then = NOW - timedelta(hours=1)
    lost = replace(record("other", DestinationURI="s3://corp-exports/other"), state=CreatePending(1, then, then))
    there = live("x1", DestinationURI="s3://corp-exports/other")
    decisions = compute_plan([manifest(), other], observed(there), journal(waiting(), lost), rules()).decisions
    assert [type(each) for each in decisions] == [Create, Adopt]


def test_pending_record_lists_the_associations_seen_before() -> None:
    """So that a repeat knows what is new."""
    decision = decide(manifest(), live("x2", DestinationURI="s3://b"), live("x1", DestinationURI="s3://a"))
    assert isinstance(decision, Create)
    assert isinstance(decision.record.state, CreatePending)
    assert decision.record.state.live_ids == ("x1", "x2")
    again = decide(manifest(), live("x1", DestinationURI="s3://a"), known=(waiting(("x1",)),))
    assert isinstance(again, Create)
    assert isinstance(again.record.state, CreatePending)
    assert again.record.state.live_ids == ("x1",)


def test_similar_association_is_ignored_within_the_settle_time() -> None:
    """Within the settle time it may still show as it was sent."""
    known = replace(record(), state=CreatePending(1, NOW, NOW))
    assert isinstance(decide(manifest(), live("x1", DestinationURI="s3://other"), known=(known,)), Settling)


def test_similar_association_blocks_the_recreation_of_a_lost_one() -> None:
    """A raised generation is a word about the loss, not about what List shows in its place."""
    gone = replace(record(), state=Bound("a1", NOW - timedelta(days=2), live("a1").arn, NOW - timedelta(days=1)))
    wanted = manifest(policy=Policy(generation=2))
    assert isinstance(decide(wanted, known=(gone,)), Create)
    assert isinstance(decide(wanted, live("x1", DestinationURI="s3://corp-exports/2026-10/"), known=(gone,)), Blocked)


@given(one=st.text(), other=st.text(), slashes=st.integers(0, 3), upper=st.booleans())
def test_resemblance_is_symmetric_and_reflexive(one: str, other: str, slashes: int, *, upper: bool) -> None:
    """Whatever the texts are."""
    this, that = {"DestinationURI": one}, {"DestinationURI": other}
    assert resembles(this, that) == resembles(that, this)
    assert resembles(this, this)
    place = f"s3://corp/{one}".rstrip("/")
    assert resembles(
        {"DestinationURI": place}, {"DestinationURI": ("S3" if upper else "s3") + place[2:] + "/" * slashes}
    )
