"""Tell which associations are overdue: a recurring window was due for a day, and the run did not plan to send it."""

from __future__ import annotations

from datetime import datetime

from reconciler.core.plan.decision_kind import WRITE_KINDS
from reconciler.core.report.report import AssociationReport
from reconciler.core.report.windows import WindowState


def is_overdue(association: AssociationReport, now: datetime | None = None) -> bool:
    """Tell whether an association is overdue at a time, by default that of the report."""
    windows = association.windows
    if windows is None or association.decision in WRITE_KINDS:
        return False
    return any(windows.get_state(each, now or windows.now) is WindowState.OVERDUE for each in windows.planned)
