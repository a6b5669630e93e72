"""Builders of test values, with defaults for everything that a test does not set."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from reconciler.core.journal.jobs import Job, JobSource
from reconciler.core.journal.records import Bound, Journal, Record
from reconciler.core.model import (
    Execution,
    Integration,
    Live,
    Manifest,
    Mode,
    Observation,
    Origin,
    Policy,
    Spec,
    Unobserved,
)
from reconciler.core.plan.inputs import RunOptions, RunRules
from reconciler.core.ports import Clock
from reconciler.core.request.export_window import starts_export
from reconciler.core.request.normalise import normalise, resolve_request
from reconciler.core.request.token import compute_client_token
from reconciler.core.run_context import RunContext
from reconciler.core.windows.declaration import Period, WindowDeclaration

NOW = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)
SETTLE = timedelta(minutes=15)
ACCOUNT, REGION = "123456789012", "us-east-1"
INTEGRATION = Integration(
    f"arn:aws:app-integrations:{REGION}:{ACCOUNT}:data-integration/00000000-0000-4000-8000-000000000001",
    "profiles-export",
)
ON_DEMAND: dict[str, Any] = {
    "ExecutionMode": "ON_DEMAND",
    "OnDemandConfiguration": {"StartTime": "1790812800000", "EndTime": "1793491200000"},
}


def spec(**changes: Any) -> Spec:
    """Return a normalised request of a bulk export. A change to None removes a member."""
    request: dict[str, Any] = {
        "DataIntegrationIdentifier": INTEGRATION.name,
        "ObjectConfiguration": {"CustomerProfiles": {"domainName": ["my-domain"], "objectType": ["_profile"]}},
        "DestinationURI": "s3://corp-exports/2026-10",
        "ExecutionConfiguration": ON_DEMAND,
    }
    return normalise(request | changes)


def manifest(name: str = "export", policy: Policy | None = None, **changes: Any) -> Manifest:
    """Return a manifest of a bulk export."""
    return Manifest(name, None, policy or Policy(), spec(**changes), Origin(f"{name}.yaml", 1, 1))


def window(every: str = "month", zone: str = "UTC", **changes: Any) -> WindowDeclaration:
    """Return the declaration of recurring windows since 2026-01-01."""
    values = {"first": date(2026, 1, 1)} | changes
    return WindowDeclaration(every=Period(every), zone_name=zone, zone=ZoneInfo(zone), **values)


def recurring_manifest(
    declaration: WindowDeclaration | None = None, policy: Policy | None = None, name: str = "export"
) -> Manifest:
    """Return a manifest of a bulk export with recurring windows, which permits updates."""
    members = {key: value for key, value in spec().items() if key != "ExecutionConfiguration"}
    own_window, own_policy = declaration or window(), policy or Policy(mode=Mode.CREATE_AND_UPDATE)
    own_policy = replace(own_policy, delay=own_window.delay)
    return Manifest(name, None, own_policy, members, Origin(f"{name}.yaml", 1, 1), own_window)


def request(**changes: Any) -> Spec:
    """Return the resolved request of a bulk export."""
    return resolve_request(spec(**changes), INTEGRATION.arn)


def live(id_: str = "a1", *, status: str | None = "COMPLETED", **changes: Any) -> Live:
    """Return a live association as List shows it, with the status of its last job."""
    members = {
        key: value
        for key, value in request(**changes).items()
        if key not in {"ObjectConfiguration", "ClientAssociationMetadata"}
    }
    return Live(
        f"arn:aws:app-integrations:{REGION}:{ACCOUNT}:data-integration-association/i/{id_}",
        members,
        Execution(status, None) if status else None,
    )


def record(name: str = "export", id_: str = "a1", **changes: Any) -> Record:
    """Return the record of an association that was created an hour ago, and whose export was completed."""
    resolved_request = request(**changes)
    created_at = NOW - timedelta(hours=1)
    job = Job(
        JobSource.CREATE, created_at, is_accepted=True, shown_at=created_at, result="COMPLETED", ended_at=created_at
    )
    bound = Bound(id_, created_at, live(id_).arn, job=job if starts_export(resolved_request) else None)
    return Record(name, resolved_request, compute_client_token(resolved_request, 0), 0, 1, bound)


def journal(*records: Record) -> Journal:
    """Return a journal with records."""
    return Journal(ACCOUNT, REGION, "lineage", 7, {each.name: each for each in records})


def observation(*live_associations: Live, unobserved: str | None = None) -> Observation:
    """Return an observation of one data integration: its associations, or the reason why they could not be listed."""
    associations: Mapping[str, tuple[Live, ...] | Unobserved] = {
        INTEGRATION.arn: Unobserved(unobserved) if unobserved else live_associations
    }
    return Observation((INTEGRATION,), associations, NOW)


def context(clock: Clock, mode: Mode = Mode.CREATE, **changes: Any) -> RunContext:
    """Return the context of a run without progress and without a stop request."""
    values: dict[str, Any] = {
        "options": RunOptions(mode, SETTLE),
        "progress": lambda *_: None,
        "is_stopped": lambda: False,
    }
    return RunContext(clock=clock, **values | changes)


def rules(mode: Mode = Mode.CREATE, now: datetime = NOW) -> RunRules:
    """Return the rules of a run."""
    return RunRules(RunOptions(mode, SETTLE), now)
