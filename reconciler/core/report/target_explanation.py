"""Explanations of one manifest in each of its targets."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from reconciler.core.errors import EXIT_FAILED
from reconciler.core.report.explanation import Explanation


@dataclass(frozen=True, slots=True)
class LocatedExplanation:
    """An explanation with its target, account and Region. `refusal` says why a run that writes would be refused."""

    explanation: Explanation
    target: str
    account: str
    region: str
    refusal: str | None = None


@dataclass(frozen=True, slots=True)
class FailedExplanation:
    """The reason why a target could not be looked at. The environment may supply its account and Region.

    `is_access_failure` is true if credentials, clock, Region or network may be the cause.
    """

    target: str
    account: str | None
    region: str | None
    error: str
    is_access_failure: bool = False


TargetExplanation: TypeAlias = LocatedExplanation | FailedExplanation
"""Explanation of a manifest in one target, or the reason why there is none."""


def compute_exit_code(explanations: Iterable[TargetExplanation]) -> int:
    """Return the exit code of `reconcile explain`: a target that could not be looked at is a failure."""
    return EXIT_FAILED if any(isinstance(each, FailedExplanation) for each in explanations) else 0
