"""Validate requests against botocore's service model. moto validates nothing, and a botocore client very little."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from botocore.loaders import Loader
from botocore.model import ListShape, MapShape, OperationModel, ServiceModel, Shape, StringShape, StructureShape
from botocore.validate import ParamValidator

from reconciler.sandbox.service.errors import InvalidRequestError
from reconciler.sandbox.service.state import JsonObject

URI = r"^((\w+\:\/\/[\w.-]+[\w/!@#+=.-]+)|(\w+\:\/\/[\w.-]+[\w/!@#+=.-]+[\w/!@#+=.-]+[\w/!@#+=.,-]+))$"
"""The service model's pattern for DestinationURI and SourceURI. `re` takes minutes on a long text without a match."""

LINEAR_URI = r"^\w+://[\w.-][\w/!@#+=.-](?:[\w/!@#+=.-][\w/!@#+=.,-]*)?$"
"""A pattern that matches the same texts as `URI`, in linear time."""


@cache
def load_model() -> ServiceModel:
    """Return botocore's service model. It is loaded without a session, so that botocore reads no AWS profile."""
    return ServiceModel(Loader().load_service_model("appintegrations", "service-2"), "appintegrations")


def get_input_shape(operation: OperationModel) -> StructureShape:
    """Return the input shape of an operation. Every operation of AppIntegrations has one."""
    shape = operation.input_shape
    assert shape is not None
    return shape


def validate(operation: str, request: JsonObject) -> None:
    """Raise InvalidRequestError, with every violation, if the request does not match the model of the operation."""
    shape = get_input_shape(load_model().operation_model(operation))
    report = ParamValidator().validate(request, shape)
    if report.has_errors():
        raise InvalidRequestError(report.generate_report().replace("\n", "; "))
    problems = list(_find_violations("", request, shape))
    if problems:
        raise InvalidRequestError("; ".join(problems))


def _find_violations(path: str, value: Any, shape: Shape) -> Iterator[str]:
    match shape:
        case StructureShape():
            for key, member in value.items():
                yield from _find_violations(f"{path}/{key}", member, shape.members[key])
        case MapShape():
            yield from _check_length(path, len(value), "entries", shape)
            for key, member in value.items():
                yield from _find_violations(f"{path}/{key} (key)", key, shape.key)
                yield from _find_violations(f"{path}/{key}", member, shape.value)
        case ListShape():
            yield from _check_length(path, len(value), "items", shape)
            for index, member in enumerate(value):
                yield from _find_violations(f"{path}/{index}", member, shape.member)
        case StringShape():
            yield from _check_text(path, value, shape)
        case _ if shape.type_name == "integer":
            if value > shape.metadata.get("max", value):
                yield f"{path}: {value} exceeds the maximum of {shape.metadata['max']}"


def _check_length(path: str, length: int, what: str, shape: Shape) -> Iterator[str]:
    if length < shape.metadata.get("min", 0):
        yield f"{path}: {length} {what}, fewer than the minimum of {shape.metadata['min']}"
    if length > shape.metadata.get("max", length):
        yield f"{path}: {length} {what}, more than the maximum of {shape.metadata['max']}"


def _check_text(path: str, value: str, shape: StringShape) -> Iterator[str]:
    pattern = shape.metadata.get("pattern")
    if len(value) > shape.metadata.get("max", len(value)):
        yield f"{path}: {len(value)} characters, more than the maximum of {shape.metadata['max']}"
    elif shape.enum and value not in shape.enum:
        yield f"{path}: {value!r} is not one of {', '.join(shape.enum)}"
    elif pattern and not re.search(LINEAR_URI if pattern == URI else pattern, value, re.ASCII):
        yield f"{path}: {value!r} does not match {pattern}"
