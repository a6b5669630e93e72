"""The output of a credential_process is checked before botocore reads it, and no fault shows any of its text."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.edge.aws.credential_process import find_output_flaw

KEYS = {"Version": 1, "AccessKeyId": "AKIAEXAMPLE", "SecretAccessKey": "key"}


@pytest.mark.parametrize(
    "members",
    [
        {},
        {"SessionToken": "token", "Expiration": "2026-12-31T23:59:59Z"},
        {"SessionToken": None, "Expiration": None, "AccountId": "123456789012"},
        {"Expiration": "2026-12-31T23:59:59.123456789+02:00"},
    ],
)
def test_documented_output_is_accepted(members: dict[str, object]) -> None:
    """Keys, with or without a token and an expiry, have no fault."""
    assert find_output_flaw(json.dumps(KEYS | members).encode()) is None


@pytest.mark.parametrize(
    ("members", "flaw"),
    [
        ({"Version": 2}, 'lacks "Version": 1'),
        ({"SecretAccessKey": ""}, "lacks SecretAccessKey"),
        ({"AccessKeyId": None}, "lacks AccessKeyId"),
        ({"SessionToken": 5}, "SessionToken in its output is not a text"),
        ({"Expiration": 1798761599}, "Expiration in its output is not a time with a time zone"),
        ({"Expiration": "tomorrow"}, "Expiration in its output is not a time with a time zone"),
    ],
)
def test_fault_names_the_member(members: dict[str, object], flaw: str) -> None:
    """A member that is missing or of the wrong type is named."""
    assert flaw in str(find_output_flaw(json.dumps(KEYS | members).encode()))


def test_deep_nesting_is_a_fault() -> None:
    """Brackets without end are no JSON document, and no crash."""
    assert find_output_flaw(b"[" * 100_000) == "it printed no JSON document"


@given(st.binary(min_size=1))
def test_fault_shows_nothing_of_the_output(output: bytes) -> None:
    """Any other output gives one of the fixed texts."""
    fixed = ("it printed nothing", "it printed no JSON document", "it printed JSON that is not an object")
    assert find_output_flaw(output) in (*fixed, 'its output lacks "Version": 1')
