"""Serve a controller status of thousands of drifted associations with differences, until standard input ends."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from support import reports, statuses
from support.builders import NOW
from web.conftest import serving

from reconciler.core.plan.difference import Difference
from reconciler.core.report.report import AssociationReport

MEMBERS = ("StartTime", "EndTime", "Object")


def one(number: int) -> AssociationReport:
    """Return a drifted association."""
    path = "/ExecutionConfiguration/OnDemandConfiguration"
    found = tuple(Difference(f"{path}/{each}", f"17908{number:08}", None, "1788220800000") for each in MEMBERS)
    return replace(reports.drifted_association(f"export-{number:05}"), differences=found, since=NOW)


if __name__ == "__main__":
    report = reports.report(*map(one, range(int(sys.argv[1]))))
    with serving() as site:
        site.board = statuses.status(statuses.target_status(report), finished_runs=tuple(statuses.finished_runs()))
        site.get("/metrics")
        print(site.url, flush=True)  # noqa: T201 - the test reads the URL
        sys.stdin.read()
