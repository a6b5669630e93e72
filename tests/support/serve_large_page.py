"""Serve a controller status of thousands of drifted associations with differences, until standard input ends."""

from __future__ import annotations

import sys
from dataclasses import replace

from support import reports, statuses
from support.builders import NOW
from support.sites import serve_site

from reconciler.core.plan.difference import Difference
from reconciler.core.report.report import AssociationReport

MEMBERS = ("StartTime", "EndTime", "Object")


def build_association(number: int) -> AssociationReport:
    """Return a drifted association."""
    path = "/ExecutionConfiguration/OnDemandConfiguration"
    differences = tuple(
        Difference(f"{path}/{member}", f"17908{number:08}", None, "1788220800000") for member in MEMBERS
    )
    return replace(reports.build_drifted_association(f"export-{number:05}"), differences=differences, since=NOW)


if __name__ == "__main__":
    report = reports.report(*map(build_association, range(int(sys.argv[1]))))
    with serve_site() as site:
        site.status = statuses.build_status(
            statuses.build_target_status(report), finished_runs=tuple(statuses.build_finished_runs())
        )
        site.get("/metrics")
        print(site.url, flush=True)  # noqa: T201 - the test reads the URL
        sys.stdin.read()
