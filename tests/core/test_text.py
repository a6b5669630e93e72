"""Safe text: runner commands and control characters are escaped, and harmless text stays unchanged."""

from __future__ import annotations

import pytest

from reconciler.core.text import sanitize, strip_full_stop


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a plain line: ü", "a plain line: ü"),
        ("  ::error::no", "  \\u003a:error::no"),
        ("a ##[command]", "a #\\u0023[command]"),
        ("a\x1b[2J\nb\u202e", "a\\u001b[2J\\u000ab\\u202e"),
    ],
)
def test_workflow_commands_and_invisible_characters_are_escaped(text: str, expected: str) -> None:
    """Commands in both forms and invisible characters are escaped."""
    assert sanitize(text) == expected


@pytest.mark.parametrize("text", ["The job failed.", "The job failed. ", "The job failed"])
def test_foreign_sentence_loses_its_full_stop(text: str) -> None:
    """A message of AWS may stand within a sentence without a full stop before the next part."""
    assert strip_full_stop(text) == "The job failed"
