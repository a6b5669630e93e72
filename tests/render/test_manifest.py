"""Tests for the manifest as YAML: readers of YAML 1.1 and YAML 1.2 parse the same values."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.core.manifests.document import Document
from reconciler.edge.manifests.documents import read_documents
from reconciler.render.manifest import format_comment, render_yaml

STRINGS = st.text(max_size=40) | st.sampled_from([
    "no", "yes", "on", "Off", "y", "N", "null", "~", "true", "1", "012345670123", "0o17", "0x1f", "1e3", "1_000",
    "12:30:45", ".inf", "2026-10-01", "2026-10-01T00:00:00Z", "- x", "# x", "a #b", "a: b", "a :b", "a:", ":a", "? a",
    "a ? b", "- ", "-", "---", "...", "x  y", " x", "x ", "<<", "=", "s3://a/b", "rate(1 hour)", "cron(0 3 * * ? *)",
    "a, b", "a\nb", "a\tb", "\x85", "\u2028", "\ufeff", "\x00", "\x7f", "\ud7ff", "\ue000", "\U0001f642",
    "arn:aws:x:y:1:z/1", "%a", "@a", "`a",
])  # fmt: skip
SAFE_STRINGS = STRINGS.filter(lambda each: not any("\ud800" <= char <= "\udfff" for char in each))
VALUES = st.recursive(
    SAFE_STRINGS | st.booleans() | st.none() | st.integers(-(10**15), 10**15),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(SAFE_STRINGS.filter(lambda key: key != "<<"), inner, max_size=4)
    ),
    max_leaves=12,
)


@settings(max_examples=500)
@given(st.dictionaries(SAFE_STRINGS.filter(lambda key: key != "<<"), VALUES, min_size=1, max_size=5), st.lists(STRINGS))
def test_manifest_reads_the_same_by_yaml_1_1_and_1_2(document: dict[str, Any], comments: list[str]) -> None:
    """Our YAML 1.2 reader and PyYAML's 1.1 reader both return the rendered document, without its comments."""
    text = render_yaml(document, comments)
    (parsed_document,) = read_documents("manifest.yaml", text.encode())
    assert isinstance(parsed_document, Document)
    assert parsed_document.value == document
    assert yaml.safe_load(text) == document


def test_manifest_has_the_style_of_the_examples() -> None:
    """A manifest is rendered in block style, in the given order, with quotes only where they are needed."""
    document: dict[str, Any] = {
        "kind": "X",
        "policy": {"adopt": "arn:aws:x:us-east-1:123456789012:y/z"},
        "spec": {
            "Name": "no",
            "Object": {"Profiles": {"domainName": ["my-domain", "b"]}},
            "Empty": {},
            "DestinationURI": "s3://corp/2026-10",
            "Start": "2026-10-01T00:00:00Z",
            "Expression": "cron(0 3 * * ? *)",
            "Flag": True,
        },
    }
    assert render_yaml(document, ["one", "two"]) == (
        "# one\n# two\nkind: X\npolicy:\n  adopt: arn:aws:x:us-east-1:123456789012:y/z\nspec:\n"
        '  Name: "no"\n  Object:\n    Profiles:\n      domainName: [my-domain, b]\n  Empty: {}\n'
        '  DestinationURI: s3://corp/2026-10\n  Start: "2026-10-01T00:00:00Z"\n'
        "  Expression: cron(0 3 * * ? *)\n  Flag: true\n"
    )


@pytest.mark.parametrize("message", ["a\nb", "a\rb", "a\x85b", "a\u2028b", "a\x1bb"])
def test_a_comment_is_one_line(message: str) -> None:
    """A message with line breaks or control characters becomes a comment of one line."""
    assert format_comment(message).isprintable()
