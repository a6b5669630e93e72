"""JSON is read by its own rules, or rejected. The inputs are ours, in the classes of JSONTestSuite."""

from __future__ import annotations

from typing import Any

import pytest

from reconciler.core.errors import Problem
from reconciler.edge.manifests.documents import read_documents

HALF_PAIR = "half of a surrogate pair is not a character: write both halves, or neither"
LONG_NUMBER = "the number has more than 18 characters: put it in quotes"

VALUES: list[tuple[str, Any]] = [
    # structure
    ("{}", {}), ("[]", []), (" [ ]\t\r\n", []), ("[[[]], {}]", [[[]], {}]), ("[null, 1]", [None, 1]),
    ("\ufeff{}", {}), ('{"a":{"b":[{"c":0}]}}', {"a": {"b": [{"c": 0}]}}), ("[\n1\n,\r2\r\n]", [1, 2]),
    ("[true, false, null]", [True, False, None]), ("[" * 32 + "]" * 32, eval("[" * 32 + "]" * 32)),  # noqa: S307 - a literal
    # numbers
    ("[0, -0, 10, -7]", [0, 0, 10, -7]), ("[0.5, -0.0, 1.25e2, 1E3]", [0.5, -0.0, 125.0, 1000.0]),
    ("[1e-3, 1E+2, 123e65]", [0.001, 100.0, 123e65]), ("[999999999999999999]", [999_999_999_999_999_999]),
    ("[0e1, 0.1e-400]", [0.0, 0.0]), ("[123.456789012345678901234567890]", [123.456789012345678901234567890]),
    # strings
    (r'["\"\\\/\b\f\n\r\t"]', ['"\\/\b\f\n\r\t']), (r'["\u0000\u001f\u007F"]', ["\0\x1f\x7f"]),
    (r'["\u00e9\u20AC\uFFFF\ufdd0"]', ["é€\uffff\ufdd0"]), (r'["\ud83d\uDE00"]', ["😀"]),
    (r'["\u2028\u2029\u0085\ufeff"]', ["\u2028\u2029\x85\ufeff"]), ('["\u2028\u2029\x85"]', ["\u2028\u2029\x85"]),
    ('["\x7f\x80\ufffe\u200b"]', ["\x7f\x80\ufffe\u200b"]), ('["é€😀"]', ["é€😀"]), (r'["\\u0041\\n"]', ["\\u0041\\n"]),
    ('["# no comment", "a: b", "- c", "&d *e !f"]', ["# no comment", "a: b", "- c", "&d *e !f"]),
    ('["", " ", "true", "1", "null", "~"]', ["", " ", "true", "1", "null", "~"]),
    # keys
    ('{"": 0}', {"": 0}), (r'{"\ud83d\ude00": 0, "a\u0000b": 1}', {"😀": 0, "a\0b": 1}),
    ('{"<<": {"a": 1}}', {"<<": {"a": 1}}),
    ('{"yes": 1, "null": 2, "1": 3, "?x": 4, "&a": 5}', {"yes": 1, "null": 2, "1": 3, "?x": 4, "&a": 5}),
    ('{"é": 1, "e\u0301": 2}', {"é": 1, "e\u0301": 2}),
]  # fmt: skip
REJECTED: list[tuple[str | bytes, str]] = [
    # valid JSON that a manifest may not contain
    ('{"a": 1, "a": 1}', "1:10: duplicate key 'a': already used in line 1"),
    (r'{"a": 1, "\u0061": 2}', "1:10: duplicate key 'a'"),
    ("[9223372036854775808]", f"1:2: {LONG_NUMBER}"), ("[-9223372036854775808]", f"1:2: {LONG_NUMBER}"),
    ("[1e999]", "1:2: the number is too large: put it in quotes"), ("[-1e999]", "1:2: the number is too large"),
    (f"[1.{'0' * 200}]", "1:2: the number has more than 128 characters"),
    ("[" * 33 + "]" * 33, "1:33: the document is nested more than 32 levels deep: use fewer levels"),
    (r'["\ud83d"]', f"1:2: {HALF_PAIR}"), (r'["\ude00\ud83d"]', f"1:2: {HALF_PAIR}"),
    (r'["\ud83dx"]', f"1:2: {HALF_PAIR}"),
    (r'["\ud83d\n"]', f"1:2: {HALF_PAIR}"), (r'["\ud83d\ud83d\ude00"]', f"1:2: {HALF_PAIR}"),
    (r'{"\udc00": 1}', f"1:2: {HALF_PAIR}"),
    ("null", "1:1: the file has no manifest"),
    # not UTF-8
    (b'["\xff"]', "1:3: the file is not UTF-8"), (b'["\xed\xa0\x80"]', "1:3: the file is not UTF-8"),
    (b'["\xc0\xaf"]', "1:3: the file is not UTF-8"),
    (b'["\xf4\xbf\xbf\xbf"]', "1:3: the file is not UTF-8"), ("[1]".encode("utf-16"), "1:1: the file is not UTF-8"),
    # neither JSON nor YAML, or JSON with a comment that is text in YAML
    ("[", "is not JSON"), ("{", "is not JSON"), ("]", "is not JSON"), ("[1", "is not JSON"), ('["a', "is not JSON"),
    ('{"a":', "is not JSON"), ('{"a" 1}', "is not JSON"), ("[,]", "is not JSON"), ("[1,,2]", "is not JSON"),
    ("[]]", "text follows"), ("{}}", "text follows"), ('{"a": 1} x', "text follows"), ("[][]", "text follows"),
    ('{"a": 1}{"b": 2}', "text follows"), ('{"a": 1}\n{"b": 2}\n', "text follows"), ("{}\n# ---\n{}", "text follows"),
    (r'["\x"]', "is not JSON"), (r'["\u00e"]', "is not JSON"), (r'["\ud83d\u"]', "is not JSON"),
    ("[1]\0", "is not JSON"),
    ('["\0"]', "is not JSON"), ('["\x1f"]', "is not JSON"), (r'{a: "\ud83d\ude00"}', "a key needs double quotes"),
    ('{"a": /*b*/1}', "1:7: the file is not JSON: comments are not allowed: remove this one"),
    ('{"a": 1 // b\n}', "1:9: the file is not JSON: comments are not allowed: remove this one"),
]  # fmt: skip
YAML: list[tuple[str, Any]] = [
    # not JSON, but YAML 1.2: plain words, trailing commas and comments with #
    ("[1,]", [1]), ('{"a": 1,}', {"a": 1}), ("[01, +1, .5, 1., 0x1f]", [1, 1, 0.5, 1.0, 31]), ("['a']", ["a"]),
    ("[NaN, Infinity, -Infinity, nul, True]", ["NaN", "Infinity", "-Infinity", "nul", True]), ('["a": 1]', [{"a": 1}]),
    ("{a: 1}", {"a": 1}), ("{1:2}", {"1:2": None}), ('{"a"}', {"a": None}), ('{"a":b}', {"a": "b"}), ("[1 2]", ["1 2"]),
    ('["a\nb"]', ["a b"]), ('["\t"]', ["\t"]), (r'["\x41\a\e"]', ["A\a\x1b"]), (r"[\u0041]", ["\\u0041"]),
    ('{"a": 1} # comment', {"a": 1}), ("# comment\n[1]", [1]), ("\xa0[]", "\xa0[]"),
]  # fmt: skip


def read_values(content: str | bytes) -> list[Any]:
    """Return the values and problems in a file."""
    documents = read_documents("m.json", content if isinstance(content, bytes) else content.encode())
    return [str(each).removeprefix("m.json:") if isinstance(each, Problem) else each.value for each in documents]


@pytest.mark.parametrize(("text", "value"), VALUES + YAML)
def test_json_values_keep_their_types(text: str, value: Any) -> None:
    """JSON values keep their value and type, and other text is read as YAML 1.2."""
    assert repr(read_values(text)) == repr([value])


@pytest.mark.parametrize(("text", "expected"), REJECTED)
def test_json_that_would_lose_information_is_rejected(text: str | bytes, expected: str) -> None:
    """JSON whose values would be rounded, replaced or dropped is rejected with a position and a reason."""
    assert expected in str(read_values(text)[-1])


def test_json_documents_are_separated_by_markers() -> None:
    """Several JSON documents in a file need a marker between them, as in YAML."""
    text = '# one\n---\n{"a": "\\ud83d\\ude00"}\n--- \n# two\n[1]\n...\n# end'
    assert read_values(text) == [{"a": "😀"}, [1]]
    assert read_values("\r".join(text.split("\n"))) == [{"a": "😀"}, [1]]
    assert read_values("{}\n...\n{}") == [{}, {}]
