"""Tests for entries without a manifest: every format shows the name of the data integration if it is known."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pytest
from support.builders import INTEGRATION, live, record
from support.reports import report

from reconciler.core.report.report import Report
from reconciler.render.formats import github, json, junit, markdown, sarif, text

INTEGRATION_NAMES = {INTEGRATION.arn: INTEGRATION.name}


@pytest.mark.parametrize(
    "render",
    [partial(text.render, is_terminal=False), junit.render, sarif.render, github.render, markdown.render],
)
def test_entries_without_a_manifest_show_the_integration_name(render: Callable[[Report], str]) -> None:
    """The ARN is shown only if the name is unknown or the data integration could not be listed."""
    output = render(report(orphaned=(record("old"),), integration_names=INTEGRATION_NAMES))
    assert INTEGRATION.name in output
    assert INTEGRATION.arn not in output
    assert INTEGRATION.arn in render(report(orphaned=(record("old"),)))
    unlisted_output = render(report(unlisted=((INTEGRATION.arn, "denied"),), integration_names=INTEGRATION_NAMES))
    assert f"{INTEGRATION.name} ({INTEGRATION.arn})" in unlisted_output
    assert INTEGRATION.arn not in render(report(unmanaged=(live("z"),), integration_names=INTEGRATION_NAMES))


def test_json_has_both_name_and_arn_of_an_integration() -> None:
    """The JSON report contains both the ARN and the name of a data integration."""
    run_report = report(
        orphaned=(record("old"),),
        unmanaged=(live("z"),),
        unlisted=((INTEGRATION.arn, "no"),),
        integration_names=INTEGRATION_NAMES,
    )
    (target,) = json.encode_report(run_report)["targets"]
    for kind in ("orphaned", "unmanaged", "unlisted"):
        (row,) = target[kind]
        assert (row["dataIntegrationArn"], row["dataIntegrationName"]) == (INTEGRATION.arn, INTEGRATION.name)
