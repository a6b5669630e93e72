"""Run of one target, as values, and the context that it shares with the runs of other targets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from reconciler.core.model import Manifest, Target
from reconciler.core.plan.inputs import RunOptions
from reconciler.core.plan.review import ReviewedPlan
from reconciler.core.ports import Clock, Progress


@dataclass(frozen=True, slots=True)
class RunContext:
    """What all runs at one time have in common. A run asks `is_stopped` before every call that changes AWS.

    If a plan was `reviewed`, no other is carried out.
    """

    options: RunOptions
    clock: Clock
    progress: Progress
    is_stopped: Callable[[], bool]
    reviewed: ReviewedPlan | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """Run of one target: its manifests and its context."""

    target: Target
    manifests: Sequence[Manifest]
    context: RunContext
