"""Divide targets among processes, the shards: each target belongs to exactly one of them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass

MAX_COUNT = 1000
"""The maximum number of shards. Each target is compared with each of them."""
INDEX_VARIABLES = ("JOB_COMPLETION_INDEX", "RECONCILER_POD_INDEX")
"""Variables with the number of a shard. Kubernetes sets the first one in the pods of an Indexed Job."""


@dataclass(frozen=True, slots=True)
class Shard:
    """One of `count` processes that share the targets of a revision. Numbers count from 0."""

    number: int
    count: int

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    def has_target(self, account: str | None, region: str | None) -> bool:
        """Tell whether the target with this declared account and this Region belongs to the shard."""
        return choose_shard(account, region, self.count) == self.number

    def compute_share(self, limit: int) -> int:
        """Return the share of a limit. The shares of all shards add up to it, and the lowest get the remainder."""
        share, remainder = divmod(limit, self.count)
        return share + (self.number < remainder)

    def compute_limit(self, share: int) -> int:
        """Return the lowest limit of which this shard gets such a share. `share` is 1 or more."""
        return (share - 1) * self.count + self.number + 1


def choose_shard(account: str | None, region: str | None, count: int) -> int:
    """Return the number of the shard of a target. A target without a declared account belongs to shard 0.

    This is rendezvous hashing: each shard has a score for each target, and the highest score wins. One more shard
    therefore takes targets from the others, and moves no target between them.
    """
    if account is None:
        return 0

    def compute_score(number: int) -> bytes:
        return hashlib.sha256(f"{account}/{region or ''}/{number}".encode()).digest()

    return max(range(count), key=compute_score)


def parse_shard(text: str, environment: Mapping[str, str]) -> Shard:
    """Return the shard of a text such as 0/4, or of auto/4 with the number in the environment. Raises ValueError."""
    match = re.fullmatch(r"(auto|[0-9]{1,9})/([0-9]{1,9})", text.strip(), re.ASCII)
    if not match:
        raise ValueError(f"{text!r} is not a shard: write I/N, such as 0/4 for the first of four, or auto/4")
    count = int(match[2])
    if not 1 <= count <= MAX_COUNT:
        raise ValueError(f"{text!r} has {count} shards: the number of shards must be from 1 to {MAX_COUNT}")
    if match[1] != "auto":
        number, place = int(match[1]), repr(text)
    else:
        place, number = _read_index(text, environment)
    if number >= count:
        last = f"from 0 to {count - 1}" if count > 1 else "0"
        raise ValueError(f"{place} names shard {number} of {count}: the number of the shard must be {last}")
    return Shard(number, count)


def _read_index(text: str, environment: Mapping[str, str]) -> tuple[str, int]:
    """Return the name and the value of the variable that numbers the shard. Raises ValueError."""
    variable = next((name for name in INDEX_VARIABLES if environment.get(name)), None)
    if variable is None:
        names = " nor ".join(INDEX_VARIABLES)
        raise ValueError(
            f"{text!r} needs the number of the shard, and neither {names} is set: run the program in an Indexed Job or "
            "in a StatefulSet that sets RECONCILER_POD_INDEX, or write the number, such as 0/4"
        )
    value = environment[variable].strip()
    if not re.fullmatch(r"[0-9]{1,9}", value, re.ASCII):
        raise ValueError(f"{variable} is {value!r}: it must be the number of the shard, such as 0")
    return variable, int(value)
