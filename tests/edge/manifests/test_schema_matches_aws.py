"""The spec of a manifest matches the request of the API. A botocore release that changes the API fails here."""

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import botocore.session
import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from reconciler.core.model import UNREADABLE
from reconciler.core.plan.difference import Difference
from reconciler.edge.manifests import schema

CREATE, UPDATE = "CreateDataIntegrationAssociation", "UpdateDataIntegrationAssociation"
LIST = "ListDataIntegrationAssociations"
SUMMARY = "DataIntegrationAssociationSummary"
ASSOCIATION = schema.load_kind("DataIntegrationAssociation", is_substituted=True)
TARGET = schema.load_kind("Target", is_substituted=True)
TARGET_SET = schema.load_kind("TargetSet", is_substituted=True)
_RULES = ("if", "then", "else", "dependentSchemas")
SPEC = ASSOCIATION["$defs"]["Spec"]
TIME = ASSOCIATION["$defs"]["Time"]["pattern"]
URI = SPEC["properties"]["DestinationURI"]["pattern"]
AWS_URI = (
    r"^((\w+\:\/\/[\w.-]+[\w/!@#+=.-]+)"
    r"|(\w+\:\/\/[\w.-]+[\w/!@#+=.-]+[\w/!@#+=.-]+[\w/!@#+=.,-]+))$"
)
NOT_BLANK = r".*\S.*"
LINEAR_NOT_BLANK = r"\S"
EXECUTION = "/ExecutionConfiguration"
INTENDED_DIFFERENCES: dict[str, tuple[dict[str, Any], dict[str, Any], str]] = {
    "/ClientToken": (
        {"type": "string", "min": 1, "max": 2048},
        {"type": None, "not": {}},
        "computed from the request, never written",
    ),
    "/DestinationURI": (
        {"type": "string", "min": 1, "max": 1000, "pattern": AWS_URI},
        {"type": "string", "min": 1, "max": 1000, "pattern": URI},
        "matches the same strings in linear time; the pattern of the model backtracks",
    ),
    **{
        f"{EXECUTION}/{member}": (
            {"type": "string", "min": 1, "max": 255, "pattern": NOT_BLANK},
            {"type": "string", "min": 1, "max": 255, "pattern": TIME},
            "a time without a zone, or in seconds, would be a different time from the intended one",
        )
        for member in (
            "OnDemandConfiguration/StartTime",
            "OnDemandConfiguration/EndTime",
            "ScheduleConfiguration/FirstExecutionFrom",
        )
    },
    **{
        pointer: (
            {"type": "string", "min": 1, "max": 255, "pattern": NOT_BLANK},
            {
                "type": "string",
                "min": 1,
                "max": 255,
                "pattern": NOT_BLANK,
                "not": {"type": "string", "pattern": r"\$\{"},
            },
            "no value is inserted in keys, so a placeholder there is a mistake",
        )
        for pointer in ("/ClientAssociationMetadata/{}", "/ObjectConfiguration/{}", "/ObjectConfiguration/*/{}")
    },
    EXECUTION: (
        {"type": "structure", "required": ["ExecutionMode"]},
        {"type": "structure", "required": ["ExecutionMode"], "SCHEDULED": ["ScheduleConfiguration"]},
        "a schedule without an expression never runs",
    ),
}
"""The intended differences by pointer: the model, the schema, and the reason."""


@cache
def load_model() -> Any:
    """Return botocore's service model."""
    return botocore.session.get_session().get_service_model("appintegrations")


def list_model_facts(shape: Any, path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (pointer, facts) of a shape and its parts. `{}` stands for a key, `*` for a value of a map or list."""
    facts = {"type": shape.type_name, **shape.metadata}
    facts.pop("idempotencyToken", None)
    if facts.get("pattern") == ".*":  # matches any string
        del facts["pattern"]
    yield path, facts
    if shape.type_name == "structure":
        for name, member in shape.members.items():
            yield from list_model_facts(member, f"{path}/{name}")
    if shape.type_name == "map":
        yield from list_model_facts(shape.key, f"{path}/{{}}")
        yield from list_model_facts(shape.value, f"{path}/*")
    if shape.type_name == "list":
        yield from list_model_facts(shape.member, f"{path}/*")


def list_schema_facts(node: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (pointer, facts) of a schema and its parts, in the form of `of_model`."""
    if "$ref" in node:
        node = ASSOCIATION["$defs"][node["$ref"].rpartition("/")[2]] | {
            key: value for key, value in node.items() if key != "$ref"
        }
    type_ = "string" if "enum" in node else node.get("type")
    if type_ == "object":
        type_ = "structure" if "properties" in node else "map"
    names = {"minLength": "min", "maxLength": "max", "minItems": "min", "maxItems": "max"}
    keywords = {"required", "pattern", "enum", "not", *names}
    facts = {names.get(key, key): value for key, value in node.items() if key in keywords}
    if facts.get("pattern") == LINEAR_NOT_BLANK:  # a search with it matches the same strings
        facts["pattern"] = NOT_BLANK
    if "then" in node:
        facts[node["if"]["properties"]["ExecutionMode"]["const"]] = node["then"]["required"]
    yield path, {"type": {"array": "list"}.get(str(type_), type_), **facts}
    for name, member in node.get("properties", {}).items():
        yield from list_schema_facts(member, f"{path}/{name}")
    if type_ == "map":
        yield from list_schema_facts(node["propertyNames"], f"{path}/{{}}")
        yield from list_schema_facts(node["additionalProperties"], f"{path}/*")
    if type_ == "array":
        yield from list_schema_facts(node["items"], f"{path}/*")


def get_input_shape(operation: str) -> Any:
    """Return the shape of an operation's request."""
    return load_model().operation_model(operation).input_shape


MODEL, SCHEMA = dict(list_model_facts(get_input_shape(CREATE))), dict(list_schema_facts(SPEC))


def test_every_member_of_a_data_integration_has_a_message() -> None:
    """A member of CreateDataIntegration that an association does not have gets a message that says whose it is."""
    members = set(get_input_shape("CreateDataIntegration").members)
    beginning = "belongs to the data integration, not to the association: "
    named = {name for name, message in SPEC["unknownKeyMessages"].items() if message.startswith(beginning)}
    assert named == members - SPEC["properties"].keys()


def test_every_member_of_the_execution_has_a_message_in_another_place() -> None:
    """A member of ExecutionConfiguration that stands in spec, or one level too high, gets a message with its place."""
    execution = ASSOCIATION["$defs"]["ExecutionConfiguration"]
    places = {
        name: part
        for part in ("OnDemandConfiguration", "ScheduleConfiguration")
        for name in execution["properties"][part]["properties"]
    }
    messages = {name: f"belongs in {part}: write it there" for name, part in places.items()}
    assert execution["unknownKeyMessages"] == messages
    misplaced = {name for name, message in SPEC["unknownKeyMessages"].items() if "ExecutionConfiguration:" in message}
    assert misplaced == {*execution["properties"], *places}


def test_every_member_in_the_envelope_has_a_message() -> None:
    """A member of spec, policy or window that stands beside them gets a message with its place."""
    definitions = (("spec", "Spec"), ("policy", "Policy"), ("window", "Window"))
    places: dict[str, list[str]] = {}
    for part, definition in definitions:
        for name in ASSOCIATION["$defs"][definition]["properties"].keys() - {"ClientToken"}:
            places.setdefault(name, []).append(part)
    expected = {name: f"belongs in {' or '.join(parts)}: write it there" for name, parts in places.items()}
    assert {**expected, "status": ASSOCIATION["unknownKeyMessages"]["status"]} == ASSOCIATION["unknownKeyMessages"]
    for kind in (TARGET, TARGET_SET):
        members = kind["properties"]["spec"]["properties"]
        assert kind["unknownKeyMessages"].items() >= dict.fromkeys(members, "belongs in spec: write it there").items()


def test_schema_has_exactly_the_members_of_the_request() -> None:
    """The schema has exactly the members of the Create request, at every depth."""
    assert MODEL.keys() == SCHEMA.keys()


@pytest.mark.parametrize("pointer", sorted(MODEL.keys() - INTENDED_DIFFERENCES.keys()))
def test_schema_limits_match_the_service_model(pointer: str) -> None:
    """Types, lengths, patterns, enums and required members match the API."""
    assert SCHEMA[pointer] == MODEL[pointer]


@pytest.mark.parametrize("pointer", sorted(INTENDED_DIFFERENCES))
def test_differences_from_the_service_model_are_pinned(pointer: str) -> None:
    """Each intended difference between schema and model is as recorded, with its reason."""
    model_facts, schema_facts, reason = INTENDED_DIFFERENCES[pointer]
    assert (MODEL[pointer], SCHEMA[pointer]) == (model_facts, schema_facts), reason


@pytest.mark.parametrize("path", ["", "/ExecutionConfiguration", "/OnDemandConfiguration", "/ScheduleConfiguration"])
def test_structures_are_closed(path: str) -> None:
    """A structure of the API accepts no unknown member."""
    node = SPEC if not path else ASSOCIATION["$defs"]["ExecutionConfiguration"]
    node = node["properties"].get(path[1:], node)
    assert node["additionalProperties"] is False


def test_client_token_is_the_idempotency_token_of_create() -> None:
    """ClientToken is still the idempotency token of Create."""
    assert get_input_shape(CREATE).members["ClientToken"].metadata["idempotencyToken"] is True


@given(
    st.one_of(
        st.text(alphabet="aZ0_:/.-!@#+=,é \n", max_size=12),
        st.text(alphabet="a/.,#\n", max_size=9).map("s3://".__add__),
        st.from_regex(re.compile(URI, re.ASCII), fullmatch=True).filter(lambda text: len(text) < 20),
    )
)
def test_both_destination_patterns_match_the_same_strings(text: str) -> None:
    """The linear pattern for DestinationURI matches the same strings as that of the model."""
    assert bool(re.fullmatch(URI, text, re.ASCII)) == bool(re.fullmatch(AWS_URI, text, re.ASCII))


@given(st.from_regex(re.compile(TIME, re.ASCII), fullmatch=True))
def test_time_pattern_is_stricter_than_the_model(text: str) -> None:
    """Any text that the pattern for times matches is also valid in the model."""
    assert re.fullmatch(NOT_BLANK, text)
    assert 1 <= len(text) <= 255


def test_update_accepts_exactly_the_updatable_members() -> None:
    """Update accepts ExecutionConfiguration and the identifiers, and no other member."""
    update = get_input_shape(UPDATE)
    assert set(update.required_members) == set(update.members)
    assert set(update.members) == {
        "DataIntegrationIdentifier",
        "DataIntegrationAssociationIdentifier",
        "ExecutionConfiguration",
    }
    for member in SPEC["properties"]:
        is_updatable = Difference(f"/{member}/X", "desired", "applied", "live").is_updatable
        assert is_updatable is (member == "ExecutionConfiguration"), member


def test_list_shows_every_member_except_the_unreadable_ones() -> None:
    """List shows every member of Create, except those that the program calls unverifiable."""
    listed_members = set(load_model().shape_for(SUMMARY).members)
    assert listed_members - set(get_input_shape(CREATE).members) == {
        "DataIntegrationAssociationArn",
        "DataIntegrationArn",
        "LastExecutionStatus",
    }
    request_only = {"DataIntegrationIdentifier", "ClientToken"}
    assert set(get_input_shape(CREATE).members) - listed_members - request_only == set(UNREADABLE)


def test_execution_is_the_same_in_create_update_and_list() -> None:
    """ExecutionConfiguration is the same in Create, Update and List, so requests can be compared with List."""
    create_facts, update_facts = (
        dict(list_model_facts(get_input_shape(name).members[EXECUTION[1:]])) for name in (CREATE, UPDATE)
    )
    list_facts = dict(list_model_facts(load_model().shape_for(SUMMARY).members[EXECUTION[1:]]))
    assert create_facts == update_facts == list_facts


def test_list_is_paged_as_the_reader_expects() -> None:
    """List accepts an integration and a page token, and returns associations and the next token."""
    operation = load_model().operation_model(LIST)
    assert set(operation.input_shape.members) == {"DataIntegrationIdentifier", "NextToken", "MaxResults"}
    assert set(operation.output_shape.members) == {"DataIntegrationAssociations", "NextToken"}


@pytest.mark.parametrize("file", schema.SCHEMA_FILES.values())
def test_the_schemas_are_valid(file: str) -> None:
    """Each schema is a valid JSON Schema of the 2020-12 draft."""
    document = schema.load_schema(file)
    assert document["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    Draft202012Validator.check_schema(document)


@pytest.mark.parametrize("file", schema.SCHEMA_FILES.values())
def test_every_schema_member_has_a_description(file: str) -> None:
    """Every member in a schema has a title or a description for editors."""
    document = schema.load_schema(file)

    def list_undescribed(node: Any, path: str) -> Iterator[str]:
        if isinstance(node, dict):
            for name, member in node.get("properties", {}).items():
                target = document["$defs"][member["$ref"].rpartition("/")[2]] if "$ref" in member else {}
                if not {"title", "description"} & (member.keys() | target.keys()):
                    yield f"{path}/{name}"
            for key, value in node.items():
                if key not in _RULES:  # a rule about members that are described elsewhere
                    yield from list_undescribed(value, f"{path}/{key}")

    assert list(list_undescribed(document, "")) == []


@pytest.mark.parametrize("file", schema.SCHEMA_FILES.values())
def test_every_example_and_default_is_valid(file: str) -> None:
    """Every example and default in a schema is valid."""
    document = schema.load_schema(file)

    def list_examples(node: Any) -> Iterator[tuple[Any, Any]]:
        if isinstance(node, dict):
            for example in [*node.get("examples", ()), *([node["default"]] if "default" in node else [])]:
                yield {"$defs": document["$defs"], **node}, example
            for value in node.values():
                yield from list_examples(value)

    invalid = [example for node, example in list_examples(document) if not Draft202012Validator(node).is_valid(example)]
    assert invalid == []


@pytest.mark.parametrize("name", ["Name", "Metadata", "Mode", "OnLoss"])
def test_shared_definitions_are_equal(name: str) -> None:
    """The definitions that the kinds share are equal in each schema."""
    assert json.dumps(ASSOCIATION["$defs"][name]) == json.dumps(TARGET["$defs"][name])
    assert json.dumps(TARGET["$defs"][name]) == json.dumps(TARGET_SET["$defs"][name])


def test_members_of_a_set_have_the_fields_of_a_target() -> None:
    """A member of a TargetSet, and its template, have the fields of a Target's spec, with labels and a name."""
    spec = TARGET_SET["properties"]["spec"]["properties"]
    labels = {"labels": TARGET["$defs"]["Metadata"]["properties"]["labels"]}
    fields = labels | TARGET["properties"]["spec"]["properties"]
    assert spec["template"]["properties"] == fields
    assert spec["members"]["items"]["properties"].pop("name")
    assert spec["members"]["items"]["properties"] == fields
