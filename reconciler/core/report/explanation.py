"""Explain the decision on one association: its inputs, and the row of the decision table."""

from __future__ import annotations

from dataclasses import dataclass

from reconciler.core.apply.preview import Preview
from reconciler.core.errors import Problem
from reconciler.core.journal.records import Bound, CreatePending, Journal, LastDecision, Record
from reconciler.core.model import Integration, Live, Manifest, Spec, Unobserved, build_natural_key
from reconciler.core.plan.decision import (
    Blocked,
    Decision,
    Held,
    get_live,
)
from reconciler.core.plan.integrations import find_integration
from reconciler.core.plan.matching import index_by_id
from reconciler.core.plan.recurring.recurrence import add_window, complete_request
from reconciler.core.plan.write import Create
from reconciler.core.report.build import build_lines
from reconciler.core.report.decision_row import Row, build_row, describe_live, get_write
from reconciler.core.report.report import AssociationReport
from reconciler.core.request.export_window import EXECUTION
from reconciler.core.request.normalise import resolve_request
from reconciler.core.request.token import compute_client_token


@dataclass(frozen=True, slots=True)
class Explanation:
    """Explanation of the decision on one association.

    `request` is the normalised request of the manifest with the ARN of the data integration, and with the window that
    the next call exports; None if the data integration does not exist. `token` is the ClientToken that a Create would
    have now; None without a request, if policy.adopt prevents a Create, or if the window of a Create is unknown.
    `record` is the record under the name of the manifest or an earlier name. `matches` are the live associations with
    the same natural key. `unlisted` is the reason why the data integration could not be listed. `warnings` are the
    warnings about the manifest that need an answer of AWS.
    """

    manifest: Manifest
    integration: Integration | None
    request: Spec | None
    token: str | None
    record: Record | None
    last_decision: LastDecision | None
    journal: Journal
    live: Live | None
    matches: tuple[Live, ...]
    unlisted: str | None
    association: AssociationReport
    row: Row
    warnings: tuple[Problem, ...] = ()


def explain(name: str, preview: Preview) -> Explanation:
    """Return the explanation of the decision on the named manifest, which must be in the preview."""
    observation, journal = preview.observation, preview.journal
    decision = next(each for each in preview.plan.decisions if each.manifest.name == name)
    manifest = decision.manifest
    integration = find_integration(manifest.integration, observation.integrations)
    record = _find_record(decision, journal)
    resolved_request = resolve_request(manifest.spec, integration.arn) if integration else None
    request = complete_request(manifest, resolved_request, record) if resolved_request else None
    associations = observation.associations.get(integration.arn, ()) if integration else ()
    live_by_id = index_by_id(observation.associations)
    matches = tuple(
        live for live in live_by_id.values() if request and build_natural_key(live.spec) == build_natural_key(request)
    )
    bound = record.state if record and isinstance(record.state, Bound) else None
    live = get_live(decision) or (live_by_id.get(bound.association_id) if bound else None)
    unlisted = associations.reason if isinstance(associations, Unobserved) else None
    (association,) = (each for each in build_lines(preview.plan, {}, {}) if each.name == name)
    return Explanation(
        manifest=manifest,
        integration=integration,
        request=_complete_next_request(decision, request, record, association),
        token=_compute_token(decision, request, record),
        record=record,
        last_decision=journal.last_decisions.get(record.name if record else name),
        journal=journal,
        live=live,
        matches=matches,
        unlisted=unlisted,
        association=association,
        row=build_row(decision, record, describe_live(manifest, record, live, matches, unlisted), preview.rules),
        warnings=tuple(each for each in preview.plan.warnings if _is_about(each, manifest)),
    )


def _is_about(warning: Problem, manifest: Manifest) -> bool:
    return (warning.file, warning.line, warning.column) == (
        manifest.origin.file,
        manifest.origin.line,
        manifest.origin.column,
    )


def _complete_next_request(
    decision: Decision, request: Spec | None, record: Record | None, association: AssociationReport
) -> Spec | None:
    """Return the request with the window that the next call exports. A Create without an answer keeps its own.

    It has no window if no run has concluded yet from which one the association continues.
    """
    windows = association.windows
    if request is None or windows is None:
        return request
    if write := decision.write if isinstance(decision, Held | Blocked) else get_write(decision):
        return write.request
    if windows.is_unknown:
        return {member: value for member, value in request.items() if member != EXECUTION}
    is_pending = record is not None and isinstance(record.state, CreatePending)
    return request if is_pending or not windows.planned else add_window(request, windows.planned[0].window)


def _find_record(decision: Decision, journal: Journal) -> Record | None:
    """Return the record in the journal under the name of the manifest, or under its earlier name."""
    if decision.manifest.name in journal.records:
        return journal.records[decision.manifest.name]
    state = decision.record.state if decision.record else None
    if isinstance(state, Bound):
        bound_records = (each for each in journal.records.values() if isinstance(each.state, Bound))
        return next((each for each in bound_records if _get_association_id(each) == state.association_id), None)
    return None


def _get_association_id(record: Record) -> str:
    assert isinstance(record.state, Bound)
    return record.state.association_id


def _compute_token(decision: Decision, request: Spec | None, record: Record | None) -> str | None:
    write = get_write(decision)
    if decision.manifest.policy.adopt:
        return None
    if isinstance(write, Create):
        return write.token
    if decision.manifest.window:
        return None
    return compute_client_token(request, record.incarnation if record else 0) if request else None
