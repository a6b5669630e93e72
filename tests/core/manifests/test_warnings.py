"""Manifests with a questionable export have warnings, and other manifests have none."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, timedelta
from typing import Any

import boto3
import pytest
from support.builders import NOW, ON_DEMAND, manifest

from reconciler.core.manifests.warnings import REGIONS, find_warnings
from reconciler.core.model import Manifest, OnLoss, Policy
from reconciler.core.windows.declaration import Period, WindowDeclaration

END = "/spec/ExecutionConfiguration/OnDemandConfiguration/EndTime"


def build_execution(end: timedelta | str) -> dict[str, Any]:
    """Return an execution whose window ends at this time from now, or at this text."""
    millis = end if isinstance(end, str) else str(int((NOW + end).timestamp() * 1000))
    return {**ON_DEMAND, "OnDemandConfiguration": {"StartTime": "1000000000000", "EndTime": millis}}


def list_warnings(checked: Manifest) -> list[tuple[str, str]]:
    """Return the warnings about a manifest."""
    return list(find_warnings(checked, NOW))


@pytest.mark.parametrize(
    "execution",
    [
        None,
        {"ExecutionMode": "SCHEDULED", "ScheduleConfiguration": {"ScheduleExpression": "rate(1 hour)"}},
        build_execution(timedelta(minutes=-30)),
        build_execution(timedelta(days=-30)),
    ],
)
def test_sound_manifest_has_no_warning(execution: Any) -> None:
    """A schedule, an empty execution, and a window that ended 30 minutes ago cause no warning."""
    assert list_warnings(manifest(ExecutionConfiguration=execution)) == []


@pytest.mark.parametrize("bucket", ["Exports", "my_bucket", "ab", "a..b", "192.0.2.1", "x" * 64, "-exports", ""])
def test_impossible_bucket_is_a_warning(bucket: str) -> None:
    """No new bucket in S3 can have the name, and nobody can delete an association that names it."""
    (warning,) = find_warnings(manifest(DestinationURI=f"S3://{bucket}/profiles"), NOW)
    assert warning[0] == "/spec/DestinationURI"
    assert "is not a valid bucket name: use 3 to 63 lower-case letters" in warning[1]
    assert list_warnings(manifest(DestinationURI="s3://corp-exports.eu/profiles")) == []
    assert list_warnings(manifest(DestinationURI="https://Example_Host/profiles")) == []


def test_manifest_that_adopts_has_no_warning() -> None:
    """A manifest that takes a live association over says what is, and not what shall be."""
    adoption = manifest(
        policy=Policy(adopt="arn", on_loss=OnLoss.RECREATE), ExecutionConfiguration=build_execution(timedelta())
    )
    assert list_warnings(adoption) == []


def test_retired_manifest_has_no_warning() -> None:
    """A retired manifest creates nothing, so nothing about its export is worth a warning."""
    retired = manifest(policy=Policy(retired="replaced"), ExecutionConfiguration={"ExecutionMode": "ON_DEMAND"})
    assert list_warnings(retired) == []


@pytest.mark.parametrize("minutes", [-29, 0, 60])
def test_window_that_ends_too_late_is_a_warning(minutes: int) -> None:
    """With `start: at-once`, a window that ends less than 30 minutes ago causes a warning: the export may lack data.

    Without it, the export is held until then.
    """
    execution = build_execution(timedelta(minutes=minutes))
    assert list_warnings(manifest(ExecutionConfiguration=execution)) == []
    at_once = manifest(policy=Policy(delay=None), ExecutionConfiguration=execution)
    ((pointer, sentence),) = list_warnings(at_once)
    assert pointer == END
    assert "may be missing" in sentence


@pytest.mark.parametrize(("delay", "is_short"), [(0, True), (29, True), (30, False), (60, False)])
def test_delay_below_30_minutes_is_a_warning(delay: int, is_short: bool) -> None:
    """A short delay causes the warning of `start: at-once`: for windows, and for an export that is still to be sent."""
    short = Policy(delay=timedelta(minutes=delay))
    declaration = WindowDeclaration(Period.MONTH, "UTC", UTC, date(2026, 10, 1), delay=timedelta(minutes=delay))
    recurring = replace(manifest(policy=short), window=declaration)
    fixed = manifest(policy=short, ExecutionConfiguration=build_execution(timedelta(minutes=60)))
    for checked, member in ((recurring, "window.delay"), (fixed, "policy.delay")):
        message = f"data of the last 30 minutes before an export may be missing from it: set {member} to 30m or more"
        expected = [(f"/{member.replace('.', '/')}", message)] if is_short else []
        assert list_warnings(checked) == expected
    past = manifest(policy=short, ExecutionConfiguration=build_execution(timedelta(minutes=-30)))
    assert list_warnings(past) == []


@pytest.mark.parametrize("end", ["999999999999999999", "not a time"])
def test_unreadable_window_end_is_treated_as_missing(end: str) -> None:
    """A window with an invalid end causes the same warning as a window without an end."""
    ((pointer, sentence),) = list_warnings(manifest(ExecutionConfiguration=build_execution(end)))
    assert (pointer, "no end" in sentence) == ("/spec/ExecutionConfiguration/OnDemandConfiguration", True)


def test_export_without_a_window_or_an_end_is_a_warning() -> None:
    """A reviewer cannot know which data an export without a window, or without its end, will send."""
    ((pointer, sentence),) = list_warnings(manifest(ExecutionConfiguration={"ExecutionMode": "ON_DEMAND"}))
    assert (pointer, "has no window" in sentence) == ("/spec/ExecutionConfiguration", True)
    open_ = {"ExecutionMode": "ON_DEMAND", "OnDemandConfiguration": {"StartTime": "1790812800000"}}
    ((pointer, sentence),) = list_warnings(manifest(ExecutionConfiguration=open_))
    assert "no end" in sentence


def test_automatic_recreation_of_an_export_is_a_warning() -> None:
    """A policy.onLoss of recreate causes a warning, because finished jobs leave List and the export would repeat."""
    recreating = manifest(policy=Policy(on_loss=OnLoss.RECREATE))
    assert [pointer for pointer, _ in list_warnings(recreating)] == ["/policy/onLoss"]


def test_regions_match_those_of_botocore() -> None:
    """The known Regions are those of botocore, so an upgrade with another Region fails here."""
    assert set(boto3.Session().get_available_regions("appintegrations")) == REGIONS


def test_rate_with_the_wrong_unit_is_a_warning() -> None:
    """AWS may reject `rate(1 hours)`, so the warning is at the expression."""
    execution = {"ExecutionMode": "SCHEDULED", "ScheduleConfiguration": {"ScheduleExpression": "rate(1 hours)"}}
    ((pointer, sentence),) = list_warnings(manifest(ExecutionConfiguration=execution))
    assert pointer == "/spec/ExecutionConfiguration/ScheduleConfiguration/ScheduleExpression"
    assert "write rate(1 hour)" in sentence
    assert not list_warnings(manifest(policy=Policy(adopt="arn"), ExecutionConfiguration=execution))
