"""Write the manifests of a fleet: targets in accounts of their own, each with a role and one association."""

from __future__ import annotations

from pathlib import Path

from benchmarks import inputs
from benchmarks.measure import RECONCILE, measure_cost

CALLS = 1 + inputs.INTEGRATIONS
"""The calls to AppIntegrations that a run without writes needs in a target: List, and List for each integration."""
RATE, BURST = 2, 5
"""The default pace of a Target."""
_UNLIMITED = "\n    RequestsPerSecond: 1000\n    Burst: 1000"
_FLEET = """\
apiVersion: appintegrations.reconciler/v1
kind: TargetSet
metadata: {{name: fleet}}
spec:
  template:
    Region: us-east-1
    RoleArn: arn:aws:iam::${{target.accountId}}:role/bench{pace}
  members:
{members}
---
apiVersion: appintegrations.reconciler/v1
kind: DataIntegrationAssociation
metadata: {{name: crm-hourly}}
targets: ["*"]
spec:
  DataIntegrationIdentifier: source-03
  DestinationURI: s3://corp-customer-exports/crm
  ExecutionConfiguration:
    ExecutionMode: SCHEDULED
    ScheduleConfiguration:
      FirstExecutionFrom: 2026-10-01T00:00:00Z
      Object: Account
      ScheduleExpression: rate(1 hour)
"""


def write(folder: Path, count: int, *, has_default_pace: bool = False) -> None:
    """Write a fleet of `count` targets. Without `has_default_pace`, the pace of a target delays no call."""
    members = "\n".join(
        f'    - {{name: target-{number:04}, AccountId: "{number:012}"}}' for number in range(1, count + 1)
    )
    path = folder / "manifests" / "fleet.yaml"
    path.parent.mkdir(exist_ok=True)
    path.write_text(_FLEET.format(pace="" if has_default_pace else _UNLIMITED, members=members), encoding="utf-8")


def build_command(url: str) -> tuple[str, ...]:
    """Return the command of a one-shot run, which fails if an association is not in sync."""
    return RECONCILE, "--endpoint-url", url, "--detailed-exitcode"


def create_associations(folder: Path, url: str, count: int) -> None:
    """Write a fleet and run it once, so that later runs find every association in sync."""
    write(folder, count)
    measure_cost((RECONCILE, "--endpoint-url", url, "--new-state", "--max-creates-total", str(count)), folder)
