"""Decide on associations that AWS does not show: create them, or report their loss."""

from __future__ import annotations

from collections.abc import Sequence

from reconciler.core.journal.jobs import COMPLETED, Recurrence
from reconciler.core.journal.records import Bound, CreatePending, Record
from reconciler.core.model import Live, OnLoss, build_natural_key, resembles
from reconciler.core.plan.adopt_live import adopt_live
from reconciler.core.plan.decision import Blocked, Decision, Finished, Lost
from reconciler.core.plan.inputs import DecisionInput, describe_ambiguity
from reconciler.core.plan.recurring.recurrence import (
    add_window,
    continue_late,
    continue_recurrence,
    find_backfill_problem,
    mark_replaced,
    recall_recurrence,
    with_past_window,
    with_rule,
)
from reconciler.core.plan.update_obstacle import may_update
from reconciler.core.plan.write import Create
from reconciler.core.request.export_window import starts_export
from reconciler.core.request.token import compute_client_token
from reconciler.core.windows.declaration import WindowDeclaration
from reconciler.core.windows.due import Window, compute_next_window


def decide_lost(inputs: DecisionInput, record: Record, bound: Bound) -> Decision:
    """Recreate a lost association if the manifest requests it; otherwise report the loss.

    A completed export that no other follows is finished. An association with windows to come is created again only if a
    person raises policy.generation.
    """
    policy, loss = inputs.manifest.policy, f"List no longer shows the association {bound.association_id}"
    next_window, is_recurring = _find_window_after_loss(inputs, record), inputs.manifest.window is not None
    is_finished = bound.job is not None and bound.job.result == COMPLETED and starts_export(record.request)
    if not is_recurring and (record.is_recurring or (inputs.request != record.request and may_update(inputs))):
        is_finished = False  # the manifest had recurring windows before, or asks for another export
    if next_window is None and is_finished and not (inputs.is_generation_raised(record) and not is_recurring):
        reason = f"its export was completed, and {loss}{_describe_unsent_window(inputs, record)}"
        return Finished(inputs.manifest, inputs.acknowledge_generation(record), reason)
    if next_window is None and is_recurring:
        remedy = "look for it in AWS; to accept the loss, set policy.retired"
        return Lost(inputs.manifest, record, f"{loss}, and no window begins after window.last: {remedy}")
    if policy.adopt:
        return Lost(inputs.manifest, record, f"{loss}, which policy.adopt names: correct or remove policy.adopt")
    if inputs.is_generation_raised(record):
        return create_association(inputs, record.incarnation + 1, f"{loss}, and policy.generation was raised")
    is_repeated = inputs.request == record.request
    result = "which repeats the export" if is_repeated else "which sends the export of this manifest"
    result = _describe_create(inputs.manifest.window, record) if inputs.manifest.window else result
    remedy = f"look for it in AWS; if it is gone, {inputs.describe_remedy(record)} to create it again, {result}"
    if policy.on_loss is OnLoss.REPORT or is_recurring or record.is_recurring:
        return Lost(inputs.manifest, record, f"{loss}: {remedy}")
    if bound.arn is None:
        reason = "no run ever saw it in List, and it may still exist"
        return Lost(
            inputs.manifest,
            record,
            f"policy.onLoss does not recreate the association {bound.association_id}, because {reason}: {remedy}",
        )
    return create_association(inputs, record.incarnation + 1, f"{loss}, and policy.onLoss is recreate")


def _describe_create(declaration: WindowDeclaration, record: Record) -> str:
    """Return what a Create after the loss of an association with recurring windows exports."""
    match recall_recurrence(declaration, record):
        case None:
            return "which exports the first window"
        case str(problem):
            return f"but {problem}"
        case _:
            return "which exports from the watermark on"


def _describe_unsent_window(inputs: DecisionInput, record: Record) -> str:
    """Return a clause about an export that the manifest asks for and that no mode lets go out, or ""."""
    if inputs.manifest.window or inputs.request == record.request:
        return ""
    return f"; git asks for another configuration, which was not sent: {inputs.describe_remedy(record)} to send it"


def _find_window_after_loss(inputs: DecisionInput, record: Record | None) -> Window | None:
    """Return the window of the next Create: the first one after the watermark. None without recurring windows."""
    declaration = inputs.manifest.window
    if declaration is None:
        return None
    recurrence = recall_recurrence(declaration, record) if record else None
    if not isinstance(recurrence, Recurrence):
        return compute_next_window(declaration, None)
    return compute_next_window(declaration, continue_late(declaration, recurrence).watermark)


def _find_first_window(
    inputs: DecisionInput, declaration: WindowDeclaration, record: Record | None
) -> tuple[Window, Recurrence] | str:
    """Return the window of a Create and the recurrence to write before it, or the reason to block the Create."""
    recurrence = recall_recurrence(declaration, record) if record else None
    if isinstance(recurrence, str):
        return recurrence
    if recurrence:
        if isinstance(continued := continue_recurrence(inputs, declaration, recurrence), str):
            return continued
        recurrence = continued
    elif problem := find_backfill_problem(inputs):
        return problem
    window = compute_next_window(declaration, recurrence.watermark if recurrence else None)
    if window is None:
        return "everything up to window.last has been exported, and no window begins after it: set a later window.last"
    return window, with_rule(recurrence or Recurrence(window.start, window.start), declaration)


def create_association(inputs: DecisionInput, incarnation: int, reason: str) -> Decision:
    """Create the requested association, or adopt it if List shows it. Block if either is uncertain."""
    now, manifest, matches = inputs.rules.now, inputs.manifest, inputs.find_matches(build_natural_key(inputs.request))
    if len(matches) > 1:
        return Blocked(manifest, describe_ambiguity(matches), suspects=matches)
    record = inputs.record
    if record and build_natural_key(inputs.request) != record.key and record.key[0] in inputs.integration_arns:
        return Blocked(
            manifest,
            f"the name belongs to another association ({' '.join(filter(None, record.key[1:]))}), which is lost or "
            "given up: restore the old values in this manifest, or give the manifest a new name",
        )
    if matches:
        reason = "AWS already has the association, and the journal does not: if another journal has it, use that one"
        return adopt_live(inputs, matches[0], None, reason)
    if suspects := [live for live in inputs.unexplained if resembles(inputs.request, live.spec)]:
        return Blocked(manifest, describe_suspects(suspects), suspects=tuple(suspects))
    request = inputs.request
    recurrence = mark_replaced(with_past_window(record.recurrence, record)) if record and record.recurrence else None
    if manifest.window:
        if isinstance(first := _find_first_window(inputs, manifest.window, record), str):
            return Blocked(manifest, first)
        window, recurrence = first
        request = add_window(request, window)
    intent = Record(
        manifest.name,
        request,
        compute_client_token(request, incarnation),
        incarnation,
        manifest.policy.generation,
        CreatePending(1, now, now, inputs.live_ids),
        record.previous_executions if record else (),
        recurrence,
    )
    return create_unless_claimed(inputs, Create(manifest, intent, record, reason))


def describe_suspects(suspects: Sequence[Live]) -> str:
    """Return the reason to block if unexplained live associations may belong to the manifest."""
    names = ", ".join(sorted(map(_describe_live, suspects)))
    if len(suspects) == 1:
        return (
            f"List shows {names}, which may be the association of this manifest (the journal has no Create of it, and "
            "no manifest names it in policy.adopt): if it is, set policy.adopt of this manifest to that ARN; if it is "
            "not, set policy.adopt of another manifest, an existing or a new one, to that ARN"
        )
    return (
        f"List shows {len(suspects)} associations that may be the association of this manifest (the journal has no "
        f"Create of them, and no manifest names them in policy.adopt): {names}: if one of them is, set policy.adopt of "
        "this manifest to its ARN; for each other association, set policy.adopt of another manifest, an existing or a "
        "new one"
    )


def _describe_live(live: Live) -> str:
    return f"{live.arn} ({' '.join(filter(None, build_natural_key(live.spec)[1:])) or 'no DestinationURI'})"


def create_unless_claimed(inputs: DecisionInput, create: Create) -> Decision:
    """Return the Create, or block if another name has the requested association or an unanswered Create of it."""
    if not inputs.holder:
        return create
    return Blocked(
        inputs.manifest,
        f"the requested association, or a Create for it without an answer, belongs to the name {inputs.holder!r}: if "
        f"the names of two manifests were exchanged, exchange them back; if {inputs.holder!r} now describes another "
        f"association, give that manifest a new name, and restore the old content of {inputs.holder!r}",
        create,
    )
