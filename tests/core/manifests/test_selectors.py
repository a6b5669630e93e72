"""Selectors select the same Targets as Kubernetes would."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.manifests.selectors import Operator, Requirement, Selector, has_labels, parse_requirements

KEYS, LABELS = st.sampled_from(["env", "tier", "example.com/team"]), st.sampled_from(["", "prod", "staging", "a.b-c_d"])
LABEL_MAPS = st.dictionaries(KEYS, LABELS)
RULES = st.fixed_dictionaries(
    {"key": KEYS, "operator": st.sampled_from(["In", "NotIn"]), "values": st.lists(LABELS, min_size=1, max_size=3)}
) | st.fixed_dictionaries({"key": KEYS, "operator": st.sampled_from(["Exists", "DoesNotExist"])})


def is_selected(rule: dict[str, Any], labels: dict[str, str]) -> bool:
    """Return what Kubernetes documents for a rule: NotIn and DoesNotExist also select objects without the label."""
    if rule["operator"] in {"In", "Exists"}:
        return rule["key"] in labels and labels[rule["key"]] in rule.get("values", labels.values())
    return rule["key"] not in labels or ("values" in rule and labels[rule["key"]] not in rule["values"])


def write_rule(rule: dict[str, Any]) -> str:
    """Return a rule as kubectl takes it."""
    key, values = str(rule["key"]), ", ".join(rule.get("values", ()))
    words = {"In": f"{key} in ({values})", "NotIn": f"{key} notin ({values})", "Exists": key, "DoesNotExist": f"!{key}"}
    return words[rule["operator"]]


@given(LABEL_MAPS, st.lists(RULES, min_size=1, max_size=3), LABEL_MAPS)
def test_selector_agrees_with_a_simple_oracle(match: dict[str, str], rules: list[Any], labels: dict[str, str]) -> None:
    """A selector selects a Target if each label and each rule matches."""
    selector = Selector.from_value({"matchLabels": match, "matchExpressions": rules})
    expected = match.items() <= labels.items() and all(is_selected(rule, labels) for rule in rules)
    assert selector.has_match("any", labels) is expected


@given(st.lists(RULES, min_size=1, max_size=3), LABEL_MAPS)
def test_text_of_a_selector_means_its_rules(rules: list[Any], labels: dict[str, str]) -> None:
    """The text of kubectl means the same as the rules in a manifest."""
    requirements = parse_requirements(",".join(map(write_rule, rules)))
    assert has_labels(labels, requirements) is all(is_selected(rule, labels) for rule in rules)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("env=prod", [Requirement("env", Operator.IN, frozenset({"prod"}))]),
        (" env == prod ", [Requirement("env", Operator.IN, frozenset({"prod"}))]),
        ("env=", [Requirement("env", Operator.IN, frozenset({""}))]),
        (
            "env!=prod,!old",
            [Requirement("env", Operator.NOT_IN, frozenset({"prod"})), Requirement("old", Operator.DOES_NOT_EXIST)],
        ),
        (
            "env in (a,b), tier",
            [Requirement("env", Operator.IN, frozenset({"a", "b"})), Requirement("tier", Operator.EXISTS)],
        ),
        ("in", [Requirement("in", Operator.EXISTS)]),
    ],
)
def test_equality_and_sets_are_read(text: str, expected: list[Requirement]) -> None:
    """Both forms of Kubernetes are read: equality, and sets."""
    assert parse_requirements(text) == tuple(expected)


FORMS = "write KEY=VALUE, KEY!=VALUE"


@pytest.mark.parametrize(
    ("text", "character", "remedy"),
    [
        ("", 1, FORMS),
        (" ", 2, FORMS),
        ("env=prod,", 9, "remove the comma at the end"),
        ("env=prod, ", 9, "remove the comma at the end"),
        (",env", 1, "remove this comma"),
        ("env=prod,,tier", 10, "remove this comma"),
        ("env in prod", 8, "put the values in parentheses, as in KEY in (A,B)"),
        ("tier=a, env notin", 18, "put the values in parentheses, as in KEY notin (A,B)"),
        ("env = = a", 7, FORMS),
        ("env in (a b)", 11, "put a comma between the values"),
        ("env in (a", 10, "put a comma between the values, and a closing parenthesis after the last one"),
        ("env in (a) b", 12, FORMS),
        ("=prod", 1, FORMS),
        ("a;b", 2, FORMS),
        ("!", 2, FORMS),
    ],
)
def test_other_text_is_refused_at_its_fault(text: str, character: int, remedy: str) -> None:
    """A text that Kubernetes would not read is refused, with the position of the fault and its remedy."""
    with pytest.raises(ValueError, match="is not a selector") as error:
        parse_requirements(text)
    assert str(error.value).startswith(f"{text!r} is not a selector: at character {character}, {remedy}")


@pytest.mark.parametrize(
    ("globs", "expected"),
    [(["prod-us"], ["prod-us"]), (["prod-*", "x"], ["prod-us", "prod-eu"]), (["?"], []), (["prod-[eu]?"], [])],
)
def test_names_and_globs_select(globs: list[str], expected: list[str]) -> None:
    """A list selects by name and by glob of * and ?. A bracket has no meaning."""
    names = ["prod-us", "prod-eu", "staging"]
    assert [name for name in names if Selector.from_value(globs).has_match(name, {})] == expected
