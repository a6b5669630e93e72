"""Similar associations: a live association that may be spelled differently blocks a Create."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.builders import NOW, journal, live, manifest, observation, record, rules

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
    """Return the decision on a manifest."""
    return compute_plan([wanted, *others], observation(*lives), journal(*known), rules()).decisions[0]


def waiting(seen: tuple[str, ...] = (), name: str = "export") -> Record:
    """Return the record of a Create whose answer was lost an hour ago."""
    then = NOW - timedelta(hours=1)
    return replace(record(name), state=CreatePending(1, then, then, seen))


def adopted(id_: str, name: str = "other") -> Record:
    """Return the record of an association that another manifest adopted by its natural key."""
    return replace(record(name, id_, DestinationURI="s3://corp-exports/other"), token=None)


@pytest.mark.parametrize("shown", RESPELT)
def test_similar_live_association_blocks_a_create(shown: dict[str, str | None]) -> None:
    """A similar association without a record blocks a Create, and the reason names both remedies."""
    decision = decide(manifest(), live("x1", **shown))
    assert isinstance(decision, Blocked)
    assert live("x1").arn in decision.reason
    assert "name the right association in policy.adopt of this manifest" in decision.reason
    assert "in policy.adopt of a manifest of its own" in decision.reason


@pytest.mark.parametrize("shown", OTHERS)
def test_different_live_association_does_not_block_a_create(shown: dict[str, str | None]) -> None:
    """An association with a different destination does not block a Create."""
    assert isinstance(decide(manifest(), live("x1", **shown)), Create)


@pytest.mark.parametrize("shown", RESPELT)
def test_remedies_of_a_similar_association_unblock_the_create(shown: dict[str, str | None]) -> None:
    """policy.adopt unblocks the manifest, both in this manifest and in a manifest of its own."""
    there = live("x1", **shown)
    assert isinstance(decide(manifest(policy=Policy(adopt=there.arn)), there), Adopt)
    own = manifest("own", policy=Policy(adopt=there.arn), DestinationURI="s3://corp-exports/own")
    assert isinstance(decide(manifest(), there, others=(own,)), Create)


def test_exact_match_takes_precedence_over_a_similar_association() -> None:
    """An association that is spelled as in git takes precedence over a similar one."""
    decision = decide(manifest(), live("x1"), live("x2", DestinationURI="s3://corp-exports/2026-10/"))
    assert isinstance(decision, Adopt)
    assert decision.live.id == "x1"


def test_similar_association_with_a_record_does_not_block() -> None:
    """A similar association with a record does not block, even if the manifest of the record is gone."""
    there = live("x1", ClientId="client")
    known = record("gone", "x1", ClientId="client")
    assert isinstance(decide(manifest(), there, known=(known,)), Create)


@pytest.mark.parametrize("shown", [*RESPELT, *OTHERS])
def test_unexplained_association_blocks_a_repeated_create(shown: dict[str, str | None]) -> None:
    """An association that is new since the first attempt blocks a retry, however it is spelled."""
    decision = decide(manifest(), live("x1", **shown), known=(waiting(),))
    assert isinstance(decision, Blocked)
    assert decision.reason.startswith("the answer to the Create of ")


def test_association_older_than_the_create_does_not_block_a_repeat() -> None:
    """An association that existed before the first attempt blocks a retry only if it is similar."""
    other = live("x1", DestinationURI="s3://corp-exports/2026-11")
    assert isinstance(decide(manifest(), other, known=(waiting(("x1",)),)), Create)
    alike = live("x1", DestinationURI="s3://corp-exports/2026-10/")
    assert isinstance(decide(manifest(), alike, known=(waiting(("x1",)),)), Blocked)


def test_association_adopted_by_key_still_blocks_a_repeat() -> None:
    """An association that another manifest adopted by natural key blocks a retry until policy.adopt names it."""
    there = live("x1", DestinationURI="s3://corp-exports/other")
    other = manifest("other", DestinationURI="s3://corp-exports/other")
    assert isinstance(decide(manifest(), there, known=(waiting(), adopted("x1")), others=(other,)), Blocked)
    named = replace(other, policy=Policy(adopt=there.arn))
    assert isinstance(decide(manifest(), there, known=(waiting(), adopted("x1")), others=(named,)), Create)
    sent = replace(adopted("x1"), token="token")
    assert isinstance(decide(manifest(), there, known=(waiting(), sent), others=(other,)), Create)


def test_association_of_another_lost_create_does_not_block_a_repeat() -> None:
    """Of two Creates without an answer, the one in List is adopted and the other is sent again."""
    other = manifest("other", DestinationURI="s3://corp-exports/other")
    then = NOW - timedelta(hours=1)
    lost = replace(record("other", DestinationURI="s3://corp-exports/other"), state=CreatePending(1, then, then))
    there = live("x1", DestinationURI="s3://corp-exports/other")
    decisions = compute_plan([manifest(), other], observation(there), journal(waiting(), lost), rules()).decisions
    assert [type(each) for each in decisions] == [Create, Adopt]


def test_pending_record_lists_the_associations_seen_before() -> None:
    """The intent of a Create holds the ids of the live associations, and a retry can thus find new ones."""
    decision = decide(manifest(), live("x2", DestinationURI="s3://b"), live("x1", DestinationURI="s3://a"))
    assert isinstance(decision, Create)
    assert isinstance(decision.record.state, CreatePending)
    assert decision.record.state.live_ids == ("x1", "x2")
    again = decide(manifest(), live("x1", DestinationURI="s3://a"), known=(waiting(("x1",)),))
    assert isinstance(again, Create)
    assert isinstance(again.record.state, CreatePending)
    assert again.record.state.live_ids == ("x1",)


def test_similar_association_is_ignored_within_the_settle_time() -> None:
    """Within the settle time, a similar association does not block, because the exact one may still appear."""
    known = replace(record(), state=CreatePending(1, NOW, NOW))
    assert isinstance(decide(manifest(), live("x1", DestinationURI="s3://other"), known=(known,)), Settling)


def test_similar_association_blocks_the_recreation_of_a_lost_one() -> None:
    """A similar association blocks a recreation, even after a raised generation."""
    gone = replace(record(), state=Bound("a1", NOW - timedelta(days=2), live("a1").arn, NOW - timedelta(days=1)))
    wanted = manifest(policy=Policy(generation=2))
    assert isinstance(decide(wanted, known=(gone,)), Create)
    assert isinstance(decide(wanted, live("x1", DestinationURI="s3://corp-exports/2026-10/"), known=(gone,)), Blocked)


@given(one=st.text(), other=st.text(), slashes=st.integers(0, 3), upper=st.booleans())
def test_resemblance_is_symmetric_and_reflexive(one: str, other: str, slashes: int, *, upper: bool) -> None:
    """Resemblance is symmetric and reflexive, and ignores trailing slashes and the case of the scheme."""
    this, that = {"DestinationURI": one}, {"DestinationURI": other}
    assert resembles(this, that) == resembles(that, this)
    assert resembles(this, this)
    place = f"s3://corp/{one}".rstrip("/")
    assert resembles(
        {"DestinationURI": place}, {"DestinationURI": ("S3" if upper else "s3") + place[2:] + "/" * slashes}
    )
