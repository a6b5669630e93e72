"""Invalid content of a manifest ends the program with exit code 3 and a line per problem, before any call."""

import itertools
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

ExpectRejection = Callable[..., list[str]]
RunProgram = Callable[..., "subprocess.CompletedProcess[bytes]"]
Cases = dict[str, tuple[str | bytes, list[str]]]

MANIFEST = """\
apiVersion: appintegrations.reconciler/v1
kind: DataIntegrationAssociation
metadata:
  name: export
spec:
  DataIntegrationIdentifier: profiles-export
"""
TARGET = """\
apiVersion: appintegrations.reconciler/v1
kind: Target
metadata:
  name: prod
spec:
  Region: us-east-1
  AccountId: "123456789012"
"""
OTHER = TARGET.replace("prod", "test").replace("us-east-1", "us-west-2")
WINDOW = MANIFEST + "  ExecutionConfiguration:\n    ExecutionMode: ON_DEMAND\n    OnDemandConfiguration:\n"
WITHOUT_END = WINDOW + "      StartTime: 2026-10-01T00:00:00Z\n"
SCHEDULED = MANIFEST + "  ExecutionConfiguration:\n    ExecutionMode: SCHEDULED\n"
EXECUTION = "/spec/ExecutionConfiguration"
NO_TIME = (
    "is not a time: write a date, a time and a zone, such as 2026-10-01T00:00:00Z, or epoch milliseconds "
    "(12 or 13 digits) in quotes"
)
NESTED_ALIASES = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [{f'*a{n - 1}, ' * 9}]\n" for n in range(1, 10))
DEEP_ALIASES = "a: &a0 [1]\n" + "".join(f"a{n}: &a{n} {'[' * 20}*a{n - 1}{']' * 20}\n" for n in range(1, 40))

AFTER_QUOTE = "the file is not YAML: text follows the closing quote: put all of it in one pair of quotes, and write"
LATE_QUOTE = "the file is not YAML: this quote is closed in line"
KEY_ALONE = "the file is not YAML: a key must be followed by ': ',"

NOT_YAML: Cases = {
    "not-yaml": (
        "a: [1\nb: 2\n",
        ["2:2: the file is not YAML: a [ has no ], or a comma between its entries is missing"],
    ),
    "tab": (
        "a:\n\tb: 1\n",
        ["2:1: the file is not YAML: a tab cannot indent: use spaces"],
    ),
    "tab-in-text": ("a: x\n\ty: z\n", ["2:1: the file is not YAML: a tab cannot indent: use spaces"]),
    "tab-in-block-text": ("a: |\n\tb\n", ["2:1: the file is not YAML: a tab cannot indent: use spaces"]),
    "text-after-quote": (
        'a: "x" y',
        [rf"1:8: {AFTER_QUOTE} \" for a quote inside"],
    ),
    "quote-in-quotes": (
        "b: 1\na: 'it's'\n",
        [f"2:8: {AFTER_QUOTE} '' for a quote inside"],
    ),
    "entry-after-quote": ('- "x" y\n', ["1:7: the file is not YAML: text follows the closing quote: put all of it in"]),
    "document-after-quote": (
        '"x" y\n',
        [
            "1:1: a manifest must be a mapping",
            "1:5: the file is not YAML: text follows the closing quote: put all of it",
        ],
    ),
    "text-after-list": ("a: [x] y\n", ["1:8: the file is not YAML: text follows the closing ]: remove it, or put all"]),
    "text-after-mapping": ("a: {x: 1} y\n", ["1:11: the file is not YAML: text follows the closing }: remove it, or"]),
    "two-anchors": (
        "a: &a &b c\n",
        ["1:7: the file is not YAML: a value cannot continue here: put all of it in quotes"],
    ),
    "no-key": (
        ": a",
        ["1:1: the file is not YAML: a key is missing before the ':': write KEY: VALUE, or put the text"],
    ),
    "text-below-quote": (
        'a: "x"\n  y\n',
        ["2:3: the file is not YAML: this line is neither a key nor part of the value above: check the indentation"],
    ),
    "text-after-sign": (
        "a: >x",
        ["1:5: the file is not YAML: text cannot follow | or > in the same line: write it on the next line, or put"],
    ),
    "indentation-of-0": (
        "a: |0\n  y",
        ["1:5: the file is not YAML: the number after | or > must be 1 to 9: correct or"],
    ),
    "star": ("a: **bold**\n", ["1:4: the file is not YAML: '*' cannot begin a value: put it in quotes"]),
    "ampersand": ("a: & b\n", ["1:4: the file is not YAML: '&' cannot begin a value: put it in quotes"]),
    "list-beside-key": (
        "a: - b",
        ["1:4: the file is not YAML: a list cannot begin in this line: write each entry on its"],
    ),
    "question-mark": ("a: ? b", ["1:4: the file is not YAML: a value cannot begin with '? ': put it in quotes"]),
    "broken-tag": (
        "a: !x!y z\n",
        ["1:4: the file is not YAML: a '!' at the beginning of a value begins a tag, and tags"],
    ),
    "half-an-escape": (
        'a: "\\uzzzz"',
        ["1:7: the file is not YAML: this escape needs more hexadecimal digits: write one"],
    ),
    "huge-escape": (
        r'a: "\U00110000"',
        [r"1:7: the file is not YAML: this escape is above \U0010ffff, the last character"],
    ),
    "quote-across-documents": (
        'a: "x\n---\nb"',
        ["1:4: the file is not YAML: this quote is not closed: close it, or remove it"],
    ),
    "directive-without-document": (
        "%YAML 1.2\n# x\na: 1\n",
        ["3:1: the file is not YAML: a line --- must follow the lines that begin with %: add it, or remove"],
    ),
    "repeated-directive": (
        "%YAML 1.2\n%YAML 1.2\n---\na: 1",
        ["2:1: the file is not YAML: this line repeats a directive"],
    ),
    "unclosed-list": ("a: [", ["2:1: the file is not YAML: a [ or { is not closed, or a value is missing"]),
    "unclosed-mapping": ("a: {b: 1\n", ["2:1: the file is not YAML: a { has no }, or a comma between its members"]),
    "stray-bracket": ("a: ]", ["1:4: the file is not YAML: no value can begin here: put the text in quotes"]),
    "outdented-key": ("a:\n  b: 1\n c: 2\n", ["3:2: the file is not YAML: this line is neither a key nor part of"]),
    "outdented-entry": (
        "a:\n  - 1\n  b: 2\n",
        ["3:3: the file is not YAML: this line does not belong to the list above it"],
    ),
    "key-alone": ("a: 1\nb\nc: 2\n", ["2:1: the file is not YAML: a key must be followed by ': '"]),
    "unknown-escape": ('a: "\\z"', ["1:5: the file is not YAML: this escape is unknown"]),
    "two-json-documents": (
        '{"a": 1}\n{"b": 2}\n',
        ["1:1: 'kind' is missing", "2:1: text follows the end of the document: remove it, or write ---"],
    ),
    "reserved": ("a: @b\n", ["1:4: the file is not YAML: '@' cannot begin a value: put it in quotes"]),
    "two-colons": (
        "a: b: c\n",
        ["1:5: the file is not YAML: a value cannot contain ': ': put it in quotes"],
    ),
    "unclosed": (
        'a: "b\n',
        ["1:4: the file is not YAML: this quote is not closed: close it, or remove it"],
    ),
    "unclosed-in-a-list": ('a: [1, "x, 2]\nb: 3\n', ["1:8: the file is not YAML: this quote is not closed"]),
    "unclosed-at-a-key": ('"a: 1\nb: 2\n', ["1:1: the file is not YAML: this quote is not closed"]),
    "unclosed-between-lines": ('a: 1\nb: "s3://b/x\nc: 2\n', ["2:4: the file is not YAML: this quote is not closed"]),
    "one-quote-too-many": ('a: "x""\nb: 1\n', [rf"1:7: {AFTER_QUOTE} \" for a quote inside"]),
    "closed-by-a-later-quote": (
        'a: "abc\nb: 1\nc: "abc"\n',
        [
            (
                "1:4: the file is not YAML: this quote is closed in line 3, and text follows there: close it in "
                r"line 1, or write \" for a quote inside"
            ),
        ],
    ),
    "closed-by-a-later-single-quote": (
        "a: 'x\nb: 1 # don't\n",
        [f"1:4: {LATE_QUOTE} 2, and text follows there: close it in line 1, or write '' for a quote inside"],
    ),
    "closed-after-windows-lines": ('a: 1\r\nb: "x\r\nc: "y"\r\n', [f"2:4: {LATE_QUOTE} 3, and text follows"]),
    "closed-before-a-comma": ('a: "x\nb: ", c"\n', [f"1:4: {LATE_QUOTE} 2, and text follows"]),
    "closed-before-a-colon": ('a: "x\nb: "c: d"\n', [f"1:4: {LATE_QUOTE} 2, and text follows"]),
    "closed-before-a-star": ('a: "x\nb: "*"\n', [f"1:4: {LATE_QUOTE} 2, and text follows"]),
    "closed-before-a-sign": ('a: "x\nb: "@y"\n', [f"1:4: {LATE_QUOTE} 2, and text follows"]),
    "closed-before-an-unclosed-quote": ('a: "x\nb: ""\nc: 1\n', [f"1:4: {LATE_QUOTE} 2, and text follows"]),
    "closed-in-the-next-entry": ('- "x\n- "y"\n', [f"1:3: {LATE_QUOTE} 2, and text follows"]),
    "closed-in-the-next-member": ('{a: "x,\n b: "c"}\n', [f"1:5: {LATE_QUOTE} 2, and text follows"]),
    "quote-only-before-a-key": ('z: 1\n"a: 1\nb: "x"\n', [f"2:1: {LATE_QUOTE} 3, and text follows"]),
    "quoted-key-of-two-lines": ('z:\n  "a\n  b": 1\n', [f"2:3: {LATE_QUOTE} 3, and text follows"]),
    "correct-quotes-of-two-lines": ('a: ["x\n y", @b]\n', ["2:6: the file is not YAML: '@' cannot begin a value"]),
    "unknown-escape-in-a-later-line": (
        "a: \"x\nb: 'C:\\zip'\n",
        [
            (
                r"2:7: the file is not YAML: this escape is unknown: write \\ for a backslash, or use single quotes, "
                "or close the quote that begins in line 1"
            ),
        ],
    ),
    "no-colon": (
        MANIFEST.replace("Identifier: ", "Identifier ") + "  DestinationURI: s3://a/b\n",
        [f"6:3: {KEY_ALONE} and text of several lines needs quotes or a |"],
    ),
    "no-colon-after-a-parent": ("a\n  b: 1\n  c: 2\n", ["1:1: a manifest must be a mapping", f"1:1: {KEY_ALONE}"]),
    "no-colon-between-keys": ("a: 1\nb 2\nc: 3\n", [f"2:1: {KEY_ALONE}"]),
    "no-colon-in-an-entry": ("- a b\n  c: d\n", [f"1:3: {KEY_ALONE}"]),
    "no-colon-in-braces": ("a: {b c\n d: e}\n", [f"1:5: {KEY_ALONE}"]),
    "no-colon-before-a-comment": ("a:\n  b c # d\n  e: f\n", [f"2:3: {KEY_ALONE}"]),
    "no-colon-after-a-quoted-key": ('a:\n  "b"\n  c: d\n', [f"2:3: {KEY_ALONE}"]),
    "no-space-after-the-colon": ("z:\n  a:b\n  c: d\n", [f"2:3: {KEY_ALONE}"]),
    "no-colon-on-the-line-of-a-quoted-key": (
        'z:\n  "a" b\n  c: d\n',
        [rf"2:7: {AFTER_QUOTE} \" for a quote inside, or write KEY: VALUE"],
    ),
    "entry-beside-a-key": ("a: {}\n- x\n", ["2:1: the file is not YAML: this line is neither a key nor part of"]),
    "no-comma-in-braces": ("a: {b: c\n d: e}\n", ["2:3: the file is not YAML: a { has no }, or a comma between"]),
    "indented-too-far": (
        "a: b\n  c: d\n",
        [
            (
                "2:4: the file is not YAML: this line continues the value that begins in line 1, and a value cannot "
                "contain ': ': check the indentation, or put the value in quotes"
            ),
        ],
    ),
    "control-character": (
        "a: 1\nbé: \x1b[31m\n",
        ['2:5: the file is not YAML: the character U+001B is not allowed: remove it, or write it as "\\u001b"'],
    ),
    "nul": ("a: \x00\n", ["1:4: the file is not YAML: the character U+0000 is not allowed: remove it"]),
    "latin-1": ("a: 1\nb: é\n".encode("latin-1"), ["2:4: the file is not UTF-8: save it as UTF-8"]),
    "column-in-characters": ("b: é".encode() + b"\xe9", ["1:5: the file is not UTF-8"]),
    "utf-16": (MANIFEST.encode("utf-16"), ["1:1: the file is not UTF-8: save it as UTF-8"]),
    "surrogate": (b"a: \xed\xa0\x80\n", ["1:4: the file is not UTF-8"]),
    "half-of-a-pair": (r'"\ud83d"', ["1:4: the file is not YAML: this \\u escape is half of a surrogate pair"]),
    "bytes": (bytes(range(128, 256)) * 10, ["1:1: the file is not UTF-8"]),
    "empty": ("", ["1:1: the file is empty: remove it, or add a manifest"]),
    "only-a-mark": (b"\xef\xbb\xbf", ["1:1: the file is empty"]),
    "only-comments": ("# one\n\n# two\n", ["1:1: the file has no manifest, only comments or empty documents"]),
    "only-separators": ("---\n---\n# x\n---\n", ["1:1: the file has no manifest"]),
    "only-null": ("~\n---\nnull\n", ["1:1: the file has no manifest"]),
    "yaml-2.0": ("%YAML 2.0\n---\na: 1\n", ["1:1: the file is not YAML: the version of YAML must be 1.2"]),
    "list": ("- a\n- b\n", ["1:1: a manifest must be a mapping, not a list"]),
    "list-of-manifests": (f"[{TARGET.splitlines()[0]}]", ["1:1: a manifest must be a mapping, not a list"]),
    "scalar": ("# x\nhello\n", ["2:1: a manifest must be a mapping, not a single value"]),
    "number": ("12", ["1:1: a manifest must be a mapping, not a single value"]),
    "tag": (
        "a: !!python/object/apply:os.system ['touch pwned']\n",
        ["1:4: the tag '!!python/object/apply:os.system' is not allowed: write the value without"],
    ),
    "tag-of-document": ("!!python/object/new:x {}\n", ["1:1: the tag '!!python/object/new:x' is not"]),
    "every-tag": ("a: !x 1\nb: !y [!z 2]\n", ["1:4: the tag '!x'", "2:4: the tag '!y'", "2:8: the tag '!z'"]),
    "alias-bomb": (NESTED_ALIASES, ["6:25: aliases expand the document to more than 100,000 keys and values"]),
    "alias-bomb-in-depth": (
        DEEP_ALIASES,
        ["3:29: aliases nest the document more than 32 levels deep: use fewer levels"],
    ),
    "alias-of-itself": ("a: &x [1, *x]\n", ["1:11: the alias *x is inside its own anchor"]),
    "alias-of-itself-in-a-mapping": ("a: &x\n  b: *x\n", ["2:6: the alias *x is inside its own anchor"]),
    "alias-of-nothing": ("a: *x\n", ["1:4: the alias *x has no anchor before it"]),
    "alias-as-key": ("a: &x b\n*x : c\n", ["2:1: a key must be plain text: write KEY: VALUE"]),
    "list-as-key": ("? [a]\n: b\n", ["1:3: a key must be plain text: write KEY: VALUE"]),
    "merge-key": ("a: &x {b: 1}\nc:\n  <<: *x\n  d: 2\n", ["3:3: the merge key '<<' is not part of YAML 1.2: write"]),
    "duplicate-key": ("a: 1\nb:\n  c: 1\n  c: 2\na: 3\n", ["4:3: duplicate key 'c': already used in line", "5:1:"]),
    "duplicate-by-spelling": ("{a: 1, 'a': 2, \"\\x61\": 3}\n", ["1:8: duplicate key 'a'", "1:16: duplicate key 'a'"]),
    "deep-flow": (
        "[" * 10_000 + "]" * 10_000,
        ["1:33: the document is nested more than 32 levels deep: use fewer levels"],
    ),
    "deeper-flow": ("{a: " * 100_000, ["1:129: the document is nested more than 32 levels deep: use fewer levels"]),
    "deep-block": ("- " * 10_000, ["1:65: the document is nested more than 32 levels deep: use fewer levels"]),
    "deep-lines": ("\n".join(" " * n + "a:" for n in range(3000)), ["33:33: the document is nested more than 32"]),
    "deeper-block": ("- " * 100_000, ["1:65: the document is nested more than 32 levels deep: use fewer levels"]),
    "deep-keys": ("? " * 100_000, ["1:3: a key must be plain text: write KEY: VALUE"]),
    "many-values": (
        "[" + "1," * 100_000 + "]",
        ["1:200000: the document has more than 100,000 keys and values: split it"],
    ),
    "infinity": ("a: .inf\nb: 1e999\n", ["1:4: the number .inf is not supported", "2:4: the number is too large"]),
    "long-number": ("a: 12345678901234567890\n", ["1:4: the number has more than 18 characters: put it in quotes"]),
}
NO_END = {
    "[": "the file is not YAML: a [ has no ], or a comma between its entries is missing",
    "{": "the file is not YAML: a { has no }, or a comma between its members is missing",
}
IN_LINE_1 = {bracket: f"{words}: the {bracket} is in line 1" for bracket, words in NO_END.items()}
UNCLOSED: Cases = {
    "list-of-one": ("a: [x\nb: [y]\n", [f"2:2: {IN_LINE_1['[']}"]),
    "list-of-two": ("a: [x, y\nb: [z]\n", [f"2:2: {IN_LINE_1['[']}"]),
    "list-of-quoted": ('a: ["x", "y"\nb: 1\n', [f"2:1: {IN_LINE_1['[']}"]),
    "list-over-lines": ("a: [v, w,\n  x,\n  y,\n  z\nb: 1\n", [f"5:2: {IN_LINE_1['[']}"]),
    "list-after-a-comma": ("a: [x, y,\nb: 1\nc: 2\n", [f"3:2: {IN_LINE_1['[']}"]),
    "list-in-a-list": ("a:\n  - [x, y\n  - [z]\n", [f"3:5: {NO_END['[']}: the [ is in line 2"]),
    "list-in-a-mapping": ("a: {x: [1, 2}\n", [f"1:13: {NO_END['[']}"]),
    "list-to-the-end": ("b: 1\na: [x, y\n", [f"3:1: {NO_END['[']}: the [ is in line 2"]),
    "list-with-a-comma-at-the-end": ("a: [x,\n", ["2:1: the file is not YAML: a [ or { is not closed, or a value is"]),
    "mapping-of-one": ("a: {x: 1\nb: 2\n", [f"2:2: {IN_LINE_1['{']}"]),
    "mapping-of-two": ("a: {x: 1, y: 2\nb: 3\n", [f"2:2: {IN_LINE_1['{']}"]),
    "mapping-over-lines": ("a: {w: 1,\n  x: 2,\n  y: 3,\n  z: 4\nb: 5\n", [f"5:2: {IN_LINE_1['{']}"]),
    "mapping-of-keys": ("a: {x, y\nb: 1\n", [f"2:2: {IN_LINE_1['{']}"]),
    "mapping-closed-below-a-key-alone": ("a: {\n  b c\n  d: e}\n", [f"2:3: {KEY_ALONE}"]),
}
RENDER = "begins a mapping: render the template first"
NOT_RENDERED = f"{RENDER}, or put the value in quotes"
IN_BRACKETS = "the file is not YAML: '${' cannot begin here: put the"
TEMPLATES: Cases = {
    "helm-value": ("a: {{ .Values.name }}\n", [f"1:4: '{{{{' {NOT_RENDERED}"]),
    "jinja-value": ("a: {{ client }}\n", [f"1:4: '{{{{' {NOT_RENDERED}"]),
    "helm-value-with-quotes": ('a: {{ "x" | quote }}\n', [f"1:4: the file is not YAML: '{{{{' {NOT_RENDERED}"]),
    "helm-value-and-text": ("a: {{ x }}-{{ y }}\n", [f"1:4: '{{{{' {NOT_RENDERED}"]),
    "template-as-entry": ("a:\n  - x\n  - {{ y }}\n", [f"3:5: '{{{{' {NOT_RENDERED}"]),
    "template-in-brackets": ("a: [x, {{ y }}]\n", [f"1:8: '{{{{' {NOT_RENDERED}"]),
    "template-as-key": (
        "a:\n  {{ x }}: 1\n",
        ["2:3: '{{' begins a mapping: render the template first, or put the key"],
    ),
    "template-alone": ("{{ toYaml .x }}\n", [f"1:1: '{{{{' {RENDER}"]),
    "helm-statement": ("a: 1\n{{- if .x }}\nb: 1\n{{- end }}\n", [f"2:1: the file is not YAML: '{{{{' {RENDER}"]),
    "jinja-statement": ("{% if x %}\na: 1\n{% endif %}\n", [f"1:1: the file is not YAML: '{{%' {RENDER}"]),
    "jinja-comment": ("a: {# x #}\n", [f"1:4: the file is not YAML: '{{#' {RENDER}"]),
    "shell-in-a-list": ("a: [${x}]\n", [f"1:5: {IN_BRACKETS} value in quotes"]),
    "shell-in-text-in-a-list": ("a: [x, s3://${y}/z]\n", [f"1:13: {IN_BRACKETS} value in quotes"]),
    "shell-in-a-mapping": ("a: {x: ${y}}\n", [f"1:8: {IN_BRACKETS} value in quotes"]),
    "shell-as-key-in-a-mapping": ("a: {${x}: 1}\n", [f"1:5: {IN_BRACKETS} key in quotes"]),
    "template-in-quotes": ('a: "{{ x }}" y\n', [f"1:14: {AFTER_QUOTE}"]),
    "template-before-the-fault": ("a: x{{ y }} b: c\n", ["1:14: the file is not YAML: a value cannot contain ': '"]),
}
NO_BLANK = "a list entry needs a blank after '-': write"
FIRST_ENTRY = MANIFEST + "  ObjectConfiguration:\n    domainName:\n      objectType:\n"
NO_LIST = "/spec/ObjectConfiguration/domainName/objectType: must be a list, not"
ENTRIES: Cases = {
    "beside-its-key": (f"{FIRST_ENTRY}      -_profile\n", [f"10:7: the file is not YAML: {NO_BLANK} '- _profile'"]),
    "only-entry": (
        f"{FIRST_ENTRY}        -_profile\n",
        [f"10:9: {NO_LIST} the string '-_profile': put a blank after the '-' of each entry"],
    ),
    "first-entry": (
        f"{FIRST_ENTRY}        -_profile\n        - x\n",
        [f"10:9: {NO_LIST} the string '-_profile - x': put a blank after the '-' of each entry"],
    ),
    "first-entry-with-a-key": (f"{FIRST_ENTRY}        -x: 1\n", [f"10:9: {NO_LIST} a mapping: put a blank after"]),
    "first-entry-beside-its-key": ("a:\n-x\n- y\n", [f"2:1: the file is not YAML: {NO_BLANK} '- x'"]),
    "second-entry": ("a:\n  - x\n  -y\n", [f"3:3: the file is not YAML: {NO_BLANK} '- y'"]),
    "quoted-entry": ('a:\n  - x\n  -"y"\nb: 1\n', [f"3:3: the file is not YAML: {NO_BLANK} '- \"y\"'"]),
    "quoted-entry-beside-a-key": ('a:\n  b:\n  -"y"\n', [f"3:3: the file is not YAML: {NO_BLANK} '- \"y\"'"]),
    "entry-in-a-list": ("a:\n  - - x\n    -y\n", [f"3:5: the file is not YAML: {NO_BLANK} '- y'"]),
    "entry-with-a-key": ("a:\n  - x: 1\n  -y: 2\n", [f"3:3: the file is not YAML: {NO_BLANK} '- y: 2'"]),
    "entries-before-a-key": ("a:\n  -x\n  -y\n  b: 1\n", [f"2:3: the file is not YAML: {NO_BLANK} '- x'"]),
    "negative-number-above-the-fault": ("a:\n- -5\nb\nc: 2\n", [f"3:1: {KEY_ALONE}"]),
}
NO_COMMENTS = "comments are not allowed: remove this one"
JSON_TEXTS: dict[str, tuple[str, str]] = {
    "comment": ('{\n  // c\n  "a": 1}', f"2:3: the file is not JSON: {NO_COMMENTS}"),
    "block-comment": ('{\n  "a": "b", /* c, d */ "e": {"f" 1}}', f"2:13: the file is not JSON: {NO_COMMENTS}"),
    "comment-after-a-member": ('{"a": "b", // c\n "d": "e"}', f"1:12: the file is not JSON: {NO_COMMENTS}"),
    "comment-after-text": ('{"a": "b" // c\n}', f"1:11: the file is not JSON: {NO_COMMENTS}"),
    "trailing-comma": ('{"a": [1,], "b" 2}', "1:9: the file is not JSON: a comma cannot stand before ']'"),
    "trailing-comma-in-lines": (
        '{"a": {\n"b": 1,\n},\n"c": [}',
        "2:7: the file is not JSON: a comma cannot stand before '}': remove the comma",
    ),
    "single-quotes": ("{'a': 'it's'}", "1:2: the file is not JSON: text needs double quotes: write \" in place of '"),
    "single-quoted-value": ("{\"a\": 'it's'}", '1:7: the file is not JSON: text needs double quotes: write "'),
    "missing-comma": (
        '{"a": "b"\n "c": 1}',
        "2:2: the file is not JSON: a { has no }, or a comma between its members is missing: the { is in line 1",
    ),
    "missing-comma-in-a-list": ('{"a": ["b" "c"]}', "1:12: the file is not JSON: a [ has no ], or a comma between its"),
    "missing-colon": ('{"a" 1}', "1:6: the file is not JSON: a key must be followed by a colon"),
    "missing-value": ('{"a": , "b": 1]', "1:7: the file is not JSON: a value is missing before ','"),
    "no-end": ('{"a":\n[1, 2\n', "3:1: the file is not JSON: a [ has no ], or a comma between its entries is missing"),
    "no-value": ('{"a":', "1:6: the file is not JSON: a [ or { is not closed, or a value is missing"),
    "wrong-end": ('{"a": [1}', "1:9: the file is not JSON: a [ has no ]"),
    "key-in-a-list": ('["a": 1', "1:5: the file is not JSON: a list cannot contain a key"),
    "key-without-quotes": (
        '{"a": 1, b: [}',
        '1:10: the file is not JSON: a key needs double quotes: write "KEY": VALUE',
    ),
    "value-without-quotes": ('{"a": b, "c": [}', "1:7: the file is not JSON: this value needs double quotes"),
    "long-number": (
        '{"a": 01, "c": [}',
        "1:8: the file is not JSON: this value needs double quotes, or is not a number",
    ),
    "capitals": ('{"a": True, "b": [}', "1:7: the file is not JSON: this word needs small letters: write true"),
    "quote-in-quotes": ('{"a": "it"s"}', "1:11: the file is not JSON: text follows the closing quote: remove it, or"),
    "no-closing-quote": ('{"a": "x,\n "b": "c"}', "1:7: the file is not JSON: this quote is not closed in its line"),
    "escape": (r'{"a": "C:\x"}', "1:10: the file is not JSON: this escape is unknown"),
    "control-character": (
        '{"a": "\x1b"}',
        r"1:8: the file is not JSON: the character U+001B is not allowed: remove it",
    ),
    "template": ('{"a": {{ x }}}', f"1:7: '{{{{' {NOT_RENDERED}"),
    "template-with-quotes": ('{"a": {{ "x" | q }}}', f"1:7: the file is not JSON: '{{{{' {NOT_RENDERED}"),
    "shell": (
        '{"a": [1, ${x}]}',
        "1:11: the file is not JSON: '${' cannot begin here: put the value in quotes, or render",
    ),
}
JSON_FILES = JSON_TEXTS | {
    "comment-first": ('// c\n{"a": 1}', f"1:1: the file is not JSON: {NO_COMMENTS}"),
    "comment-read-as-key": ('{"a": 1, /* c */ "b": 2}', f"1:10: the file is not JSON: {NO_COMMENTS}"),
    "comment-at-the-end": ('{"a": 1}\n// c\n', f"2:1: the file is not JSON: {NO_COMMENTS}"),
    "only-a-bracket": ("{", "1:2: the file is not JSON: a [ or { is not closed, or a value is missing"),
    "line-break-of-yaml-1.1": ("{'a': '\u2028'}", "1:2: the file is not JSON: text needs double quotes"),
    "block-text": ("a: [1\nb: 2\n", "1:1: the file is not JSON: a manifest must begin with {: write JSON, or give"),
}
OTHER_KIND: Cases = {
    "no-kind": (
        MANIFEST.replace("kind: ", "kund: "),
        ["1:1: 'kind' is missing: use DataIntegrationAssociation, Target or"],
    ),
    "unknown-kind": (
        MANIFEST.replace("kind: DataI", "kind: data i"),
        ["2:7: /kind: unknown kind 'data integrationAssociation': use DataIntegrationAssociation, Target or TargetSet"],
    ),
    "kind-of-kubernetes": (
        "apiVersion: v1\nkind: ConfigMap\n",
        ["1:13: /apiVersion: unknown apiVersion 'v1': use 'appintegrations.reconciler/v1'"],
    ),
    "kind-is-a-list": (MANIFEST.replace("kind: D", "kind: [D]\nx: "), ["2:7: /kind: unknown kind ['D']: use Data"]),
    "kind-is-empty": (
        MANIFEST.replace("kind: D", "kind:\nx: "),
        ["2:6: /kind: must be a string, but has no value: use Data"],
    ),
    "kind-is-long": (MANIFEST.replace("kind: D", f"kind: {'D' * 5000}\nx: "), ["2:7: /kind: unknown kind 'DDDD"]),
    "no-version": (MANIFEST.partition("\n")[2], ["1:1: 'apiVersion' is missing"]),
    "other-version": (MANIFEST.replace("/v1", "/v2"), ["1:13: /apiVersion: unknown apiVersion 'appintegrations"]),
    "version-is-a-map": (MANIFEST.replace(": app", ": {app: x}\nb: "), ["1:13: /apiVersion: unknown apiVersion {'app"]),
}
SHAPES: Cases = {
    "no-spec": (MANIFEST.partition("spec")[0], ["1:1: 'spec' is missing"]),
    "no-name": (
        MANIFEST.replace("  name: export", "  labels: {}"),
        ["4:3: /metadata: 'name' is missing"],
    ),
    "spec-is-empty": (MANIFEST.partition("  Data")[0], ["5:6: /spec: must be a mapping, but has no value"]),
    "spec-is-a-list": (MANIFEST.replace("  Data", "  - Data"), ["6:3: /spec: must be a mapping, not a list"]),
    "two-missing": (MANIFEST.partition("  name")[0] + "  {}\nspec: {}\n", ["4:3: /metadata: 'name'", "5:7: /spec: 'D"]),
    "unknown-key": (
        MANIFEST + "  Colour: red\n",
        ["7:3: /spec/Colour: unknown key 'Colour': possible keys are DataIntegrationIdentifier, ClientId, Obj"],
    ),
    "unknown-key-in-a-schedule": (
        SCHEDULED + "    Foo: 1\n    ScheduleConfiguration: {ScheduleExpression: rate(1 hour)}\n",
        [
            f"9:5: {EXECUTION}/Foo: unknown key 'Foo': possible keys are ExecutionMode, OnDemandConfiguration",
        ],
    ),
    "misspelt-key": (
        MANIFEST + "  DestinationUrl: s3://b/p\n",
        ["7:3: /spec/DestinationUrl: unknown key 'DestinationUrl': did you mean 'DestinationURI'?"],
    ),
    "key-in-other-case": (
        MANIFEST + "  clientid: x\n",
        ["7:3: /spec/clientid: unknown key 'clientid': did you mean 'ClientId'?"],
    ),
    "misspelt-required-key": (
        MANIFEST.replace("DataIntegrationIdentifier", "DataIntegrationIdentifer"),
        ["6:3: /spec/DataIntegrationIdentifer: unknown key 'DataIntegrationIdentifer': did you mean"],
    ),
    "spec-beside-the-envelope": (
        MANIFEST + "ClientId: x\n",
        ["7:1: /ClientId: 'ClientId' belongs in spec: write it there"],
    ),
    "execution-beside-the-execution": (
        MANIFEST + "  ExecutionMode: ON_DEMAND\n  StartTime: 2026-10-01T00:00:00Z\n  ScheduleConfiguration: {}\n",
        [
            (
                "7:3: /spec/ExecutionMode: 'ExecutionMode' belongs in ExecutionConfiguration: write it there, or "
                "remove it if the manifest has a window"
            ),
            "8:3: /spec/StartTime: 'StartTime' belongs in OnDemandConfiguration of ExecutionConfiguration: write it",
            "9:3: /spec/ScheduleConfiguration: 'ScheduleConfiguration' belongs in ExecutionConfiguration: write it",
        ],
    ),
    "times-one-level-too-high": (
        MANIFEST + "  ExecutionConfiguration: {ExecutionMode: ON_DEMAND, EndTime: x}\n",
        [f"7:54: {EXECUTION}/EndTime: 'EndTime' belongs in OnDemandConfiguration: write it there"],
    ),
    "spec-of-a-target-beside-spec": (TARGET + "Burst: 2\n", ["8:1: /Burst: 'Burst' belongs in spec: write it there"]),
    "map-for-a-date": (
        MANIFEST + "policy: {mode: create-and-update}\nwindow: {every: month, first: {prod: 2026-01-01}}\n",
        ["8:31: /window/first: must be a string, not a mapping: first takes one date: for another one in some Targets"],
    ),
    "map-for-retired": (
        MANIFEST + "policy: {retired: {prod: gone}}\n",
        ["7:19: /policy/retired: must be a string, not a mapping: retired applies to every Target of this manifest"],
    ),
    "selector-in-a-list": (
        MANIFEST + "targets: [{matchLabels: {env: prod}}]\n",
        ["7:11: /targets/0: must be a string, not a mapping: a list takes names and globs: write matchLabels"],
    ),
    "several-values-of-a-label": (
        MANIFEST + "targets: {matchLabels: {env: [a, b]}}\n",
        ["7:30: /targets/matchLabels/env: must be a string, not a list: matchLabels takes one value for a label"],
    ),
    "list-for-text": (
        MANIFEST + "policy: {retired: [x]}\n",
        ["7:19: /policy/retired: must be a string, not a list: write why the association is no longer used, and sin"],
    ),
    "text-for-a-list-of-texts": (
        MANIFEST + "policy: {ignore: /ClientId}\n",
        ["7:18: /policy/ignore: must be a list, not the string '/ClientId': write [/ClientId]"],
    ),
    "text-for-a-list-of-other-texts": (
        MANIFEST + "policy: {ignore: ClientId}\n",
        ["7:18: /policy/ignore: must be a list, not the string 'ClientId'"],
    ),
    "text-with-signs-for-a-list": (
        TARGET + "  AllowedDestinations: s3://a/*\n",
        ["8:24: /spec/AllowedDestinations: must be a list, not the string 's3://a/*': write [\"s3://a/*\"]"],
    ),
    "word-is-empty": (
        MANIFEST + "policy: {mode: , start: }\n",
        [
            "7:16: /policy/mode: must be one of observe, create, create-and-update, but has no value",
            "7:25: /policy/start: must be 'at-once', but has no value",
        ],
    ),
    "word-in-a-list": (
        MANIFEST + "policy: {mode: [create]}\n",
        ["7:16: /policy/mode: must be one of observe, create, create-and-update, not a list"],
    ),
    "version-is-empty": (
        MANIFEST.replace(": appintegrations.reconciler/v1", ":", 1),
        ["1:12: /apiVersion: must be a string, but has no value: use 'appintegrations.reconciler/v1'"],
    ),
    "client-token": (
        MANIFEST + "  ClientToken: abc\n",
        ["7:3: /spec/ClientToken: must not be set: remove it, because the program computes the token"],
    ),
    "yaml-1.1-no": (
        MANIFEST + "policy:\n  suspend: no\n",
        ["8:12: /policy/suspend: must be true or false, not the string 'no'"],
    ),
    "yaml-1.1-octal": (
        MANIFEST + "  ClientId: 0o17\n",
        ['7:13: /spec/ClientId: must be a string, not the unquoted number 0o17: write "0o17"'],
    ),
    "yaml-1.1-sexagesimal": (
        MANIFEST + "policy: {generation: 1:30}\n",
        ["7:22: /policy/generation: must be a whole number or a mapping, not the string '1:30'"],
    ),
    "bool-for-number": (
        MANIFEST + "policy: {generation: TRUE}\n",
        ["7:22: /policy/generation: must be a whole number or a mapping, not TRUE"],
    ),
    "fraction": (
        MANIFEST + "policy: {generation: 1.5}\n",
        ["7:22: /policy/generation: must be a whole number or a mapping, not 1.5"],
    ),
    "generation-0": (MANIFEST + "policy: {generation: 0}\n", ["7:22: /policy/generation: must be 1 or more, not 0"]),
    "bool-for-text": (
        MANIFEST + "  ClientId: true\n",
        ['7:13: /spec/ClientId: must be a string, not the unquoted boolean true: write "true"'],
    ),
    "null-for-text": (MANIFEST + "  ClientId:\n", ["7:12: /spec/ClientId: must be a string, but has no value"]),
    "map-for-text": (MANIFEST + "  ClientId: {}\n", ["7:13: /spec/ClientId: must be a string, not a mapping"]),
    "text-for-map": (
        MANIFEST + "  ObjectConfiguration: all\n",
        ["7:24: /spec/ObjectConfiguration: must be a mapping, not the string 'all'"],
    ),
    "text-for-list": (
        MANIFEST + "  ObjectConfiguration: {a: {b: c}}\n",
        ["7:32: /spec/ObjectConfiguration/a/b: must be a list, not the string 'c'"],
    ),
    "empty-list": (
        MANIFEST + "  ObjectConfiguration: {a: {b: []}}\n",
        ["7:32: /spec/ObjectConfiguration/a/b: must have at least 1 item, but has 0"],
    ),
    "blank-key": (
        MANIFEST + '  ObjectConfiguration: {" ": {}}\n',
        ["7:25: /spec/ObjectConfiguration/ : the key ' ' is blank: write visible text"],
    ),
    "long-key": (
        MANIFEST + f"  ClientAssociationMetadata: {{{'k' * 256}: v}}\n",
        [f"7:31: /spec/ClientAssociationMetadata/{'k' * 256}: the key must have at most 255 characters, but has 256"],
    ),
    "empty-text": (
        MANIFEST.replace("profiles-export", '""'),
        ["6:30: /spec/DataIntegrationIdentifier: '' is blank: write visible text"],
    ),
    "empty-client-id": (
        MANIFEST + "  ClientId: ''\n",
        ["7:13: /spec/ClientId: must have at least 1 character, but has 0"],
    ),
    "long-text": (
        MANIFEST + f"  ClientId: {'x' * 256}\n",
        ["7:13: /spec/ClientId: must have at most 255 characters, but has 256"],
    ),
    "destination": (
        MANIFEST + "  DestinationURI: s3:/bucket\n",
        ["7:19: /spec/DestinationURI: 's3:/bucket' is not a valid URI: write letters or digits, ://, and"],
    ),
    "destination-without-a-bucket": (
        MANIFEST + "  DestinationURI: s3:///x\n",
        ["7:19: /spec/DestinationURI: 's3:///x' has no bucket after ://: write one such as s3://bucket/prefix"],
    ),
    "destination-of-a-scheme": (MANIFEST + "  DestinationURI: s3://\n", ["7:19: /spec/DestinationURI: 's3://' has no"]),
    "destination-of-one-character": (
        MANIFEST + "  DestinationURI: s3://B\n",
        ["7:19: /spec/DestinationURI: 's3://B' has only one character after ://: write the whole name of the bucket"],
    ),
    "destination-with-a-sign-first": (
        MANIFEST + "  DestinationURI: s3://@bucket\n",
        ["7:19: /spec/DestinationURI: 's3://@bucket' needs a letter, a digit or one of _ . - after ://: write one"],
    ),
    "destination-with-a-space": (
        MANIFEST + "  DestinationURI: s3://bucket/a b\n",
        ["7:19: /spec/DestinationURI: 's3://bucket/a b' has a character that is not allowed: write only letters"],
    ),
    "destination-with-newline": (
        MANIFEST + '  DestinationURI: "s3://bucket/p\\n"\n',
        ["7:19: /spec/DestinationURI: 's3://bucket/p\\n' has a character that is not allowed"],
    ),
    "name": (
        MANIFEST.replace("export\n", "Export_1\n", 1),
        ["4:9: /metadata/name: 'Export_1' is not a name: write lower-case letters, digits, '-' and '.', with a"],
    ),
    "mode": (
        MANIFEST + "policy: {mode: Create-And-Updates}\n",
        ["7:16: /policy/mode: must be one of observe, create, create-and-update, not 'Create-And-Updates': did you"],
    ),
    "mode-is-a-bool": (
        MANIFEST + "policy: {mode: true}\n",
        ["7:16: /policy/mode: must be one of observe, create, create-and-update, not true"],
    ),
    "ignore": (
        MANIFEST + "policy: {ignore: [EndTime]}\n",
        ["7:19: /policy/ignore/0: 'EndTime' cannot be ignored: write /ClientId, /DestinationURI, /Exec"],
    ),
    "adopt": (MANIFEST + "policy: {adopt: x}\n", ["7:17: /policy/adopt: 'x' is not the ARN of a data-integration"]),
    "delay-without-unit": (
        MANIFEST + "policy: {delay: 5}\n",
        ["7:17: /policy/delay: must be a number with a unit, not the number 5: write 5m, 5h or 5d"],
    ),
    "delay-above-the-limit-of-days": (
        MANIFEST + "policy: {delay: 999}\n",
        ["7:17: /policy/delay: must be a number with a unit, not the number 999: write 999m or 999h"],
    ),
    "long-delay-without-unit": (
        MANIFEST + "policy: {delay: 99999}\n",
        ["7:17: /policy/delay: must be a number with a unit, not the number 99999: write 99999m"],
    ),
    "delay-with-fraction": (
        MANIFEST + "policy: {delay: 1.5}\n",
        ["7:17: /policy/delay: the number 1.5 is not a duration: write a number with a unit"],
    ),
    "delay-of-export-at-once": (
        MANIFEST + "policy: {start: at-once, delay: 2d}\n",
        ["7:26: /policy/delay: has no effect with policy.start at-once: remove one of the two"],
    ),
    "delay-with-unknown-start": (
        MANIFEST + "policy: {start: now, delay: 2d}\n",
        ["7:17: /policy/start: must be 'at-once', not 'now'"],
    ),
    "role-of-one-word": (
        TARGET + "  RoleArn: foo\n",
        ["8:12: /spec/RoleArn: 'foo' is not the ARN of an IAM role: write arn:aws:iam::ACCOUNT:role/NAME"],
    ),
    "unquoted-account": (
        TARGET.replace('"123456789012"', "012345670123 # ours"),
        [
            '7:14: /spec/AccountId: must be a string, not the unquoted number 012345670123: write "012345670123"',
        ],
    ),
    "short-account-unquoted": (
        TARGET.replace('"123456789012"', "12345678901"),
        ["7:14: /spec/AccountId: the number 12345678901 is not the id of an account: write its twelve digits, in quo"],
    ),
    "short-account": (
        TARGET.replace("123456789012", "12345678901"),
        ["7:14: /spec/AccountId: '12345678901' is not the id of an account: write its twelve digits, in quotes"],
    ),
    "region": (
        TARGET.replace("us-east-1", "Virginia"),
        ["6:11: /spec/Region: 'Virginia' is not a Region code: write one such"],
    ),
    "region-fips": (
        TARGET.replace("us-east-1", "fips-us-east-1"),
        ["6:11: /spec/Region: 'fips-us-east-1' is not a Region: write us-east-1, and set AWS_USE_FIPS"],
    ),
    "region-zero": (TARGET.replace("us-east-1", "us-east-01"), ["6:11: /spec/Region: 'us-east-01' is not a Region"]),
    "region-global": (TARGET.replace("us-east-1", "aws-global"), ["6:11: /spec/Region: 'aws-global' is not a Region"]),
    "region-nowhere": (TARGET.replace("us-east-1", "us-fast-east-1"), ["6:11: /spec/Region: 'us-fast-east-1' is no"]),
    "rate-0": (TARGET + "  RequestsPerSecond: 0\n", ["8:22: /spec/RequestsPerSecond: must be more than 0, not 0"]),
    "shared-mistake": (
        MANIFEST.replace("profiles-export", "&x 007") + "  ClientId: *x\n",
        ['6:30: /spec/ClientId: must be a string, not the unquoted number 007: write "007"', "6:30: /spec/Data"],
    ),
}
MEANING: Cases = {
    "member-of-the-data-integration": (
        MANIFEST + "  FileConfiguration: {Folders: [/]}\n  Name: x\n",
        [
            "7:3: /spec/FileConfiguration: 'FileConfiguration' belongs to the data integration, not to the associat",
            "8:3: /spec/Name: 'Name' belongs to the data integration, not to the association: name the data integra",
        ],
    ),
    "no-zone": (
        WINDOW + "      StartTime: 2026-10-01T00:00:00\n",
        [f"10:18: {EXECUTION}/OnDemandConfiguration/StartTime: '2026-10-01T00:00:00' has no time zone: end it with Z"],
    ),
    "no-zone-after-a-fraction": (
        WINDOW + "      StartTime: 2026-10-01T00:00:00.123456\n",
        [f"10:18: {EXECUTION}/OnDemandConfiguration/StartTime: '2026-10-01T00:00:00.123456' has no time zone: end it"],
    ),
    "only-a-date": (
        WINDOW + "      StartTime: 2026-10-01\n",
        [f"10:18: {EXECUTION}/OnDemandConfiguration/StartTime: '2026-10-01' is a date without a time and a zone: appe"],
    ),
    "blank-after-the-date": (
        WINDOW + "      StartTime: 2026-10-01 00:00:00Z\n",
        [f"10:18: {EXECUTION}/OnDemandConfiguration/StartTime: '2026-10-01 00:00:00Z' has a blank between the date an"],
    ),
    "microseconds": (
        WINDOW + "      StartTime: 2026-10-01T00:00:00.123456Z\n",
        [f"10:18: {EXECUTION}/OnDemandConfiguration/StartTime: '2026-10-01T00:00:00.123456Z' is more precise than a m"],
    ),
    "impossible-date": (
        WINDOW + "      StartTime: 2026-02-30T00:00:00Z\n",
        [f"10:18: {EXECUTION}/OnDemandConfiguration/StartTime: '2026-02-30T00:00:00Z' is not a time: write"],
    ),
    "impossible-zone": (
        WINDOW + "      StartTime: 2026-10-01T00:00:00+02:75\n",
        [f"10:18: {EXECUTION}/OnDemandConfiguration/StartTime: '2026-10-01T00:00:00+02:75' {NO_TIME}"],
    ),
    "before-1970": (
        WINDOW + "      StartTime: 1969-10-01T00:00:00Z\n",
        [f"10:18: {EXECUTION}/OnDemandConfiguration/StartTime: '1969-10-01T00:00:00Z' is before 1970: use a later"],
    ),
    "epoch-seconds": (
        WINDOW + '      StartTime: "1790812800"\n',
        [
            (
                f"10:18: {EXECUTION}/OnDemandConfiguration/StartTime: '1790812800' has 10 digits, as epoch seconds "
                'have: write "1790812800000", with quotes, for epoch milliseconds'
            ),
        ],
    ),
    "epoch-seconds-unquoted": (
        WINDOW + "      StartTime: 1790812800\n",
        [
            (
                f"10:18: {EXECUTION}/OnDemandConfiguration/StartTime: the number 1790812800 has 10 digits, as epoch "
                'seconds have: write "1790812800000", with quotes, for epoch milliseconds'
            ),
        ],
    ),
    "epoch-microseconds": (
        WINDOW + '      StartTime: "1790812800000000"\n',
        [f"10:18: {EXECUTION}/OnDemandConfiguration/StartTime: '1790812800000000' has 16 digits, as epoch microsecond"],
    ),
    "no-time": (
        WINDOW + "      StartTime: tomorrow\n",
        [f"10:18: {EXECUTION}/OnDemandConfiguration/StartTime: 'tomorrow' {NO_TIME}"],
    ),
    "retired-true": (
        MANIFEST + "policy: {retired: true}\n",
        ["7:19: /policy/retired: must be a string, not the unquoted boolean true: write why the association is no"],
    ),
    "retired-number": (
        MANIFEST + "policy: {retired: 2026}\n",
        ["7:19: /policy/retired: must be a string, not the unquoted number 2026: write why the association is no"],
    ),
    "reason-true": (
        TARGET + '  Ignore: [{Arn: "*", Reason: true}]\n',
        ["8:31: /spec/Ignore/0/Reason: must be a string, not the unquoted boolean true: write whose associations"],
    ),
    "status": (
        MANIFEST + "status: {}\n",
        ["7:1: /status: 'status' is not part of a manifest: remove it, and see `reconcile status` for the state"],
    ),
    "epoch-unquoted": (
        WINDOW + "      StartTime: 1790812800000\n",
        [
            f"10:18: {EXECUTION}/OnDemandConfiguration/StartTime: must be a string, not the unquoted number 17908",
        ],
    ),
    "five-thousand-digits": (
        WINDOW + f'      StartTime: "{"9" * 5000}"\n',
        [
            f"10:18: {EXECUTION}/OnDemandConfiguration/StartTime: '999999",
            f"10:18: {EXECUTION}/OnDemandConfiguration/St",
        ],
    ),
    "ends-before-it-starts": (
        WINDOW + "      StartTime: 2026-10-01T00:00:00Z\n      EndTime: 2026-09-01T00:00:00Z\n",
        [
            f"11:16: {EXECUTION}/OnDemandConfiguration/EndTime: EndTime must be after StartTime: the window starts",
        ],
    ),
    "ends-when-it-starts": (
        WINDOW + '      StartTime: 2026-10-01T02:00:00+02:00\n      EndTime: "1790812800000"\n',
        [f"11:16: {EXECUTION}/OnDemandConfiguration/EndTime: EndTime must be after StartTime: the window starts"],
    ),
    "no-start": (
        WINDOW + "      EndTime: 2026-10-01T00:00:00Z\n",
        [f"10:7: {EXECUTION}/OnDemandConfiguration: 'StartTime' is missing"],
    ),
    "no-schedule": (
        SCHEDULED,
        [f"8:5: {EXECUTION}: 'ScheduleConfiguration' is missing: ExecutionMode SCHEDULED requires it"],
    ),
    "no-expression": (
        SCHEDULED + "    ScheduleConfiguration: {}\n",
        [f"9:28: {EXECUTION}/ScheduleConfiguration: 'ScheduleExpression' is missing"],
    ),
    "no-mode": (MANIFEST + "  ExecutionConfiguration: {}\n", [f"7:27: {EXECUTION}: 'ExecutionMode' is missing"]),
    "unknown-mode": (
        MANIFEST + "  ExecutionConfiguration: {ExecutionMode: on_demand}\n",
        [f"7:43: {EXECUTION}/ExecutionMode: must be one of ON_DEMAND, SCHEDULED, not 'on_demand': did you mean ON"],
    ),
    "rate": (
        SCHEDULED + "    ScheduleConfiguration: {ScheduleExpression: rate(hourly)}\n",
        [f"9:49: {EXECUTION}/ScheduleConfiguration/ScheduleExpression: 'rate(hourly)' is not a rate: write rate(VALUE"],
    ),
    "cron": (
        SCHEDULED + "    ScheduleConfiguration: {ScheduleExpression: cron(0 3 * * *)}\n",
        [f"9:49: {EXECUTION}/ScheduleConfiguration/ScheduleExpression: 'cron(0 3 * * *)' has 5 fields, but"],
    ),
    "long-rate": (
        SCHEDULED + f"    ScheduleConfiguration: {{ScheduleExpression: rate({'9' * 5000} hours)}}\n",
        [f"9:49: {EXECUTION}/ScheduleConfiguration/ScheduleExpression: must have at most 255 characters, but has 5012"],
    ),
    "unknown-target": (
        f"{TARGET}---\n{MANIFEST}target: prd\n",
        ["15:9: /target: no Target 'prd' is declared: did you mean 'prod'?"],
    ),
    "undeclared-target": (
        MANIFEST + "target: default\n",
        ["7:9: /target: no Target 'default' is declared: declare it, or leave 'target' out"],
    ),
    "target-far-off": (
        f"{TARGET}---\n{MANIFEST}target: zzz\n",
        ["15:9: /target: no Target 'zzz' is declared: declare it, or use 'prod'"],
    ),
    "target-not-named": (
        f"{TARGET}---\n{OTHER}---\n{MANIFEST}",
        ["17:1: 'target' is missing, and several Targets are declared: set 'target' to one of 'prod', 'test', "],
    ),
    "two-targets-of-one-place": (
        f"{TARGET}---\n{TARGET.replace('prod', 'test')}",
        ["14:3: /spec: the Target at bad.yaml:1 has the same account and Region: keep one of them, because"],
    ),
    "two-targets-of-one-name": (
        f"{TARGET}---\n{OTHER.replace('test', 'prod')}",
        ["12:9: /metadata/name: the name 'prod' is already used by the Target at bad.yaml:1: rename one of them"],
    ),
    "one-name-twice": (
        f"{MANIFEST}---\n{MANIFEST.replace('profiles', 'accounts')}",
        ["11:9: /metadata/name: the name 'export' is already used by the manifest at bad.yaml:1: rename one of them"],
    ),
    "one-key-twice": (
        f"{MANIFEST}---\n{MANIFEST.replace(': export', ': other')}",
        [
            "13:3: /spec: the manifest 'export' at bad.yaml:1 has the same DataIntegrationIdentifier, ClientId and",
        ],
    ),
    "one-key-and-two-windows": (
        f"{WITHOUT_END}---\n{WITHOUT_END.replace(': export', ': other')}      EndTime: '1793491200000'\n",
        ["17:3: /spec: the manifest 'export' at bad.yaml:1 has the same"],
    ),
    "steering": (
        MANIFEST.replace("export", '"\\e[2J\\u202E\\0"', 1) + '  "\\e]0;pwned\\a\\n::error::x": 1\nlabels: ""\n',
        [
            "4:9: /metadata/name: '\\x1b[2J\\u202e\\x00' is not a name",
            "7:3: /spec/\\u001b]0;pwned\\u0007\\u000a::error::x: unknown key '\\x1b]0;pwned\\x07\\n::error::x'",
            "8:1: /labels: unknown key 'labels'",
        ],
    ),
    "steering-by-names-of-targets": (
        "".join(TARGET.replace("prod", f'"\\e[{n}m"') + "---\n" for n in (1, 2)) + MANIFEST,
        ["4:9: /metadata/name: '\\x1b[1m'", "12:9: /metadata/name: ", "17:1: 'target' is missing, and several"],
    ),
}
CASES = NOT_YAML | UNCLOSED | TEMPLATES | ENTRIES | OTHER_KIND | SHAPES | MEANING
ADOPT = "policy: {adopt: 'arn:aws:app-integrations:us-east-1:123456789012:data-integration-association/i/%s'}\n"
UNUSUAL = {
    "nothing-more": MANIFEST,
    "same-name-in-two-targets": (f"{TARGET}---\n{OTHER}---\n{MANIFEST}target: prod\n---\n{MANIFEST}target: test\n"),
    "one-key-and-each-adopts": f"{MANIFEST}{ADOPT % 'a'}---\n{MANIFEST.replace(': export', ': other')}{ADOPT % 'b'}",
    "two-client-ids": f"{MANIFEST}  ClientId: a\n---\n{MANIFEST.replace(': export', ': other')}  ClientId: b\n",
    "the-only-target": f"{MANIFEST}---\n{TARGET}",
    "windows": MANIFEST.replace("\n", "\r\n"),
    "separators": f"---\n# nothing\n---\n{MANIFEST}---\n",
    "aliases": MANIFEST.replace("profiles-export", "&x profiles-export") + "  ClientId: *x\n",
    "json": json.dumps({"apiVersion": "appintegrations.reconciler/v1", "kind": "DataIntegrationAssociation"})[:-1]
    + ', "metadata": {"name": "a"}, "spec": {"DataIntegrationIdentifier": "x"}}',
}


def write_content(folder: Path, content: str | bytes, name: str = "bad.yaml") -> None:
    """Write a file for a test."""
    (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())


def expect_lines(lines: list[str], expected: list[str], name: str = "bad.yaml") -> None:
    """Check that each line has the expected beginning, and that no line is missing or unexpected."""
    pairs = itertools.zip_longest(lines, expected)
    assert all(line and start and line.startswith(f"{name}:{start}") for line, start in pairs), (lines, expected)


@pytest.mark.parametrize("case", CASES)
def test_bad_input_is_reported_line_by_line(case: str, tmp_path: Path, expect_rejection: ExpectRejection) -> None:
    """Each problem is reported in one line with its position, and the output has no other line."""
    content, expected = CASES[case]
    write_content(tmp_path, content)
    expect_lines(expect_rejection("bad.yaml"), expected)


@pytest.mark.parametrize("case", JSON_FILES)
def test_json_file_is_never_called_not_yaml(case: str, tmp_path: Path, expect_rejection: ExpectRejection) -> None:
    """A file with a name that ends with .json is rejected in one line, by the rules of JSON."""
    content, expected = JSON_FILES[case]
    write_content(tmp_path, content, "bad.json")
    expect_lines(expect_rejection("bad.json"), [expected], "bad.json")


@pytest.mark.parametrize("case", JSON_TEXTS)
def test_json_text_in_another_file_is_never_called_not_yaml(
    case: str, tmp_path: Path, expect_rejection: ExpectRejection
) -> None:
    """Text that begins as JSON gets the same line in a file with another name, if it is not valid YAML either."""
    content, expected = JSON_TEXTS[case]
    write_content(tmp_path, content)
    expect_lines(expect_rejection("bad.yaml"), [expected])


@pytest.mark.parametrize("case", ["not-yaml", "latin-1", "alias-bomb", "client-token", "one-key-twice", "steering"])
def test_dry_run_rejects_bad_input_before_any_call(
    case: str, tmp_path: Path, expect_rejection_before_any_call: ExpectRejection
) -> None:
    """A dry run writes the same lines to standard error, and ends before any call of AWS."""
    content, expected = CASES[case]
    write_content(tmp_path, content)
    expect_lines(expect_rejection_before_any_call("bad.yaml"), expected)


def test_run_rejects_bad_input_before_any_call(tmp_path: Path, run_program: RunProgram) -> None:
    """A run that may write rejects bad input too, and creates no journal."""
    write_content(tmp_path, MANIFEST + "  ClientToken: abc\n")
    result = run_program("-f", "bad.yaml", "--endpoint-url", "http://127.0.0.1:9", "--state", "state")
    assert (result.returncode, result.stdout) == (3, b"")
    assert os.listdir(tmp_path) == ["bad.yaml"]  # noqa: PTH208 - every entry counts, links and dot files too


@pytest.mark.parametrize("case", UNUSUAL)
def test_valid_but_unusual_input_is_accepted(case: str, tmp_path: Path, run_program: RunProgram) -> None:
    """Unusual but valid manifests are accepted without a message."""
    write_content(tmp_path, UNUSUAL[case], "good.yaml")
    result = run_program("validate", "-f", "good.yaml")
    assert (result.returncode, result.stderr) == (0, b"")
    assert b": valid" in result.stdout.splitlines()[-1]


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (ADOPT % "a", "", "13:3: /spec: the manifest 'export' at bad.yaml:1 has the same"),
        ("", ADOPT % "a", "14:3: /spec: the manifest 'export' at bad.yaml:1 has the same"),
        (
            ADOPT % "a",
            ADOPT % "a",
            "15:17: /policy/adopt: the manifest 'export' at bad.yaml:1 adopts the same",
        ),
    ],
)
def test_duplicates_must_each_adopt_their_own_association(
    first: str, second: str, expected: str, tmp_path: Path, expect_rejection: ExpectRejection
) -> None:
    """Two manifests with the same natural key are accepted only if each adopts a different association."""
    other_manifest = MANIFEST.replace(": export", ": other")
    write_content(tmp_path, f"{MANIFEST}{first}---\n{other_manifest}{second}")
    (line,) = expect_rejection("bad.yaml")
    assert line.startswith("bad.yaml:")
    assert expected.partition(": ")[2] in line


def test_yaml_tags_are_not_executed(tmp_path: Path, expect_rejection: ExpectRejection) -> None:
    """A tag that PyYAML's unsafe loaders execute has no effect."""
    write_content(tmp_path, "a: !!python/object/apply:os.system ['touch pwned']\n")
    expect_rejection("bad.yaml")
    assert not (tmp_path / "pwned").exists()


def test_problems_of_every_file_are_reported_together(tmp_path: Path, expect_rejection: ExpectRejection) -> None:
    """Problems of several files are sorted by file, line and column, without duplicates or omissions."""
    write_content(tmp_path, f"{MANIFEST}  ClientId: 1\n  Colour: red\n---\n- x\n---\n{MANIFEST}target: x\n", "b.yaml")
    write_content(tmp_path, "a: [\n", "a.yaml")
    write_content(tmp_path, f"{TARGET}---\na: !x 1\n", "c.yaml")
    write_content(tmp_path, MANIFEST.replace(": export", ": good"), "d.yaml")
    lines = expect_rejection("d.yaml", "c.yaml", "b.yaml", "a.yaml", "missing.yaml")
    assert [line.partition(" ")[0] for line in lines] == [
        "a.yaml:2:1:",
        "b.yaml:7:13:",
        "b.yaml:8:3:",
        "b.yaml:10:1:",
        "b.yaml:18:9:",
        "c.yaml:9:4:",
        "missing.yaml:",
    ]


def test_problems_are_printed_as_json(tmp_path: Path, run_program: RunProgram) -> None:
    """`-o json` prints the file, line, column, pointer and message of each problem as JSON members."""
    write_content(tmp_path, MANIFEST + '  "\\e[31m": 1\n')
    result = run_program("validate", "-f", "bad.yaml", "-o", "json")
    assert result.returncode == 3
    assert json.loads(result.stdout) == {
        "format": "reconciler/findings/v1",
        "valid": False,
        "revision": None,
        "manifests": 0,
        "targets": 0,
        "problems": [
            {
                "file": "bad.yaml",
                "line": 7,
                "column": 3,
                "pointer": "/spec/\\u001b[31m",
                "message": "unknown key '\\x1b[31m': possible keys are DataIntegrationIdentifier, ClientId, "
                "ObjectConfiguration, DestinationURI, ClientAssociationMetadata, ExecutionConfiguration",
            }
        ],
        "warnings": [],
    }


def test_standard_input_is_validated(run_program: RunProgram) -> None:
    """`-f -` validates manifests from standard input, such as the output of kustomize."""
    result = run_program("validate", "-f", "-", stdin=f"{TARGET}---\n{MANIFEST}".encode())
    assert (result.returncode, result.stdout) == (0, b"1 manifest, 1 target: valid\n")


@pytest.mark.parametrize(
    ("stdin", "expected"),
    [
        (b"", "standard input:1:1: the file is empty"),
        (b"\xff", "standard input:1:1: the file is not UTF-8"),
        (b"a: 1\n", "standard input:1:1: 'kind' is missing"),
        (b"#" * (16 * 1024 * 1024 + 1), "standard input: the file is larger than 16 MiB"),
    ],
)
def test_bad_standard_input_is_refused(stdin: bytes, expected: str, expect_rejection: ExpectRejection) -> None:
    """Bad manifests from standard input are rejected by the same rules as files."""
    (line,) = expect_rejection("-", stdin=stdin)
    assert line.startswith(expected)


def test_many_problems_are_located_in_bounded_time(tmp_path: Path, expect_rejection: ExpectRejection) -> None:
    """Thousands of problems are located in bounded time, and problems above the limit are counted."""
    labels = "".join(f"    k{number}: {number}\n" for number in range(20_000))
    write_content(tmp_path, MANIFEST.replace("  name: export\n", f"  name: export\n  labels:\n{labels}"))
    lines = expect_rejection("bad.yaml")
    assert len(lines) == 1001
    expected = "bad.yaml:1005:11: /metadata/labels/k999: must be a string, not the unquoted number 999"
    assert lines[999].startswith(expected)
    assert lines[1000:] == [
        "manifests: 19,000 more problems not listed here: correct the listed problems, and validate again"
    ]
