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
from reconciler.core.plan.decision import Adopt, Blocked, Decision, Settling
from reconciler.core.plan.write import Create

SIMILAR = [
    {"DestinationURI": "s3://corp-exports/2026-10/"},
    {"DestinationURI": "s3://corp-exports/2026-10//"},
    {"DestinationURI": "S3://corp-exports/2026-10"},
    {"DestinationURI": None},
    {"ClientId": "filled-in"},
    {"DestinationURI": None, "ClientId": "filled-in"},
]
DIFFERENT = [
    {"DestinationURI": "s3://corp-exports/2026-11"},
    {"DestinationURI": "s3://Corp-exports/2026-10"},
    {"DestinationURI": "s3://corp-exports/2026-1"},
]


def decide(
    desired: Manifest, *live_associations: Live, records: tuple[Record, ...] = (), others: tuple[Manifest, ...] = ()
) -> Decision:
    """Return the decision on a manifest."""
    return compute_plan([desired, *others], observation(*live_associations), journal(*records), rules()).decisions[0]


def build_pending_record(live_ids: tuple[str, ...] = (), name: str = "export") -> Record:
    """Return the record of a Create whose answer was lost an hour ago."""
    sent_at = NOW - timedelta(hours=1)
    return replace(record(name), state=CreatePending(1, sent_at, sent_at, live_ids))


def build_adopted_record(id_: str, name: str = "other") -> Record:
    """Return the record of an association that another manifest adopted by its natural key."""
    return replace(record(name, id_, DestinationURI="s3://corp-exports/other"), token=None)


@pytest.mark.parametrize("changes", SIMILAR)
def test_similar_live_association_blocks_a_create(changes: dict[str, str | None]) -> None:
    """A similar association without a record blocks a Create, and the reason names both remedies."""
    decision = decide(manifest(), live("x1", **changes))
    assert isinstance(decision, Blocked)
    assert live("x1").arn in decision.reason
    assert "if it is, set policy.adopt of this manifest to that ARN" in decision.reason
    assert "set policy.adopt of another manifest" in decision.reason


def test_several_similar_associations_are_counted_and_named() -> None:
    """Several similar associations block a Create, and the reason counts and names them."""
    spellings = ("s3://corp-exports/2026-10/", "s3://corp-exports/2026-10//")
    associations = [live(f"x{number}", DestinationURI=spelling) for number, spelling in enumerate(spellings)]
    decision = decide(manifest(), *associations)
    assert isinstance(decision, Blocked)
    assert decision.reason.startswith("List shows 2 associations that may be the association of this manifest")
    assert all(association.arn in decision.reason for association in associations)


@pytest.mark.parametrize("changes", DIFFERENT)
def test_different_live_association_does_not_block_a_create(changes: dict[str, str | None]) -> None:
    """An association with a different destination does not block a Create."""
    assert isinstance(decide(manifest(), live("x1", **changes)), Create)


@pytest.mark.parametrize("changes", SIMILAR)
def test_remedies_of_a_similar_association_unblock_the_create(changes: dict[str, str | None]) -> None:
    """policy.adopt unblocks the manifest, both in this manifest and in a manifest of its own."""
    association = live("x1", **changes)
    assert isinstance(decide(manifest(policy=Policy(adopt=association.arn)), association), Adopt)
    own = manifest("own", policy=Policy(adopt=association.arn), DestinationURI="s3://corp-exports/own")
    assert isinstance(decide(manifest(), association, others=(own,)), Create)


def test_exact_match_takes_precedence_over_a_similar_association() -> None:
    """An association that is spelled as in git takes precedence over a similar one."""
    decision = decide(manifest(), live("x1"), live("x2", DestinationURI="s3://corp-exports/2026-10/"))
    assert isinstance(decision, Adopt)
    assert decision.live.id == "x1"


def test_similar_association_with_a_record_does_not_block() -> None:
    """A similar association with a record does not block, even if the manifest of the record is gone."""
    association = live("x1", ClientId="client")
    stored_record = record("gone", "x1", ClientId="client")
    assert isinstance(decide(manifest(), association, records=(stored_record,)), Create)


@pytest.mark.parametrize("changes", [*SIMILAR, *DIFFERENT])
def test_unexplained_association_blocks_a_repeated_create(changes: dict[str, str | None]) -> None:
    """An association that is new since the first attempt blocks a retry, however it is spelled."""
    decision = decide(manifest(), live("x1", **changes), records=(build_pending_record(),))
    assert isinstance(decision, Blocked)
    assert decision.reason.startswith("the answer to the Create of ")


def test_association_older_than_the_create_does_not_block_a_repeat() -> None:
    """An association that existed before the first attempt blocks a retry only if it is similar."""
    other = live("x1", DestinationURI="s3://corp-exports/2026-11")
    assert isinstance(decide(manifest(), other, records=(build_pending_record(("x1",)),)), Create)
    similar = live("x1", DestinationURI="s3://corp-exports/2026-10/")
    assert isinstance(decide(manifest(), similar, records=(build_pending_record(("x1",)),)), Blocked)


def test_association_adopted_by_key_still_blocks_a_repeat() -> None:
    """An association that another manifest adopted by natural key blocks a retry until policy.adopt names it."""
    association = live("x1", DestinationURI="s3://corp-exports/other")
    other = manifest("other", DestinationURI="s3://corp-exports/other")
    assert isinstance(
        decide(manifest(), association, records=(build_pending_record(), build_adopted_record("x1")), others=(other,)),
        Blocked,
    )
    with_adopt = replace(other, policy=Policy(adopt=association.arn))
    assert isinstance(
        decide(
            manifest(), association, records=(build_pending_record(), build_adopted_record("x1")), others=(with_adopt,)
        ),
        Create,
    )
    created = replace(build_adopted_record("x1"), token="token")
    assert isinstance(
        decide(manifest(), association, records=(build_pending_record(), created), others=(other,)), Create
    )


def test_association_of_another_lost_create_does_not_block_a_repeat() -> None:
    """Of two Creates without an answer, the one in List is adopted and the other is sent again."""
    other = manifest("other", DestinationURI="s3://corp-exports/other")
    sent_at = NOW - timedelta(hours=1)
    pending = replace(
        record("other", DestinationURI="s3://corp-exports/other"), state=CreatePending(1, sent_at, sent_at)
    )
    association = live("x1", DestinationURI="s3://corp-exports/other")
    decisions = compute_plan(
        [manifest(), other], observation(association), journal(build_pending_record(), pending), rules()
    ).decisions
    assert [type(each) for each in decisions] == [Create, Adopt]


def test_pending_record_lists_the_associations_seen_before() -> None:
    """The intent of a Create holds the ids of the live associations, and a retry can thus find new ones."""
    decision = decide(manifest(), live("x2", DestinationURI="s3://b"), live("x1", DestinationURI="s3://a"))
    assert isinstance(decision, Create)
    assert isinstance(decision.record.state, CreatePending)
    assert decision.record.state.live_ids == ("x1", "x2")
    retry = decide(manifest(), live("x1", DestinationURI="s3://a"), records=(build_pending_record(("x1",)),))
    assert isinstance(retry, Create)
    assert isinstance(retry.record.state, CreatePending)
    assert retry.record.state.live_ids == ("x1",)


def test_similar_association_is_ignored_within_the_settle_time() -> None:
    """Within the settle time, a similar association does not block, because the exact one may still appear."""
    stored_record = replace(record(), state=CreatePending(1, NOW, NOW))
    assert isinstance(decide(manifest(), live("x1", DestinationURI="s3://other"), records=(stored_record,)), Settling)


def test_similar_association_blocks_the_recreation_of_a_lost_one() -> None:
    """A similar association blocks a recreation, even after a raised generation."""
    lost_record = replace(record(), state=Bound("a1", NOW - timedelta(days=2), live("a1").arn, NOW - timedelta(days=1)))
    desired = manifest(policy=Policy(generation=2))
    assert isinstance(decide(desired, records=(lost_record,)), Create)
    assert isinstance(
        decide(desired, live("x1", DestinationURI="s3://corp-exports/2026-10/"), records=(lost_record,)), Blocked
    )


@given(one=st.text(), other=st.text(), slash_count=st.integers(0, 3), is_upper_case=st.booleans())
def test_resemblance_is_symmetric_and_reflexive(one: str, other: str, slash_count: int, *, is_upper_case: bool) -> None:
    """Resemblance is symmetric and reflexive, and ignores trailing slashes and the case of the scheme."""
    first_spec, second_spec = {"DestinationURI": one}, {"DestinationURI": other}
    assert resembles(first_spec, second_spec) == resembles(second_spec, first_spec)
    assert resembles(first_spec, first_spec)
    destination = f"s3://corp/{one}".rstrip("/")
    assert resembles(
        {"DestinationURI": destination},
        {"DestinationURI": ("S3" if is_upper_case else "s3") + destination[2:] + "/" * slash_count},
    )
