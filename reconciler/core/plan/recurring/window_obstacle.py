"""Find the reason for which a revision must not send recurring windows, such as an older window declaration."""

from __future__ import annotations

from reconciler.core.journal.records import Record
from reconciler.core.model import Live
from reconciler.core.plan.decision import Changed
from reconciler.core.plan.difference import Difference, compare
from reconciler.core.plan.inputs import DecisionInput
from reconciler.core.plan.job_progress import describe_missed_export
from reconciler.core.plan.recurring.overdue import describe_overdue, find_overdue_window
from reconciler.core.plan.recurring.recurrence import is_superseded
from reconciler.core.windows.declaration import WindowDeclaration


def find_window_obstacle(
    inputs: DecisionInput, declaration: WindowDeclaration, record: Record, live: Live
) -> Changed | None:
    """Return the decision if this revision must not send anything.

    Its exit code is 1 if the last window failed, and while a window is overdue.
    """
    manifest = inputs.manifest
    differences = _compare_members(inputs, record, live)
    if fixed_members := ", ".join(each.path for each in differences if each.is_changed):
        reason = (
            f"an update cannot change {fixed_members}: restore the old values in this manifest, and write a manifest "
            "for the new values, with a new name"
        )
    elif manifest.policy.generation < record.generation:
        reason = inputs.describe_older_generation(record)
    elif (
        record.recurrence and is_superseded(declaration, record.recurrence) and not inputs.is_generation_raised(record)
    ):
        reason = (
            "this window is an older one, which a later revision replaced: run the latest revision; to return to this "
            f"window, {inputs.describe_remedy(record)}; until then nothing is sent"
        )
    else:
        return None
    if event := describe_missed_export(record, inputs.rules.now, inputs.rules.options.settle_time):
        return Changed(manifest, live, record, differences, f"{reason}{event}", exit_code=1)
    overdue_window = find_overdue_window(inputs, declaration, record)
    if overdue_window is None:
        return Changed(manifest, live, record, differences, reason)
    event = describe_overdue(declaration, overdue_window, inputs.rules.now)
    return Changed(manifest, live, record, differences, f"{reason}{event}", exit_code=1)


def _compare_members(inputs: DecisionInput, record: Record, live: Live) -> tuple[Difference, ...]:
    """Return the differences in the members that do not belong to a window."""
    differences = compare(inputs.request, record.request, live.spec, inputs.manifest.policy.ignore)
    return tuple(each for each in differences if not each.is_updatable)
