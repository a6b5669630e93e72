"""YAML is read by the 1.2 core schema, with the position of every value and key."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.errors import Problem
from reconciler.core.manifests.document import Document
from reconciler.edge.manifests.documents import read_documents


def read_valid(text: str | bytes) -> list[Document]:
    """Return the documents of a text without problems."""
    documents = list(read_documents("m.yaml", text if isinstance(text, bytes) else text.encode()))
    assert all(isinstance(document, Document) for document in documents), documents
    return [document for document in documents if isinstance(document, Document)]


def list_problems(text: str) -> list[str]:
    """Return the problems of a text as lines."""
    return [str(problem) for problem in read_documents("m.yaml", text.encode()) if isinstance(problem, Problem)]


def read_value(text: str) -> Any:
    """Return the value of the only document in a text."""
    (document,) = read_valid(text)
    return document.value


@pytest.mark.parametrize(
    ("scalar", "expected"),
    [
        *((word, word) for word in ("yes", "no", "on", "off", "Yes", "NO", "On", "OFF", "y", "n", "Y", "N")),
        *((word, True) for word in ("true", "True", "TRUE")),
        *((word, False) for word in ("false", "False", "FALSE")),
        *((word, word) for word in ("tRUE", "fALSE", "nULL", "truely", "nullable", "None")),
        *((word, None) for word in ("~", "null", "Null", "NULL", "", "# nothing")),
        ("0", 0),
        ("12", 12),
        ("012", 12),
        ("-012", -12),
        ("+7", 7),
        ("0o17", 15),
        ("0x1F", 31),
        ("0xffffffffffffffff", 2**64 - 1),
        ("017", 17),
        ("08", 8),
        *((word, word) for word in ("0O17", "0X1F", "0b101", "0o18", "0xG", "-0x1F", "+0o17", "0o", "0x", "1_000")),
        *(
            (word, word)
            for word in ("1:30", "12:30:45", "190:20:30", "1,000", "1.2.3", "12a", "+", "-a", ".", "1e", "e3")
        ),
        ("1.5", 1.5),
        ("-1.5", -1.5),
        ("+.5", 0.5),
        (".5", 0.5),
        ("5.", 5.0),
        ("1e3", 1000.0),
        ("1.5E-3", 0.0015),
        ("12e03", 12000.0),
        ("0.", 0.0),
        *((word, word) for word in ("2026-10-01", "2026-10-01T00:00:00Z", "2026-10-01 00:00:00", "10:00")),
        *((word, word) for word in ("=", "<", "inf", "nan", "Infinity", ".infinity", "٣", "\uff11\uff12", "½")),
        *((f'"{word}"', word) for word in ("no", "12", "012", "0o17", "true", "null", "~", "1.5", "", " ")),
        *((f"'{word}'", word) for word in ("no", "12", "true", "null", "~", "1.5", "", "\\n")),
        ("|\n  12", "12\n"),
        (">-\n  no\n  yes", "no yes"),
        (r'"\u00e9\t\x41\e"', "é\tA\x1b"),
        ('"\U0001f600"', "\U0001f600"),
        (r'"\U0001F600"', "\U0001f600"),
    ],
)
def test_scalars_follow_the_core_schema(scalar: str, expected: Any) -> None:
    """Unquoted scalars follow section 10.3.2 of YAML 1.2.2, and never YAML 1.1, in block and in flow style."""
    actual = read_value(f"k: {scalar}\n")["k"]
    assert (type(actual), actual) == (type(expected), expected)
    if scalar[:1] not in {"|", ">", "#"} and "," not in scalar:
        assert read_value(f"[{scalar} , 0]\n" if scalar else "{k: , l: 0}\n") == (
            [expected, 0] if scalar else {"k": None, "l": 0}
        )


@pytest.mark.parametrize(
    "key", ["no", "12", "true", "null", "~", "1.5", "2026-10-01", "", "0o17", "=", "é", '"no"', "'1'"]
)
def test_keys_are_text(key: str) -> None:
    """A key is always its text, even if the same text as a value would be a number, a boolean or null."""
    assert read_value(f"? {key}\n: 1\n") == {key.strip("\"'"): 1}


@pytest.mark.parametrize(
    ("scalar", "expected"),
    [
        (".inf", "the number .inf is not supported: use a finite number, or put the text in quotes"),
        ("-.INF", "the number -.INF is not supported"),
        (".NaN", "the number .NaN is not supported"),
        ("1e999", "the number is too large: put it in quotes"),
        ("-1e999", "the number is too large: put it in quotes"),
        ("1234567890123456789", "the number has more than 18 characters: put it in quotes"),
        ("0x1ffffffffffffffff", "the number has more than 18 characters: put it in quotes"),
        ("9" * 10_000, "the number has more than 18 characters: put it in quotes"),
        ("!!str 12", "the tag '!!str' is not allowed: write the value without a tag"),
        ("!!int '12'", "the tag '!!int' is not allowed"),
        ("! 12", "the tag '!' is not allowed"),
        ("!secret x", "the tag '!secret' is not allowed"),
        ("!!binary aGk=", "the tag '!!binary' is not allowed"),
        ("!!set {a, b}", "the tag '!!set' is not allowed"),
        ("!<tag:example.org,2026:x> 1", "the tag 'tag:example.org,2026:x' is not allowed"),
        ("!!python/object/apply:os.system [x]", "the tag '!!python/object/apply:os.system'"),
    ],
)
def test_a_value_that_json_cannot_hold_is_refused(scalar: str, expected: str) -> None:
    """Infinities, numbers that would lose digits, and tags are rejected, because JSON has none of them."""
    (message,) = list_problems(f"a: 1\nk: {scalar}\n")
    assert message.startswith(f"m.yaml:2:4: {expected}")


def list_positions(document: Document) -> dict[tuple[str | int, ...], tuple[tuple[int, int], tuple[int, int]]]:
    """Return the positions of key and value for every path."""
    positions = {}

    def add_positions(tree: Any, path: tuple[str | int, ...]) -> None:
        positions[path] = (document.find_position(path, is_key=True), document.find_position(path))
        for step, child in (
            tree.items() if isinstance(tree, dict) else enumerate(tree if isinstance(tree, list) else ())
        ):
            add_positions(child, (*path, step))

    add_positions(document.value, ())
    return positions


BLOCK = """\
# a comment
a: 1

bé: {x: "ü", 'y' : [10, 11]}
c:
  - d: 😀 x
    e: |
      text
  -
    - f
"""
BLOCK_POSITIONS = {
    (): ((2, 1), (2, 1)),
    ("a",): ((2, 1), (2, 4)),
    ("bé",): ((4, 1), (4, 5)),
    ("bé", "x"): ((4, 6), (4, 9)),
    ("bé", "y"): ((4, 14), (4, 20)),
    ("bé", "y", 0): ((4, 21), (4, 21)),
    ("bé", "y", 1): ((4, 25), (4, 25)),
    ("c",): ((5, 1), (6, 3)),
    ("c", 0): ((6, 5), (6, 5)),
    ("c", 0, "d"): ((6, 5), (6, 8)),
    ("c", 0, "e"): ((7, 5), (7, 8)),
    ("c", 1): ((10, 5), (10, 5)),
    ("c", 1, 0): ((10, 7), (10, 7)),
}


def test_every_value_and_key_has_a_position() -> None:
    """Every key and value has a line and column, counted in characters from 1; an item of a list is its own key."""
    (document,) = read_valid(BLOCK)
    assert list_positions(document) == BLOCK_POSITIONS


@pytest.mark.parametrize("ending", ["\r\n", "\r"])
def test_line_endings_do_not_change_positions(ending: str) -> None:
    """Line breaks of Windows or of an old Mac do not change positions."""
    (document,) = read_valid(BLOCK.replace("\n", ending))
    assert list_positions(document) == BLOCK_POSITIONS


def test_byte_order_mark_does_not_change_positions() -> None:
    """A byte order mark at the start does not count as a character."""
    (document,) = read_valid(b"\xef\xbb\xbfa: 1\n")
    assert (document.value, document.find_position(("a",))) == ({"a": 1}, (1, 4))


def test_every_document_counts_from_the_start_of_the_file() -> None:
    """Positions in every document count from the start of the file, as in an editor; empty documents are skipped."""
    first, second, third = read_valid("a: 1\n---\n# only a comment\n---\nb:\n  c: 2\n...\n---\n- {d: 3}\n---\n")
    assert list_positions(first) == {(): ((1, 1), (1, 1)), ("a",): ((1, 1), (1, 4))}
    assert list_positions(second)["b", "c"] == ((6, 3), (6, 6))
    assert list_positions(third)[0, "d"] == ((9, 4), (9, 7))


def test_alias_has_the_position_of_its_anchor() -> None:
    """The value of an alias has the position of its anchor, and later values keep their own positions."""
    (document,) = read_valid("a: &x\n  b: [1, 2]\nc: *x\nd: {e: *x, f: 3}\n")
    assert document.value == {"a": {"b": [1, 2]}, "c": {"b": [1, 2]}, "d": {"e": {"b": [1, 2]}, "f": 3}}
    positions = list_positions(document)
    assert positions["c", "b", 1] == positions["a", "b", 1] == ((2, 10), (2, 10))
    assert positions["c",] == ((3, 1), (1, 4))
    assert positions["d", "e", "b"] == ((2, 3), (2, 6))
    assert positions["d", "f"] == ((4, 12), (4, 15))


def test_anchor_may_be_redefined_within_its_document() -> None:
    """An alias refers to the last anchor with its name in the same document."""
    assert read_value("a: &x 1\nb: *x\nc: &x 2\nd: *x\n") == {"a": 1, "b": 1, "c": 2, "d": 2}
    results = list(read_documents("m.yaml", b"a: &x 1\n---\nb: *x\n"))
    assert [type(each) for each in results] == [Document, Problem]
    assert str(results[1]) == "m.yaml:3:4: the alias *x has no anchor before it"


def test_missing_key_has_the_position_of_its_mapping() -> None:
    """A missing key has the position of the mapping that lacks it."""
    (document,) = read_valid("a:\n  b: 1\n")
    assert document.find_position(("a", "nothing", "deeper")) == document.find_position(("a",)) == (2, 3)
    assert document.find_position(("a", "b", "nothing")) == (2, 6)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("k: 012 # twelve\n", "012"),
        ("{k: 012,l: 1}\n", "012"),
        ("{l: [0], k: 012}\n", "012"),
        ("[k]\n---\nk: 1e3\n", "1e3"),
        ("k: &a 007\n", "007"),
        ("k: TRUE\r\nl: 1\r\n", "TRUE"),
        ("a: é\rk: -0.50\r", "-0.50"),
        ("k: &a\n  012\n", ""),
    ],
)
def test_a_number_is_quoted_as_it_is_written(text: str, expected: str) -> None:
    """A message quotes a number as it is written in the file, instead of its parsed value."""
    assert read_valid(text)[-1].find_source_text(("k",)) == expected


@pytest.mark.parametrize("version", ["1.1", "1.2"])
def test_version_directive_is_ignored(version: str) -> None:
    """A %YAML 1.1 directive does not change how the file is read."""
    assert read_value(f"%YAML {version}\n---\nk: no\n") == {"k": "no"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # Cases like those of yaml-test-suite. Where YAML 1.1 differs, the value follows 1.2.
        ("{a: http://x:1/y?z#q, b:c: d}", {"a": "http://x:1/y?z#q", "b:c": "d"}),
        ("[a:b, 'c': d, \"e\":f]", ["a:b", {"c": "d"}, {"e": "f"}]),
        ("{a:1, b}", {"a:1": None, "b": None}),
        ("[? a, ? b : c]", [{"a": None}, {"b": "c"}]),
        ("? a\n? b\n: c\n", {"a": None, "b": "c"}),
        ("- - a\n  - b\n-\n- c", [["a", "b"], None, "c"]),
        ("a: b#c d:e -f\n", {"a": "b#c d:e -f"}),
        ("a:\tb\t# c\n", {"a": "b"}),
        ("a: x\u00a0#y\u3000z\n", {"a": "x\u00a0#y\u3000z"}),
        ("a: b\n  c\n\n  d\n", {"a": "b c\nd"}),
        ("a: 'b''c\n\n  d'\n", {"a": "b'c\nd"}),
        ('a: "b\\\n   c\\ d\\/\\_"\n', {"a": "bc d/\u00a0"}),
        (r'a: "\N\L\P\0\v\x41\U0001F600"', {"a": "\x85\u2028\u2029\0\vA\U0001f600"}),
        ("a: |\n  b\n   c\n\n", {"a": "b\n c\n"}),
        ("a: |+\n  b\n\nc: d\n", {"a": "b\n\n", "c": "d"}),
        ("a: |2-\n   b\n", {"a": " b"}),
        ("a: >\n  b\n  c\n\n  d\n   e\n  f\n", {"a": "b c\nd\n e\nf\n"}),
        ("a: &x-1_y b\nc: *x-1_y\n", {"a": "b", "c": "b"}),
        ("- &a\n- *a\n", [None, None]),
        ("%YAML 1.2\n%TAG !e! tag:example.org,2026:\n---\na: 1\n", {"a": 1}),
        ("--- # comment\na: 1\n...\n", {"a": 1}),
        ("a: \ufeffb\n", {"a": "\ufeffb"}),
        ("{a: [b, c,], }", {"a": ["b", "c"]}),
        (
            "a: -\u00a0b\nc: -1-2\nd: --\ne: ?f\ng: :h\n",
            {"a": "-\u00a0b", "c": "-1-2", "d": "--", "e": "?f", "g": ":h"},
        ),
    ],
)
def test_yaml_is_read_by_its_version_1_2(text: str, expected: Any) -> None:
    """Flow, blocks, folding, escapes, anchors and directives are read by YAML 1.2."""
    assert read_value(text) == expected


ANCHOR_PROBLEM = "the name of an anchor may contain only letters, digits, '-' and '_'"
BLANKS_PROBLEM = "the last line of this text has only spaces and no line break: remove the spaces, or add a line break"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # Text that libyaml does not support, or reads differently from YAML 1.2
        ("[?x]", "1:3: the '?' is ambiguous: put a space after it to begin a key, or put the text in quotes"),
        ("{ ?foo: bar }", "1:4: the '?' is ambiguous"),
        ("&an:chor value", f"1:1: {ANCHOR_PROBLEM}"),
        ("a: &b\nc: *b:d\n", f"2:4: {ANCHOR_PROBLEM}"),
        ("&a: b: c", f"1:1: {ANCHOR_PROBLEM}"),
        ("a: |\n  x\n   ", f"1:4: {BLANKS_PROBLEM}"),
        ("- |+\n x\n ", f"1:3: {BLANKS_PROBLEM}"),
        (
            'a: "\x85"',
            '1:5: the character U+0085 ends a line in YAML 1.1, but not in YAML 1.2: remove it, or write it as "\\u00',
        ),
        ("a: b\u2028c", "1:5: the character U+2028 ends a line in YAML 1.1"),
        ("# \u2029", "1:3: the character U+2029 ends a line in YAML 1.1"),
        (
            'a: "\\ud83d\\ude00"',
            "half of a surrogate pair: write the character itself, or write the whole file as JSON",
        ),
        ("<<: {a: 1}", "1:1: the merge key '<<' is not part of YAML 1.2: write the keys out"),
        ("? [a]\n: b", "1:3: a key must be plain text: write KEY: VALUE"),
        ("*a : b", "1:1: a key must be plain text: write KEY: VALUE"),
        ("&a a: *b", "the alias *b has no anchor before it"),
        ("%FOO bar\n---\na", "the file is not YAML: a line that begins with % must be a directive of YAML"),
        ("%YAML 1.3\n---\na", "the file is not YAML: the version of YAML must be 1.2: write %YAML 1.2"),
        ("%YAML 1.2\n%YAML 1.2\n---\na", "the file is not YAML: this line repeats a directive: remove it"),
        ("[:x]", "the file is not YAML"),
        ("{a\n: b}", "the file is not YAML"),
        (": a", "the file is not YAML"),
        ("a: |\n \tb\n  c\n", "the file is not YAML"),
        ("a\n...\nb\n", "text follows the end of the document"),
        ("a: @b", "the file is not YAML"),
        ("a: `b", "the file is not YAML"),
        ("a: b: c", "the file is not YAML"),
        ("a: - b", "the file is not YAML"),
        ("\ta: b", "the file is not YAML"),
        ('a: "\\z"', "the file is not YAML"),
        ("a: 'b", "the file is not YAML"),
        ("a: [b", "the file is not YAML"),
        ("a: \x07", "the file is not YAML"),
    ],
)
def test_yaml_that_libyaml_misreads_is_rejected(text: str, expected: str) -> None:
    """YAML that libyaml would misread is rejected, instead of read with a wrong value."""
    assert expected in list_problems(text)[-1]


@given(
    st.text("ab1 \t\n\"'\\\\/#:,-?.<[]{}&*!|>%@~\x07\ufffe", max_size=12), st.sampled_from(["", "a: ", "a: 1\n- ", "%"])
)
def test_no_message_quotes_the_parser(text: str, start: str) -> None:
    """A message about broken YAML never has the words of libyaml, which name its states and not the mistake."""
    for problem in list_problems(start + text):
        assert not any(
            words in problem for words in ("while ", "expected", "scalar", "token", "unacceptable", "context")
        )


PRINTABLE = st.characters(
    min_codepoint=0x20, exclude_categories=["Cs", "Cc"], exclude_characters="\u2028\u2029\ufeff\ufffe\uffff"
)
TEXT = st.text(PRINTABLE, max_size=10).filter(lambda text: all(ord(char) & 0xFFFE != 0xFFFE for char in text))
JSON: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**16), 10**17)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXT
    | st.text("\n\t\"\\/'#:,-?[]{}&*!|>%@` ", max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(TEXT.filter(lambda key: key != "<<"), inner, max_size=4)
    ),
    max_leaves=12,
).filter(lambda tree: tree is not None)


@given(JSON, st.sampled_from([None, 0, 1, 2, 7, "\t"]), st.booleans())
def test_json_reads_as_yaml(tree: Any, indent: int | str | None, has_line_end: bool) -> None:
    """The output of json.dumps reads back as the same value, for any indentation."""
    text = json.dumps(tree, ensure_ascii=False, indent=indent)
    assert read_value(text + "\n" * has_line_end) == tree
