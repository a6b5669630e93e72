"""Guardrails: hold or block writes that the manifest, the target, the run or AWS does not allow."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import replace

from reconciler.core.globs import matches_glob
from reconciler.core.model import Live, Mode, Observation, Spec, Target, Unobserved
from reconciler.core.plan.decision import Blocked, Create, Decision, Held, Plan, Settling, Update, Write
from reconciler.core.plan.inputs import RunRules
from reconciler.core.plan.live_warnings import count_associations
from reconciler.core.plan.source_kind import get_source_kind
from reconciler.core.plan.time_check import check_time
from reconciler.core.suggestions import join_names
from reconciler.core.text import format_count

_FINAL_STATUSES = frozenset(("COMPLETED", "FAILED"))
MAX_EXPORTS = 20
"""Maximum number of bulk exports at once in an account and Region (Amazon Connect service quotas; not adjustable)."""


def apply_guardrails(plan: Plan, target: Target, rules: RunRules, observation: Observation) -> Plan:
    """Return the plan with the writes that a guardrail stops as held or blocked.

    Both limits on Creates count only writes whose time has come. The quota of exports comes last. MaxCreates therefore
    counts waiting exports too, and cannot block them in a later run.
    """
    decisions = _apply_guardrail(plan.decisions, lambda write: _check_policies(write, target, rules.options.mode))
    decisions = _apply_guardrail(decisions, lambda write: check_time(write, rules.now, observation.aws_time))
    decisions = _apply_guardrail(decisions, _build_association_quota(plan, target, observation))
    decisions = _apply_guardrail(decisions, _build_create_limit(decisions, target, rules))
    decisions = _apply_guardrail(decisions, _build_export_quota(plan, observation))
    return replace(plan, decisions=decisions)


def _apply_guardrail(decisions: Iterable[Decision], guardrail: Callable[[Write], Decision]) -> tuple[Decision, ...]:
    return tuple(guardrail(each) if isinstance(each, Create | Update) else each for each in decisions)


def _check_policies(write: Write, target: Target, mode: Mode) -> Decision:
    manifest = write.manifest
    if manifest.policy.suspend:
        return Held(manifest, write, "policy.suspend is true in the manifest: remove policy.suspend to continue")
    if target.suspend:
        return Held(
            manifest, write, f"target {target.name!r} is suspended: set Suspend of the target to false to continue"
        )
    if mode is Mode.OBSERVE:
        return Held(manifest, write, "this run only observes (--mode observe): leave out --mode to continue")
    if manifest.policy.mode is Mode.OBSERVE:
        return Held(manifest, write, "policy.mode is observe: set policy.mode to create in the manifest to continue")
    destination = str(write.request.get("DestinationURI", ""))
    if target.allowed_destinations and not any(matches_glob(destination, glob) for glob in target.allowed_destinations):
        globs = join_names(target.allowed_destinations)
        reason = (
            f"{destination or 'no destination'} is not among AllowedDestinations of target {target.name!r} ({globs})"
            ": correct DestinationURI, or add it to AllowedDestinations"
        )
        return Blocked(manifest, reason, write)
    return write


def _build_association_quota(plan: Plan, target: Target, observation: Observation) -> Callable[[Write], Decision]:
    """Return the guardrail that keeps the associations of each data integration within its quota.

    It counts the associations that List shows, those that List may not show yet, and the earlier Creates of this run.
    """
    counts = count_associations(plan, observation)
    limit = target.associations_per_integration

    def check_quota(write: Write) -> Decision:
        arn = str(write.request["DataIntegrationIdentifier"])
        if isinstance(write, Update):
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


def _build_export_quota(plan: Plan, observation: Observation) -> Callable[[Write], Decision]:
    """Return the guardrail that holds bulk exports while the maximum number of bulk exports is running.

    A data integration of an unknown source counts as a bulk export. Then an export waits without need at worst.
    """
    other_arns = {each.arn for each in observation.integrations if not get_source_kind(each).may_be_bulk_export}
    live_associations = (
        live
        for arn, associations in observation.associations.items()
        if arn not in other_arns and not isinstance(associations, Unobserved)
        for live in associations
    )
    active = sum(map(_has_running_job, live_associations))
    settling = (each for each in plan.decisions if isinstance(each, Settling))
    active += sum(
        _starts_bulk_export(each.record.request, other_arns) and not (each.live and _has_running_job(each.live))
        for each in settling
    )
    new = 0

    def check_exports(write: Write) -> Decision:
        nonlocal new
        if not _starts_bulk_export(write.request, other_arns):
            return write
        if active + new >= MAX_EXPORTS:
            own = f" and this run starts {new} more" if new else ""
            reason = (
                f"{active} bulk exports are running{own}, and AWS allows {MAX_EXPORTS} at once in an account and "
                "Region (this quota cannot be raised): a later run starts this export"
            )
            return Held(write.manifest, write, reason, is_temporary=True)
        new += 1
        return write

    return check_exports


def _has_running_job(live: Live) -> bool:
    """Tell whether the last export is still running. An unknown status counts as running."""
    return bool(live.last_execution and live.last_execution.status not in _FINAL_STATUSES)


def _starts_bulk_export(request: Spec, other_arns: AbstractSet[str]) -> bool:
    """Tell whether a call with this request may start a bulk export at once. A schedule starts its jobs later.

    `other_arns` are the data integrations that are no bulk exports.
    """
    execution = request.get("ExecutionConfiguration")
    is_on_demand = isinstance(execution, dict) and execution.get("ExecutionMode") == "ON_DEMAND"
    return is_on_demand and request["DataIntegrationIdentifier"] not in other_arns
