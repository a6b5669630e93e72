"""An adoption that the journal has not taken is called one in no format."""

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

NOT_TAKEN = Skipped("not adopted, as far as this run knows: the journal was not written")
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
    """It could not be written: rows and summary say what there is to do, and that it was not done."""
    row = association("taken", "adopt", arn=live().arn, outcome=NOT_TAKEN)
    told = report(row, dry_run=False, error="the disk is full")
    said = render(told)
    assert "not adopted" in said
    assert "adopted" not in said.lower().replace("not adopted", "").replace("unadopted", "").replace("or adopted", "")
    done = replace(told.targets[0], error=None, associations=(replace(row, outcome=None),))
    if render is not json.render:  # which has decisions and outcomes, and no words
        assert "adopted" in render(replace(told, targets=(done,)))


def test_report_kind_labels_are_unique() -> None:
    """The page explains each label once: what is to adopt, and what could not be."""
    labels = [kind.label for kind in ReportKind]
    assert sorted(set(labels)) == sorted(labels)


def test_write_that_was_not_started_is_reported_as_planned() -> None:
    """The lease could not be taken: the comment lists what would be written."""
    told = report(association(), dry_run=False, error="held by another")
    assert "### What would be written" in markdown.render(told)
