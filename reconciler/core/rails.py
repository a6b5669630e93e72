"""Keeps writes within what git and the target allow: turns them into held or blocked ones, with the reason."""

from __future__ import annotations

from dataclasses import replace
from fnmatch import fnmatchcase

from reconciler.core.decisions import Blocked, Create, Decision, Held, Plan, Update
from reconciler.core.model import Mode, Target


def guard(plan: Plan, target: Target, mode: Mode) -> Plan:
    """Return the plan with every write that the rails stop held (it passes by itself) or blocked (it does not)."""
    decisions = tuple(_guard_one(decision, target, mode) for decision in plan.decisions)
    creates = sum(isinstance(decision, Create) for decision in decisions)
    if creates > target.max_creates:
        decisions = tuple(
            Blocked(decision.manifest, _too_many(creates, target), decision)
            if isinstance(decision, Create)
            else decision
            for decision in decisions
        )
    return replace(plan, decisions=decisions)


def _guard_one(decision: Decision, target: Target, mode: Mode) -> Decision:
    if not isinstance(decision, Create | Update):
        return decision
    manifest = decision.manifest
    if manifest.policy.suspend:
        return Held(manifest, decision, "policy.suspend is true")
    if target.suspend:
        return Held(manifest, decision, f"target {target.name!r} is suspended")
    if mode is Mode.OBSERVE:
        return Held(manifest, decision, "this run only observes (--mode observe)")
    if manifest.policy.mode is Mode.OBSERVE:
        return Held(manifest, decision, "policy.mode is observe")
    destination = str(decision.request.get("DestinationURI", ""))
    if target.allowed_destinations and not any(_fits(destination, glob) for glob in target.allowed_destinations):
        allowed = ", ".join(target.allowed_destinations)
        reason = (
            f"{destination or 'no destination'} is not among AllowedDestinations of target {target.name!r} ({allowed})"
        )
        return Blocked(manifest, reason, decision)
    return decision


def _fits(destination: str, glob: str) -> bool:
    """Match a glob of * and ?; a bracket stands for itself."""
    return fnmatchcase(destination, glob.replace("[", "[[]"))


def _too_many(creates: int, target: Target) -> str:
    return (
        f"this run would create {creates} associations, and MaxCreates of target {target.name!r} is "
        f"{target.max_creates}: none is created; raise MaxCreates once you have read the plan"
    )
