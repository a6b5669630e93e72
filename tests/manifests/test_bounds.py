"""A revision is read within bounds of time and memory, whatever is in it, and one line says where they end."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reconciler.core import files
from reconciler.core.errors import Problem
from reconciler.core.files import (
    MAX_BYTES,
    MAX_DOCUMENTS,
    MAX_TOTAL_BYTES,
    NEEDED_BYTES,
    SMALLER,
    File,
    bounded,
)

PROGRAM = Path(sys.executable).with_name("reconcile")
HEAD = "apiVersion: appintegrations.reconciler/v1\nkind: DataIntegrationAssociation\n"
MANIFEST = HEAD + "metadata: {name: %s}\nspec: {DataIntegrationIdentifier: %s}\n"
TARGET = (
    "apiVersion: appintegrations.reconciler/v1\nkind: Target\n"
    'metadata: {name: %s}\nspec: {Region: us-east-1, AccountId: "%012d"}\n'
)
SCHEDULE = "b, ExecutionConfiguration: {ExecutionMode: SCHEDULED, ScheduleConfiguration: {ScheduleExpression: '%s'}}"
WINDOW = "b, ExecutionConfiguration: {ExecutionMode: ON_DEMAND, OnDemandConfiguration: {StartTime: '%s'}}"
KEY = "b, ObjectConfiguration: {? %s : {g1: 1, g2: 1}}"

SLOW: dict[str, tuple[str, list[str]]] = {
    "blanks-in-cron": (
        MANIFEST % ("a", SCHEDULE % f"cron({' ' * 1_000_000}"),
        ["/ScheduleExpression: must have at most 255 characters, and has 1000005"],
    ),
    "tag-directives": (
        "".join(f"%TAG !a{n}! x\n" for n in range(400_000)) + "---\na: 1\n",
        ["a.yaml:1:1: has %TAG more than 64 times: manifests have plain values only"],
    ),
    "digits": (f"a: 1.{'1' * 10_000_000}\n", ["a.yaml:1:4: a number of more than 128 characters: put it in quotes"]),
    "aliases-of-a-long-text": (
        f"a: &a {'x' * 1_000_000}\nkind: [{'*a, ' * 10_000}]\n",
        ["a.yaml:2:68: aliases make more than 16 MiB of this document"],
    ),
    "long-key-before-many": (
        MANIFEST % ("a", KEY % ("k" * 2_000_000)),
        ["the key must have at most 255 characters", "/g1: must be a list", "/g2: must be a list"],
    ),
    "long-unknown-keys": (
        MANIFEST % ("a", "b") + f"policy:\n  ? {'k' * 4_000_000}\n  : 1\n",
        [f"unknown key '{'k' * 76}…: known here are mode, suspend"],
    ),
    "long-time": (
        MANIFEST % ("a", WINDOW % ("9" * 1_000_000)),
        ["must be a date, a time and a zone", "must have at most 255 characters, and has 1000000"],
    ),
    "many-targets-and-none-is-meant": (
        "---\n".join(
            [TARGET % (f"{'a' * 50}{n}", n) for n in range(3000)]
            + [f"{MANIFEST % (f'n{n}', f'i{n}')}target: {'a' * 40}{'b' * 20}{n}\n" for n in range(3000)]
        ),
        [f"no Target '{'a' * 40}"] * 1000 + ["manifests: 2000 more problems in them: put right what is named here"],
    ),
}
REPEATED = "a: 1\n---\n"
LABELS = ", ".join(f"k{number}: v" for number in range(45_000))
WIDE = "".join(f"    k{number}: \U0001f600{'x' * 240}\n" for number in range(40_000))
MANY: dict[str, tuple[int, Callable[[int], str], str]] = {
    "documents": (1, lambda _: REPEATED * (10_000_000 // len(REPEATED)), f"more than {MAX_DOCUMENTS} documents"),
    "empty-documents": (1, lambda _: "---\n" * (MAX_BYTES // 4 - 1), f"more than {MAX_DOCUMENTS} documents"),
    "comments": (16, lambda _: f"{'#' * (MAX_BYTES - 1)}\n", f"larger than {MAX_TOTAL_BYTES >> 20} MiB"),
    "wide-comments": (2, lambda _: f"# \U0001f600\n{'#' * (MAX_BYTES - 20)}", "is empty"),
    "lines": (2, lambda _: "kind: 1\n" + "\n" * (MAX_BYTES - 20), "unknown kind 1"),
    "wide-text": (2, lambda _: f'a: "\U0001f600{"x" * (MAX_BYTES - 30)}"', "'kind' is missing"),
    "wide-json": (2, lambda _: f'{{"a": "\U0001f600{"x" * (MAX_BYTES - 30)}"}}', "'kind' is missing"),
    "wide-key": (2, lambda _: f'? "\U0001f600{"x" * (MAX_BYTES - 30)}"\n: 1', "'kind' is missing"),
    "empty-mappings": (20, lambda _: f"[{'{},' * 90_000}]", "keys and values"),
    "mistakes": (
        10_000,
        lambda n: f"{HEAD}metadata: {{name: N{n}}}\nspec: {{}}\n",
        "19000 more problems",
    ),
    "files": (MAX_DOCUMENTS + 1, lambda _: "", f"more than {MAX_DOCUMENTS} files"),
    "valid": (
        11,
        lambda n: f"{HEAD}metadata: {{name: n{n}, labels: {{{LABELS}}}}}\nspec: {{DataIntegrationIdentifier: i{n}}}\n",
        "11 manifests: valid",
    ),
    "valid-and-wide": (
        3,
        lambda n: (
            f"{HEAD}metadata: {{name: n{n}}}\nspec:\n  DataIntegrationIdentifier: i{n}\n"
            f"  ClientAssociationMetadata:\n{WIDE}"
        ),
        "3 manifests: valid",
    ),
}
MEASURED = """\
import resource, subprocess, sys
done = subprocess.run(sys.argv[1:], timeout=60)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024)
sys.exit(done.returncode)
"""
"""A process of its own, since a child begins with the memory of its parent."""


def validate(folder: Path) -> tuple[list[str], int]:
    """Return what is said of a folder, and the most bytes of memory that it took. What takes a minute fails."""
    command = [sys.executable, "-c", MEASURED, str(PROGRAM), "validate", "-f", "."]
    done = subprocess.run(
        command, cwd=folder, env={"LC_ALL": "C.UTF-8"}, capture_output=True, text=True, check=False, timeout=90
    )
    assert (done.returncode in {0, 3}, done.stderr) == (True, "")
    *lines, used = done.stdout.splitlines()
    return lines, int(used)


@pytest.mark.parametrize("case", SLOW)
def test_nothing_takes_its_time(case: str, tmp_path: Path) -> None:
    """What took minutes, or hours, or memory without end, is refused in lines that are short."""
    content, said = SLOW[case]
    (tmp_path / "a.yaml").write_text(content, encoding="utf-8")
    lines, _ = validate(tmp_path)
    assert len(lines) == len(said)
    assert all(part in line for part, line in zip(said, lines, strict=True)), [line[:300] for line in lines]
    assert all(len(line) < 1000 for line in lines)


@pytest.mark.parametrize("case", MANY)
def test_nothing_takes_more_memory_than_a_pod_has(case: str, tmp_path: Path) -> None:
    """What is read of one revision has bounds that hold together, and one line says what is right."""
    count, content, said = MANY[case]
    for number in range(count):
        (tmp_path / f"{number}.yaml").write_text(content(number), encoding="utf-8")
    lines, used = validate(tmp_path)
    assert any(said in line for line in lines), lines[-2:]
    assert len(lines) <= files.MAX_PROBLEMS + 2
    assert used < NEEDED_BYTES


def test_files_are_read_as_far_as_there_is_room(monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes after is not even asked for, and its first file is named."""
    monkeypatch.setattr(files, "MAX_TOTAL_BYTES", 4)
    asked: Iterator[File | Problem] = iter(
        [File("a", b"12"), Problem("b", 0, 0, "", "is bad"), File("c", b"34"), File("d", b"5"), File("e", b"")]
    )
    first, second, third, end = bounded(asked)
    assert (first, third) == (File("a", b"12"), File("c", b"34"))
    assert str(second) == "b: is bad"
    assert str(end) == f".: the manifests are larger than 0 MiB, and no more is read: {SMALLER}"
    assert next(asked) == File("e", b"")


def test_a_pipe_without_end_is_not_read_to_its_end() -> None:
    """Standard input is a file like any other."""
    with subprocess.Popen(["yes"], stdout=subprocess.PIPE) as endless:
        command = [str(PROGRAM), "validate", "-f", "-"]
        done = subprocess.run(command, stdin=endless.stdout, capture_output=True, timeout=60, check=False)
        assert endless.stdout
        endless.stdout.close()
    assert done.stdout == b"standard input: is larger than 16 MiB: split it into smaller files\n"
