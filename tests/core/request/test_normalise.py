"""Problems of a request that a JSON Schema cannot express are found, with their JSON Pointers."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.core.request.normalise import find_spec_problems

WINDOW = "/ExecutionConfiguration/OnDemandConfiguration"


@pytest.mark.parametrize(
    ("execution", "expected"),
    [
        ({"OnDemandConfiguration": {"StartTime": "1790812800000", "EndTime": "1793491200000"}}, {}),
        ({"OnDemandConfiguration": {"StartTime": "2026-10-01T00:00:00Z"}}, {}),
        ({"ScheduleConfiguration": {"ScheduleExpression": "rate(1 hour)"}}, {}),
        ({}, {}),
        ({"OnDemandConfiguration": "x", "ScheduleConfiguration": None}, {}),
        ({"OnDemandConfiguration": {"StartTime": 5}}, {}),
        (
            {"OnDemandConfiguration": {"StartTime": "2026-10-01T00:00:00Z", "EndTime": "2026-10-01T00:00:00Z"}},
            {f"{WINDOW}/EndTime": "EndTime must be after StartTime: the window starts at 2026-10-01T00:00:00Z"},
        ),
        ({"OnDemandConfiguration": {"StartTime": "2026-02-30T00:00:00Z"}}, {f"{WINDOW}/StartTime": "is not a time"}),
        (
            {"ScheduleConfiguration": {"FirstExecutionFrom": "2026-10-01T00:00:00", "ScheduleExpression": "hourly"}},
            {
                "/ExecutionConfiguration/ScheduleConfiguration/FirstExecutionFrom": "has no time zone",
                "/ExecutionConfiguration/ScheduleConfiguration/ScheduleExpression": "neither rate",
            },
        ),
    ],
)
def test_request_problems_have_json_pointers(execution: dict[str, Any], expected: dict[str, str]) -> None:
    """Each problem has the pointer of its member. Valid members, and members of the wrong type, have none."""
    problems = dict(find_spec_problems({"DataIntegrationIdentifier": "x", "ExecutionConfiguration": execution}))
    assert problems.keys() == expected.keys()
    for pointer, message in expected.items():
        assert message in problems[pointer]
