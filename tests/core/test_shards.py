"""Each target belongs to exactly one shard, and one more shard moves as few targets as possible."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.shards import MAX_COUNT, Shard, choose_shard, parse_shard

accounts = st.one_of(st.none(), st.from_regex(r"[0-9]{12}", fullmatch=True))
regions = st.one_of(st.none(), st.sampled_from(["us-east-1", "eu-central-1", "ap-southeast-2"]))
counts = st.integers(1, 40)


@given(account=accounts, region=regions, count=counts)
def test_each_target_belongs_to_exactly_one_shard(account: str | None, region: str | None, count: int) -> None:
    """For every number of shards, exactly one of them has the target."""
    owners = [number for number in range(count) if Shard(number, count).has_target(account, region)]
    assert owners == [choose_shard(account, region, count)]


@given(account=accounts, region=regions, count=counts)
def test_one_more_shard_moves_targets_only_to_itself(account: str | None, region: str | None, count: int) -> None:
    """With one more shard, a target stays in its shard or belongs to the new one."""
    assert choose_shard(account, region, count + 1) in {choose_shard(account, region, count), count}


@given(region=regions, count=counts)
def test_target_without_an_account_belongs_to_the_first_shard(region: str | None, count: int) -> None:
    """The account of such a target is that of the environment, which no other shard may know."""
    assert choose_shard(None, region, count) == 0


def test_targets_spread_evenly() -> None:
    """Of 4,000 targets, each of 16 shards has 250, give or take a fifth."""
    targets = [(f"{account:012}", region) for account in range(2000) for region in ("us-east-1", "eu-west-2")]
    sizes = Counter(choose_shard(account, region, 16) for account, region in targets)
    assert sizes.keys() == set(range(16))
    assert all(200 <= size <= 300 for size in sizes.values())


def test_regions_of_an_account_spread_too() -> None:
    """The targets of one account in several Regions belong to several shards."""
    regions = [f"us-{side}-{number}" for side in ("east", "west") for number in range(1, 9)]
    assert len({choose_shard("123456789012", region, 4) for region in regions}) == 4


def test_shards_of_known_targets_never_change() -> None:
    """The shard of a target is the same in every version of the program: two versions may run during an upgrade."""
    regions = ["us-east-1", "us-west-2", "eu-west-1", "eu-central-1", None]
    assert [choose_shard("123456789012", region, 5) for region in regions] == [0, 2, 0, 4, 3]
    assert choose_shard(None, "eu-central-1", 5) == 0


def test_shares_of_a_limit_are_those_of_the_documentation() -> None:
    """Ten creates are 3, 3, 2 and 2 among four shards, and fewer creates than shards are those of the lowest."""
    assert [Shard(number, 4).compute_share(10) for number in range(4)] == [3, 3, 2, 2]
    assert [Shard(number, 4).compute_share(2) for number in range(4)] == [1, 1, 0, 0]
    assert Shard(4, 5).has_target("123456789012", "eu-central-1")


@given(limit=st.integers(0, 1000), count=counts)
def test_shares_of_a_limit_add_up_to_it(limit: int, count: int) -> None:
    """The shares of all shards add up to the limit, differ by at most 1, and the lowest shards get the remainder."""
    shares = [Shard(number, count).compute_share(limit) for number in range(count)]
    assert sum(shares) == limit
    assert shares == sorted(shares, reverse=True)
    assert shares[0] - shares[-1] <= 1


@pytest.mark.parametrize(
    ("text", "environment", "shard"),
    [
        ("0/1", {}, Shard(0, 1)),
        (" 3/4 ", {"JOB_COMPLETION_INDEX": "1"}, Shard(3, 4)),
        (f"{MAX_COUNT - 1}/{MAX_COUNT}", {}, Shard(MAX_COUNT - 1, MAX_COUNT)),
        ("auto/4", {"JOB_COMPLETION_INDEX": "3"}, Shard(3, 4)),
        ("auto/4", {"RECONCILER_POD_INDEX": "0"}, Shard(0, 4)),
        ("auto/4", {"JOB_COMPLETION_INDEX": "2", "RECONCILER_POD_INDEX": "1"}, Shard(2, 4)),
        ("auto/4", {"JOB_COMPLETION_INDEX": "", "RECONCILER_POD_INDEX": "1"}, Shard(1, 4)),
    ],
)
def test_shard_is_read(text: str, environment: dict[str, str], shard: Shard) -> None:
    """A shard is I/N, or auto/N with the number that Kubernetes gives to the pod."""
    assert parse_shard(text, environment) == shard
    assert str(shard) == f"{shard.number}/{shard.count}"


@pytest.mark.parametrize(
    ("text", "environment", "message"),
    [
        *(
            (text, {}, "is not a shard: write I/N")
            for text in ("", "3", "1/2/3", "-1/4", "a/4", "\u0661/4", "1 / 4", "0x1/4")
        ),
        ("4/4", {}, "'4/4' names shard 4 of 4: the number of the shard must be from 0 to 3"),
        ("1/1", {}, "'1/1' names shard 1 of 1: the number of the shard must be 0"),
        ("0/0", {}, "has 0 shards: the number of shards must be from 1 to 1000"),
        ("auto/1001", {"RECONCILER_POD_INDEX": "0"}, "has 1001 shards: the number of shards must be from 1 to 1000"),
        ("auto/4", {}, "neither JOB_COMPLETION_INDEX nor RECONCILER_POD_INDEX is set"),
        ("auto/4", {"RECONCILER_POD_INDEX": ""}, "neither JOB_COMPLETION_INDEX nor RECONCILER_POD_INDEX is set"),
        ("auto/4", {"JOB_COMPLETION_INDEX": "one"}, "JOB_COMPLETION_INDEX is 'one'"),
        ("auto/4", {"JOB_COMPLETION_INDEX": "4"}, "JOB_COMPLETION_INDEX names shard 4 of 4"),
    ],
)
def test_wrong_shard_is_refused_in_one_line(text: str, environment: dict[str, str], message: str) -> None:
    """The error of a wrong shard says what is wrong and what would be right, in one line."""
    with pytest.raises(ValueError, match=r".") as error:
        parse_shard(text, environment)
    assert message in str(error.value)
    assert "\n" not in str(error.value)
