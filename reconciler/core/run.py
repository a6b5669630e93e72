"""A run of one target as values: what it is about, and what all runs at one time have in common."""

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
    """One target with its manifests, and the context of its run."""

    target: Target
    manifests: Sequence[Manifest]
    context: RunContext
