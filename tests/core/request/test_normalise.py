"""A request has one normal form, regardless of how the manifest writes it, and its problems have JSON Pointers."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.model import UNREADABLE, Json
from reconciler.core.request.normalise import find_spec_problems, list_unreadable_pointers, normalise, resolve_request
from reconciler.core.request.token import compute_client_token

LEAF = (
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5)
)
TREE: st.SearchStrategy[Any] = st.recursive(
    LEAF, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=4)
)
TIMES = st.sampled_from(["1790812800000", "2026-10-01T00:00:00Z", "01790812800000", "never", "", "9" * 5000]) | TREE
SPECS = st.fixed_dictionaries(
    {"DataIntegrationIdentifier": st.text(max_size=5)},
    optional={
        "ObjectConfiguration": TREE,
        "ExecutionConfiguration": TREE
        | st.fixed_dictionaries(
            {},
            optional={
                "ExecutionMode": TREE,
                "OnDemandConfiguration": st.fixed_dictionaries({}, optional={"StartTime": TIMES, "EndTime": TIMES}),
                "ScheduleConfiguration": TREE
                | st.fixed_dictionaries({}, optional={"FirstExecutionFrom": TIMES, "ScheduleExpression": TREE}),
            },
        ),
    },
)
WINDOW = "/ExecutionConfiguration/OnDemandConfiguration"
BASE: dict[str, Any] = {"DataIntegrationIdentifier": "profiles-export", "DestinationURI": "s3://b/p"}


def build_window_request(**members: Any) -> dict[str, Any]:
    """Return a request with an ON_DEMAND window."""
    return {**BASE, "ExecutionConfiguration": {"ExecutionMode": "ON_DEMAND", "OnDemandConfiguration": members}}


def reverse_keys(value: Any) -> Any:
    """Return a tree with the keys of every mapping in reverse order."""
    if isinstance(value, dict):
        return {key: reverse_keys(value[key]) for key in reversed(value)}
    return [reverse_keys(item) for item in value] if isinstance(value, list) else value


@given(SPECS)
def test_normalising_twice_equals_normalising_once(spec: dict[str, Any]) -> None:
    """Normalising a normalised request does not change it."""
    normalised = normalise(spec)
    assert normalise(normalised) == normalised


@given(SPECS)
def test_normalising_does_not_change_its_input(spec: dict[str, Any]) -> None:
    """Normalising does not change the caller's request."""
    before = json.dumps(spec)
    normalise(spec)
    assert json.dumps(spec) == before


@given(SPECS)
def test_normalised_request_does_not_depend_on_key_order(spec: dict[str, Any]) -> None:
    """The order of keys changes neither the normalised request nor its ClientToken."""
    assert normalise(reverse_keys(spec)) == normalise(spec)
    assert compute_client_token(normalise(reverse_keys(spec)), 0) == compute_client_token(normalise(spec), 0)


@given(SPECS)
def test_normalised_request_has_no_empty_members(spec: dict[str, Any]) -> None:
    """A normalised request has no empty members, and its ExecutionConfiguration has no empty values or numbers."""

    def check_members(tree: Mapping[str, Json]) -> None:
        for value in tree.values():
            assert value not in (None, "", [], {})
            assert not isinstance(value, int | float)
            if isinstance(value, Mapping):
                check_members(value)

    normalised = normalise(spec)
    assert not any(value in (None, "", [], {}) for value in normalised.values())
    execution = normalised.get("ExecutionConfiguration", {})
    assert isinstance(execution, Mapping)
    check_members(execution)


@given(SPECS)
def test_request_of_any_shape_can_be_checked(spec: dict[str, Any]) -> None:
    """A request of any shape is checked without an exception, and each problem has a pointer and a message."""
    for pointer, message in find_spec_problems(spec):
        assert pointer.startswith("/ExecutionConfiguration/")
        assert message


def test_empty_member_equals_a_missing_one() -> None:
    """A member that is {}, null, "" or [] equals a missing member."""
    empty: dict[str, Json] = {"ClientId": "", "ObjectConfiguration": {}, "ClientAssociationMetadata": None}
    assert normalise({**BASE, **empty, "ExecutionConfiguration": {"OnDemandConfiguration": {}}}) == BASE


def test_object_configuration_is_sent_as_written() -> None:
    """An empty map inside ObjectConfiguration is kept, because a request without it might export more."""
    spec = {**BASE, "ObjectConfiguration": {"CustomerProfiles": {}}}
    assert normalise(spec) == spec


def test_number_equals_its_string() -> None:
    """A number is normalised to its string, which AWS expects."""
    assert normalise(build_window_request(StartTime=1790812800000)) == normalise(
        build_window_request(StartTime="1790812800000")
    )


def test_iso_time_becomes_epoch_milliseconds() -> None:
    """Different notations of a time give the same request; an invalid time is unchanged."""
    specs = [
        build_window_request(StartTime="2026-10-01T00:00:00Z", EndTime="2026-11-01T01:00:00+01:00"),
        build_window_request(StartTime="1790812800000", EndTime="1793491200000"),
        build_window_request(StartTime="001790812800000", EndTime="2026-11-01T00:00Z"),
    ]
    assert [normalise(spec) for spec in specs] == [specs[1]] * 3
    assert normalise(build_window_request(StartTime="never")) == build_window_request(StartTime="never")


def test_times_are_converted_only_in_time_members() -> None:
    """Text that looks like a time is unchanged in members that are not times."""
    spec = {**BASE, "ClientId": "2026-10-01T00:00:00Z", "ClientAssociationMetadata": {"StartTime": "2026-10-01T00:00Z"}}
    assert normalise(spec) == spec


def test_a_list_keeps_its_order() -> None:
    """A list keeps its order and its duplicates, also a list that no known member has."""
    spec = {**BASE, "ObjectConfiguration": {"a": {"b": ["z", "a", "z"]}}, "ExecutionConfiguration": {"c": ["z", "a"]}}
    assert normalise(spec) == spec


def test_only_members_present_are_unverifiable() -> None:
    """Only members that a request has are listed as unverifiable."""
    assert list_unreadable_pointers(BASE) == ()
    assert list_unreadable_pointers(BASE | {UNREADABLE[0]: {"a": "b"}}) == (f"/{UNREADABLE[0]}",)
    assert list_unreadable_pointers(BASE | {name: {"a": "b"} for name in UNREADABLE}) == tuple(
        f"/{name}" for name in UNREADABLE
    )


def test_a_window_must_end_after_it_starts() -> None:
    """A window that does not end after its start is a problem, and the message shows both times in UTC."""
    pointer = f"{WINDOW}/EndTime"
    spec = build_window_request(StartTime="2026-10-01T02:00:00+02:00", EndTime="1790812800000")
    message = (
        "EndTime must be after StartTime: the window starts at 2026-10-01T00:00:00Z and ends at 2026-10-01T00:00:00Z"
    )
    assert list(find_spec_problems(spec)) == [(pointer, message)]
    assert (
        list(find_spec_problems(build_window_request(StartTime="2026-10-01T00:00:00Z", EndTime="1790812800001"))) == []
    )
    assert list(find_spec_problems(build_window_request(EndTime="1790812800000"))) == []


def test_resolving_a_request_does_not_change_the_manifest() -> None:
    """A resolved request has the ARN of the data integration, and the manifest keeps its own identifier."""
    assert resolve_request(BASE, "arn:x") == {**BASE, "DataIntegrationIdentifier": "arn:x"}
    assert BASE["DataIntegrationIdentifier"] == "profiles-export"


def test_a_malformed_schedule_is_a_problem_of_the_request() -> None:
    """A malformed schedule expression is a problem at its pointer in the request."""
    schedule = {"ScheduleConfiguration": {"ScheduleExpression": "hourly"}}
    ((pointer, message),) = find_spec_problems({**BASE, "ExecutionConfiguration": schedule})
    assert pointer == "/ExecutionConfiguration/ScheduleConfiguration/ScheduleExpression"
    assert message.startswith("'hourly' is neither rate(VALUE UNIT) nor cron(")


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
