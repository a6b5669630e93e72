"""A target that could not be looked at is a failure of the whole explanation."""

from __future__ import annotations

from support.builders import ACCOUNT, NOW, REGION, journal, manifest, observation, rules

from reconciler.core.apply.preview import Preview
from reconciler.core.model import Target
from reconciler.core.plan.plan import Plan
from reconciler.core.report.explanation import explain
from reconciler.core.report.target_explanation import FailedExplanation, LocatedExplanation, compute_exit_code


def test_failed_target_gives_exit_code_1() -> None:
    """An explanation of several targets has exit code 1 if one target could not be looked at, and otherwise 0."""
    preview = Preview(Plan(), journal(), observation(), rules(), NOW).replan(Target("a"), [manifest()], observation())
    located = LocatedExplanation(explain("export", preview), "a", ACCOUNT, REGION)
    failed = FailedExplanation("b", None, None, "no credentials")
    assert [compute_exit_code(each) for each in ((), (located,), (located, failed))] == [0, 0, 1]
