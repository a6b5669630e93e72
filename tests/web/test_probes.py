"""Probes tell an orchestrator the truth: progress decides, not that a process is there."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from support.builders import NOW
from web.conftest import Site

from reconciler.core.controller.status import RejectedRevision, Revision, TargetStatus


def lane(target: str, minutes: float | None) -> TargetStatus:
    """Return a target whose run last got on so many minutes ago; None where none is under way."""
    moved = None if minutes is None else NOW - timedelta(minutes=minutes)
    return TargetStatus(target, moved and NOW - timedelta(hours=1), moved, None if moved else NOW, 0, None, None)


def test_controller_is_healthy_while_runs_make_progress(site: Site) -> None:
    """However long they have taken."""
    site.board = replace(site.board, targets=(lane("east", 9.9), lane("west", None)))
    answer = site.get("/healthz")
    assert (answer.status, answer.text) == (200, "ok\n")


def test_stuck_run_fails_liveness(site: Site) -> None:
    """503, and which one."""
    site.board = replace(site.board, targets=(lane("east", 10.1), lane("west", 1)))
    answer = site.get("/healthz")
    assert (answer.status, answer.text) == (503, "the run of target east has made no progress since 11:49:54Z\n")


def test_overdue_run_and_stuck_source_check_fail_liveness(site: Site) -> None:
    """A run that should have begun long ago, and a poll of git that does not come back."""
    late = replace(lane("east", None), next_run=NOW - timedelta(minutes=11))
    site.board = replace(site.board, targets=(late,), source_status=lane("(git)", 12))
    answer = site.get("/healthz")
    assert (answer.status, answer.text.splitlines()) == (
        503,
        [
            "the run of target east has made no progress since 11:49:00Z",
            "the poll of git has made no progress since 11:48:00Z",
        ],
    )


def test_stopped_scheduler_fails_liveness(site: Site) -> None:
    """Nothing would ever be run again."""
    site.working = False
    assert site.get("/healthz").status == 503


def test_controller_is_ready_with_an_active_revision(site: Site) -> None:
    """And not before, with the reason; nor when it is about to stop."""
    assert site.get("/readyz").status == 503
    site.board = replace(site.board, rejected_revision=RejectedRevision("cannot be reached", NOW))
    assert site.get("/readyz").text == "no revision is active yet: cannot be reached\n"
    site.board = replace(site.board, revision=Revision("1f0c5f7", NOW, 2))
    assert site.get("/readyz").status == 200
    site.stopping = True
    assert site.get("/readyz").status == 503


def test_failing_target_does_not_fail_liveness(site: Site) -> None:
    """A restart would put nothing right."""
    site.board = replace(site.board, targets=(replace(lane("east", None), failures=99),))
    assert site.get("/healthz").status == 200
