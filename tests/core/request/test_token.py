"""Equal requests have equal ClientTokens on every machine, and different requests have different ones."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from support.builders import request

from reconciler.core.request.token import compute_client_token

texts = st.text(max_size=8)
trees = st.recursive(texts | st.lists(texts, max_size=3), lambda inner: st.dictionaries(texts, inner, max_size=3))
requests = st.dictionaries(texts, trees, max_size=4)


def test_the_token_of_a_request_never_changes() -> None:
    """The token of a known request has a fixed value. With another one, each association could be created twice."""
    assert compute_client_token(request(), 0) == (
        "appintegrations-reconciler-v1-ec80cec1be80a37688572c58f2f6d3241489b47675370c8c68df5eb0fb7461bf"
    )


def test_recreation_has_a_different_token() -> None:
    """AWS does not mistake the recreation of a lost association for a repeated Create."""
    assert compute_client_token(request(), 1) != compute_client_token(request(), 0)


def reverse_keys(tree: Any) -> Any:
    """Return the value with the keys of each mapping in reverse order."""
    if isinstance(tree, dict):
        return {key: reverse_keys(tree[key]) for key in reversed(list(tree))}
    return tree


@given(requests)
def test_token_does_not_depend_on_key_order(tree: dict[str, Any]) -> None:
    """Two machines compute the same token from the same manifest."""
    assert compute_client_token(reverse_keys(tree), 0) == compute_client_token(tree, 0)


@given(requests, requests)
def test_different_requests_have_different_tokens(first: dict[str, Any], second: dict[str, Any]) -> None:
    """Two requests have the same token only if they are equal."""
    assert (compute_client_token(first, 0) == compute_client_token(second, 0)) == (first == second)


@given(requests)
def test_token_has_a_length_that_aws_accepts(tree: dict[str, Any]) -> None:
    """Each ClientToken has 1 to 2048 characters, as the service model requires."""
    assert 1 <= len(compute_client_token(tree, 0)) <= 2048
