"""Guardrails: hold or block writes that the manifest, the target, the run or AWS does not allow."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import UTC, datetime
from typing import assert_never

from reconciler.core.globs import matches_glob
from reconciler.core.journal.jobs import FINAL_STATUSES
from reconciler.core.model import Live, Manifest, Mode, Observation, Spec, Target, Unobserved
from reconciler.core.plan.decision import (
    Adopt,
    Blocked,
    Changed,
    Decision,
    Drifted,
    Finished,
    Held,
    InSync,
    Lost,
    Retired,
    Settling,
    get_live,
)
from reconciler.core.plan.inputs import CreateGrant, RunRules
from reconciler.core.plan.live_warnings import count_associations
from reconciler.core.plan.plan import Plan
from reconciler.core.plan.source_kind import get_source_kind
from reconciler.core.plan.time_check import check_time
from reconciler.core.plan.write import Create, Update, Write, is_window_update
from reconciler.core.request.export_window import read_window, starts_export
from reconciler.core.suggestions import join_names
from reconciler.core.text import format_count

MAX_EXPORTS = 20
"""Maximum number of bulk exports at once in an account and Region (Amazon Connect service quotas; not adjustable)."""


def apply_guardrails(plan: Plan, target: Target, rules: RunRules, observation: Observation) -> Plan:
    """Return the plan with the writes that a guardrail stops as held or blocked.

    The limits on Creates count only writes whose time has come. The quota of exports comes last. MaxCreates therefore
    counts waiting exports too, and cannot block them in a later run.
    """
    decisions = tuple(_check_policies(each, target, rules, observation.aws_time) for each in plan.decisions)
    decisions = _apply_guardrail(decisions, lambda write: check_time(write, rules.now, observation.aws_time))
    decisions = _apply_guardrail(decisions, _build_association_quota(plan, target, observation))
    decisions = _apply_guardrail(decisions, _build_create_limit(decisions, target, rules))
    create_count = sum(isinstance(each, Create) for each in decisions)
    if rules.grant and create_count > rules.grant.limit:
        decisions = _apply_guardrail(decisions, _build_grant_check(rules.grant))
    decisions = _apply_guardrail(decisions, _build_export_quota(decisions, observation))
    return replace(plan, decisions=decisions, create_count=create_count, is_suspended=target.suspend)


def _apply_guardrail(decisions: Iterable[Decision], guardrail: Callable[[Write], Decision]) -> tuple[Decision, ...]:
    return tuple(guardrail(each) if isinstance(each, Write) else each for each in decisions)


def _check_policies(decision: Decision, target: Target, rules: RunRules, aws_time: datetime | None) -> Decision:
    """Hold or block a write that the policies or the mode of the run do not allow.

    What waits, for a person or by itself, is held without trouble if its manifest rests. Otherwise it keeps its own
    reason, unless that is no trouble and the mode of the run is. A run with a reviewed plan sends no recurring windows,
    so a window that waits is no trouble of that run.
    """
    match decision:
        case Create() | Update():
            return (
                _hold_at_rest(decision, target)
                or _check_mode(decision, rules, aws_time)
                or _check_destination(decision, target)
            )
        case Held(write=Update() as write, exit_code=0):
            return _hold_at_rest(write, target) or _check_window_mode(write, rules) or decision
        case Blocked(is_unobserved=True, live=None):
            return decision  # the failed List is trouble of the target, whatever the manifest says
        case Held(write=Update()) | Blocked() | Lost() if rest := _describe_rest(decision.manifest, target):
            return _hold_trouble(decision, rest)
        case Held(write=Update() as write) if is_window_update(write) and rules.has_reviewed_plan:
            return replace(decision, exit_code=0)
        case Changed(manifest=manifest, exit_code=1) if rules.has_reviewed_plan or _describe_rest(manifest, target):
            return replace(decision, exit_code=0)
        case (
            Adopt()
            | InSync()
            | Retired()
            | Drifted()
            | Changed()
            | Settling()
            | Lost()
            | Finished()
            | Held()
            | Blocked()
        ):
            return decision
        case other:
            assert_never(other)


def _hold_trouble(decision: Held | Blocked | Lost, rest: str) -> Held:
    """Hold trouble of an earlier call or a manifest that waits for a person, with what has to be resolved."""
    reason = f"{rest}; then resolve this: {decision.reason}"
    match decision:
        case Held(write=write) | Blocked(write=Update() as write, is_past=True):
            return Held(decision.manifest, write, reason)
        case _:
            return Held(decision.manifest, None, reason, live=get_live(decision), new_record=decision.record)


def _hold_at_rest(write: Write, target: Target) -> Held | None:
    """Hold a write if its manifest or target rests."""
    rest = _describe_rest(write.manifest, target)
    return Held(write.manifest, write, rest) if rest else None


def _describe_rest(manifest: Manifest, target: Target) -> str | None:
    """Return the reason to send nothing if a manifest or its target is suspended, or if the manifest only observes."""
    if manifest.policy.suspend:
        return "policy.suspend is true in the manifest: remove policy.suspend to continue"
    if target.suspend:
        return f"target {target.name!r} is suspended: set Suspend of the target to false to continue"
    if manifest.policy.mode is Mode.OBSERVE:
        mode = Mode.CREATE_AND_UPDATE if manifest.window else Mode.CREATE  # a window needs updates
        return f"policy.mode is observe: set policy.mode to {mode} in the manifest to continue"
    return None


def _check_mode(write: Write, rules: RunRules, aws_time: datetime | None) -> Held | None:
    """Hold a write that the options of the run do not allow. The first window of a manifest would be late unnoticed."""
    if is_window_update(write) and rules.has_reviewed_plan:
        reason = (
            "a run with --expect-plan sends no recurring windows: this window waits for a run without --expect-plan"
        )
        return Held(write.manifest, write, reason)
    if held := _check_window_mode(write, rules):
        return held
    if rules.options.mode is Mode.OBSERVE:
        reason = "this run only observes (--mode observe): leave out --mode to continue"
        is_due = write.manifest.window is not None and not isinstance(check_time(write, rules.now, aws_time), Held)
        return Held(write.manifest, write, reason, exit_code=int(is_due))
    return None


def _check_window_mode(write: Write, rules: RunRules) -> Held | None:
    """Hold the Update of a recurring window if --mode forbids it. Without it the export would be late unnoticed."""
    mode = rules.options.mode
    if not is_window_update(write) or mode is Mode.CREATE_AND_UPDATE or rules.has_reviewed_plan:
        return None
    reason = f"--mode {mode.value} sends no updates, and recurring windows need them: leave out --mode to continue"
    return Held(write.manifest, write, reason, exit_code=1)


def _check_destination(write: Write, target: Target) -> Write | Blocked:
    destination = str(write.request.get("DestinationURI", ""))
    if target.allowed_destinations and not any(matches_glob(destination, glob) for glob in target.allowed_destinations):
        globs = join_names(target.allowed_destinations)
        reason = (
            f"{destination or 'a missing DestinationURI'} is not among AllowedDestinations of target {target.name!r} "
            f"({globs}): correct DestinationURI, or add it to AllowedDestinations"
        )
        return Blocked(write.manifest, reason, write)
    return write


def _build_association_quota(plan: Plan, target: Target, observation: Observation) -> Callable[[Write], Decision]:
    """Return the guardrail that keeps the associations of each data integration within its quota.

    It counts the associations that List shows, those that List may not show yet, and the earlier Creates of this run.
    """
    counts = count_associations(plan, observation)
    limit = target.associations_per_integration

    def check_quota(write: Write) -> Decision:
        arn = str(write.request["DataIntegrationIdentifier"])
        if not isinstance(write, Create):
            return write
        if counts[arn] >= limit:
            reason = (
                f"{write.manifest.integration} would have {counts[arn] + 1} associations, and "
                f"AssociationsPerIntegration of target {target.name!r} is {limit}: use another data integration, or "
                "request a higher quota from AWS (L-3DEFA101) and raise AssociationsPerIntegration"
            )
            return Blocked(write.manifest, reason, write)
        counts[arn] += 1
        return write

    return check_quota


def _build_create_limit(decisions: Sequence[Decision], target: Target, rules: RunRules) -> Callable[[Write], Decision]:
    """Return the guardrail for the number of Creates in a run. Above the limit it blocks every Create."""
    creates = sum(isinstance(each, Create) for each in decisions)
    limit, source, option = target.max_creates, f"MaxCreates of target {target.name!r}", "MaxCreates"
    if rules.options.max_creates is not None and rules.options.max_creates < limit:
        limit, source, option = rules.options.max_creates, "--max-creates", "--max-creates"
    remedy = f"raise {option}"
    if target.account is None and option == "MaxCreates":
        source, remedy = "the limit without a declared Target", "declare a Target with a higher MaxCreates"
    reason = (
        f"nothing is created, because this run would create {format_count(creates, 'association')} "
        f"and {source} is {limit}: review the plan, then {remedy}"
    )

    def check_creates(write: Write) -> Decision:
        is_over_limit = isinstance(write, Create) and creates > limit
        return Blocked(write.manifest, reason, write) if is_over_limit else write

    return check_creates


def _build_grant_check(grant: CreateGrant) -> Callable[[Write], Decision]:
    """Return the guardrail that stops every Create, because all targets together would create too many."""

    def check_grant(write: Write) -> Decision:
        if not isinstance(write, Create):
            return write
        if grant.is_temporary:
            return Held(write.manifest, write, grant.reason, is_temporary=True)
        return Blocked(write.manifest, grant.reason, write)

    return check_grant


def _build_export_quota(decisions: Sequence[Decision], observation: Observation) -> Callable[[Write], Decision]:
    """Return the guardrail that holds bulk exports while the maximum number of bulk exports is running.

    The window that ended first is exported first, so that none waits for ever. A data integration of an unknown source
    counts as a bulk export. Then an export waits without need at worst.
    """
    other_arns = {each.arn for each in observation.integrations if not get_source_kind(each).may_be_bulk_export}
    live_associations = (
        live
        for arn, associations in observation.associations.items()
        if arn not in other_arns and not isinstance(associations, Unobserved)
        for live in associations
    )
    active = sum(map(_has_running_job, live_associations))
    settling = (each for each in decisions if isinstance(each, Settling))
    active += sum(
        _starts_bulk_export(each.record.request, other_arns) and not (each.live and _has_running_job(each.live))
        for each in settling
    )
    exports = [each for each in decisions if isinstance(each, Write) and _starts_bulk_export(each.request, other_arns)]
    free = max(MAX_EXPORTS - active, 0)
    own = f" and this run starts {free} more" if free else ""
    reason = (
        f"{active} bulk exports are running{own}, and AWS allows {MAX_EXPORTS} at once in an account and Region (this "
        "quota cannot be raised): a later run starts this export"
    )
    held_names = {each.manifest.name for each in sorted(exports, key=_find_window_end)[free:]}

    def check_exports(write: Write) -> Decision:
        is_held = write.manifest.name in held_names
        return Held(write.manifest, write, reason, is_temporary=True) if is_held else write

    return check_exports


def _find_window_end(write: Write) -> datetime:
    """Return the end of the window of an export. An export without a window precedes all others."""
    window = read_window(write.request)
    return window.end if window else datetime.min.replace(tzinfo=UTC)


def _has_running_job(live: Live) -> bool:
    """Tell whether the last export is still running. An unknown status counts as running."""
    return bool(live.last_execution and live.last_execution.status not in FINAL_STATUSES)


def _starts_bulk_export(request: Spec, other_arns: AbstractSet[str]) -> bool:
    """Tell whether a call with this request may start a bulk export at once. A schedule starts its jobs later.

    `other_arns` are the data integrations that are no bulk exports.
    """
    return starts_export(request) and request["DataIntegrationIdentifier"] not in other_arns
