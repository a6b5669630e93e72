"""What a run would do, beside all that was known when it was decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from reconciler.core.apply.result import Result
from reconciler.core.apply.transitions import STALE, remembered
from reconciler.core.journal.records import Journal
from reconciler.core.model import Manifest, Observation, Target
from reconciler.core.plan.compute import plan
from reconciler.core.plan.decision import Plan
from reconciler.core.plan.guardrails import guard
from reconciler.core.plan.inputs import RunRules
from reconciler.core.plan.review import canonical_line, digest


@dataclass(frozen=True, slots=True)
class Preview:
    """What a run would do, and what that was decided from. `looked` is when AWS had been looked at."""

    plan: Plan
    recorded: Journal
    seen: Observation
    rules: RunRules
    looked: datetime

    def decided(self, target: Target, manifests: Sequence[Manifest], seen: Observation) -> Preview:
        """Decide anew from what was seen since."""
        decided = plan(manifests, seen, self.recorded, self.rules)
        return replace(self, plan=guard(decided, target, self.rules, seen), seen=seen)

    @property
    def result(self) -> Result:
        """What a run has to say that does no more than look."""
        return Result(self.plan, {}, {}, standings=remembered(self.recorded, self.plan, self.looked).standings)

    def has_same_writes_as(self, plan: Plan) -> bool:
        """Return whether another plan leads to the same writes."""
        return digest(map(canonical_line, plan.reviewed)) == digest(map(canonical_line, self.plan.reviewed))

    def is_fresh(self, now: datetime) -> bool:
        """Return whether the plan may still be carried out: it has no writes, or AWS was looked at not long ago."""
        return not self.plan.writes or now <= self.looked + STALE
