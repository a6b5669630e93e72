"""Warnings that need an answer of AWS name the source or the quota, and change neither the plan nor the exit code."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from support.builders import INTEGRATION, NOW, journal, live, manifest, observation, record, rules
from support.recurring import AUGUST, OCTOBER, SEPTEMBER, build_recurring_manifest, build_recurring_record

from reconciler.core.apply.preview import Preview
from reconciler.core.journal.records import CreatePending, Journal
from reconciler.core.model import Live, Manifest, Policy, Target
from reconciler.core.plan.plan import Plan
from reconciler.core.request.export_window import build_execution

BULK, S3 = "AmazonConnect://AppIntegrations", "s3://corp-knowledge/articles"
SCHEDULE = {"ExecutionMode": "SCHEDULED", "ScheduleConfiguration": {"ScheduleExpression": "rate(1 hour)"}}
TARGET = Target("prod", max_creates=99)


def build_plan(
    *manifests: Manifest,
    source: str = "",
    associations: Sequence[Live] = (),
    stored_journal: Journal | None = None,
    target: Target = TARGET,
) -> Plan:
    """Return the plan of a run, with its warnings."""
    listing = replace(observation(*associations), integrations=(replace(INTEGRATION, source=source),))
    preview = Preview(Plan(), stored_journal or journal(), listing, rules(), NOW)
    return preview.replan(target, manifests, listing).plan


@pytest.mark.parametrize("execution", [None, SCHEDULE])
def test_bulk_export_without_a_window_is_a_warning(execution: Any) -> None:
    """AWS documents a bulk export only as ON_DEMAND with a window. The warning stays while the association lives."""
    changes = {"ExecutionConfiguration": execution}
    for associations in ((), (live(**changes),)):
        (warning,) = build_plan(manifest(**changes), source=BULK, associations=associations).warnings
        assert warning.pointer == "/spec/ExecutionConfiguration"
        assert warning.message == (
            "AWS documents a bulk export only as ON_DEMAND with a window, and data integration 'profiles-export' "
            "is a bulk export: set ExecutionMode to ON_DEMAND, and set StartTime and EndTime in OnDemandConfiguration"
        )


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        (S3, "AWS is reported to answer a Create for an s3:// source with an explicit deny, and data integration"),
        ("Salesforce://AppFlow/crm", "Amazon Q in Connect creates the associations of Salesforce sources itself, and"),
        ("ServiceNow://x", "Amazon Q in Connect creates the associations of ServiceNow sources"),
        ("ZENDESK://x", "Amazon Q in Connect creates the associations of ZENDESK sources"),
        ("SharePoint://x", "Amazon Q in Connect creates the associations of SharePoint sources"),
    ],
)
def test_create_for_another_source_is_a_warning_until_it_exists(source: str, expected: str) -> None:
    """A source that customers do not associate themselves gives a warning at the manifest, unless List shows it."""
    (warning,) = build_plan(manifest(), source=source).warnings
    assert (warning.file, warning.line, warning.pointer) == ("export.yaml", 1, "/spec/DataIntegrationIdentifier")
    assert warning.message.startswith(expected)
    assert not build_plan(manifest(), source=source, associations=(live(),)).warnings


@pytest.mark.parametrize("source", [BULK, "", "no-uri", "Other://source"])
def test_documented_or_unknown_source_has_no_warning(source: str) -> None:
    """An ON_DEMAND bulk export, and a source that is unknown, have no warning."""
    assert not build_plan(manifest(), source=source).warnings


def test_manifest_that_creates_nothing_has_no_warning_about_its_source() -> None:
    """A manifest with policy.adopt or policy.retired, or without a data integration, has no warning."""
    for policy in (Policy(adopt=live().arn), Policy(retired="replaced")):
        assert not build_plan(manifest(policy=policy), source=S3).warnings
    assert not build_plan(manifest(DataIntegrationIdentifier="missing"), source=S3).warnings


@pytest.mark.parametrize(("continued_from", "count"), [(None, 1), (AUGUST.end, 0)])
def test_continue_from_without_effect_is_a_warning(continued_from: datetime | None, count: int) -> None:
    """If it is known how far the data was exported, window.continueFrom is named as without effect, unless it had one.

    The journal may also know nothing yet: the first run does not judge it.
    """
    stored_record = build_recurring_record(SEPTEMBER)
    assert stored_record.recurrence
    recurrence = replace(stored_record.recurrence, continued_from=continued_from)
    stored_journal = journal(replace(stored_record, recurrence=recurrence))
    desired = build_recurring_manifest(continue_from=AUGUST.end)
    shown = live(ExecutionConfiguration=build_execution(SEPTEMBER))
    warnings = build_plan(desired, associations=(shown,), stored_journal=stored_journal).warnings
    assert [each.pointer for each in warnings] == ["/window/continueFrom"] * count
    assert all("because exports continue from 2026-09-30 22:00:00Z: " in each.message for each in warnings)
    assert not build_plan(desired, associations=(shown,)).warnings
    in_target = build_plan(replace(desired, target="prod"), associations=(shown,), stored_journal=stored_journal)
    assert all("continueFrom has no effect in target 'prod', because" in each.message for each in in_target.warnings)
    assert len(in_target.warnings) == count


def build_associations(count: int) -> list[Live]:
    """Return live associations of one data integration."""
    return [live(f"a{n}", ClientId=f"c{n}", DestinationURI=f"s3://corp/{n}") for n in range(count)]


def test_nearly_full_data_integration_is_a_warning_once() -> None:
    """From nine of ten associations, the first manifest of the data integration has a warning about the quota."""
    manifests = [manifest("a", ClientId="c0", DestinationURI="s3://corp/0"), manifest("b", ClientId="b")]
    assert not build_plan(*manifests, associations=build_associations(7)).warnings
    (warning,) = build_plan(*manifests, associations=build_associations(8)).warnings
    assert (warning.file, warning.pointer) == ("a.yaml", "/spec/DataIntegrationIdentifier")
    assert warning.message.startswith(
        "data integration 'profiles-export' has 9 associations, and AssociationsPerIntegration of target 'prod' is 10: "
    )
    assert build_plan(*manifests, associations=build_associations(10)).warnings
    higher_target = replace(TARGET, associations_per_integration=11)
    assert not build_plan(*manifests, associations=build_associations(8), target=higher_target).warnings


def test_unanswered_create_counts_towards_the_warning() -> None:
    """A Create that List does not show yet counts. Retired manifests hide nothing from the quota."""
    pending = replace(record(), state=CreatePending(1, NOW, NOW))
    associations = build_associations(8)
    assert build_plan(manifest(), associations=associations, stored_journal=journal(pending)).warnings
    retired = manifest(policy=Policy(retired="replaced"))
    (warning,) = build_plan(retired, associations=build_associations(9)).warnings
    assert "has 9 associations" in warning.message


def test_warnings_do_not_change_the_plan() -> None:
    """The decisions and the reviewed writes are the same with and without a warning."""
    warned, sound = (build_plan(manifest(), source=source) for source in (S3, BULK))
    assert warned.warnings
    assert (warned.decisions, warned.reviewed_writes) == (sound.decisions, sound.reviewed_writes)


def build_october(name: str, integration: str) -> Manifest:
    """Return a manifest that exports October 2026 to a destination of its own."""
    return manifest(
        name,
        DataIntegrationIdentifier=integration,
        DestinationURI=f"s3://corp/{name}",
        ExecutionConfiguration=build_execution(OCTOBER),
    )


def test_overlap_of_name_and_uuid_is_a_warning() -> None:
    """Manifests that name one data integration by its name and its UUID share it, and export twice. Only AWS knows."""
    plan = build_plan(build_october("a", INTEGRATION.name), build_october("b", INTEGRATION.uuid))
    sharing, warning = plan.warnings
    assert (warning.file, warning.line, warning.pointer) == ("b.yaml", 1, "/spec/ExecutionConfiguration")
    assert (sharing.file, sharing.pointer) == ("b.yaml", "/spec/DataIntegrationIdentifier")
    assert sharing.message.startswith("the manifest 'a' at a.yaml:1 uses the same data integration, and AWS may refuse")
    assert warning.message == (
        "the window overlaps the window of the manifest 'a' at a.yaml:1: the data of their data integration from "
        "2026-09-30 22:00Z to 2026-10-31 23:00Z would be exported twice: change one of the windows"
    )
    assert build_plan(build_october("a", INTEGRATION.arn), build_october("b", INTEGRATION.name)).warnings


def test_overlap_that_validation_sees_is_no_second_warning() -> None:
    """The same name, and the UUID beside the ARN that contains it, have their warning without an answer of AWS."""
    for first, second in ((INTEGRATION.name, INTEGRATION.name), (INTEGRATION.uuid, INTEGRATION.arn)):
        assert not build_plan(build_october("a", first), build_october("b", second)).warnings


def test_unknown_data_integration_overlaps_nothing() -> None:
    """Two identifiers that AWS does not know are not taken for one data integration."""
    assert not build_plan(build_october("a", "missing"), build_october("b", "gone")).warnings
