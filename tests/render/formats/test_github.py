"""Tests for the annotations on GitHub: one command per line, most severe first, with a count of hidden ones."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.builders import live, record
from support.reports import (
    association,
    build_drifted_association,
    build_full_report,
    build_problems,
    build_report_of_many,
    build_validation_result,
    report,
    update,
)

from reconciler.core.apply.outcome import Unknown
from reconciler.core.manifests.validation import ValidationResult
from reconciler.core.plan.review import PlanMismatch
from reconciler.core.text import sanitize
from reconciler.render.formats.github import render, render_findings

TOKENS = (
    "::", "##[", "]", "%", "0A", "%0D", "%25", ":", ",", "=", ";", "error", "stop-commands", " ", "\n", "\r", "\t",
    "\u2028", "\u202e", "\x1b", "\ud800", "é", "😀",
)  # fmt: skip
COMMANDS = st.lists(st.sampled_from(TOKENS), min_size=1, max_size=5).map("".join)


@dataclass(frozen=True)
class Command:
    """A workflow command as a runner parses it."""

    name: str
    properties: dict[str, str]
    text: str


def parse_command(line: str) -> Command | None:
    """Return the command in a line as the documentation describes it, or None if the line is only logged."""
    match = re.match(r"\s*::(?P<name>[a-z-]+)(?: (?P<properties>.*?))?::(?P<text>.*)", line, re.DOTALL)
    if not match:
        return None
    pairs = dict(part.split("=", 1) for part in (match["properties"] or "").split(",") if "=" in part)
    properties = {key: _decode(value, "%3A", "%2C") for key, value in pairs.items()}
    return Command(match["name"], properties, _decode(match["text"]))


def _decode(text: str, *extra_escapes: str) -> str:
    codes = {"%25": "%", "%0D": "\r", "%0A": "\n", "%3A": ":", "%2C": ","}
    escapes = ("%25", "%0D", "%0A", *extra_escapes)
    return re.sub("|".join(escapes), lambda code: codes[code[0]], text)


def split_lines(text: str) -> list[str]:
    """Return the lines of a text as a runner splits them."""
    assert text.endswith("\n")
    return re.split(r"\r\n|\r|\n", text[:-1])


def parse_commands(text: str) -> list[Command]:
    """Return the commands in a text."""
    return [command for line in split_lines(text) if (command := parse_command(line))]


def test_a_create_is_a_notice_at_its_manifest() -> None:
    """A planned Create is a notice at its manifest, with the whole request line by line."""
    run_report = report(association())
    *annotations, summary, run_line, plan = split_lines(render(run_report))
    (notice,) = map(parse_command, annotations)
    assert notice
    assert notice.name == "notice"
    assert notice.properties == {
        "file": "manifests/export.yaml", "line": "3", "col": "1", "title": "to create export",
    }  # fmt: skip
    assert f"CreateDataIntegrationAssociation, ClientToken {record().token}" in notice.text.split("\n")
    assert '+ /DestinationURI                                          "s3://corp-exports/2026-10"' in notice.text
    assert summary == "Dry run: 1 to create. Nothing was written. 1 of 1 live association is managed."
    assert run_line == "Run plain, revision plain, version plain"
    assert plan == f"Plan {run_report.plan_digest}"


def test_most_severe_annotations_come_first() -> None:
    """Errors come before warnings, and warnings before notices. An association in sync has no annotation."""
    associations = (
        association("fine", "in-sync"), association("new"), build_drifted_association(),
        association("stuck", "blocked"), association("lost", outcome=Unknown("time-out")),
        association("up", "update", write=update()),
    )  # fmt: skip
    run_report = replace(
        report(*associations, error="no credentials"), mismatch=PlanMismatch("sha256:abc", ("not reviewed: x",))
    )
    run_report = replace(run_report, warnings=build_problems())
    annotations = parse_commands(render(run_report))
    assert [(each.name, each.properties["title"]) for each in annotations] == [
        ("error", "plan mismatch"), ("error", "target failed prod"), ("error", "without an answer lost"),
        ("error", "blocked stuck"),
        ("warning", "drifted drifted"), ("warning", "manifest warning"), ("warning", "manifest warning"),
        ("notice", "to update up"), ("notice", "to create new"),
    ]  # fmt: skip
    assert "not reviewed: x" in annotations[0].text
    assert "which STARTS an export" in annotations[-2].text


def test_rows_without_a_manifest_are_annotated_without_a_file() -> None:
    """Unmanaged, orphaned and unlisted entries are annotations without a file."""
    annotations = parse_commands(
        render(report(unmanaged=(live("z"),), orphaned=(record("old"),), unlisted=(("arn:a", "denied"),)))
    )
    assert [(annotation.name, annotation.properties) for annotation in annotations] == [
        ("warning", {"title": "not listed prod"}),
        ("notice", {"title": "unmanaged prod"}),
        ("notice", {"title": "orphaned prod"}),
    ]


def test_first_annotation_counts_those_that_github_hides() -> None:
    """The first annotation of a level counts those that GitHub hides, and the log contains every annotation."""
    counts = Counter[str]()
    first_commands: dict[str, Command] = {}
    for command in parse_commands(render(build_report_of_many(1_000))):
        first_commands.setdefault(command.name, command)
        counts[command.name] += 1
    assert counts == {"error": 101, "warning": 201, "notice": 451}
    assert {name: first.properties["title"] for name, first in first_commands.items()} == {
        "error": "and 91 more", "warning": "and 191 more", "notice": "and 441 more",
    }  # fmt: skip
    assert "see the log of this step for all 450" in first_commands["notice"].text
    annotations = parse_commands(render(report(*(association(f"a{number}") for number in range(10)))))
    assert len(annotations) == 10
    assert "more" not in annotations[0].properties["title"]


@pytest.mark.parametrize("char", ["x", "😀"])
def test_long_message_continues_in_the_next_annotation(char: str) -> None:
    """A message longer than the 4,096 UTF-16 units of the runner continues in the next annotation, without loss."""
    annotations = parse_commands(render(report(association("stuck", "blocked", reason=char * 9_000))))
    assert len(annotations) > 1
    assert all(len(annotation.text.encode("utf-16-le")) <= 2 * 4_096 for annotation in annotations)
    assert all(annotation.properties["title"].endswith("(continued)") for annotation in annotations[1:])
    assert char * 9_000 in "".join(annotation.text for annotation in annotations)


@given(COMMANDS)
def test_values_cannot_inject_workflow_commands(text: str) -> None:
    """Values cannot add, remove or change workflow commands, in the current or the older form."""
    output, plain_output = render(build_full_report(text)), render(build_full_report())
    annotations = [
        each
        for each in map(parse_command, split_lines(output))
        if not (each and each.properties["title"].endswith("(continued)"))
    ]
    assert [each and each.name for each in annotations] == [
        each and each.name for each in map(parse_command, split_lines(plain_output))
    ]
    assert "##[" not in output
    assert {key for each in parse_commands(output) for key in each.properties} == {"file", "line", "col", "title"}
    findings = render_findings(build_validation_result(text))
    assert [each.name for each in parse_commands(findings)] == ["error", "error", "warning", "warning"]
    assert "##[" not in findings


@given(COMMANDS)
def test_escaped_text_reads_back_unchanged(text: str) -> None:
    """A runner decodes an escaped message and file name to the sanitized text."""
    expected = sanitize(text)
    command = parse_commands(
        render_findings(ValidationResult(problems=(replace(build_problems(text)[1], message=text),)))
    )[0]
    assert command.text == expected
    assert command.properties["file"] == expected


def test_findings_list_problems_and_warnings() -> None:
    """Each problem and warning is a command at its place, and valid manifests are one plain line."""
    output = render_findings(build_validation_result())
    assert split_lines(output) == [
        "::error file=plain,line=3,col=7,title=invalid manifest::plain: plain",
        "::error file=plain,title=invalid manifest::plain",
        "::warning file=plain,line=3,col=7,title=manifest warning::plain: plain",
        "::warning file=plain,title=manifest warning::plain",
        "2 problems in the manifests; no manifest is used.",
    ]
    assert render_findings(ValidationResult(2)) == "2 manifests: valid.\n"
