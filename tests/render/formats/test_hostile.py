"""Tests with hostile names, values and messages: no text can break or change the structure of any format."""

from __future__ import annotations

import json as json_
import re
from collections.abc import Callable, Mapping
from functools import cache, partial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from junitparser import JUnitXml
from support.reports import build_full_report, build_validation_result

from reconciler.core.manifests.validation import ValidationResult
from reconciler.core.report.report import Report
from reconciler.render.formats import FORMATS, json, load_format, text

TERMINAL = "text on a terminal"
REPORTS: Mapping[str, Callable[[Report], str]] = {
    TERMINAL: partial(text.render, is_terminal=True),
    **{name: load_format(name).render for name in FORMATS},
}
FINDINGS: Mapping[str, Callable[[ValidationResult], str]] = {
    name: load_format(name).render_findings for name in FORMATS
}
HOSTILE_TEXTS = (
    "\x1b[31mred\x1b[0m", "\x1b]0;title\x07", "\x9b31m", "\x00", "\x7f", "\x85", "a\nb", "a\rb", "a\r\nb",
    "\n::error::x", "\u2028", "\u2029", "\u202eevil", "\u2066x", "\u200b", "\ufeff", "\u00ad", "\ud800", "\udcff",
    "\ufffe", "\U000e0041", "::error::x", "::stop-commands::x", "##[command]x", "##[error]x", "%0A::error::x", "%25",
    "]]>", "<!--", "-->", "&lt;", "</details><script>alert(1)</script>", "</testcase>", "`", "``", "```\n```", "~~~",
    "|", "\\", '"', "'", "{}", "[]", "@team", "#1", "https://x.example/?a=b#c", "![x](y)", "[x]: y", "- [ ] x",
    "/", "/x/../y", "    x", " ", "  x  ", "1790812800000",
)  # fmt: skip
ANY_TEXT = st.text(
    st.one_of(
        st.characters(categories=("Cc", "Cf", "Cs", "Zl", "Zp", "Zs", "Co", "Cn")),
        st.sampled_from("`~<>&|#@[](){}!%:;,=*_\"'\\/-+\n\r "),
        st.characters(),
    ),
    min_size=1,
    max_size=6,
)


@cache
def _render_plain(format_: str) -> str:
    return REPORTS[format_](build_full_report())


def check_output(format_: str, output: str, plain_output: str) -> None:
    """Assert that a hostile text adds no lines, invisible characters or commands, and keeps the structure."""
    output.encode()
    output, plain_output = (
        re.sub(r',\n *"uriBaseId": "%SRCROOT%"', "", each) for each in (output, plain_output)
    )  # a path may be absolute
    assert "##[" not in output
    if format_ != "github":
        assert [line for line in output.splitlines() if line.lstrip().startswith("::")] == []
    has_colours = format_ == TERMINAL
    visible_text = re.sub(r"\x1b\[[0-9]{1,2}m", "", output) if has_colours else output
    assert [char for char in visible_text if not char.isprintable() and char != "\n"] == []
    assert len(output.splitlines()) == len(plain_output.splitlines())
    assert _parse_structure(format_, output) == _parse_structure(format_, plain_output)


def _parse_structure(format_: str, output: str) -> object:
    """Return the structure that a parser of the format finds, without the values."""
    assert format_ in PARSERS, f"PARSERS in {__file__} has no parser for the format {format_!r}: add one"
    return PARSERS[format_](output)


def _parse_json(output: str) -> object:
    return _get_shape(json_.loads(output))


def _parse_junit(output: str) -> object:
    return [
        [(case.classname is not None, [type(each) for each in case.result]) for case in suite]
        for suite in JUnitXml.fromstring(output.encode())
    ]


def _parse_commands(output: str) -> object:
    return [re.match(r"::[a-z]+ |[A-Z][a-z ]+", line) is not None for line in output.splitlines()]


def _parse_colours(output: str) -> object:
    return re.findall(r"\x1b\[[0-9]{1,2}m", output)


def _parse_nothing(_: str) -> object:
    return None


def _get_shape(tree: object) -> object:
    match tree:
        case dict():
            return sorted(_get_shape(value).__repr__() for value in tree.values())
        case list():
            return [_get_shape(value) for value in tree]
        case _:
            return type(tree).__name__


PARSERS: Mapping[str, Callable[[str], object]] = {
    TERMINAL: _parse_colours,
    "text": _parse_nothing,  # its structure is its lines, which check_output counts
    "markdown": _parse_nothing,  # test_markdown.py parses comments as GitHub does
    "json": _parse_json,
    "sarif": _parse_json,
    "junit": _parse_junit,
    "github": _parse_commands,
}
"""The parser of each format. Each new format needs one."""


@pytest.mark.parametrize("hostile", HOSTILE_TEXTS)
@pytest.mark.parametrize("format_", REPORTS)
def test_hostile_report_values_cannot_break_any_format(format_: str, hostile: str) -> None:
    """Known attacks on terminals, runners, browsers and parsers cannot break a report in any format."""
    check_output(format_, REPORTS[format_](build_full_report(hostile)), _render_plain(format_))


@pytest.mark.parametrize("hostile", HOSTILE_TEXTS)
@pytest.mark.parametrize("format_", FINDINGS)
def test_hostile_findings_cannot_break_any_format(format_: str, hostile: str) -> None:
    """Known attacks in manifests cannot break a list of findings in any format."""
    check_output(
        format_, FINDINGS[format_](build_validation_result(hostile)), FINDINGS[format_](build_validation_result())
    )


@settings(max_examples=50)
@given(ANY_TEXT)
@pytest.mark.parametrize("format_", REPORTS)
def test_arbitrary_text_cannot_break_any_format(format_: str, hostile: str) -> None:
    """A random text cannot break a report or a list of findings in any format."""
    check_output(format_, REPORTS[format_](build_full_report(hostile)), _render_plain(format_))
    if format_ in FINDINGS:
        check_output(
            format_, FINDINGS[format_](build_validation_result(hostile)), FINDINGS[format_](build_validation_result())
        )


@pytest.mark.parametrize("char", ["x", "`", "\ud800", "\U0001f600"])
@pytest.mark.parametrize("format_", REPORTS)
def test_long_value_is_shown_or_counted_as_omitted(format_: str, char: str) -> None:
    """A value longer than any limit of AWS is rendered in every format without invisible characters."""
    hostile = char * 3_000
    for output in (
        REPORTS[format_](build_full_report(hostile)),
        FINDINGS.get(format_, text.render_findings)(build_validation_result(hostile)),
    ):
        output.encode()
        visible_text = re.sub(r"\x1b\[[0-9]{1,2}m", "", output) if format_ == TERMINAL else output
        assert all(char.isprintable() or char == "\n" for char in set(visible_text))
        _parse_structure(format_, output)


@pytest.mark.parametrize("format_", REPORTS)
def test_empty_values_are_rendered(format_: str) -> None:
    """A report in which every text is empty is rendered in every format."""
    for output in (
        REPORTS[format_](build_full_report("")),
        FINDINGS.get(format_, text.render_findings)(build_validation_result("")),
    ):
        assert output
        _parse_structure(format_, output)


@given(ANY_TEXT)
def test_json_preserves_values(hostile: str) -> None:
    """A parser of the JSON report reads the original values."""
    document = json_.loads(json.render(build_full_report(hostile)))
    assert document["targets"][0]["name"] == hostile
    assert document["targets"][0]["associations"][0]["reason"] == hostile
