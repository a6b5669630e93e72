"""The size of a simulated fleet, and the targets of each of its shards."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from fleet_simulation.workload import build_target

from reconciler.core import shards
from reconciler.core.model import Target


@dataclass(frozen=True, slots=True)
class Fleet:
    """The number of targets and shards, and the interval of the controllers."""

    target_count: int = 10_000
    shard_count: int = 1
    interval: timedelta = timedelta(minutes=5)

    def select_targets(self, number: int) -> dict[int, Target]:
        """Return the targets of a shard by their number."""
        shard = shards.Shard(number, self.shard_count)
        targets = {each: build_target(each) for each in range(self.target_count)}
        return {key: each for key, each in targets.items() if shard.has_target(each.account, each.region)}

    def compute_max_creates(self, number: int) -> int:
        """Return the share of a shard in --max-creates-total, which permits twice as many as needed."""
        return shards.Shard(number, self.shard_count).compute_share(2 * self.target_count)
