"""Result of one run of a target, as a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from reconciler.core.apply.outcome import Outcome
from reconciler.core.journal.records import LastDecision
from reconciler.core.model import Live
from reconciler.core.plan.plan import Plan


@dataclass(frozen=True, slots=True)
class Result:
    """Result of a run: the plan, the outcomes by manifest name, and the journal error, if any.

    `refusal` is the error of a dry run: the reason that a run would be refused.
    `live_after_writes` holds the written associations that List showed afterwards, by id. `last_decisions` holds the
    current decision of each manifest and the time since which it has applied, by manifest name.
    """

    plan: Plan
    outcomes: Mapping[str, Outcome]
    live_after_writes: Mapping[str, Live]
    error: str | None = None
    last_decisions: Mapping[str, LastDecision] = field(default_factory=dict)
    refusal: str | None = None

    @property
    def is_unwritten(self) -> bool:
        """Tell whether the run failed before its first write to the journal, and therefore before any call."""
        return self.error is not None and not self.outcomes
