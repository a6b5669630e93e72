"""Keeps writes within what git, the target and AWS allow: turns them into held or blocked ones, with the way out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase

from reconciler.core.model import Live, Mode, Observation, Spec, Target, Unobserved
from reconciler.core.plan.decision import Blocked, Create, Decision, Held, Plan, Settling, Update, Write
from reconciler.core.plan.inputs import RunRules
from reconciler.core.suggestions import listed

_ENDED = frozenset(("COMPLETED", "FAILED"))
RUNNING_EXPORTS = 20
"""How many bulk exports run at once in an account and Region (Amazon Connect service quotas; not adjustable)."""


def guard(plan: Plan, target: Target, rules: RunRules, seen: Observation) -> Plan:
    """Return the plan with every write that the rails stop held (it passes by itself, or git says so) or blocked.

    What needs a person goes first: what remains is what a run that waits for nothing would write.
    """
    decisions = _each(plan.decisions, lambda write: _guard_one(write, target, rules.options.mode))
    decisions = _each(decisions, _room(plan, target, seen))
    decisions = _each(decisions, _few(decisions, target, rules))
    decisions = _each(decisions, _turn(plan, seen))
    return replace(plan, decisions=decisions)


def _each(decisions: Iterable[Decision], rail: Callable[[Write], Decision]) -> tuple[Decision, ...]:
    return tuple(rail(each) if isinstance(each, Create | Update) else each for each in decisions)


def _guard_one(write: Write, target: Target, mode: Mode) -> Decision:
    manifest = write.manifest
    if manifest.policy.suspend:
        return Held(manifest, write, "policy.suspend is true, until git takes it away")
    if target.suspend:
        return Held(manifest, write, f"target {target.name!r} is suspended, until git sets its Suspend to false")
    if mode is Mode.OBSERVE:
        return Held(manifest, write, "this run only observes (--mode observe): run it with --mode create")
    if manifest.policy.mode is Mode.OBSERVE:
        return Held(manifest, write, "policy.mode is observe, until git says create")
    destination = str(write.request.get("DestinationURI", ""))
    if target.allowed_destinations and not any(_fits(destination, glob) for glob in target.allowed_destinations):
        allowed = listed(target.allowed_destinations)
        reason = (
            f"{destination or 'no destination'} is not among AllowedDestinations of target {target.name!r} ({allowed})"
            ": correct DestinationURI, or allow it there"
        )
        return Blocked(manifest, reason, write)
    return write


def _fits(destination: str, glob: str) -> bool:
    """Match a glob of * and ?; a bracket stands for itself."""
    return fnmatchcase(destination, glob.replace("[", "[[]"))


def _room(plan: Plan, target: Target, seen: Observation) -> Callable[[Write], Decision]:
    """Return the rail that keeps the associations of each data integration within its quota.

    Counted are those that List shows, those that it may not show yet, and those that are created before in this run.
    """
    there = Counter({arn: len(lives) for arn, lives in seen.associations.items() if not isinstance(lives, Unobserved)})
    settling = (each for each in plan.decisions if isinstance(each, Settling))
    there.update(str(each.record.request["DataIntegrationIdentifier"]) for each in settling if each.live is None)
    most = target.associations_per_integration

    def rail(write: Write) -> Decision:
        arn = str(write.request["DataIntegrationIdentifier"])
        if isinstance(write, Update):
            return write
        if there[arn] >= most:
            reason = (
                f"{write.manifest.integration} would have {there[arn] + 1} associations, and "
                f"AssociationsPerIntegration of target {target.name!r} is {most}: use another data integration, or "
                "have AWS raise the quota (L-3DEFA101) and say so there"
            )
            return Blocked(write.manifest, reason, write)
        there[arn] += 1
        return write

    return rail


def _few(decisions: Sequence[Decision], target: Target, rules: RunRules) -> Callable[[Write], Decision]:
    """Return the rail that bounds the creates of a run: all of them, or none."""
    creates = sum(isinstance(each, Create) for each in decisions)
    most, whose, what = target.max_creates, f"MaxCreates of target {target.name!r}", "MaxCreates"
    if rules.options.max_creates is not None and rules.options.max_creates < most:
        most, whose, what = rules.options.max_creates, "--max-creates", "--max-creates"
    reason = (
        f"this run would create {creates} associations, and {whose} is {most}: none is created; raise {what} once you "
        "have read the plan"
    )

    def rail(write: Write) -> Decision:
        many = isinstance(write, Create) and creates > most
        return Blocked(write.manifest, reason, write) if many else write

    return rail


def _turn(plan: Plan, seen: Observation) -> Callable[[Write], Decision]:
    """Return the rail that holds exports back while as many run as may."""
    lives = (live for lives in seen.associations.values() if not isinstance(lives, Unobserved) for live in lives)
    running = sum(map(_runs, lives))
    settling = (each for each in plan.decisions if isinstance(each, Settling))
    running += sum(_exports(each.record.request) and not (each.live and _runs(each.live)) for each in settling)
    started = 0

    def rail(write: Write) -> Decision:
        nonlocal started
        if not _exports(write.request):
            return write
        if running + started >= RUNNING_EXPORTS:
            also = f" and {started} more of this run" if started else ""
            reason = (
                f"{running} exports run{also}, and {RUNNING_EXPORTS} may at once in an account and Region (a quota of "
                "AWS that cannot be raised): a later run starts it"
            )
            return Held(write.manifest, write, reason, by_itself=True)
        started += 1
        return write

    return rail


def _runs(live: Live) -> bool:
    """Tell whether List shows that a job runs, or may: what a status of a later AWS means is not known."""
    return bool(live.last_execution and live.last_execution.status not in _ENDED)


def _exports(request: Spec) -> bool:
    """Tell whether a call starts a job at once; a schedule starts its own."""
    execution = request.get("ExecutionConfiguration")
    return isinstance(execution, dict) and execution.get("ExecutionMode") == "ON_DEMAND"
