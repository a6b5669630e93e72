"""Ignored associations: live ones that no manifest covers and that a Target declares as those of somebody else."""

from __future__ import annotations

from dataclasses import replace

from reconciler.core.globs import matches_glob
from reconciler.core.model import Ignored, Live, Target
from reconciler.core.plan.plan import Plan


def separate_ignored(plan: Plan, target: Target) -> Plan:
    """Return the plan with the unmanaged associations that Ignore of the target matches as ignored.

    The decisions stay the same. Ignored associations count for quotas and against duplicates like unmanaged ones.
    """
    reasons = {live.arn: _find_reason(live, target) for live in plan.unmanaged}
    return replace(
        plan,
        unmanaged=tuple(live for live in plan.unmanaged if reasons[live.arn] is None),
        ignored=tuple(Ignored(live, reason) for live in plan.unmanaged if (reason := reasons[live.arn]) is not None),
    )


def _find_reason(live: Live, target: Target) -> str | None:
    """Return the reason of the first rule that matches an association, or None."""
    return next((rule.reason for rule in target.ignore if matches_glob(live.arn, rule.arn)), None)
