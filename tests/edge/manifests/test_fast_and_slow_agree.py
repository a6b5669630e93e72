"""The fast and the slow validator accept the same documents, and every rejected document has an explanation."""

from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.edge.manifests import schema

CHARACTERS = st.characters(exclude_categories=["Cs"])
TEXT = st.text(CHARACTERS, max_size=12)
NAME = st.from_regex(r"[a-z0-9]([-.a-z0-9]{0,9}[a-z0-9])?", fullmatch=True).filter(str.isascii)
WORD = st.text("abcXYZ019_", min_size=1, max_size=8)
TIME = st.sampled_from(
    ["1790812800000", "2026-10-01T00:00:00Z", "2026-10-01T00:00+02:00", "2026-10-01T00:00:00.1-05:30"]
)
METADATA = st.fixed_dictionaries(
    {"name": NAME},
    optional={"namespace": WORD, "labels": st.dictionaries(TEXT, TEXT, max_size=2), "annotations": st.just({"a": ""})},
)
WINDOW = st.fixed_dictionaries({"StartTime": TIME}, optional={"EndTime": TIME})
SCHEDULE = st.fixed_dictionaries(
    {"ScheduleExpression": st.just("rate(1 hour)")}, optional={"FirstExecutionFrom": TIME, "Object": WORD}
)
EXECUTION = st.fixed_dictionaries(
    {"ExecutionMode": st.just("ON_DEMAND")}, optional={"OnDemandConfiguration": WINDOW}
) | st.fixed_dictionaries({"ExecutionMode": st.just("SCHEDULED"), "ScheduleConfiguration": SCHEDULE})
FIELDS = st.dictionaries(WORD, st.dictionaries(WORD, st.lists(WORD, min_size=1, max_size=3), max_size=2), max_size=2)
MODE, LOSS = st.sampled_from(["observe", "create", "create-and-update"]), st.sampled_from(["report", "recreate"])
ADOPT = "arn:aws:app-integrations:us-east-1:123456789012:data-integration-association/i/a"
MANIFEST = st.fixed_dictionaries(
    {
        "apiVersion": st.just("appintegrations.reconciler/v1"),
        "kind": st.just("DataIntegrationAssociation"),
        "metadata": METADATA,
        "spec": st.fixed_dictionaries(
            {"DataIntegrationIdentifier": WORD},
            optional={
                "ClientId": WORD,
                "ObjectConfiguration": FIELDS,
                "DestinationURI": WORD.map("s3://bucket/".__add__),
                "ClientAssociationMetadata": st.dictionaries(WORD, WORD, max_size=2),
                "ExecutionConfiguration": EXECUTION,
            },
        ),
    },
    optional={
        "target": NAME,
        "policy": st.fixed_dictionaries(
            {},
            optional={
                "mode": MODE,
                "suspend": st.booleans(),
                "generation": st.integers(1, 1_000_000) | st.just(2.0),
                "onLoss": LOSS,
                "ignore": st.just(["/ExecutionConfiguration/OnDemandConfiguration/EndTime"]),
                "adopt": st.just(ADOPT),
            },
        ),
    },
)
TARGET = st.fixed_dictionaries(
    {
        "apiVersion": st.just("appintegrations.reconciler/v1"),
        "kind": st.just("Target"),
        "metadata": METADATA,
        "spec": st.fixed_dictionaries(
            {"Region": st.sampled_from(["us-east-1", "us-gov-west-1"]), "AccountId": st.just("012345678901")},
            optional={
                "RoleArn": st.just("arn:aws:iam::123456789012:role/reconciler"),
                "ExternalId": st.just("id"),
                "SessionName": st.just("me@here"),
                "RequestsPerSecond": st.floats(0.01, 10_000) | st.integers(1, 10_000),
                "Burst": st.integers(1, 10_000),
                "Suspend": st.booleans(),
                "Policy": st.fixed_dictionaries({}, optional={"mode": MODE, "onLoss": LOSS}),
                "MaxCreates": st.integers(0, 1000),
                "AllowedDestinations": st.just(["s3://*"]),
            },
        ),
    }
)
DOCUMENTS: dict[str, st.SearchStrategy[Any]] = {"DataIntegrationAssociation": MANIFEST, "Target": TARGET}
STRANGE_VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**17), 2**64 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    TEXT,
    st.sampled_from(
        ["", " ", "\t\n", "\u00a0", "\u3000", "\ufeff", "\x1c", "\x85", "\u200b", "\uff41", "a\n", "٣" * 12]
    ),
    st.sampled_from([1, 2, 12, 20, 63, 64, 65, 253, 254, 255, 256, 1000, 1001, 1225, 2049]).map("a".__mul__),
    st.just([]),
    st.just({}),
    st.lists(TEXT, max_size=2),
    st.dictionaries(TEXT, TEXT, max_size=2),
)


def list_containers(value: Any) -> Iterator[dict[str, Any] | list[Any]]:
    """Yield every mapping and list of a tree."""
    if isinstance(value, dict | list):
        yield value
        for child in value.values() if isinstance(value, dict) else value:
            yield from list_containers(child)


@st.composite
def draw_changed_document(draw: st.DrawFn, documents: st.SearchStrategy[dict[str, Any]]) -> dict[str, Any]:
    """Return a valid document after one to three changes."""
    document = deepcopy(draw(documents))
    for _ in range(draw(st.integers(1, 3))):
        chosen = draw(st.sampled_from(list(list_containers(document))))
        steps = list(chosen) if isinstance(chosen, dict) else list(range(len(chosen)))
        if not steps or (isinstance(chosen, dict) and draw(st.integers(0, 4)) == 0):
            if isinstance(chosen, dict):
                chosen[draw(TEXT | st.sampled_from(["ClientToken", "", "\n", "a" * 256]))] = deepcopy(
                    draw(STRANGE_VALUES)
                )
            continue
        step: Any = draw(st.sampled_from(steps))
        container: Any = chosen
        old_value = container[step]
        match draw(st.sampled_from(["replace", "replace", "append", "wrap", "remove", "misspell"])):
            case "append" if isinstance(old_value, str):
                container[step] = old_value + draw(st.sampled_from(["\n", " ", "\r", "\u2028", "é", "\x00", ","]))
            case "wrap":
                container[step] = draw(st.sampled_from([[old_value], {"a": old_value}, str(old_value)]))
            case "remove":
                del container[step]
            case "misspell" if isinstance(chosen, dict) and step:
                misspelled = draw(st.sampled_from([step[1:], step.lower(), step.upper(), step + "s", step + "\n"]))
                chosen[misspelled] = chosen.pop(step)
            case _:
                container[step] = deepcopy(draw(STRANGE_VALUES))
    return document


def explain_document(kind: str, document: Any) -> list[tuple[tuple[str | int, ...], bool, str]]:
    """Return the problems of a document."""
    return list(schema.find_schema_problems(kind, document, lambda path: f"value at {path}"))


@pytest.mark.parametrize("kind", DOCUMENTS)
@given(data=st.data())
@settings(max_examples=60)
def test_both_validators_accept_valid_documents(kind: str, data: st.DataObject) -> None:
    """Both validators accept any valid document."""
    document = data.draw(DOCUMENTS[kind])
    assert schema.get_fast_check(kind)(document)
    assert explain_document(kind, document) == []


@pytest.mark.parametrize("kind", DOCUMENTS)
@given(data=st.data())
@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
def test_both_validators_agree_on_documents_with_mistakes(kind: str, data: st.DataObject) -> None:
    """Both validators agree on a document with mistakes, and each problem has a path that exists."""
    document = data.draw(draw_changed_document(DOCUMENTS[kind]))
    is_valid = schema._build_slow_validator(kind).is_valid(document)  # noqa: SLF001 - the promise is about the validator behind explain
    assert schema.get_fast_check(kind)(document) is is_valid
    problems = explain_document(kind, document)
    assert bool(problems) is not is_valid
    for path, is_key, message in problems:
        assert message.strip()
        value: Any = document
        for step in path[:-1] if is_key else path:
            value = value[step]
        assert not is_key or path[-1] in value


@pytest.mark.parametrize("kind", DOCUMENTS)
@pytest.mark.parametrize("document", [None, [], {}, "", 1, {"spec": None}, {"spec": [], "metadata": 1, "policy": ""}])
def test_document_of_any_shape_is_explained(kind: str, document: Any) -> None:
    """A document of any shape that is not a manifest is rejected with an explanation."""
    assert not schema.get_fast_check(kind)(document)
    assert all(message for _, _, message in explain_document(kind, document))
    assert explain_document(kind, document)


@pytest.mark.parametrize(("size", "is_accepted"), [(0, False), (1, True), (2048, True), (2049, False)])
def test_field_list_has_a_length_limit(size: int, is_accepted: bool) -> None:
    """A list of fields has 1 to 2048 fields."""
    document: dict[str, Any] = {
        "apiVersion": "appintegrations.reconciler/v1",
        "kind": "DataIntegrationAssociation",
        "metadata": {"name": "a"},
        "spec": {"DataIntegrationIdentifier": "a", "ObjectConfiguration": {"a": {"b": ["f"] * size}}},
    }
    assert schema.get_fast_check("DataIntegrationAssociation")(document) is is_accepted
    assert bool(explain_document("DataIntegrationAssociation", document)) is not is_accepted


@pytest.mark.parametrize("blank", [" ", "\n", "\u00a0", "\u3000", "\ufeff", "\u2028"])
def test_blank_strings_follow_ecma_262(blank: str) -> None:
    """A string of any blank characters of ECMA-262 counts as blank, as in editors and CI."""
    document: dict[str, Any] = {
        "apiVersion": "appintegrations.reconciler/v1",
        "kind": "DataIntegrationAssociation",
        "metadata": {"name": "a"},
        "spec": {"DataIntegrationIdentifier": blank},
    }
    path = ("spec", "DataIntegrationIdentifier")
    assert explain_document("DataIntegrationAssociation", document) == [
        (path, False, f"{blank!r} is blank: write visible text")
    ]


def test_long_blank_string_is_explained_in_bounded_time() -> None:
    """A megabyte of blanks is explained in bounded time, because patterns do not backtrack."""
    document: dict[str, Any] = {
        "apiVersion": "appintegrations.reconciler/v1",
        "kind": "DataIntegrationAssociation",
        "metadata": {"name": "a"},
        "spec": {"DataIntegrationIdentifier": " " * 1_000_000, "DestinationURI": "s3://" + "a" * 1_000_000 + " "},
    }
    problems = explain_document("DataIntegrationAssociation", document)
    assert len(problems) == 4
    assert all(len(message) < 300 for _, _, message in problems)
