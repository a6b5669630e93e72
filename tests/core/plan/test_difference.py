"""Differences: drift and changes are distinguished, and equivalent spellings are no difference."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.builders import ON_DEMAND, live, request, spec

from reconciler.core.model import Spec
from reconciler.core.plan.difference import Difference, compare, with_live_values
from reconciler.core.request.normalise import normalise

START = "/ExecutionConfiguration/OnDemandConfiguration/StartTime"
END = "/ExecutionConfiguration/OnDemandConfiguration/EndTime"


def change_time(member: str) -> dict[str, Any]:
    """Return the ExecutionConfiguration with another time in one member."""
    window: dict[str, Any] = dict(ON_DEMAND["OnDemandConfiguration"])
    return {**ON_DEMAND, "OnDemandConfiguration": {**window, member: "1800000000000"}}


def test_member_that_aws_does_not_show_is_not_drift() -> None:
    """A member that List never shows, such as ObjectConfiguration, is no drift."""
    assert compare(request(), request(), live().spec) == ()


def test_drift_compares_live_with_applied() -> None:
    """A live value that differs from the applied one is drift, with all three values."""
    live_spec = live(ExecutionConfiguration=change_time("StartTime")).spec
    (difference,) = compare(request(), request(), live_spec)
    assert difference == Difference(START, "1790812800000", "1790812800000", "1800000000000")
    assert (difference.is_drifted, difference.is_changed, difference.is_updatable) == (True, False, True)


def test_change_compares_git_with_applied() -> None:
    """A value in git that differs from the applied one is a change, and no drift."""
    (difference,) = compare(request(ExecutionConfiguration=change_time("EndTime")), request(), live().spec)
    assert (difference.path, difference.is_drifted, difference.is_changed) == (END, False, True)


def test_simultaneous_drift_and_change_are_both_reported() -> None:
    """If both git and AWS differ from the applied value, the difference is both change and drift."""
    desired = request(ExecutionConfiguration=change_time("StartTime"))
    other_window: dict[str, Any] = {
        "ExecutionMode": "ON_DEMAND",
        "OnDemandConfiguration": {"StartTime": "1700000000000"},
    }
    differences = {
        each.path: each for each in compare(desired, request(), live(ExecutionConfiguration=other_window).spec)
    }
    assert (differences[START].is_drifted, differences[START].is_changed) == (True, True)
    assert (differences[END].live, differences[END].is_drifted, differences[END].is_changed) == (None, True, False)


def test_change_of_a_hidden_member_is_detected() -> None:
    """A change in a member that AWS never shows is found by comparing git with the journal."""
    desired = request(ObjectConfiguration={"CustomerProfiles": {"objectType": ["_asset"]}})
    differences = compare(desired, request(), live().spec)
    assert [each.path for each in differences] == [
        "/ObjectConfiguration/CustomerProfiles/domainName",
        "/ObjectConfiguration/CustomerProfiles/objectType",
    ]
    assert not any(each.is_drifted or each.is_updatable for each in differences)


def test_ignored_member_cannot_drift_but_can_change() -> None:
    """policy.ignore hides drift in a member, and does not hide changes in git."""
    live_spec = live(ExecutionConfiguration=change_time("EndTime")).spec
    assert compare(request(), request(), live_spec, (END,)) == ()
    assert compare(request(), request(), live_spec, ("/ExecutionConfiguration",)) == ()
    assert compare(request(), request(), live_spec, ("/ExecutionConfiguration/OnDemand",)) != ()
    desired = request(ExecutionConfiguration=change_time("EndTime"))
    assert [each.path for each in compare(desired, request(), live().spec, (END,))] == [END]


def test_keys_are_escaped_as_json_pointers() -> None:
    """A slash or tilde in a key is escaped in the path (RFC 6901)."""
    (difference,) = compare(spec(ClientAssociationMetadata={"a/b~c": "x"}), spec(), spec())
    assert difference.path == "/ClientAssociationMetadata/a~1b~0c"


@given(st.dictionaries(st.sampled_from(["ClientId", "DestinationURI"]), st.text(min_size=1), max_size=2))
def test_a_request_does_not_differ_from_itself(changes: dict[str, Any]) -> None:
    """Equal requests have no differences."""
    same: Spec = request(**changes)
    assert compare(same, same, live(**changes).spec) == ()


def respell(window: dict[str, Any], **members: Any) -> Spec:
    """Return a live association as List might spell it, normalised like every other."""
    execution: dict[str, Any] = {**members, "OnDemandConfiguration": window, "ExecutionMode": "ON_DEMAND"}
    return normalise({**live().spec, "ExecutionConfiguration": execution})


@pytest.mark.parametrize(
    "live_spec",
    [
        respell({"EndTime": "2026-11-01T00:00:00Z", "StartTime": "2026-10-01T00:00:00.000Z"}),
        respell({"EndTime": "2026-11-01T01:00:00+01:00", "StartTime": "1790812800000"}),
        respell({"EndTime": 1793491200000, "StartTime": 1790812800000.0}),
        respell(ON_DEMAND["OnDemandConfiguration"], ScheduleConfiguration={}),
        respell(ON_DEMAND["OnDemandConfiguration"], ScheduleConfiguration={"Object": "", "FirstExecutionFrom": None}),
        normalise({**live().spec, "ClientId": ""}),
        normalise(dict(sorted(live().spec.items(), reverse=True))),
    ],
)
def test_equivalent_spelling_by_aws_is_not_a_difference(live_spec: Spec) -> None:
    """Other spellings of a time, numbers for strings, empty members and another order are no difference."""
    assert compare(request(), request(), live_spec) == ()


SPEC_PAIRS: list[tuple[Spec, Spec]] = [
    ({"A": {"b": "1", "c": "2"}}, {"A": {"b": "1"}}),
    ({"A": {"b": {"c": "1"}}}, {"A": {"d": "2"}}),
    ({"A": {"b": "1"}}, {"A": {}}),
    ({"A": {}}, {"A": {"b": "1"}}),
    ({"A": "1"}, {"A": {"b": "1"}}),
    ({"A": {"b": "1"}}, {"A": "1"}),
    ({"A": {"x/y": "1", "~1": "2"}}, {"A": {"x/y": "3", "~1": "4"}}),
    ({"A": ("1",)}, {"A": ("1", "2")}),
    ({}, {"A": {"b": {}}}),
]


@pytest.mark.parametrize(("desired_request", "live_spec"), SPEC_PAIRS)
def test_request_taken_from_live_has_no_drift(desired_request: Spec, live_spec: Spec) -> None:
    """A request with the live values has no drift, and keeps the members that AWS never shows."""
    hidden = {"ObjectConfiguration": {"a": {"b": ("c",)}}}
    applied = {**desired_request, **hidden}
    updated = with_live_values(applied, compare(applied, applied, live_spec))
    assert updated == {**live_spec, **hidden}
    assert compare(updated, updated, live_spec) == ()
