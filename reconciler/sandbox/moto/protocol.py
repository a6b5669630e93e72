"""Parse HTTP requests by botocore's service model, and build error responses that botocore understands."""

import json
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from botocore.model import OperationModel, Shape

from reconciler.sandbox.service.errors import InvalidRequestError, ServiceError, UnknownOperationError
from reconciler.sandbox.service.state import JsonObject
from reconciler.sandbox.service.validation import get_input_shape, load_model


def parse_request(method: str, raw_url: str, body: bytes) -> tuple[str, JsonObject]:
    """Return the name and the request of the operation. `raw_url` is undecoded: an ARN in it is percent-encoded.

    Raises UnknownOperationError, or InvalidRequestError if a query value or the body cannot be parsed.
    """
    url = urlsplit(raw_url)
    segments = url.path.strip("/").split("/")
    for name in load_model().operation_names:
        operation = load_model().operation_model(name)
        if operation.http["method"] == method and _matches_template(
            template := _split_uri_template(operation), segments
        ):
            labels = {
                part[1:-1]: unquote(segment)
                for part, segment in zip(template, segments, strict=True)
                if part.startswith("{")
            }
            return name, _build_request(operation, labels, parse_qs(url.query, keep_blank_values=True), body)
    raise UnknownOperationError(f"No operation matches {method} {url.path}.")


def build_error_response(error: ServiceError) -> tuple[int, dict[str, str], bytes]:
    """Return status, headers and body of an error response."""
    return error.status, {"x-amzn-errortype": error.code}, json.dumps({"Message": str(error)}).encode()


def _split_uri_template(operation: OperationModel) -> list[str]:
    return str(operation.http["requestUri"]).strip("/").split("/")


def _matches_template(template: list[str], segments: list[str]) -> bool:
    return len(template) == len(segments) and all(
        part.startswith("{") or part == segment for part, segment in zip(template, segments, strict=True)
    )


def _build_request(
    operation: OperationModel, labels: dict[str, str], query: dict[str, list[str]], body: bytes
) -> JsonObject:
    request: JsonObject = {}
    names_outside_body: set[str] = set()
    for name, shape in get_input_shape(operation).members.items():
        wire_name = shape.serialization.get("name", name)
        match shape.serialization.get("location"):
            case "uri":
                request[name] = labels[wire_name]
            case "querystring" if wire_name in query:
                request[name] = _parse_query_value(name, query[wire_name], shape)
            case None:
                continue
            case _:
                pass
        names_outside_body.add(name)
    return {key: value for key, value in _parse_body(body).items() if key not in names_outside_body} | request


def _parse_query_value(name: str, values: list[str], shape: Shape) -> str | int | list[str]:
    if shape.type_name == "list":
        return values
    if shape.type_name == "integer":
        try:
            return int(values[-1])
        except ValueError:
            raise InvalidRequestError(f"{name}: not an integer: {values[-1]!r}") from None
    return values[-1]


def _parse_body(body: bytes) -> JsonObject:
    try:
        document: Any = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        raise InvalidRequestError("The request body is not valid JSON.") from None
    if not isinstance(document, dict):
        raise InvalidRequestError("The request body is not a JSON object.")
    return {key: value for key, value in document.items() if value is not None}
