"""Bound the creates of a revision over all targets: count those of each target before the first one is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager

from reconciler.core.plan.decision import Blocked
from reconciler.core.plan.inputs import CreateGrant
from reconciler.core.plan.plan import Plan
from reconciler.core.shards import Shard
from reconciler.core.suggestions import join_names
from reconciler.core.text import format_count


def count_possible_creates(plan: Plan) -> int:
    """Return the number of creates in a plan, with each manifest whose data integration could not be listed."""
    return plan.create_count + sum(isinstance(each, Blocked) and each.is_unobserved for each in plan.decisions)


def is_bound_needed(manifest_counts: Mapping[str, int], limit: int, shard: Shard | None = None) -> bool:
    """Tell whether the creates of targets have to be counted together.

    One target has its own limit, unless it is that of a shard: other shards have more targets.
    """
    return (len(manifest_counts) > 1 or shard is not None) and sum(manifest_counts.values()) > limit


class CreateBound:
    """Bound of the creates of one revision, which its targets share. `manifest_counts` has an entry for each target.

    A target that could not be looked at counts with each of its manifests. Until every target was counted, no target
    may create. `lock` guards the counts, because targets run in parallel. `limit` is the share of the shard, if any.
    """

    def __init__(
        self,
        manifest_counts: Mapping[str, int],
        limit: int,
        lock: AbstractContextManager[object],
        shard: Shard | None = None,
    ) -> None:
        self._manifest_counts, self._limit, self._lock, self._shard = manifest_counts, limit, lock, shard
        self._counts: dict[str, int] = {}
        self._total = 0
        self._missing = dict.fromkeys(manifest_counts)
        self._unobserved: set[str] = set()
        self._waiting: set[str] = set()

    def record_count(self, target: str, count: int) -> None:
        """Record the number of creates in the latest plan of a target."""
        with self._lock:
            self._set_count(target, count)
            self._unobserved.discard(target)

    def record_failure(self, target: str) -> None:
        """Record that a target could not be looked at."""
        with self._lock:
            self._set_count(target, self._manifest_counts[target])
            self._unobserved.add(target)

    def _set_count(self, target: str, count: int) -> None:
        self._total += count - self._counts.get(target, 0)
        self._counts[target] = count
        self._missing.pop(target, None)

    def compute_grant(self, target: str) -> CreateGrant:
        """Return the number of creates that a target may send now, and the reason to stop more."""
        with self._lock:
            if self._missing:
                if self._counts.get(target):
                    self._waiting.add(target)
                reason = (
                    "creates of a new revision wait until every target has been listed; not listed yet: "
                    f"{join_names(self._missing)}"
                )
                return CreateGrant(0, reason, is_temporary=True)
            if self._total > self._limit:
                return CreateGrant(0, self._describe_excess())
            reason = (
                "this target now needs more creates than when the creates of all targets were counted: a later run "
                "sends them"
            )
            return CreateGrant(self._counts[target], reason, is_temporary=True)

    def take_waiting(self) -> Sequence[str]:
        """Return the targets whose creates waited, once every target was counted. Each is returned once."""
        with self._lock:
            if self._missing:
                return ()
            waiting, self._waiting = self._waiting, set()
            return sorted(waiting)

    def _describe_excess(self) -> str:
        unobserved = (
            f" (every manifest counts in a target that could not be listed: {join_names(sorted(self._unobserved))})"
            if self._unobserved
            else ""
        )
        limit, targets, needed = "--max-creates-total", "the targets", self._total
        if self._shard:
            limit = f"the share of shard {self._shard} in {limit}"
            targets, needed = f"the targets of shard {self._shard}", self._shard.compute_limit(self._total)
        return (
            f"nothing is created, because {targets} together would get {format_count(self._total, 'association')} and "
            f"{limit} is {self._limit}{unobserved}: to see the plan, repeat the dry run with "
            f"--max-creates-total {needed}; to carry it out, run with the same option"
        )
