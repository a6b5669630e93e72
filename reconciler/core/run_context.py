"""Run of one target, as a value, and the context that it shares with the runs of other targets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from reconciler.core.model import Manifest, Target
from reconciler.core.plan.inputs import CreateGrant, RunOptions
from reconciler.core.plan.review import ReviewedPlan
from reconciler.core.ports import Clock, Progress


@dataclass(frozen=True, slots=True)
class RunContext:
    """Context that the runs of several targets share. A run checks `is_stopped` before every call that changes AWS.

    With a `reviewed` plan, a run carries out only that plan. If `is_confirmed`, it carries out only the writes of its
    preview, which a person confirms before the first write.
    """

    options: RunOptions
    clock: Clock
    progress: Progress
    is_stopped: Callable[[], bool]
    reviewed: ReviewedPlan | None = None
    is_confirmed: bool = False

    @property
    def is_plan_approved(self) -> bool:
        """True if a person reviewed or confirms the writes of the preview."""
        return self.reviewed is not None or self.is_confirmed


@dataclass(frozen=True, slots=True)
class Run:
    """Run of one target: its manifests, its context, and its share of the creates of all targets."""

    target: Target
    manifests: Sequence[Manifest]
    context: RunContext
    grant: CreateGrant | None = None
