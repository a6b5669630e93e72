"""The ClientToken is the same for the same request everywhere, and never for another."""

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
    """The token is pinned: another value would create every association in the world a second time."""
    assert compute_client_token(request(), 0) == (
        "appintegrations-reconciler-v1-ec80cec1be80a37688572c58f2f6d3241489b47675370c8c68df5eb0fb7461bf"
    )


def test_recreation_has_a_different_token() -> None:
    """The next incarnation is another request to AWS."""
    assert compute_client_token(request(), 1) != compute_client_token(request(), 0)


def reversed_keys(tree: Any) -> Any:
    """Return the tree with the keys of all its maps the other way round."""
    if isinstance(tree, dict):
        return {key: reversed_keys(tree[key]) for key in reversed(list(tree))}
    return tree


@given(requests)
def test_token_does_not_depend_on_key_order(tree: dict[str, Any]) -> None:
    """Two machines that read the same manifest have the same token."""
    assert compute_client_token(reversed_keys(tree), 0) == compute_client_token(tree, 0)


@given(requests, requests)
def test_different_requests_have_different_tokens(one: dict[str, Any], other: dict[str, Any]) -> None:
    """A token is never that of another request."""
    assert (compute_client_token(one, 0) == compute_client_token(other, 0)) == (one == other)


@given(requests)
def test_token_has_a_length_that_aws_accepts(tree: dict[str, Any]) -> None:
    """A ClientToken has 1 to 2048 characters (service model)."""
    assert 1 <= len(compute_client_token(tree, 0)) <= 2048
