"""Malformed requests, which botocore would never send, are refused and do not break the sandbox."""

import pytest

from reconciler.sandbox.moto.protocol import parse_request
from reconciler.sandbox.service.errors import InvalidRequestError, UnknownOperationError

URL = "http://localhost/dataIntegrations"


def test_operation_is_found_by_method_and_path() -> None:
    """Method and path select the operation. Labels, query values and body become its request."""
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
    """The path alone selects the data integration, even if the body names another one."""
    body = b'{"DataIntegrationIdentifier": "other"}'
    assert parse_request("POST", f"{URL}/a/associations", body)[1] == {"DataIntegrationIdentifier": "a"}


@pytest.mark.parametrize("path", ["", "/nothing", "/dataIntegrations/a/b/c", "/dataIntegrations/a/association"])
def test_unknown_path_is_no_operation(path: str) -> None:
    """A path outside the service model is an unknown operation."""
    with pytest.raises(UnknownOperationError):
        parse_request("GET", f"http://localhost{path}", b"")


def test_unknown_method_is_no_operation() -> None:
    """DELETE on an association is an unknown operation."""
    with pytest.raises(UnknownOperationError):
        parse_request("DELETE", f"{URL}/a/associations/b", b"")


@pytest.mark.parametrize("body", [b"{", b"\xff", b"[]", b"1", b"[" * 100_000])
def test_body_that_is_no_object_is_invalid(body: bytes) -> None:
    """A body that is not a JSON object, or is nested too deeply, is an invalid request."""
    with pytest.raises(InvalidRequestError):
        parse_request("POST", URL, body)


def test_page_size_that_is_no_number_is_invalid() -> None:
    """A page size that is not an integer is an invalid request."""
    with pytest.raises(InvalidRequestError):
        parse_request("GET", f"{URL}?maxResults=many", b"")
