"""The creates of all targets are counted before the first one, and none is sent above the limit."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from support.builders import NOW, journal, live, manifest, observation, record, rules
from support.growth import CountedText, count_calls

from reconciler.core.model import Mode, Policy, Target, Unobserved
from reconciler.core.plan.compute import compute_plan
from reconciler.core.plan.create_bound import CreateBound, count_possible_creates, is_bound_needed
from reconciler.core.plan.decision import Blocked, Held
from reconciler.core.plan.guardrails import apply_guardrails
from reconciler.core.plan.inputs import CreateGrant, RunOptions, RunRules
from reconciler.core.plan.plan import Plan
from reconciler.core.plan.write import Create, Update
from reconciler.core.shards import Shard

COUNTS = {"a": 6, "b": 6, "c": 6}


def build_bound(limit: int = 10) -> CreateBound:
    """Return the bound of three targets with six manifests each."""
    return CreateBound(COUNTS, limit, nullcontext())


def test_creates_wait_until_every_target_was_counted() -> None:
    """No target may create before each was looked at, and the reason names the missing ones."""
    bound = build_bound()
    bound.record_count("a", 2)
    grant = bound.compute_grant("a")
    assert (grant.limit, grant.is_temporary) == (0, True)
    assert grant.reason == ("creates of a new revision wait until every target has been listed; not listed yet: b, c")
    bound.record_count("b", 0)
    assert bound.take_waiting() == ()
    bound.record_count("c", 3)
    assert bound.take_waiting() == ["a"]
    assert bound.take_waiting() == []
    assert [bound.compute_grant(name).limit for name in COUNTS] == [2, 0, 3]


def test_too_many_creates_are_blocked_in_every_target() -> None:
    """If the targets together exceed the limit, none of them may create."""
    bound = build_bound()
    for name, count in (("a", 6), ("b", 5), ("c", 0)):
        bound.record_count(name, count)
    grant = bound.compute_grant("a")
    assert (grant.limit, grant.is_temporary) == (0, False)
    assert grant.reason == (
        "nothing is created, because the targets together would get 11 associations and --max-creates-total is 10: "
        "to see the plan, repeat the dry run with --max-creates-total 11; to carry it out, run with the same option"
    )
    bound.record_count("b", 4)
    assert bound.compute_grant("a").limit == 6


def test_calls_of_the_bound_grow_with_the_targets() -> None:
    """Four times as many targets need at most 4.2 times as many calls to be counted and to get their grants."""

    def grant_each(count: int) -> None:
        names = [CountedText(f"t{number:04}") for number in range(count)]
        bound = CreateBound(dict.fromkeys(names, 1), count, nullcontext())
        for name in names:
            bound.record_count(name, 1)
            bound.compute_grant(name)
            bound.take_waiting()

    assert count_calls(lambda: grant_each(2_000)) <= 4.2 * count_calls(lambda: grant_each(500))


def test_target_without_creates_waits_for_no_other() -> None:
    """While targets are not listed yet, one without creates gets none, and needs no further run later."""
    bound = CreateBound({"a": 2, "b": 2}, 3, nullcontext())
    bound.record_count("a", 0)
    assert bound.compute_grant("a").limit == 0
    bound.record_count("b", 1)
    assert bound.compute_grant("b").limit == 1
    assert bound.take_waiting() == []


def test_single_target_of_a_shard_is_bound_too() -> None:
    """Other shards have more targets, so that the share of the shard limits one target, and the reason names it."""
    shard = Shard(1, 4)
    assert not is_bound_needed({"a": 6}, 2)
    assert is_bound_needed({"a": 6}, 2, shard)
    assert not is_bound_needed({"a": 2}, 2, shard)
    bound = CreateBound({"a": 6}, 2, nullcontext(), shard)
    bound.record_count("a", 3)
    grant = bound.compute_grant("a")
    assert (grant.limit, grant.is_temporary) == (0, False)
    assert "and the share of shard 1/4 in --max-creates-total is 2: to see the plan, " in grant.reason
    assert "the targets of shard 1/4 together would get 3 associations" in grant.reason
    assert "--max-creates-total 10;" in grant.reason
    assert [shard.compute_share(limit) for limit in (9, 10)] == [2, 3]


def test_target_that_could_not_be_looked_at_counts_each_manifest() -> None:
    """A failed target counts with each of its manifests, until it was looked at."""
    bound = build_bound()
    bound.record_count("a", 6)
    bound.record_failure("b")
    bound.record_count("c", 0)
    assert "(every manifest counts in a target that could not be listed: b)" in bound.compute_grant("a").reason
    bound.record_count("b", 0)
    assert bound.compute_grant("a") == CreateGrant(
        6,
        "this target now needs more creates than when the creates of all targets were counted: a later run sends them",
        is_temporary=True,
    )


@given(st.dictionaries(st.sampled_from("abc"), st.none() | st.integers(0, 6)), st.integers(0, 20))
def test_grants_never_exceed_the_limit(looks: dict[str, int | None], limit: int) -> None:
    """The grants of all targets together never exceed the limit, whatever was looked at."""
    bound = build_bound(limit)
    for name, count in looks.items():
        if count is None:
            bound.record_failure(name)
        else:
            bound.record_count(name, count)
    assert sum(bound.compute_grant(name).limit for name in COUNTS) <= limit


def test_one_target_and_few_manifests_need_no_bound() -> None:
    """One target has its own limit, and targets with few manifests cannot exceed the limit."""
    assert not is_bound_needed({"a": 100}, 10)
    assert not is_bound_needed({"a": 5, "b": 5}, 10)
    assert is_bound_needed({"a": 5, "b": 6}, 10)


def decide(grant: CreateGrant | None) -> Plan:
    """Return the plan for two missing associations."""
    manifests = [manifest(name, DestinationURI=f"s3://corp-exports/{name}") for name in "ab"]
    plan = compute_plan(manifests, observation(), journal(), rules())
    return apply_guardrails(plan, Target("prod"), RunRules(RunOptions(), NOW, grant), observation())


def test_grant_stops_more_creates_than_it_allows() -> None:
    """Creates above the grant are held or blocked together, and still counted."""
    assert [type(each) for each in decide(None).decisions] == [Create, Create]
    assert [type(each) for each in decide(CreateGrant(2, "")).decisions] == [Create, Create]
    blocked, held = decide(CreateGrant(1, "too many")), decide(CreateGrant(1, "wait", is_temporary=True))
    assert [(type(each), each.reason) for each in blocked.decisions if isinstance(each, Blocked)] == [
        (Blocked, "too many")
    ] * 2
    assert [(type(each), each.reason) for each in held.decisions if isinstance(each, Held)] == [(Held, "wait")] * 2
    assert [count_possible_creates(each) for each in (decide(None), blocked, held)] == [2, 2, 2]


def test_grant_stops_no_update() -> None:
    """An Update passes, even if the creates of its target are stopped."""
    policy, mode = Policy(mode=Mode.CREATE_AND_UPDATE), Mode.CREATE_AND_UPDATE
    changed = manifest(policy=policy, ExecutionConfiguration={"ExecutionMode": "ON_DEMAND"})
    missing = manifest("b", DestinationURI="s3://corp-exports/b")
    live_state = observation(live())
    plan = compute_plan([changed, missing], live_state, journal(record()), rules(mode))
    limited_rules = replace(rules(mode), grant=CreateGrant(0, "too many"))
    decisions = apply_guardrails(plan, Target("prod"), limited_rules, live_state).decisions
    assert [type(each) for each in decisions] == [Update, Blocked]


def test_unlisted_manifest_counts_as_a_create() -> None:
    """A manifest whose data integration could not be listed may become a create."""
    live_state = observation()
    (arn,) = live_state.associations
    unlisted = observation()
    unlisted = type(unlisted)(unlisted.integrations, {arn: Unobserved("denied")})
    plan = compute_plan([manifest()], unlisted, journal(), rules())
    assert count_possible_creates(apply_guardrails(plan, Target("prod"), rules(), unlisted)) == 1
