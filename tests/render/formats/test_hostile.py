"""Tests with hostile names, values and messages: no text can break or change the structure of any format."""

from __future__ import annotations

import json as json_
import re
from collections.abc import Callable, Mapping
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from junitparser import JUnitXml
from support.reports import full_report, validation_result

from reconciler.core.manifests.findings import ValidationResult
from reconciler.core.report.report import Report
from reconciler.render.formats import github, json, junit, markdown, sarif, text

REPORTS: Mapping[str, Callable[[Report], str]] = {
    "text on a terminal": lambda report: text.render(report, is_terminal=True),
    "plain text": lambda report: text.render(report, is_terminal=False),
    "json": json.render,
    "markdown": markdown.render,
    "junit": junit.render,
    "sarif": sarif.render,
    "github": github.render,
}
FINDINGS: Mapping[str, Callable[[ValidationResult], str]] = {
    "plain text": text.render_findings,
    "json": json.render_findings,
    "markdown": markdown.render_findings,
    "junit": junit.render_findings,
    "sarif": sarif.render_findings,
    "github": github.render_findings,
}
HOSTILE = (
    "\x1b[31mred\x1b[0m", "\x1b]0;title\x07", "\x9b31m", "\x00", "\x7f", "\x85", "a\nb", "a\rb", "a\r\nb",
    "\n::error::x", "\u2028", "\u2029", "\u202eevil", "\u2066x", "\u200b", "\ufeff", "\u00ad", "\ud800", "\udcff",
    "\ufffe", "\U000e0041", "::error::x", "::stop-commands::x", "##[command]x", "##[error]x", "%0A::error::x", "%25",
    "]]>", "<!--", "-->", "&lt;", "</details><script>alert(1)</script>", "</testcase>", "`", "``", "```\n```", "~~~",
    "|", "\\", '"', "'", "{}", "[]", "@team", "#1", "https://x.example/?a=b#c", "![x](y)", "[x]: y", "- [ ] x",
    "/", "/x/../y", "    x", " ", "  x  ", "1790812800000",
)  # fmt: skip
STRANGE = st.text(
    st.one_of(
        st.characters(categories=("Cc", "Cf", "Cs", "Zl", "Zp", "Zs", "Co", "Cn")),
        st.sampled_from("`~<>&|#@[](){}!%:;,=*_\"'\\/-+\n\r "),
        st.characters(),
    ),
    min_size=1,
    max_size=6,
)


@cache
def _plain(format_: str) -> str:
    return REPORTS[format_](full_report())


def check(format_: str, shown: str, plain: str) -> None:
    """Assert that a hostile text adds no lines, invisible characters or commands, and keeps the structure."""
    shown.encode()
    shown, plain = (
        re.sub(r',\n *"uriBaseId": "%SRCROOT%"', "", each) for each in (shown, plain)
    )  # a path may be absolute
    assert "##[" not in shown
    if format_ != "github":
        assert [line for line in shown.splitlines() if line.lstrip().startswith("::")] == []
    steered = format_ == "text on a terminal"
    left = re.sub(r"\x1b\[[0-9]{1,2}m", "", shown) if steered else shown
    assert [char for char in left if not char.isprintable() and char != "\n"] == []
    assert len(shown.splitlines()) == len(plain.splitlines())
    assert _structure(format_, shown) == _structure(format_, plain)


def _structure(format_: str, shown: str) -> object:
    """Return the structure that a parser of the format finds, without the values."""
    match format_:
        case "json" | "sarif":
            return _shape(json_.loads(shown))
        case "junit":
            return [
                [(case.classname is not None, [type(each) for each in case.result]) for case in suite]
                for suite in JUnitXml.fromstring(shown.encode())
            ]
        case "github":
            return [re.match(r"::[a-z]+ |[A-Z][a-z ]+", line) is not None for line in shown.splitlines()]
        case "text on a terminal":
            return re.findall(r"\x1b\[[0-9]{1,2}m", shown)
        case _:
            return None


def _shape(tree: object) -> object:
    match tree:
        case dict():
            return sorted(_shape(value).__repr__() for value in tree.values())
        case list():
            return [_shape(value) for value in tree]
        case _:
            return type(tree).__name__


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("format_", REPORTS)
def test_hostile_report_values_cannot_break_any_format(format_: str, hostile: str) -> None:
    """Known attacks on terminals, runners, browsers and parsers cannot break a report in any format."""
    check(format_, REPORTS[format_](full_report(hostile)), _plain(format_))


@pytest.mark.parametrize("hostile", HOSTILE)
@pytest.mark.parametrize("format_", FINDINGS)
def test_hostile_findings_cannot_break_any_format(format_: str, hostile: str) -> None:
    """Known attacks in manifests cannot break a list of findings in any format."""
    check(format_, FINDINGS[format_](validation_result(hostile)), FINDINGS[format_](validation_result()))


@settings(max_examples=50)
@given(STRANGE)
@pytest.mark.parametrize("format_", REPORTS)
def test_arbitrary_text_cannot_break_any_format(format_: str, hostile: str) -> None:
    """A random text cannot break a report or a list of findings in any format."""
    check(format_, REPORTS[format_](full_report(hostile)), _plain(format_))
    if format_ in FINDINGS:
        check(format_, FINDINGS[format_](validation_result(hostile)), FINDINGS[format_](validation_result()))


@pytest.mark.parametrize("char", ["x", "`", "\ud800", "\U0001f600"])
@pytest.mark.parametrize("format_", REPORTS)
def test_long_value_is_shown_or_counted_as_omitted(format_: str, char: str) -> None:
    """A value longer than any limit of AWS is rendered in every format without invisible characters."""
    hostile = char * 3_000
    for shown in (
        REPORTS[format_](full_report(hostile)),
        FINDINGS.get(format_, text.render_findings)(validation_result(hostile)),
    ):
        shown.encode()
        left = re.sub(r"\x1b\[[0-9]{1,2}m", "", shown) if format_ == "text on a terminal" else shown
        assert all(char.isprintable() or char == "\n" for char in set(left))
        _structure(format_, shown)


@pytest.mark.parametrize("format_", REPORTS)
def test_empty_values_are_rendered(format_: str) -> None:
    """A report in which every text is empty is rendered in every format."""
    for shown in (
        REPORTS[format_](full_report("")),
        FINDINGS.get(format_, text.render_findings)(validation_result("")),
    ):
        assert shown
        _structure(format_, shown)


@given(STRANGE)
def test_json_preserves_values(hostile: str) -> None:
    """A parser of the JSON report reads the original values."""
    document = json_.loads(json.render(full_report(hostile)))
    assert document["targets"][0]["name"] == hostile
    assert document["targets"][0]["associations"][0]["reason"] == hostile
