"""Tests for an adoption that could not be written to the journal: every format reports it as not adopted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest
from support.builders import live
from support.reports import association, report

from reconciler.core.apply.outcome import Skipped
from reconciler.core.report.report import Report
from reconciler.render.formats import github, json, junit, markdown, sarif, text
from reconciler.render.kinds import ReportKind

NOT_ADOPTED = Skipped("probably not adopted: the run did not write the journal; the next run tries again")
RENDERERS: list[Callable[[Report], str]] = [
    partial(text.render, is_terminal=False),
    partial(text.render, is_terminal=True),
    json.render,
    junit.render,
    sarif.render,
    github.render,
    markdown.render,
]


@pytest.mark.parametrize("render", RENDERERS)
def test_unrecorded_adoption_is_not_reported_as_adopted(render: Callable[[Report], str]) -> None:
    """If the journal could not be written, entries and summary report the association as not adopted."""
    row = association("taken", "adopt", arn=live().arn, outcome=NOT_ADOPTED)
    run_report = report(row, dry_run=False, error="the disk is full")
    output = render(run_report)
    assert "not adopted" in output
    assert "adopted" not in output.lower().replace("not adopted", "").replace("unadopted", "").replace("or adopted", "")
    target = replace(run_report.targets[0], error=None, associations=(replace(row, outcome=None),))
    if render is not json.render:  # JSON contains decisions and outcomes, but no labels
        assert "adopted" in render(replace(run_report, targets=(target,)))


def test_report_kind_labels_are_unique() -> None:
    """Each kind has a different label, because the page explains each label once."""
    labels = [kind.label for kind in ReportKind]
    assert sorted(set(labels)) == sorted(labels)


def test_write_that_was_not_started_is_reported_as_planned() -> None:
    """If the lease could not be taken, the comment lists the writes as planned."""
    run_report = report(association(), dry_run=False, error="held by another")
    assert "### Planned writes" in markdown.render(run_report)
