"""Find the associations whose next recurring window needs a later run."""

from __future__ import annotations

from reconciler.core.plan.decision_kind import DecisionKind
from reconciler.core.report.report import AssociationReport, Report


def list_waiting_windows(report: Report) -> tuple[AssociationReport, ...]:
    """Return the associations with a recurring window that a later run sends, without those with a held write."""
    return tuple(each for each in report.associations if _awaits_window(each))


def _awaits_window(association: AssociationReport) -> bool:
    """Tell whether a later run sends the next window, or decides about it.

    The options of a run may hold a window, as --expect-plan does. A run with other options then sends it.
    """
    windows = association.windows
    if windows is None or windows.is_suspended or windows.has_ended:
        return False
    if association.decision is DecisionKind.HELD and association.write:
        return False
    return windows.obstacle is None or association.is_resting
