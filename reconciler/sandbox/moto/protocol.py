"""Reads a request off HTTP by the service model, and writes refusals as botocore understands them."""

import json
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from botocore.model import OperationModel, Shape

from reconciler.sandbox.service.errors import InvalidRequestError, ServiceError, UnknownOperationError
from reconciler.sandbox.service.state import Document
from reconciler.sandbox.service.validation import input_of, model


def read(method: str, raw_url: str, body: bytes) -> tuple[str, Document]:
    """Find the operation and its request. The URL is as it arrived: an ARN in its path is percent-encoded."""
    url = urlsplit(raw_url)
    segments = url.path.strip("/").split("/")
    for name in model().operation_names:
        operation = model().operation_model(name)
        if operation.http["method"] == method and _fits(template := _template(operation), segments):
            labels = {
                part[1:-1]: unquote(segment)
                for part, segment in zip(template, segments, strict=True)
                if part.startswith("{")
            }
            return name, _request(operation, labels, parse_qs(url.query, keep_blank_values=True), body)
    raise UnknownOperationError(f"No operation answers {method} {url.path}.")


def refusal(error: ServiceError) -> tuple[int, dict[str, str], bytes]:
    """Write status, headers and body of a refusal."""
    return error.status, {"x-amzn-errortype": error.code}, json.dumps({"Message": str(error)}).encode()


def _template(operation: OperationModel) -> list[str]:
    return str(operation.http["requestUri"]).strip("/").split("/")


def _fits(template: list[str], segments: list[str]) -> bool:
    return len(template) == len(segments) and all(
        part.startswith("{") or part == segment for part, segment in zip(template, segments, strict=True)
    )


def _request(operation: OperationModel, labels: dict[str, str], query: dict[str, list[str]], body: bytes) -> Document:
    request: Document = {}
    elsewhere: set[str] = set()
    for name, shape in input_of(operation).members.items():
        spelt = shape.serialization.get("name", name)
        match shape.serialization.get("location"):
            case "uri":
                request[name] = labels[spelt]
            case "querystring" if spelt in query:
                request[name] = _from_query(name, query[spelt], shape)
            case None:
                continue
            case _:
                pass
        elsewhere.add(name)
    return {key: value for key, value in _body(body).items() if key not in elsewhere} | request


def _from_query(name: str, values: list[str], shape: Shape) -> str | int | list[str]:
    if shape.type_name == "list":
        return values
    if shape.type_name == "integer":
        try:
            return int(values[-1])
        except ValueError:
            raise InvalidRequestError(f"{name}: {values[-1]!r} is no whole number") from None
    return values[-1]


def _body(body: bytes) -> Document:
    try:
        document: Any = json.loads(body or b"{}")
    except (ValueError, RecursionError):
        raise InvalidRequestError("The body is no JSON.") from None
    if not isinstance(document, dict):
        raise InvalidRequestError("The body is no JSON object.")
    return {key: value for key, value in document.items() if value is not None}
