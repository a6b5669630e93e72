"""Build the rows of the associations without a manifest, and the command that writes their manifests. Pure."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime

from reconciler.core.controller.controller_status import ControllerStatus, TargetStatus
from reconciler.core.model import Live
from reconciler.core.report.report import TargetReport
from reconciler.render.kinds import ReportKind
from reconciler.web.page.filters import Filters
from reconciler.web.page.relative_time import RelativeTime
from reconciler.web.page.rows import format_execution


@dataclass(frozen=True, slots=True)
class UnmanagedRow:
    """The row of one live association that no manifest covers. `since` is the time of the first run that saw it."""

    target: str
    arn: str
    integration: str
    client: str
    destination: str
    execution: str
    since: RelativeTime | None = None


def build_unmanaged_rows(status: ControllerStatus, filters: Filters) -> tuple[UnmanagedRow, ...]:
    """Return the rows of the unmanaged associations that match the filters."""
    return tuple(
        row for target_status in status.targets for row in _build_target_rows(target_status, filters, status.now)
    )


def format_export_command(rows: tuple[UnmanagedRow, ...]) -> str:
    """Return the command that writes the manifests of these rows. It names their target if there is only one."""
    targets = {row.target for row in rows}
    option = f" --target {shlex.quote(targets.pop())}" if len(targets) == 1 else ""
    return f"reconcile export --unmanaged{option} --output-dir exported"


def _build_target_rows(target_status: TargetStatus, filters: Filters, now: datetime) -> Iterator[UnmanagedRow]:
    target_name, report = target_status.target, target_status.last_report
    for target in report.targets if report else ():
        for live in target.unmanaged:
            since = RelativeTime.from_datetime(target_status.unmanaged_since.get(live.arn), now)
            row = replace(_build_row(target_name, live, target), since=since)
            texts = (live.arn, row.integration, row.client, row.destination)
            if filters.matches({ReportKind.UNMANAGED}, "", target_name, "", *texts):
                yield row


def _build_row(target_name: str, live: Live, target: TargetReport) -> UnmanagedRow:
    spec = live.spec
    return UnmanagedRow(
        target=target_name,
        arn=live.arn,
        integration=target.get_integration_name(str(spec["DataIntegrationIdentifier"])),
        client=str(spec.get("ClientId") or ""),
        destination=str(spec.get("DestinationURI") or ""),
        execution=format_execution(live.last_execution),
    )
