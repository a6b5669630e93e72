"""The schemas teach: what an editor shows on hovering and offers on completing is there, right, and accepted."""

import json
import re
from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from reconciler.core.model import Desired, OnLoss, Policy, Target
from reconciler.edge.manifests import read_manifests, schema
from reconciler.edge.manifests.files import File

NOW = datetime(2026, 11, 15, tzinfo=UTC)
FILES = tuple(schema.SCHEMA_FILES.values())
ASSOCIATION, TARGET = (schema.load_schema(file) for file in FILES)
MINIMAL: dict[str, dict[str, Any]] = {
    "DataIntegrationAssociation": {
        "apiVersion": "appintegrations.reconciler/v1",
        "kind": "DataIntegrationAssociation",
        "metadata": {"name": "a"},
        "spec": {"DataIntegrationIdentifier": "a"},
    },
    "Target": {
        "apiVersion": "appintegrations.reconciler/v1",
        "kind": "Target",
        "metadata": {"name": "t"},
        "spec": {"Region": "us-east-1", "AccountId": "123456789012"},
    },
}
POLICY = {"onLoss": "on_loss"}
TARGET_FIELDS = {
    "AccountId": "account", "Region": "region", "RoleArn": "role_arn", "ExternalId": "external_id",
    "SessionName": "session_name", "RequestsPerSecond": "requests_per_second", "Burst": "burst", "Suspend": "suspend",
    "MaxCreates": "max_creates", "AssociationsPerIntegration": "associations_per_integration",
    "AllowedDestinations": "allowed_destinations",
}  # fmt: skip
STOP = re.compile(r"\$\{\d+[:|]([^}|,]*)[^}]*\}")


def members(node: Any, path: str = "#") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (pointer, schema) of all that a person types: members, keys and values of maps, and items of lists."""
    if not isinstance(node, dict):
        return
    inner = [
        (f"{path}/{word}/{name}", each) for word in ("properties", "$defs") for name, each in node.get(word, {}).items()
    ]
    inner += [
        (f"{path}/{word}", node[word]) for word in ("items", "additionalProperties", "propertyNames") if node.get(word)
    ]
    for pointer, each in inner:
        yield pointer, each
        yield from members(each, pointer)


def readings(node: dict[str, Any], root: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    """Return what an editor may take a member for: what stands beside `$ref` may win, or be overridden or ignored."""
    if "$ref" not in node:
        return (node,)
    meant = root["$defs"][node["$ref"].rpartition("/")[2]]
    return {**meant, **node}, meant


def lacking(root: dict[str, Any]) -> list[str]:
    """Return what members do not say, in any reading."""
    found = set()
    for pointer, node in members(root):
        for reading in readings(node, root):
            words = ("title", "description") if reading.get("not") == {} else ("title", "description", "examples")
            found |= {f"{pointer} has no {word}" for word in words if not reading.get(word)}
    return sorted(found)


def desired(*documents: dict[str, Any]) -> Desired:
    """Read documents as the program does."""
    return read_manifests(
        (File(f"{number}.json", json.dumps(each).encode()) for number, each in enumerate(documents)), NOW
    )


def yaml(value: Any, indent: str = "") -> str:
    """Write the body of a snippet as an editor inserts it, every placeholder accepted as it is offered."""
    match value:
        case dict():
            return "".join(f"\n{indent}{key}:{yaml(inner, indent + '  ')}" for key, inner in value.items())
        case list():
            return "".join(f"\n{indent}-{yaml(inner, indent + '  ')}" for inner in value)
        case _:
            return " " + STOP.sub(r"\1", str(value).removeprefix("^"))


@pytest.mark.parametrize("file", FILES)
def test_every_member_has_title_description_and_examples(file: str) -> None:
    """Each has a title, a description and examples, but for what may not be written, whatever is made of `$ref`."""
    assert lacking(schema.load_schema(file)) == []


@pytest.mark.parametrize("word", ["title", "description", "examples"])
def test_member_without_documentation_is_detected(word: str) -> None:
    """A word taken from any member, at any depth, is missed."""
    places = [pointer for pointer, node in members(ASSOCIATION) if word in node and "$ref" not in node]
    assert len(places) > 15
    for pointer in places:
        poorer = deepcopy(ASSOCIATION)
        taken = dict(members(poorer))[pointer]
        del taken[word]
        assert f"{pointer} has no {word}" in lacking(poorer)


@pytest.mark.parametrize("file", FILES)
def test_references_have_only_documentation_beside_them(file: str) -> None:
    """yaml-language-server drops, or shows apart, what else stands beside `$ref`."""
    for pointer, node in members(schema.load_schema(file)):
        assert "$ref" not in node or node.keys() <= {"$ref", "title", "description", "examples"}, pointer


@pytest.mark.parametrize("file", FILES)
def test_examples_and_defaults_are_valid(file: str) -> None:
    """Every example and default is valid for its member."""
    root = schema.load_schema(file)
    offered = [
        (pointer, reading, value)
        for pointer, node in members(root)
        for reading in readings(node, root)
        for value in [*reading.get("examples", ()), *([reading["default"]] if "default" in reading else ())]
    ]
    assert len(offered) > 20
    for pointer, reading, value in offered:
        assert Draft202012Validator({**reading, "$defs": root["$defs"]}).is_valid(value), (pointer, value)


@pytest.mark.parametrize("file", FILES)
def test_descriptions_state_defaults_and_limits(file: str) -> None:
    """Hovering in yaml-language-server shows neither."""
    for pointer, node in members(schema.load_schema(file)):
        if "default" in node:
            assert re.search(r"Default: .*\b" + str(node["default"]).lower(), node["description"]), pointer
        for word in ("maximum", "maxLength", "maxItems"):
            assert "$ref" in node or "/Time" in pointer or str(node.get(word, "")) in node["description"], (
                pointer,
                word,
            )


@pytest.mark.parametrize("file", FILES)
def test_every_value_of_an_enum_is_explained(file: str) -> None:
    """A list of values to choose from says what each of them does."""
    enums = [node for _, node in members(schema.load_schema(file)) if "enum" in node]
    assert enums
    assert all(len(node["enumDescriptions"]) == len(node["enum"]) for node in enums)


def test_policy_defaults_match_the_program() -> None:
    """What the schema calls the default is what a manifest without the member gets."""
    ((manifest,),) = desired(MINIMAL["DataIntegrationAssociation"]).manifests.values()
    assert manifest.policy == Policy()
    for name, node in ASSOCIATION["$defs"]["Policy"]["properties"].items():
        node = readings(node, ASSOCIATION)[0]  # noqa: PLW2901 - the member with its reference resolved
        default = getattr(manifest.policy, POLICY.get(name, name))
        if name == "onLoss":  # it depends on the mode, which only words can say
            assert "default" not in node
        elif default in {None, ()}:
            assert "Default: " in node["description"]
            assert "default" not in node
        else:
            assert node["default"] == default, name


@pytest.mark.parametrize(
    "execution",
    [
        None,
        {"ExecutionMode": "ON_DEMAND"},
        {"ExecutionMode": "SCHEDULED", "ScheduleConfiguration": {"ScheduleExpression": "rate(1 hour)"}},
    ],
)
def test_on_loss_default_matches_its_description(execution: Any) -> None:
    """A loss is reported, whatever is lost: a List that hides an association must not export again unasked."""
    document = deepcopy(MINIMAL["DataIntegrationAssociation"])
    if execution:
        document["spec"]["ExecutionConfiguration"] = execution
    ((manifest,),) = desired(document).manifests.values()
    assert manifest.policy.on_loss is OnLoss.REPORT
    assert (
        "Default: the onLoss in the Target's Policy, otherwise report." in ASSOCIATION["$defs"]["OnLoss"]["description"]
    )


def test_target_defaults_match_the_program() -> None:
    """What the schema calls the default is what a Target without the member gets."""
    (target,) = desired(MINIMAL["Target"]).targets
    assert target == Target("t", region="us-east-1", account="123456789012")
    spec = TARGET["properties"]["spec"]
    for name, node in spec["properties"].items():
        if name in spec["required"] or name == "Policy":
            continue
        default = getattr(target, TARGET_FIELDS[name])
        if default in {None, ()}:
            assert "Default: " in node["description"]
            assert "default" not in node
        else:
            assert node["default"] == default, name


def test_whole_number_may_have_a_decimal_point() -> None:
    """10.0 is whole, says JSON Schema; the program counts with 10."""
    document = deepcopy(MINIMAL["Target"])
    whole = {"Burst": 3.0, "MaxCreates": 4.0, "AssociationsPerIntegration": 20.0}
    document["spec"].update(whole)
    (target,) = desired(document).targets
    values = [target.burst, target.max_creates, target.associations_per_integration]
    assert values == [3, 4, 20]
    assert {type(value) for value in values} == {int}


@pytest.mark.parametrize(("quota", "accepted"), [(0, False), (1, True), (10_000, True), (10_001, False), (1.5, False)])
def test_association_quota_has_limits(quota: float, accepted: bool) -> None:
    """One to ten thousand, and whole."""
    document = deepcopy(MINIMAL["Target"])
    document["spec"]["AssociationsPerIntegration"] = quota
    assert schema.get_fast_check("Target")(document) is accepted


@pytest.mark.parametrize(
    ("file", "label"), [(file, each["label"]) for file in FILES for each in schema.load_schema(file)["defaultSnippets"]]
)
def test_manifest_snippet_is_valid(file: str, label: str) -> None:
    """What an editor offers for an empty file is a manifest that `reconcile validate` accepts, filled in or not."""
    (snippet,) = (each for each in schema.load_schema(file)["defaultSnippets"] if each["label"] == label)
    assert snippet["description"]
    text = yaml(snippet["body"])
    assert "$" not in text
    found = read_manifests([File("snippet.yaml", text.encode())], NOW)
    assert found.warnings == ()
    stops = [int(number) for number in re.findall(r"\$\{(\d+)", json.dumps(snippet["body"]))]
    assert stops == list(range(1, len(stops) + 1))


@pytest.mark.parametrize("snippet", ASSOCIATION["$defs"]["ExecutionConfiguration"]["defaultSnippets"])
def test_execution_snippet_is_valid(snippet: dict[str, Any]) -> None:
    """So is what it offers inside of one."""
    text = yaml(
        {
            **MINIMAL["DataIntegrationAssociation"],
            "spec": {"DataIntegrationIdentifier": "a", "ExecutionConfiguration": snippet["body"]},
        }
    )
    assert "$" not in text
    ((manifest,),) = read_manifests([File("snippet.yaml", text.encode())], NOW).manifests.values()
    assert manifest.spec["ExecutionConfiguration"]
