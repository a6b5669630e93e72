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
    drifted_association,
    full_report,
    many_associations,
    problems,
    report,
    update,
    validation_result,
)

from reconciler.core.apply.outcome import Unknown
from reconciler.core.manifests.findings import ValidationResult
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


def parse(line: str) -> Command | None:
    """Return the command in a line as the documentation describes it, or None if the line is only logged."""
    found = re.match(r"\s*::(?P<name>[a-z-]+)(?: (?P<given>.*?))?::(?P<text>.*)", line, re.DOTALL)
    if not found:
        return None
    given = dict(part.split("=", 1) for part in (found["given"] or "").split(",") if "=" in part)
    properties = {key: _decoded(value, "%3A", "%2C") for key, value in given.items()}
    return Command(found["name"], properties, _decoded(found["text"]))


def _decoded(text: str, *more: str) -> str:
    codes = {"%25": "%", "%0D": "\r", "%0A": "\n", "%3A": ":", "%2C": ","}
    wanted = ("%25", "%0D", "%0A", *more)
    return re.sub("|".join(wanted), lambda code: codes[code[0]], text)


def lines(text: str) -> list[str]:
    """Return the lines of a text as a runner splits them."""
    assert text.endswith("\n")
    return re.split(r"\r\n|\r|\n", text[:-1])


def commands(text: str) -> list[Command]:
    """Return the commands in a text."""
    return [command for line in lines(text) if (command := parse(line))]


def test_a_create_is_a_notice_at_its_manifest() -> None:
    """A planned Create is a notice at its manifest, with the whole request line by line."""
    told = report(association())
    *notes, summary, ran, plan = lines(render(told))
    (notice,) = map(parse, notes)
    assert notice
    assert notice.name == "notice"
    assert notice.properties == {
        "file": "manifests/export.yaml", "line": "3", "col": "1", "title": "to create export",
    }  # fmt: skip
    assert f"CreateDataIntegrationAssociation, ClientToken {record().token}" in notice.text.split("\n")
    assert '+ /DestinationURI                                          "s3://corp-exports/2026-10"' in notice.text
    assert summary == "Dry run: 1 to create. Nothing was written. 1 of 1 live associations is managed."
    assert ran == "Run plain, revision plain, version plain"
    assert plan == f"Plan {told.plan_digest}"


def test_gravest_annotations_come_first() -> None:
    """Errors come before warnings, and warnings before notices. An association in sync has no annotation."""
    every = (
        association("fine", "in-sync"), association("new"), drifted_association(), association("stuck", "blocked"),
        association("lost", outcome=Unknown("time-out")), association("up", "update", write=update()),
    )  # fmt: skip
    told = replace(report(*every, error="no credentials"), mismatch=PlanMismatch("sha256:abc", ("not reviewed: x",)))
    told = replace(told, warnings=problems())
    found = commands(render(told))
    assert [(each.name, each.properties["title"]) for each in found] == [
        ("error", "plan mismatch"), ("error", "target failed prod"), ("error", "unknown lost"),
        ("error", "blocked stuck"),
        ("warning", "drifted drifted"), ("warning", "manifest warning"), ("warning", "manifest warning"),
        ("notice", "to update up"), ("notice", "to create new"),
    ]  # fmt: skip
    assert "not reviewed: x" in found[0].text
    assert "which REPEATS the export" in found[-2].text


def test_rows_without_a_manifest_are_annotated_without_a_file() -> None:
    """Unmanaged, orphaned and unlisted entries are annotations without a file."""
    told = commands(render(report(unmanaged=(live("z"),), orphaned=(record("old"),), unlisted=(("arn:a", "denied"),))))
    assert [(each.name, each.properties) for each in told] == [
        ("warning", {"title": "not listed prod"}),
        ("notice", {"title": "unmanaged prod"}),
        ("notice", {"title": "orphaned prod"}),
    ]


def test_first_annotation_counts_those_that_github_hides() -> None:
    """The first annotation of a level counts those that GitHub hides, and the log contains every annotation."""
    counts = Counter[str]()
    firsts: dict[str, Command] = {}
    for command in commands(render(many_associations(1_000))):
        firsts.setdefault(command.name, command)
        counts[command.name] += 1
    assert counts == {"error": 101, "warning": 201, "notice": 451}
    assert {name: first.properties["title"] for name, first in firsts.items()} == {
        "error": "and 91 more", "warning": "and 191 more", "notice": "and 441 more",
    }  # fmt: skip
    assert "see the log of this step for all 450" in firsts["notice"].text
    ten = commands(render(report(*(association(f"a{number}") for number in range(10)))))
    assert len(ten) == 10
    assert "more" not in ten[0].properties["title"]


@pytest.mark.parametrize("char", ["x", "😀"])
def test_long_message_continues_in_the_next_annotation(char: str) -> None:
    """A message longer than the 4,096 UTF-16 units of the runner continues in the next annotation, without loss."""
    told = commands(render(report(association("stuck", "blocked", reason=char * 9_000))))
    assert len(told) > 1
    assert all(len(each.text.encode("utf-16-le")) <= 2 * 4_096 for each in told)
    assert all(each.properties["title"].endswith("(continued)") for each in told[1:])
    assert char * 9_000 in "".join(each.text for each in told)


@given(COMMANDS)
def test_values_cannot_inject_workflow_commands(text: str) -> None:
    """Values cannot add, remove or change workflow commands, in the current or the older form."""
    told, plain = render(full_report(text)), render(full_report())
    begun = [
        each for each in map(parse, lines(told)) if not (each and each.properties["title"].endswith("(continued)"))
    ]
    assert [each and each.name for each in begun] == [each and each.name for each in map(parse, lines(plain))]
    assert "##[" not in told
    assert {key for each in commands(told) for key in each.properties} == {"file", "line", "col", "title"}
    shown = render_findings(validation_result(text))
    assert [each.name for each in commands(shown)] == ["error", "error", "warning", "warning"]
    assert "##[" not in shown


@given(COMMANDS)
def test_escaped_text_reads_back_unchanged(text: str) -> None:
    """A runner decodes an escaped message and file name to the sanitized text."""
    escaped = sanitize(text)
    command = commands(render_findings(ValidationResult(problems=(replace(problems(text)[1], message=text),))))[0]
    assert command.text == escaped
    assert command.properties["file"] == escaped


def test_findings_list_problems_and_warnings() -> None:
    """Each problem and warning is a command at its place, and valid manifests are one plain line."""
    told = render_findings(validation_result())
    assert lines(told) == [
        "::error file=plain,line=3,col=7,title=invalid manifest::plain: plain",
        "::error file=plain,title=invalid manifest::plain",
        "::warning file=plain,line=3,col=7,title=manifest warning::plain: plain",
        "::warning file=plain,title=manifest warning::plain",
        "Manifests: 2 problems in the manifests: no manifest is used.",
    ]
    assert render_findings(ValidationResult(2)) == "Manifests: 2 manifests: valid.\n"
