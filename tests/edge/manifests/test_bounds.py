"""Any revision is read within limits of time and memory, and one line reports an exceeded limit."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

import pytest

from reconciler.core.errors import InvalidManifests, Problem
from reconciler.core.manifests import consistency, files
from reconciler.core.manifests.files import (
    MAX_BYTES,
    MAX_DOCUMENTS,
    MAX_TOTAL_BYTES,
    MAX_VALUES,
    READING_MEMORY_BYTES,
    SIZE_REMEDY,
    File,
    limit_files,
)
from reconciler.edge.manifests import load, load_manifests
from reconciler.edge.manifests import problems as problem_module
from reconciler.edge.manifests.budget import MAX_NODES, Budget, BudgetExceeded
from reconciler.edge.manifests.documents import read_documents

PROGRAM = Path(sys.executable).with_name("reconcile")
NOW = datetime(2026, 11, 23, tzinfo=UTC)
HEAD = "apiVersion: appintegrations.reconciler/v1\nkind: DataIntegrationAssociation\n"
MANIFEST = HEAD + "metadata: {name: %s}\nspec: {DataIntegrationIdentifier: %s}\n"
TARGET = (
    "apiVersion: appintegrations.reconciler/v1\nkind: Target\n"
    'metadata: {name: %s}\nspec: {Region: us-east-1, AccountId: "%012d"}\n'
)
SCHEDULE = "b, ExecutionConfiguration: {ExecutionMode: SCHEDULED, ScheduleConfiguration: {ScheduleExpression: '%s'}}"
WINDOW = "b, ExecutionConfiguration: {ExecutionMode: ON_DEMAND, OnDemandConfiguration: {StartTime: '%s'}}"
KEY = "b, ObjectConfiguration: {? %s : {g1: 1, g2: 1}}"
NUMBERS = ", ".join(f"n{number}: 1" for number in range(990))
MISSING_LINE_BREAK = "the last line of this text has only spaces"

SLOW_INPUTS: dict[str, tuple[str, list[str]]] = {
    "blanks-in-cron": (
        MANIFEST % ("a", SCHEDULE % f"cron({' ' * 1_000_000}"),
        ["/ScheduleExpression: must have at most 255 characters, but has 1000005"],
    ),
    "tag-directives": (
        "".join(f"%TAG !a{n}! x\n" for n in range(200_000)) + "---\na: 1\n",
        ["a.yaml:1:1: %TAG is used more than 64 times: remove it"],
    ),
    "digits": (f"a: 1.{'1' * 4_000_000}\n", ["a.yaml:1:4: the number has more than 128 characters: put it in quotes"]),
    "aliases-of-a-long-text": (
        f"a: &a {'x' * 1_000_000}\nkind: [{'*a, ' * 10_000}]\n",
        ["a.yaml:2:68: aliases expand the document to more than 16 MiB"],
    ),
    "long-key-before-many": (
        MANIFEST % ("a", KEY % ("k" * 2_000_000)),
        ["the key must have at most 255 characters", "/g1: must be a list", "/g2: must be a list"],
    ),
    "long-unknown-keys": (
        MANIFEST % ("a", "b") + f"policy:\n  ? {'k' * 2_000_000}\n  : 1\n",
        [f"unknown key '{'k' * 76}…: possible keys are mode, suspend"],
    ),
    "long-time": (
        MANIFEST % ("a", WINDOW % ("9" * 1_000_000)),
        ["is not a time: write a date, a time and a zone", "must have at most 255 characters, but has 1000000"],
    ),
    "many-texts-before-blanks": (
        "- |\n x\n" * 20_000 + "- |+\n x\n" + " " * 8_000_000,
        [f"a.yaml:40001:3: {MISSING_LINE_BREAK}"],
    ),
    "many-numbers-in-a-long-line": (
        MANIFEST % ("a", f"b, ClientAssociationMetadata: {{? {'k' * 4_000_000} : a, {NUMBERS}}}"),
        [
            "the key must have at most 255 characters",
            *['must be a string, not the unquoted number 1: write "1"'] * 990,
        ],
    ),
}
MEASURING_PROGRAM = """\
import resource, subprocess, sys
result = subprocess.run(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)
sys.exit(result.returncode)
"""
"""A program that prints the peak memory of its child. A child starts with its parent's memory, hence a new process."""


def expect_rejection(*contents: str) -> InvalidManifests:
    """Return the error of reading a revision with these file contents."""
    with pytest.raises(InvalidManifests) as error:
        load_manifests(
            [File(f"{chr(97 + number)}.yaml", content.encode()) for number, content in enumerate(contents)], NOW
        )
    return error.value


@pytest.mark.parametrize("case", SLOW_INPUTS)
def test_slow_input_is_rejected_quickly(case: str) -> None:
    """Input made to take hours or unlimited memory is rejected with short lines."""
    content, expected = SLOW_INPUTS[case]
    lines = [str(problem) for problem in expect_rejection(content).problems]
    assert len(lines) == len(expected)
    assert all(part in line for part, line in zip(expected, lines, strict=True)), [line[:300] for line in lines]
    assert all(len(line) < 1000 for line in lines)


def test_worst_revision_is_read_in_the_documented_memory(tmp_path: Path) -> None:
    """The revision that needs the most memory is read from git within the documented memory.

    It is one text of the largest size, with four bytes in memory for each character. Of all measured revisions at the
    limits, valid ones included, it needs the most memory.
    """
    (tmp_path / "a.yaml").write_text(f'? "\U0001f600{"x" * (MAX_TOTAL_BYTES - 30)}"\n: 1', encoding="utf-8")
    git = ["git", "-C", str(tmp_path), "-c", "user.name=a", "-c", "user.email=a@example.com"]
    for command in (["init", "-q"], ["add", "."], ["commit", "-qm", "all"]):
        subprocess.run([*git, *command], check=True)
    validate = [str(PROGRAM), "validate", "--git-url", ".", "--git-path", "."]
    result = subprocess.run(
        [sys.executable, "-c", MEASURING_PROGRAM, *validate], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    problem, *_, peak_memory = result.stdout.splitlines()
    assert problem == "a.yaml:1:1: 'kind' is missing: use DataIntegrationAssociation, Target or TargetSet"
    assert int(peak_memory) < READING_MEMORY_BYTES


@pytest.mark.parametrize("content", ["a: 1\n---\n", "---\n", "{}\n---\n", "# c\n--- # d\n...\n"])
def test_empty_documents_count_towards_the_limit(content: str) -> None:
    """Empty documents of all files count together, and one problem reports the exceeded limit."""
    budget = Budget(documents=10)
    assert list(read_documents("a.yaml", (content * 3).encode(), budget))
    with pytest.raises(BudgetExceeded) as error:
        list(read_documents("b.yaml", (content * 20).encode(), budget))
    expected = f": the revision has more than {MAX_DOCUMENTS} documents up to this line, and the rest is not read"
    assert str(error.value.problem).endswith(f"{expected}: {SIZE_REMEDY}")


@pytest.mark.parametrize("content", ["[{}, [], a]", "a: &a [b, c]\nd: *a\n", '{"a": [1, 2]}', "- - -\n"])
def test_keys_and_values_count_towards_the_limit(content: str) -> None:
    """Keys and values count in JSON and in YAML, including those that aliases repeat."""
    budget = Budget(values=20)
    with pytest.raises(BudgetExceeded) as error:
        list(chain.from_iterable(read_documents("a.yaml", content.encode(), budget) for _ in range(20)))
    expected = (
        f"a.yaml:1:1: the revision has more than {MAX_VALUES} keys and values up to this line, and the rest is not read"
    )
    assert str(error.value.problem) == f"{expected}: {SIZE_REMEDY}"
    assert MAX_NODES < MAX_VALUES


def test_problems_before_a_limit_are_reported_with_its_position(monkeypatch: pytest.MonkeyPatch) -> None:
    """If a limit is exceeded, the first problems, the number of omitted ones and the position are reported."""
    monkeypatch.setattr(problem_module, "MAX_PROBLEMS", 3)
    with_many_problems = expect_rejection("kind: 1\n---\n" * 5 + "kind: 1\n", "kind: 1\n")
    assert [problem.line for problem in with_many_problems.problems] == [1, 3, 5, 0]
    assert (
        with_many_problems.problems[-1].message
        == "4 more problems not listed here: correct the listed problems, and validate again"
    )
    monkeypatch.setattr(load, "Budget", lambda: Budget(documents=5))
    with_many_documents = expect_rejection("kind: 1\n---\n" * 9)
    assert [problem.line for problem in with_many_documents.problems] == [1, 3, 5, 10, 0]
    assert "documents up to this line, and the rest is not read" in with_many_documents.problems[-2].message


def test_search_for_problems_ends_at_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """The search for problems ends at a limit, within one document or over many, and a problem reports where."""
    monkeypatch.setattr(problem_module, "MAX_COUNTED_PROBLEMS", 4)
    for content in (
        "kind: 1\n---\n" * 9,
        MANIFEST % ("a", "b") + "labels: {}\n" + "".join(f"x{n}: 1\n" for n in range(9)),
    ):
        problems = expect_rejection(content).problems
        assert len(problems) == 5
        (end,) = (problem for problem in problems if "the rest is not checked" in problem.message)
        assert str(end).endswith(
            "the revision has more than 4 problems up to this line, and the rest is not checked: "
            "correct the listed problems, and validate again"
        )


def test_name_suggestions_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the first few unknown names get a suggestion, because the search for similar names takes long."""
    monkeypatch.setattr(consistency, "_MAX_SUGGESTIONS", 2)
    targets = [TARGET % (name, number) for number, name in enumerate(("prod", "test"))]
    manifests = [f"{MANIFEST % (name, name)}target: {name}\n" for name in ("prob", "prood", "tests", "prob2")]
    suggestions = [
        problem.message.rpartition(": ")[2] for problem in expect_rejection("---\n".join(targets + manifests)).problems
    ]
    assert suggestions == [
        "did you mean 'prod'?",
        "did you mean 'prod'?",
        *["declare it, or use one of 'prod', 'test'"] * 2,
    ]


def test_reading_files_ends_at_the_size_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading stops at the total size limit with one problem, and later files are not opened."""
    monkeypatch.setattr(files, "MAX_TOTAL_BYTES", 4)
    entries: Iterator[File | Problem] = iter(
        [File("a", b"12"), Problem("b", 0, 0, "", "is bad"), File("c", b"34"), File("d", b"5"), File("e", b"")]
    )
    first, second, third, end = limit_files(entries)
    assert (first, third) == (File("a", b"12"), File("c", b"34"))
    assert str(second) == "b: is bad"
    assert str(end) == f".: the revision is larger than 0 MiB, and the rest is not read: {SIZE_REMEDY}"
    assert next(entries) == File("e", b"")


def test_reading_files_ends_at_the_document_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading stops at the limit on documents, because each file has at least one."""
    monkeypatch.setattr(files, "MAX_DOCUMENTS", 2)
    *_, end = limit_files(File(name, b"") for name in "abcd")
    assert str(end) == f".: the revision has more than 2 files, and the rest is not read: {SIZE_REMEDY}"
    assert MAX_BYTES <= MAX_TOTAL_BYTES


def test_endless_pipe_is_not_read_to_its_end() -> None:
    """Standard input is read only up to the size limit of a file."""
    with subprocess.Popen(["yes"], stdout=subprocess.PIPE) as endless:
        command = [str(PROGRAM), "validate", "-f", "-"]
        result = subprocess.run(command, stdin=endless.stdout, capture_output=True, check=False)
        assert endless.stdout
        endless.stdout.close()
    assert result.stdout == b"standard input: the file is larger than 16 MiB: split it into smaller files\n"
