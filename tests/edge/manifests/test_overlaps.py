"""Manifests of one data integration whose windows overlap have a warning, because they export the same data twice."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from reconciler.core.manifests.files import File
from reconciler.edge.manifests import load_manifests

NOW = datetime(2026, 12, 3, tzinfo=UTC)
HEAD = """\
apiVersion: appintegrations.reconciler/v1
kind: DataIntegrationAssociation
metadata: {name: NAME}
POLICY
spec:
  DataIntegrationIdentifier: profiles
  DestinationURI: s3://exports/NAME
"""
UPDATING = "policy: {mode: create-and-update}"


def build_fixed(name: str, start: str, end: str, policy: str = "", more: str = "") -> File:
    """Return a file with a manifest of one window."""
    window = f"{{StartTime: {start}T00:00:00Z, EndTime: {end}T00:00:00Z}}"
    execution = f"  ExecutionConfiguration: {{ExecutionMode: ON_DEMAND, OnDemandConfiguration: {window}}}\n{more}"
    text = HEAD.replace("NAME", name).replace("POLICY\n", f"{policy}\n" if policy else "") + execution
    return File(f"{name}.yaml", text.encode())


def build_recurring(name: str, window: str, policy: str = UPDATING) -> File:
    """Return a file with a manifest of recurring windows."""
    text = HEAD.replace("NAME", name).replace("POLICY", f"{policy}\nwindow: {{{window}}}")
    return File(f"{name}.yaml", text.encode())


def list_overlaps(*files: File) -> list[str]:
    """Return the warnings about overlaps."""
    return [str(each) for each in load_manifests(files, NOW).warnings if "overlaps" in each.message]


OCTOBER = build_fixed("october", "2026-10-01", "2026-11-01")
MONTHLY = build_recurring("monthly", "every: month, first: 2026-10-01")


def test_overlap_names_both_manifests_and_the_data() -> None:
    """The later manifest has the warning. It names the other manifest, and the stretch of time of both."""
    (warning,) = list_overlaps(OCTOBER, build_fixed("late", "2026-10-20", "2026-11-20"))
    assert warning == (
        "late.yaml:7:27: /spec/ExecutionConfiguration: the window overlaps the window of the manifest 'october' at "
        "october.yaml:1: the data of their data integration from 2026-10-20 00:00Z to 2026-11-01 00:00Z would be "
        "exported twice: change one of the windows"
    )


def test_recurring_windows_overlap_everything_after_their_first() -> None:
    """Recurring windows without a last one overlap every later window. The later document gets the warning."""
    (warning,) = list_overlaps(OCTOBER, build_recurring("daily", "every: day, first: 2026-10-15"))
    assert warning.startswith("daily.yaml:5:9: /window: the window overlaps the window of the manifest 'october'")
    (warning,) = list_overlaps(MONTHLY, build_recurring("daily", "every: day, first: 2026-12-01"))
    assert "from 2026-12-01 00:00Z on would be exported twice" in warning
    november = build_fixed("november", "2026-11-01", "2026-12-01")
    assert len(list_overlaps(MONTHLY, OCTOBER, november)) == 2


@pytest.mark.parametrize(
    "other",
    [
        build_fixed("other", "2026-11-01", "2026-12-01"),
        build_fixed("other", "2026-09-01", "2026-10-01"),
        build_recurring("other", "every: month, first: 2026-11-01"),
        build_recurring("other", "every: month, first: 2026-08-01, last: 2026-09-01"),
        build_fixed("other", "2026-10-01", "2026-11-01", "policy: {mode: observe}"),
        build_fixed("other", "2026-10-01", "2026-11-01", more="  ObjectConfiguration: {Contacts: {id: [a]}}\n"),
        File("other.yaml", HEAD.replace("NAME", "other").replace("POLICY\n", "").encode()),
    ],
)
def test_windows_that_export_different_data_do_not_overlap(other: File) -> None:
    """Adjoining windows, other objects, and manifests that export nothing cause no warning."""
    assert list_overlaps(OCTOBER, other) == []


def test_retired_manifest_has_exported_its_window() -> None:
    """A new manifest that repeats a retired one exports its data twice. One that follows the retired one does not."""
    retired = "policy: {mode: create-and-update, retired: replaced}"
    fixed = build_fixed("other", "2026-10-01", "2026-11-01", retired)
    assert len(list_overlaps(fixed, OCTOBER)) == 1
    monthly = build_recurring("monthly", "every: month, first: 2026-01-01", retired)
    again, later = (build_recurring("new", f"every: month, first: 2026-{month}-01") for month in ("01", "02"))
    assert len(list_overlaps(monthly, again)) == 1
    assert list_overlaps(monthly, later) == []
    ended = build_recurring("monthly", "every: month, first: 2026-01-01, last: 2026-03-01", retired)
    assert len(list_overlaps(ended, later)) == 1


def test_last_window_ends_with_its_period() -> None:
    """Recurring windows reach to the end of the period that begins on or before the last date."""
    until_october = build_recurring("monthly", "every: month, first: 2026-08-01, last: 2026-10-01")
    assert len(list_overlaps(OCTOBER, until_october)) == 1
    assert list_overlaps(until_october, build_fixed("november", "2026-11-01", "2026-12-01")) == []


def test_adopted_window_has_no_warning_and_adopted_recurring_windows_have_one() -> None:
    """An adopted fixed window has been exported already. Adopted recurring windows continue to export."""
    arn = "arn:aws:app-integrations:us-east-1:123456789012:data-integration-association/i/a"
    adopted = f"policy: {{mode: create-and-update, adopt: {arn}}}"
    assert list_overlaps(OCTOBER, build_fixed("other", "2026-10-01", "2026-11-01", adopted)) == []
    assert len(list_overlaps(OCTOBER, build_recurring("other", "every: month, first: 2026-10-01", adopted))) == 1


def test_window_inside_a_longer_one_is_compared_with_the_longer_one() -> None:
    """A short window between two others does not hide the overlap with the long one."""
    year = build_fixed("year", "2026-01-01", "2026-12-01")
    march, june = (build_fixed(name, start, end) for name, start, end in (
        ("march", "2026-03-01", "2026-04-01"), ("june", "2026-06-01", "2026-07-01"),
    ))  # fmt: skip
    warnings = list_overlaps(year, march, june)
    assert len(warnings) == 2
    assert all("'year' at year.yaml:1" in warning for warning in warnings)


TARGETS = "".join(
    f"apiVersion: appintegrations.reconciler/v1\nkind: Target\nmetadata: {{name: {name}}}\n"
    f'spec: {{Region: {region}, AccountId: "123456789012", Values: {{source: {source}}}}}\n---\n'
    for name, region, source in (("prod", "us-east-1", "other"), ("staging", "us-west-2", "profiles"))
)


@pytest.mark.parametrize(("source", "place"), [("${source}", " (in target 'staging')"), ("profiles", "")])
def test_overlap_in_some_targets_names_them(source: str, place: str) -> None:
    """A warning that holds in some targets of a manifest only names these targets."""
    first, second = OCTOBER.content.decode(), build_fixed("late", "2026-10-20", "2026-11-20").content.decode()
    second = second.replace("Identifier: profiles", f'Identifier: "{source}"')
    text = TARGETS + f"{first}targets: ['*']\n---\n{second}targets: ['*']\n"
    warnings = [each.message for each in load_manifests([File("all.yaml", text.encode())], NOW).warnings]
    assert len(warnings) == 2  # the windows overlap, and AWS may refuse a second association
    assert all(each.endswith(f"{remedy}{place}") for each, remedy in zip(warnings, REMEDIES, strict=True))


REMEDIES = ("use another data integration", "change one of the windows")
