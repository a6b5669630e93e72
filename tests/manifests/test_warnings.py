"""What is only unwise in a revision is said with its place, and never stops it."""

from __future__ import annotations

from datetime import UTC, datetime

from reconciler.core.files import File
from reconciler.core.model import Desired
from reconciler.edge.manifests import read

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
TARGET = """\
apiVersion: appintegrations.reconciler/v1
kind: Target
metadata: {name: dublin}
spec:
  AccountId: "123456789012"
  Region: eu-west-1
"""


def manifest(name: str, integration: str = "profiles", text: str = MANIFEST) -> File:
    """Return a file of one manifest."""
    return File(f"{name}.yaml", text.replace("NAME", name).replace("INTEGRATION", integration).encode())


def said(desired: Desired) -> list[str]:
    """Return the warnings as lines."""
    return [str(warning) for warning in desired.warnings]


def test_a_window_that_ends_now_is_told_at_its_line() -> None:
    """And half an hour later no more."""
    (warning,) = said(read([manifest("a")], NOW))
    assert warning.startswith(
        "a.yaml:11:16: /spec/ExecutionConfiguration/OnDemandConfiguration/EndTime: the window ends"
    )
    assert said(read([manifest("a")], NOW.replace(hour=1))) == []


def test_two_manifests_on_one_data_integration_are_told() -> None:
    """The second and each further one names the first."""
    later = NOW.replace(day=3)
    files = [manifest("a"), manifest("b"), manifest("c", "crm")]
    (warning,) = said(read(files, later))
    assert warning.startswith("b.yaml:5:30: /spec/DataIntegrationIdentifier: the manifest 'a' at a.yaml:1 is on this")


def test_what_takes_live_associations_over_is_not_spoken_of() -> None:
    """They are there already: AWS did take the second one."""
    arn = "arn:aws:app-integrations:us-east-1:123456789012:data-integration-association/i/a"
    second = manifest("b", text=MANIFEST + f"policy: {{adopt: {arn}}}\n")
    assert said(read([manifest("a"), second], NOW.replace(day=3))) == []


def test_a_region_without_appintegrations_is_told() -> None:
    """At the Target that names it, with those that are known."""
    (warning,) = said(read([File("t.yaml", TARGET.encode())], NOW))
    assert warning.startswith(
        "t.yaml:6:11: /spec/Region: AppIntegrations is not known to be in eu-west-1: it is in af-"
    )


def test_a_policy_of_the_target_is_told_at_the_manifest() -> None:
    """There is no place of its own to point to: the nearest is the manifest."""
    target = TARGET.replace("eu-west-1", "us-east-1") + "  Policy: {onLoss: recreate}\n"
    (warning,) = said(read([File("t.yaml", target.encode()), manifest("a")], NOW.replace(day=3)))
    assert warning.startswith("a.yaml:1:1: /policy/onLoss: exports again")
