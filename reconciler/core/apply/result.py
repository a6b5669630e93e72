"""What one run of a target decided and did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.core.apply.outcome import Outcome
from reconciler.core.journal.records import LastDecision
from reconciler.core.model import Live
from reconciler.core.plan.decision import Plan


@dataclass(frozen=True, slots=True)
class Result:
    """What was decided, what became of it by manifest name, and what List showed afterwards by id.

    `standings` are how the manifests stand since when, by name.
    """

    plan: Plan
    outcomes: Mapping[str, Outcome]
    live_after_writes: Mapping[str, Live]
    error: str | None = None
    last_decisions: Mapping[str, LastDecision] = field(default_factory=dict)

    @property
    def is_unwritten(self) -> bool:
        """Whether the run failed before anything was written to the journal, and so before any call."""
        return self.error is not None and not self.outcomes
