"""Placeholders are replaced once, by the value of their name, and everything else stays as it was."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.manifests.placeholders import escape, find_texts, find_tokens, find_unknown_names, substitute
from reconciler.core.model import Json

NAMES = ("bucket", "env", "target.name")
TEXT = st.text(st.sampled_from("a${}b"), max_size=8) | st.sampled_from(["${bucket}", "$${env}", "${env}"])
VALUES = st.fixed_dictionaries(dict.fromkeys(NAMES, TEXT))
TREES: st.SearchStrategy[Any] = st.recursive(
    TEXT | st.integers() | st.booleans() | st.none(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
PARTS = st.lists(
    st.tuples(st.just("name"), st.sampled_from(NAMES))
    | st.tuples(st.just("literal"), st.just(""))
    | st.tuples(st.just("text"), st.text(st.sampled_from("ab{}/: "), max_size=4)),
    max_size=6,
)


@given(PARTS, VALUES)
def test_each_placeholder_is_replaced_once(parts: list[tuple[str, str]], values: dict[str, str]) -> None:
    """The result joins the values, unchanged even if they contain placeholders, with the text between them."""
    text = "".join({"name": f"${{{part}}}", "literal": "$${", "text": part}[kind] for kind, part in parts)
    expected = "".join({"name": values.get(part, ""), "literal": "${", "text": part}[kind] for kind, part in parts)
    assert list(find_unknown_names(text, values)) == []
    assert substitute(text, values) == expected


@given(TREES, VALUES)
def test_escaped_tree_is_substituted_to_itself(tree: Any, values: dict[str, str]) -> None:
    """The substitution of an escaped tree gives the tree, so that a rendered manifest means the same."""
    escaped = escape(tree)
    assert all(not list(find_unknown_names(text, {})) for _, text in find_texts(escaped))
    assert substitute(escaped, values) == tree


@given(TREES)
def test_keys_and_other_values_stay(tree: Any) -> None:
    """A tree without placeholders is returned itself, without a copy."""
    if not list(find_texts(tree)):
        assert substitute(tree, {}) is tree


def test_keys_are_never_replaced() -> None:
    """A placeholder in a key stays."""
    assert substitute({"${env}": ["${env}"]}, {"env": "prod"}) == {"${env}": ["prod"]}


def test_texts_have_their_paths() -> None:
    """Each string with a placeholder is found by its path."""
    tree: Any = {"a": [1, "x ${b}"], "c": "plain", "d": {"e": "$${"}}
    assert list(find_texts(tree, ("spec",))) == [(("spec", "a", 1), "x ${b}"), (("spec", "d", "e"), "$${")]


def test_escaped_list_stays_a_list() -> None:
    """A tuple of a normalised request is rendered as a list."""
    assert escape(("${a}", 1)) == ["$${a}", 1]


@pytest.mark.parametrize(
    ("text", "token", "message"),
    [
        ("s3://${buckte}/x", "${buckte}", "no value has the name 'buckte': did you mean 'bucket'?"),
        (
            "${xyz}",
            "${xyz}",
            "no value has the name 'xyz': use bucket, env, target.name, or declare 'xyz' in Values of a Target",
        ),
        ("${}", "${}", "no value has the name '': use bucket, env, target.name"),
        ("${env:-prod}", "${env:-prod}", "no value has the name 'env:-prod': use bucket, env, target.name"),
        ("s3://${{env}}/x", "${", "'${{env}}' has more than one pair of braces: write ${env}"),
        ("${{ target.name }}", "${", "'${{ target.name }}' has more than one pair of braces: write ${target.name}"),
        ("${{env", "${", "'${' has no closing brace: write ${NAME} for a value, or $${ for the characters ${"),
        ("a ${env", "${", "'${' has no closing brace: write ${NAME} for a value, or $${ for the characters ${"),
    ],
)
def test_unknown_name_has_a_remedy(text: str, token: str, message: str) -> None:
    """An unknown name is reported with the nearest one, or with those that exist."""
    assert list(find_unknown_names(text, dict.fromkeys(NAMES, ""))) == [(token, message)]
    assert list(find_tokens(text)) == [token]


def test_items_of_lists_are_substituted() -> None:
    """Strings in lists are substituted, and a tree without a placeholder is the same object."""
    tree: Json = {"skip": ["${env}-01", "2026-02-01"], "other": ["plain", 7]}
    assert substitute(tree, {"env": "2026-01"}) == {"skip": ["2026-01-01", "2026-02-01"], "other": ["plain", 7]}
    plain: Json = {"other": ["plain", 7]}
    assert substitute(plain, {}) is plain
