"""A warning names its position in a revision, and does not stop a run."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from reconciler.core.errors import InvalidManifests
from reconciler.core.manifests.files import File
from reconciler.core.manifests.validation import ValidationResult
from reconciler.core.model import Desired
from reconciler.edge.manifests import load_manifests

NOW = datetime(2026, 11, 1, 0, 15, tzinfo=UTC)
MANIFEST = """\
apiVersion: appintegrations.reconciler/v1
kind: DataIntegrationAssociation
metadata: {name: NAME}
spec:
  DataIntegrationIdentifier: INTEGRATION
  DestinationURI: s3://exports/NAME
  ExecutionConfiguration:
    ExecutionMode: ON_DEMAND
    OnDemandConfiguration:
      StartTime: 2026-10-01T00:00:00Z
      EndTime: 2026-11-01T00:00:00Z
"""
SEPTEMBER = MANIFEST.replace("2026-10-01", "2026-09-01").replace("2026-11-01", "2026-10-01")
TARGET = """\
apiVersion: appintegrations.reconciler/v1
kind: Target
metadata: {name: dublin}
spec:
  AccountId: "123456789012"
  Region: eu-west-1
"""


def build_manifest(name: str, integration: str = "profiles", text: str = MANIFEST) -> File:
    """Return a file with one manifest."""
    return File(f"{name}.yaml", text.replace("NAME", name).replace("INTEGRATION", integration).encode())


def format_warnings(desired: Desired) -> list[str]:
    """Return the warnings as lines."""
    return [str(warning) for warning in desired.warnings]


def test_window_that_ends_now_is_warned_about_at_its_line() -> None:
    """With `start: at-once`, a window that ends now has a warning at its line, and half an hour later it has none."""
    at_once = build_manifest("a", text=MANIFEST + "policy: {start: at-once}\n")
    (warning,) = format_warnings(load_manifests([at_once], NOW))
    assert warning.startswith(
        "a.yaml:11:16: /spec/ExecutionConfiguration/OnDemandConfiguration/EndTime: data of the last 30 minutes before"
    )
    assert format_warnings(load_manifests([at_once], NOW.replace(hour=1))) == []
    assert format_warnings(load_manifests([build_manifest("a")], NOW)) == []


def test_two_manifests_on_one_data_integration_are_warned_about() -> None:
    """A second manifest on a data integration has a warning that names the first."""
    now = NOW.replace(day=3)
    files = [build_manifest("a"), build_manifest("b", text=SEPTEMBER), build_manifest("c", "crm")]
    (warning,) = format_warnings(load_manifests(files, now))
    assert warning.startswith(
        "b.yaml:5:30: /spec/DataIntegrationIdentifier: the manifest 'a' at a.yaml:1 uses the same"
    )


def test_adopting_manifests_on_one_data_integration_have_no_warning() -> None:
    """A manifest that adopts a second association has no warning, because AWS has accepted the association."""
    arn = "arn:aws:app-integrations:us-east-1:123456789012:data-integration-association/i/a"
    second = build_manifest("b", text=MANIFEST + f"policy: {{adopt: {arn}}}\n")
    assert format_warnings(load_manifests([build_manifest("a"), second], NOW.replace(day=3))) == []


def test_retired_manifests_on_one_data_integration_have_no_warning() -> None:
    """A retired manifest has no warning about its data integration, because it creates nothing."""
    second = build_manifest("b", text=MANIFEST + "policy: {retired: replaced}\n")
    warnings = format_warnings(load_manifests([build_manifest("a"), second], NOW.replace(day=3)))
    assert not any("/spec/DataIntegrationIdentifier" in each for each in warnings)


def test_region_without_appintegrations_is_warned_about() -> None:
    """A Region without AppIntegrations has a warning at its Target, with the known Regions."""
    (warning,) = format_warnings(load_manifests([File("t.yaml", TARGET.encode())], NOW))
    assert warning.startswith(
        "t.yaml:6:11: /spec/Region: AppIntegrations may not be available in eu-west-1: its known Regions are af-"
    )


def test_warning_about_a_target_policy_is_given_once_at_the_target() -> None:
    """A risky policy of a Target has one warning, which names the first manifest; that of a manifest has its own."""
    target = TARGET.replace("eu-west-1", "us-east-1") + "  Policy: {onLoss: recreate}\n"
    with_policy = build_manifest("c", "c", MANIFEST + "policy: {onLoss: recreate}\n")
    files = [File("t.yaml", target.encode()), build_manifest("a", "a"), build_manifest("b", "b"), with_policy]
    manifest_warning, target_warning = format_warnings(load_manifests(files, NOW.replace(day=3)))
    assert manifest_warning.startswith("c.yaml:12:18: /policy/onLoss: recreate exports the data again if List stops")
    assert target_warning.startswith("t.yaml:7:20: /spec/Policy/onLoss: recreate exports the data again if List stops")
    assert "as for 'a' at a.yaml:1" in target_warning
    assert format_warnings(load_manifests([File("t.yaml", target.encode())], NOW)) == []


ARN = "arn:aws:app-integrations:us-east-1:123456789012:data-integration/"
UUID = "0f1e2d3c-4b5a-4697-8877-665544332211"


def test_uuid_and_arn_name_the_same_data_integration() -> None:
    """A UUID and an ARN of the same data integration are recognised as equal in a warning."""
    other = build_manifest("c", UUID.replace("0", "1"))
    files = [build_manifest("a", UUID), build_manifest("b", ARN + UUID, SEPTEMBER), other]
    (warning,) = format_warnings(load_manifests(files, NOW.replace(day=3)))
    assert warning.startswith(
        "b.yaml:5:30: /spec/DataIntegrationIdentifier: the manifest 'a' at a.yaml:1 uses the same"
    )


def test_a_natural_key_is_the_same_by_uuid_and_arn() -> None:
    """Two manifests with the same natural key are rejected, even if one has a UUID and the other an ARN."""
    text = MANIFEST.replace("s3://exports/NAME", "s3://exports/x")
    with pytest.raises(InvalidManifests) as error:
        load_manifests([build_manifest("a", UUID, text), build_manifest("b", ARN + UUID, text)], NOW)
    (problem,) = error.value.problems
    assert problem.message.startswith("the manifest 'a' at a.yaml:1 has the same DataIntegrationIdentifier")
    load_manifests([build_manifest("a", "profiles", text), build_manifest("b", ARN + UUID, text)], NOW)


def test_empty_revision_is_a_note_and_not_a_warning() -> None:
    """An empty revision has a note, which --strict does not treat as an error, and no warning."""
    for files in ([], [File("t.yaml", TARGET.replace("eu-west-1", "us-east-1").encode())]):
        desired = load_manifests(files, NOW)
        assert desired.warnings == ()
        assert [str(each) for each in ValidationResult.from_desired(desired, None).warnings] == [
            "all given files: no file contains a DataIntegrationAssociation: nothing will be created"
        ]
    with_manifest = load_manifests([build_manifest("a")], NOW)
    assert with_manifest.all_warnings == with_manifest.warnings


def test_each_target_has_the_warnings_about_it() -> None:
    """A part of a revision has the warnings about its target. Those about no target are no part of any target."""
    without_end = MANIFEST.replace("      EndTime: 2026-11-01T00:00:00Z\n", "")
    selected = without_end.replace("spec:", "targets: [dublin, cork]\nspec:")
    unselected = MANIFEST.replace("spec:", "targets: [galway]\nspec:")
    known, unknown = TARGET.replace("eu-west-1", "eu-west-2"), TARGET.replace("dublin", "cork")
    documents = {"shared": selected, "nowhere": unselected}
    manifests = [build_manifest(name, name, text) for name, text in documents.items()]
    targets = [File(f"{name}.yaml", text.encode()) for name, text in {"dublin": known, "cork": unknown}.items()]
    desired = load_manifests([*targets, *manifests], NOW)
    parts = {name: desired.select_target(name) for name in ("dublin", "cork")}
    assert [(name, each.targets[0].name, len(each.targets)) for name, each in parts.items()] == [
        ("dublin", "dublin", 1),
        ("cork", "cork", 1),
    ]
    assert [each.file for each in parts["dublin"].all_warnings] == ["shared.yaml"]
    assert [each.file for each in parts["cork"].all_warnings] == ["cork.yaml", "shared.yaml"]
    assert [each.file for each in desired.general_warnings] == ["nowhere.yaml"]
    assert len(desired.all_warnings) == 3
