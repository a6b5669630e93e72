"""Preview of a run: the plan and the inputs that it was computed from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from reconciler.core.apply.result import Result
from reconciler.core.apply.transitions import MAX_OBSERVATION_AGE, with_intents
from reconciler.core.journal.records import Journal
from reconciler.core.model import Manifest, Observation, Target
from reconciler.core.plan.compute import compute_plan
from reconciler.core.plan.guardrails import apply_guardrails
from reconciler.core.plan.ignored import separate_ignored
from reconciler.core.plan.inputs import RunRules
from reconciler.core.plan.live_warnings import find_live_warnings
from reconciler.core.plan.plan import Plan
from reconciler.core.plan.review import compute_digest, format_write_line
from reconciler.core.plan.write import Write

_MAX_LIST_AGE = timedelta(seconds=30)
"""Age from which a list is read again before a write. At the default pace, twenty data integrations take 8 s."""


@dataclass(frozen=True, slots=True)
class Preview:
    """Plan and its inputs. `observed_at` is the time when the listing of AWS was complete."""

    plan: Plan
    journal: Journal
    observation: Observation
    rules: RunRules
    observed_at: datetime

    def replan(self, target: Target, manifests: Sequence[Manifest], observation: Observation) -> Preview:
        """Return the preview with a plan from a newer observation."""
        new_plan = separate_ignored(compute_plan(manifests, observation, self.journal, self.rules), target)
        new_plan = apply_guardrails(new_plan, target, self.rules, observation)
        new_plan = replace(new_plan, warnings=find_live_warnings(new_plan, target, observation))
        return replace(self, plan=new_plan, observation=observation)

    @property
    def result(self) -> Result:
        """The result of a run that makes no calls."""
        return Result(
            self.plan, {}, {}, last_decisions=with_intents(self.journal, self.plan, self.observed_at).last_decisions
        )

    def has_same_writes_as(self, plan: Plan) -> bool:
        """Tell whether another plan has the same writes, of those that a person approved.

        A review covers also the writes that wait. A person at the terminal confirms those that are sent now.
        """
        return self._compute_digest(plan) == self._compute_digest(self.plan)

    def _compute_digest(self, plan: Plan) -> str:
        writes = plan.reviewed_writes if self.rules.has_reviewed_plan else plan.writes
        return compute_digest(map(format_write_line, writes))

    def list_doubtful_writes(self, now: datetime) -> tuple[Write, ...]:
        """Return the writes whose associations must be listed again, because the list is old or had several pages."""
        is_old = now > self.rules.now + _MAX_LIST_AGE
        return tuple(write for write in self.plan.writes if is_old or write.integration_arn in self.observation.paged)

    def is_fresh(self, now: datetime) -> bool:
        """Tell whether the plan may still be carried out: it has no writes, or its observation is recent enough."""
        return not self.plan.writes or now <= self.observed_at + MAX_OBSERVATION_AGE
