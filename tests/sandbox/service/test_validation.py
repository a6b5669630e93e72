"""The sandbox refuses every request that violates the service model."""

import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.sandbox.service.errors import InvalidRequestError
from reconciler.sandbox.service.service import AppIntegrations
from reconciler.sandbox.service.validation import LINEAR_URI, URI, load_model, validate

CREATE = "CreateDataIntegrationAssociation"
GOOD: dict[str, Any] = {"DataIntegrationIdentifier": "profiles-export"}


@given(st.text(alphabet="aZ0_:/.-!@#+=,é \n", max_size=12))
def test_linear_pattern_matches_like_the_model_on_short_text(text: str) -> None:
    """On short text, the linear pattern matches exactly when the model's pattern matches."""
    assert bool(re.search(LINEAR_URI, text, re.ASCII)) == bool(re.search(URI, text, re.ASCII))


@given(st.text(alphabet="a/.,", max_size=8))
def test_linear_pattern_matches_like_the_model_on_uris(rest: str) -> None:
    """On text that begins like a URI, both patterns agree too."""
    uri = f"s3://{rest}"
    assert bool(re.search(LINEAR_URI, uri, re.ASCII)) == bool(re.search(URI, uri, re.ASCII))


@pytest.mark.parametrize("shape", ["DestinationURI", "SourceURI"])
def test_model_still_has_the_pattern(shape: str) -> None:
    """The installed botocore has the pattern that the linear pattern replaces."""
    assert load_model().shape_for(shape).metadata["pattern"] == URI


def test_longest_wrong_uri_is_refused_at_once() -> None:
    """A thousand characters that almost match are refused without a slow pattern search."""
    with pytest.raises(InvalidRequestError, match="/DestinationURI"):
        validate(CREATE, GOOD | {"DestinationURI": "s3://" + "a" * 994 + " "})


@pytest.mark.parametrize(
    "members",
    [
        {"DestinationURI": "no uri"},
        {"DestinationURI": "s3://" + "a" * 996},
        {"ClientId": ""},
        {"ClientId": "x" * 256},
        {"ClientId": 1},
        {"ClientToken": "x" * 2049},
        {"DataIntegrationIdentifier": " "},
        {"ExecutionConfiguration": {}},
        {"ExecutionConfiguration": {"ExecutionMode": "NEVER"}},
        {"ExecutionConfiguration": {"ExecutionMode": "ON_DEMAND", "OnDemandConfiguration": {}}},
        {"ExecutionConfiguration": {"ExecutionMode": "SCHEDULED", "ScheduleConfiguration": {"Object": "a"}}},
        {"ObjectConfiguration": {"a": {"b": ["white space"]}}},
        {"ObjectConfiguration": {"a": {"b": []}}},
        {"ObjectConfiguration": {"a": {"b": ["x"] * 2049}}},
        {"ObjectConfiguration": {"k" * 256: {"b": ["x"]}}},
        {"ObjectConfiguration": {"a": ["b"]}},
        {"ClientAssociationMetadata": {"a": " "}},
        {"Surprise": 1},
    ],
)
def test_request_that_violates_the_model_is_refused(service: AppIntegrations, members: dict[str, Any]) -> None:
    """A request with an invalid type, length, pattern, enum value or member is refused and not executed."""
    with pytest.raises(InvalidRequestError):
        service.call(CREATE, GOOD | members)
    assert service.executed_writes == ()


def test_refusal_names_every_invalid_member() -> None:
    """A refusal names every invalid member."""
    with pytest.raises(InvalidRequestError) as error:
        validate(CREATE, GOOD | {"DestinationURI": "x", "ExecutionConfiguration": {"ExecutionMode": "NEVER"}})
    assert "/DestinationURI" in str(error.value)
    assert "/ExecutionConfiguration/ExecutionMode: 'NEVER' is not one of ON_DEMAND, SCHEDULED" in str(error.value)


def test_limits_themselves_are_accepted() -> None:
    """Values of the maximum length are accepted."""
    validate(
        CREATE,
        {
            "DataIntegrationIdentifier": "x" * 255,
            "ClientId": "x" * 255,
            "DestinationURI": "s3://" + "a" * 995,
            "ClientToken": "x" * 2048,
            "ObjectConfiguration": {"k" * 255: {"k" * 255: ["x" * 255] * 2048}},
        },
    )


@pytest.mark.parametrize("tags", [{}, {"k" * 129: ""}, {"k": "v" * 257}, {str(n): "" for n in range(201)}])
def test_tags_have_limits(tags: dict[str, str]) -> None:
    """Tags outside the limits of number and length are refused."""
    with pytest.raises(InvalidRequestError):
        validate("TagResource", {"resourceArn": "arn:aws:app-integrations:::x", "tags": tags})


@pytest.mark.parametrize("size", [0, 51])
def test_pages_have_limits(size: int) -> None:
    """A page size below 1 or above 50 is refused."""
    with pytest.raises(InvalidRequestError):
        validate("ListDataIntegrations", {"MaxResults": size})
