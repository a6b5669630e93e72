"""The schemas document every member for editors, and every example, default and snippet in them is valid."""

import json
import re
from collections.abc import Iterator
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from reconciler.core.durations import parse_duration
from reconciler.core.model import Desired, IgnoreRule, OnLoss, Policy, Target
from reconciler.edge.manifests import load_manifests, schema
from reconciler.edge.manifests.files import File

NOW = datetime(2026, 11, 15, tzinfo=UTC)
FILES = tuple(schema.SCHEMA_FILES.values())
ASSOCIATION, TARGET, TARGET_SET = (schema.load_schema(file) for file in FILES)
MINIMAL_DOCUMENTS: dict[str, dict[str, Any]] = {
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
    "AllowedDestinations": "allowed_destinations", "Ignore": "ignore",
}  # fmt: skip
TAB_STOP = re.compile(r"\$\{\d+[:|]([^}|,]*)[^}]*\}")


def list_members(node: Any, path: str = "#") -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield (pointer, schema) of every part that a user writes: members, keys and values of maps, items of lists."""
    if not isinstance(node, dict):
        return
    children = [
        (f"{path}/{keyword}/{name}", each)
        for keyword in ("properties", "$defs")
        for name, each in node.get(keyword, {}).items()
    ]
    children += [
        (f"{path}/{word}", node[word]) for word in ("items", "additionalProperties", "propertyNames") if node.get(word)
    ]
    for pointer, each in children:
        yield pointer, each
        yield from list_members(each, pointer)


def list_readings(node: dict[str, Any], root: dict[str, Any]) -> tuple[dict[str, Any], ...]:
    """Return the ways in which an editor may read a member: keywords beside `$ref` may win, lose or be ignored."""
    if "$ref" not in node:
        return (node,)
    definition = root["$defs"][node["$ref"].rpartition("/")[2]]
    return {**definition, **node}, definition


def find_missing_documentation(root: dict[str, Any]) -> list[str]:
    """Return the documentation that members lack, in any reading."""
    missing = set()
    for pointer, node in list_members(root):
        for reading in list_readings(node, root):
            keywords = ("title", "description") if reading.get("not") == {} else ("title", "description", "examples")
            missing |= {f"{pointer} has no {word}" for word in keywords if not reading.get(word)}
    return sorted(missing)


def read_desired(*documents: dict[str, Any]) -> Desired:
    """Return the desired state of documents."""
    return load_manifests(
        (File(f"{number}.json", json.dumps(each).encode()) for number, each in enumerate(documents)), NOW
    )


def write_yaml(value: Any, indent: str = "") -> str:
    """Return the YAML of a snippet as an editor inserts it, with the default of every placeholder."""
    match value:
        case dict():
            return "".join(f"\n{indent}{key}:{write_yaml(inner, indent + '  ')}" for key, inner in value.items())
        case list():
            return "".join(f"\n{indent}-{write_yaml(inner, indent + '  ')}" for inner in value)
        case _:
            return " " + TAB_STOP.sub(r"\1", str(value).removeprefix("^"))


@pytest.mark.parametrize("file", FILES)
def test_every_member_has_title_description_and_examples(file: str) -> None:
    """Every member has a title, a description and examples; a forbidden member needs no examples."""
    assert find_missing_documentation(schema.load_schema(file)) == []


@pytest.mark.parametrize("keyword", ["title", "description", "examples"])
def test_member_without_documentation_is_detected(keyword: str) -> None:
    """A title, description or examples removed from any member is detected as missing."""
    pointers = [pointer for pointer, node in list_members(ASSOCIATION) if keyword in node and "$ref" not in node]
    assert len(pointers) > 15
    for pointer in pointers:
        schema_copy = deepcopy(ASSOCIATION)
        member = dict(list_members(schema_copy))[pointer]
        del member[keyword]
        assert f"{pointer} has no {keyword}" in find_missing_documentation(schema_copy)


@pytest.mark.parametrize("file", FILES)
def test_references_have_only_documentation_beside_them(file: str) -> None:
    """Only documentation is beside `$ref`, because yaml-language-server does not apply other keywords there."""
    for pointer, node in list_members(schema.load_schema(file)):
        assert "$ref" not in node or node.keys() <= {"$ref", "title", "description", "examples"}, pointer


@pytest.mark.parametrize("file", FILES)
def test_examples_and_defaults_are_valid(file: str) -> None:
    """Every example and default is valid for its member."""
    root = schema.load_schema(file)
    values = [
        (pointer, reading, value)
        for pointer, node in list_members(root)
        for reading in list_readings(node, root)
        for value in [*reading.get("examples", ()), *([reading["default"]] if "default" in reading else ())]
    ]
    assert len(values) > 20
    for pointer, reading, value in values:
        assert Draft202012Validator({**reading, "$defs": root["$defs"]}).is_valid(value), (pointer, value)


@pytest.mark.parametrize("file", FILES)
def test_descriptions_state_defaults_and_limits(file: str) -> None:
    """Descriptions state defaults and limits, because yaml-language-server does not show them on hovering."""
    for pointer, node in list_members(schema.load_schema(file)):
        if "default" in node:
            assert re.search(rf"Default: .*\b{node['default']}", node["description"], re.IGNORECASE), pointer
        for word in ("maximum", "maxLength", "maxItems"):
            assert "$ref" in node or "/Time" in pointer or str(node.get(word, "")) in node["description"], (
                pointer,
                word,
            )


@pytest.mark.parametrize("file", FILES)
def test_every_value_of_an_enum_is_explained(file: str) -> None:
    """Every value of an enum has a description."""
    enums = [node for _, node in list_members(schema.load_schema(file)) if "enum" in node]
    assert enums
    assert all(len(node["enumDescriptions"]) == len(node["enum"]) for node in enums)


def test_policy_defaults_match_the_program() -> None:
    """A manifest without a policy member gets the default in the schema."""
    ((manifest,),) = read_desired(MINIMAL_DOCUMENTS["DataIntegrationAssociation"]).manifests.values()
    assert manifest.policy == Policy()
    for name, node in ASSOCIATION["$defs"]["Policy"]["properties"].items():
        node = list_readings(node, ASSOCIATION)[0]  # noqa: PLW2901 - the member with its reference resolved
        default = None if name == "start" else getattr(manifest.policy, POLICY.get(name, name))
        if name == "onLoss":  # it depends on the mode, which a default in the schema cannot express
            assert "default" not in node
        elif default in {None, ()}:
            assert "Default: " in node["description"]
            assert "default" not in node
        elif isinstance(default, timedelta):
            assert parse_duration(node["default"]) == default, name
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
    """The default of onLoss is report for every mode, because List may hide an association that still exists."""
    document = deepcopy(MINIMAL_DOCUMENTS["DataIntegrationAssociation"])
    if execution:
        document["spec"]["ExecutionConfiguration"] = execution
    ((manifest,),) = read_desired(document).manifests.values()
    assert manifest.policy.on_loss is OnLoss.REPORT
    assert (
        "Default: the onLoss in the Target's Policy, otherwise report." in ASSOCIATION["$defs"]["OnLoss"]["description"]
    )


def test_target_defaults_match_the_program() -> None:
    """A Target without a member gets the default in the schema."""
    (target,) = read_desired(MINIMAL_DOCUMENTS["Target"]).targets
    assert target == Target("t", region="us-east-1", account="123456789012")
    spec = TARGET["properties"]["spec"]
    for name, node in spec["properties"].items():
        if name in spec["required"] or name in {"Policy", "Values"}:
            continue
        default = getattr(target, TARGET_FIELDS[name])
        if default in {None, ()}:
            assert "Default: " in node["description"]
            assert "default" not in node
        else:
            assert node["default"] == default, name


def test_whole_number_may_have_a_decimal_point() -> None:
    """10.0 is a whole number in JSON Schema, and the program reads it as 10."""
    document = deepcopy(MINIMAL_DOCUMENTS["Target"])
    whole = {"Burst": 3.0, "MaxCreates": 4.0, "AssociationsPerIntegration": 20.0}
    document["spec"].update(whole)
    (target,) = read_desired(document).targets
    values = [target.burst, target.max_creates, target.associations_per_integration]
    assert values == [3, 4, 20]
    assert {type(value) for value in values} == {int}


def test_ignored_associations_have_a_glob_and_a_reason() -> None:
    """The rules in Ignore are read in their order. A rule without a reason, or with a blank one, is refused."""
    document = deepcopy(MINIMAL_DOCUMENTS["Target"])
    document["spec"]["Ignore"] = [{"Arn": "*/a", "Reason": "theirs"}, {"Arn": "*", "Reason": "not ours"}]
    (target,) = read_desired(document).targets
    assert target.ignore == (IgnoreRule("*/a", "theirs"), IgnoreRule("*", "not ours"))
    for rule in ({"Arn": "*"}, {"Arn": "*", "Reason": " "}, {"Arn": "", "Reason": "x"}):
        document["spec"]["Ignore"] = [rule]
        assert not Draft202012Validator(TARGET).is_valid(document)


@pytest.mark.parametrize(("text", "is_accepted"), [("replaced on 2026-10-01", True), ("", False), (" ", False)])
def test_retirement_needs_an_explanation(text: str, is_accepted: bool) -> None:
    """policy.retired is a text that says why. An empty or blank text is refused."""
    document = deepcopy(MINIMAL_DOCUMENTS["DataIntegrationAssociation"])
    document["policy"] = {"retired": text}
    assert Draft202012Validator(ASSOCIATION).is_valid(document) is is_accepted
    if is_accepted:
        ((manifest,),) = read_desired(document).manifests.values()
        assert manifest.policy.retired == text


@pytest.mark.parametrize(
    ("quota", "is_accepted"), [(0, False), (1, True), (10_000, True), (10_001, False), (1.5, False)]
)
def test_association_quota_has_limits(quota: float, is_accepted: bool) -> None:
    """AssociationsPerIntegration is a whole number from 1 to 10,000."""
    document = deepcopy(MINIMAL_DOCUMENTS["Target"])
    document["spec"]["AssociationsPerIntegration"] = quota
    assert schema.get_fast_check("Target")(document) is is_accepted


@pytest.mark.parametrize(
    ("file", "label"), [(file, each["label"]) for file in FILES for each in schema.load_schema(file)["defaultSnippets"]]
)
def test_manifest_snippet_is_valid(file: str, label: str) -> None:
    """A snippet for an empty file is a valid manifest, even with the defaults of its placeholders."""
    (snippet,) = (each for each in schema.load_schema(file)["defaultSnippets"] if each["label"] == label)
    assert snippet["description"]
    text = write_yaml(snippet["body"])
    assert "$" not in text
    desired_state = load_manifests([File("snippet.yaml", text.encode())], NOW)
    assert desired_state.warnings == ()
    tab_stops = [int(number) for number in re.findall(r"\$\{(\d+)", json.dumps(snippet["body"]))]
    assert tab_stops == list(range(1, len(tab_stops) + 1))


@pytest.mark.parametrize("snippet", ASSOCIATION["$defs"]["ExecutionConfiguration"]["defaultSnippets"])
def test_execution_snippet_is_valid(snippet: dict[str, Any]) -> None:
    """A snippet for ExecutionConfiguration makes a valid manifest."""
    text = write_yaml(
        {
            **MINIMAL_DOCUMENTS["DataIntegrationAssociation"],
            "spec": {"DataIntegrationIdentifier": "a", "ExecutionConfiguration": snippet["body"]},
        }
    )
    assert "$" not in text
    ((manifest,),) = load_manifests([File("snippet.yaml", text.encode())], NOW).manifests.values()
    assert manifest.spec["ExecutionConfiguration"]
