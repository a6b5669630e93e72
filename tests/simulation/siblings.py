"""Another target of the same revision, which shares `--max-creates-total` with the simulated target."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, replace
from random import Random

from simulation.history import History
from simulation.randomness import draw_bool
from simulation.trace import Trace

from reconciler.core.apply.preview import Preview
from reconciler.core.plan.create_bound import CreateBound, count_possible_creates, is_bound_needed
from reconciler.core.run_context import Run

_OWN, _OTHER = "prod", "sibling"


@dataclass(frozen=True, slots=True)
class Sibling:
    """The other target: the numbers of its manifests and of its creates. `limit` is `--max-creates-total`."""

    manifest_count: int
    create_count: int
    limit: int


class SharedBounds:
    """The bounds that one process shares between its two targets, for each revision. They end with the process.

    The other target is looked at before some runs of the simulated one. A look may fail while faults are on.
    """

    def __init__(self, sibling: Sibling, random: Random, history: History) -> None:
        self._sibling, self._random, self._history = sibling, random, history
        self._bounds: dict[int, CreateBound] = {}
        self._other_counts: dict[int, int] = {}

    def limit_creates(self, trace: Trace, run: Run, first: Preview, *, has_faults: bool) -> tuple[Run, Preview]:
        """Return a run and its preview with the creates that the bound grants, as a fleet of targets does."""
        own_count = sum(each.policy.retired is None for each in trace.manifests)
        counts = {_OWN: own_count, _OTHER: self._sibling.manifest_count}
        if not is_bound_needed(counts, self._sibling.limit):
            return run, first
        bound = self._bounds.setdefault(trace.revision, CreateBound(counts, self._sibling.limit, nullcontext()))
        self._look_at_other(trace.revision, bound, has_faults=has_faults)
        other_count = self._other_counts.get(trace.revision)
        trace.create_limit = 0 if other_count is None else max(0, self._sibling.limit - other_count)
        bound.record_count(_OWN, count_possible_creates(first.plan))
        run = replace(run, grant=bound.compute_grant(_OWN))
        limited = replace(first, rules=replace(first.rules, grant=run.grant))
        limited = limited.replan(run.target, run.manifests, first.observation)
        if len(limited.plan.writes) < len(first.plan.writes):
            reason = "another target was not looked at" if other_count is None else "more than all targets may create"
            self._history.count_event(f"creates stopped: {reason}")
        return run, limited

    def _look_at_other(self, revision: int, bound: CreateBound, *, has_faults: bool) -> None:
        if has_faults and draw_bool(self._random, 0.5):
            return
        if has_faults and draw_bool(self._random, 0.2):
            bound.record_failure(_OTHER)
            self._other_counts[revision] = self._sibling.manifest_count
        else:
            bound.record_count(_OTHER, self._sibling.create_count)
            self._other_counts[revision] = self._sibling.create_count
