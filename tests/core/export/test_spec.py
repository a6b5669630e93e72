"""The spec of an exported manifest is readable, and says the same as AWS."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from support.builders import ACCOUNT, INTEGRATION, ON_DEMAND, REGION, live, observation
from support.previews import AMBIENT, preview

from reconciler.core.export.export import export_associations
from reconciler.core.model import Integration, Observation

ARN = f"arn:aws:app-integrations:{REGION}:{ACCOUNT}:data-integration"


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("profiles-export", "profiles-export"),
        ("no", "no"),
        (" ", INTEGRATION.arn),
        ("\ud83d", INTEGRATION.arn),
        ("a" * 256, INTEGRATION.arn),
        (f"{ARN}/00000000-0000-4000-8000-000000000002", INTEGRATION.arn),
        ("00000000-0000-4000-8000-000000000002", INTEGRATION.arn),
    ],
)
def test_unusable_data_integration_name_is_exported_as_arn(name: str, expected: str) -> None:
    """A data integration whose name is ambiguous or invalid is written as its ARN."""
    one = replace(INTEGRATION, name=name)
    other = Integration(f"{ARN}/00000000-0000-4000-8000-000000000002", "other")
    (exported,) = export_associations(AMBIENT, preview(Observation((one, other), {one.arn: (live(),), other.arn: ()})))
    spec: Any = exported.document["spec"]
    assert spec["DataIntegrationIdentifier"] == expected


def test_times_are_readable_only_when_equivalent() -> None:
    """A time that cannot be converted exactly stays as AWS shows it."""
    windows = {"1790812800000": "2026-10-01T00:00:00Z", "17": "17", "soon": "soon"}
    for aws_time, expected in windows.items():
        execution = {**ON_DEMAND, "OnDemandConfiguration": {"EndTime": aws_time, "StartTime": aws_time}}
        (exported,) = export_associations(AMBIENT, preview(observation(live(ExecutionConfiguration=execution))))
        spec: Any = exported.document["spec"]
        assert spec["ExecutionConfiguration"]["OnDemandConfiguration"] == {"StartTime": expected, "EndTime": expected}
