"""Tests for the probes: a controller is healthy if its runs make progress, and ready if a revision is active."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from support.builders import NOW
from support.sites import Site

from reconciler.core.controller.controller_status import RejectedRevision, Revision, TargetStatus


def build_target_status(target: str, minutes: float | None) -> TargetStatus:
    """Return a target whose run last made progress `minutes` ago, or a target without a run for None."""
    last_progress = None if minutes is None else NOW - timedelta(minutes=minutes)
    return TargetStatus(
        target, last_progress and NOW - timedelta(hours=1), last_progress, None if last_progress else NOW, 0, None, None
    )


def test_controller_is_healthy_while_runs_make_progress(site: Site) -> None:
    """A long run is healthy while it makes progress."""
    site.status = replace(site.status, targets=(build_target_status("east", 9.9), build_target_status("west", None)))
    response = site.get("/healthz")
    assert (response.status, response.text) == (200, "ok\n")


def test_stuck_run_fails_liveness(site: Site) -> None:
    """A stuck run fails `/healthz` with 503 and the name of its target."""
    site.status = replace(site.status, targets=(build_target_status("east", 10.1), build_target_status("west", 1)))
    response = site.get("/healthz")
    assert (response.status, response.text) == (503, "the run of target east has made no progress since 11:49:54Z\n")


def test_overdue_run_and_stuck_source_check_fail_liveness(site: Site) -> None:
    """An overdue run and a stuck poll of git fail `/healthz`."""
    overdue_target = replace(build_target_status("east", None), next_run=NOW - timedelta(minutes=11))
    site.status = replace(site.status, targets=(overdue_target,), source_status=build_target_status("(git)", 12))
    response = site.get("/healthz")
    assert (response.status, response.text.splitlines()) == (
        503,
        [
            "the run of target east has made no progress since 11:49:00Z",
            "the poll of the manifests has made no progress since 11:48:00Z",
        ],
    )


def test_stopped_scheduler_fails_liveness(site: Site) -> None:
    """A stopped scheduler fails `/healthz`, because no new run would start."""
    site.is_scheduler_running = False
    assert site.get("/healthz").status == 503


def test_controller_is_ready_with_an_active_revision(site: Site) -> None:
    """`/readyz` fails before the first revision is active and after a shutdown was requested."""
    assert site.get("/readyz").status == 503
    site.status = replace(site.status, rejected_revision=RejectedRevision("cannot be reached", NOW))
    assert site.get("/readyz").text == "no revision is active yet: cannot be reached\n"
    site.status = replace(site.status, revision=Revision("1f0c5f7", NOW, 2))
    assert site.get("/readyz").status == 200
    site.is_stopping = True
    assert site.get("/readyz").status == 503


def test_failing_target_does_not_fail_liveness(site: Site) -> None:
    """A failing target does not fail `/healthz`, because a restart would not help."""
    site.status = replace(site.status, targets=(replace(build_target_status("east", None), failures=99),))
    assert site.get("/healthz").status == 200
