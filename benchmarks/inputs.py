"""Write the manifests of the benchmarks, which resemble those in manifests/."""

from __future__ import annotations

from pathlib import Path

ACCOUNT = "123456789012"
REGION = "us-east-1"

_SCHEDULED = """\
# yaml-language-server: $schema=../schemas/data-integration-association.v1.json
# Sends the CRM's accounts every hour, starting on 1 October 2026.
apiVersion: appintegrations.reconciler/v1
kind: DataIntegrationAssociation
metadata:
  name: crm-hourly-{number}
  labels: {{team: contact-centre}}
spec:
  DataIntegrationIdentifier: {integration}
  DestinationURI: s3://corp-customer-exports/crm/{number}
  ExecutionConfiguration:
    ExecutionMode: SCHEDULED
    ScheduleConfiguration:
      FirstExecutionFrom: 2026-10-01T00:00:00Z
      Object: Account
      ScheduleExpression: rate(1 hour)
"""
_ON_DEMAND = """\
# yaml-language-server: $schema=../schemas/data-integration-association.v1.json
# Exports the customer profiles of October 2026, once.
apiVersion: appintegrations.reconciler/v1
kind: DataIntegrationAssociation
metadata:
  name: profiles-export-{number}
  labels: {{team: contact-centre, purpose: monthly-report}}
spec:
  DataIntegrationIdentifier: {integration}
  ObjectConfiguration:
    CustomerProfiles:
      domainName: [my-domain]
      objectType: [_profile]
  DestinationURI: s3://corp-customer-exports/profiles/{number}
  ExecutionConfiguration:
    ExecutionMode: ON_DEMAND
    OnDemandConfiguration:
      StartTime: 2026-10-01T00:00:00Z
      EndTime: 2026-11-01T00:00:00Z
"""
TARGET = f"""\
apiVersion: appintegrations.reconciler/v1
kind: Target
metadata:
  name: benchmark
spec:
  Region: {REGION}
  AccountId: "{ACCOUNT}"
  MaxCreates: 100
  RequestsPerSecond: 1000
  Burst: 100
"""
"""A Target with a rate limit that delays no call, because the baseline has no rate limit."""


INTEGRATIONS = 20
"""The default quota of data integrations in an account and Region."""


def name_integration(number: int) -> str:
    """Return the name of the data integration for a manifest. Manifests share `INTEGRATIONS` data integrations."""
    return f"source-{number % INTEGRATIONS:02}"


def format_scheduled_manifest(number: int, integration: str) -> str:
    """Return a manifest of a scheduled association."""
    return _SCHEDULED.format(number=f"{number:05}", integration=integration)


def format_on_demand_manifest(number: int, integration: str) -> str:
    """Return a manifest of a bulk export."""
    return _ON_DEMAND.format(number=f"{number:05}", integration=integration)


def write(folder: Path, count: int) -> None:
    """Write a Target and `count` manifests of associations below a folder."""
    manifests = folder / "manifests"
    manifests.mkdir()
    (manifests / "target.yaml").write_text(TARGET, encoding="utf-8")
    for number in range(count):
        manifest = format_scheduled_manifest(number, name_integration(number))
        (manifests / f"{number:05}.yaml").write_text(manifest, encoding="utf-8")
