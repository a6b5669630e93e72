"""Requests that no botocore sends are refused by name, and do not break the sandbox."""

import pytest

from reconciler.sandbox.moto.protocol import parse_request
from reconciler.sandbox.service.errors import InvalidRequestError, UnknownOperationError

URL = "http://localhost/dataIntegrations"


def test_operation_is_found_by_method_and_path() -> None:
    """Labels come from the path as it arrived, numbers and lists from the query, the rest from the body."""
    assert parse_request("GET", f"{URL}?maxResults=7&nextToken=%2B", b"") == (
        "ListDataIntegrations",
        {"MaxResults": 7, "NextToken": "+"},
    )
    assert parse_request("POST", f"{URL}/a%2Fb/associations", b'{"ClientId": "c", "DestinationURI": null}') == (
        "CreateDataIntegrationAssociation",
        {"DataIntegrationIdentifier": "a/b", "ClientId": "c"},
    )
    assert parse_request("DELETE", "http://localhost/tags/arn%3Ax?tagKeys=a&tagKeys=b", b"") == (
        "UntagResource",
        {"resourceArn": "arn:x", "tagKeys": ["a", "b"]},
    )


def test_label_cannot_be_smuggled_in_the_body() -> None:
    """The path alone says which data integration is meant."""
    body = b'{"DataIntegrationIdentifier": "other"}'
    assert parse_request("POST", f"{URL}/a/associations", body)[1] == {"DataIntegrationIdentifier": "a"}


@pytest.mark.parametrize("path", ["", "/nothing", "/dataIntegrations/a/b/c", "/dataIntegrations/a/association"])
def test_unknown_path_is_no_operation(path: str) -> None:
    """What is not in the model is not found."""
    with pytest.raises(UnknownOperationError):
        parse_request("GET", f"http://localhost{path}", b"")


def test_unknown_method_is_no_operation() -> None:
    """There is no Delete of an association."""
    with pytest.raises(UnknownOperationError):
        parse_request("DELETE", f"{URL}/a/associations/b", b"")


@pytest.mark.parametrize("body", [b"{", b"\xff", b"[]", b"1", b"[" * 100_000])
def test_body_that_is_no_object_is_invalid(body: bytes) -> None:
    """So is one that is no JSON, or nests beyond measure."""
    with pytest.raises(InvalidRequestError):
        parse_request("POST", URL, body)


def test_page_size_that_is_no_number_is_invalid() -> None:
    """The query is text, and must read as a number."""
    with pytest.raises(InvalidRequestError):
        parse_request("GET", f"{URL}?maxResults=many", b"")
