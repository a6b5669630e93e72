"""The question at a terminal before writes that cannot be undone."""

from __future__ import annotations

import os
import pty
import signal
from collections.abc import Iterator
from datetime import timedelta

import pytest
from support.program import Program
from support.reports import association, report
from support.terminal import CTRL_C, END_OF_INPUT, HANG_UP, Keys

from reconciler.cli import question
from reconciler.core.errors import NotConfirmed
from reconciler.core.plan.decision_kind import DecisionKind
from reconciler.sandbox import SandboxServer

QUESTION = "1 export of customer data starts at once and cannot be stopped. Create it? Type yes: "
YES = Keys("yes\n", QUESTION)


def test_plan_is_carried_out_after_yes(program: Program, server: SandboxServer) -> None:
    """The plan is shown before the question, and its export is created after `yes`."""
    program.add("october")
    code, screen = program.type_on_terminal(keys=YES)
    assert (code, len(server.sandbox.executed_writes)) == (0, 1)
    plan, _, result = screen.partition(QUESTION)
    assert "create" in plan
    assert "1 to create. Nothing was written yet." in plan
    assert "1 created" in result


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("no\n", "the answer was not yes"),
        ("y\n", "the answer was not yes"),
        ("YES\n", "the answer was not yes"),
        ("\n", "the answer was not yes"),
        (END_OF_INPUT, "the answer was not yes"),
        (f"yes{END_OF_INPUT}", "the answer was not yes"),
        (CTRL_C, "the question was interrupted"),
    ],
    ids=["no", "y", "YES", "enter", "end of input", "yes without enter", "Ctrl-C"],
)
def test_nothing_is_written_without_yes(program: Program, server: SandboxServer, text: str, reason: str) -> None:
    """Any answer but `yes` writes neither to AWS nor to the journal, and gives exit code 1 and one line."""
    program.add("october")
    code, screen = program.type_on_terminal(keys=Keys(text, QUESTION))
    assert (code, server.sandbox.executed_writes) == (1, ())
    assert screen.splitlines()[-1] == f"reconcile: nothing was written, because {reason}"
    assert not (program.folder / ".reconciler").exists()


def test_closed_terminal_ends_the_question(program: Program, server: SandboxServer) -> None:
    """If the terminal is closed at the question, nothing is written, and the exit code is that of SIGHUP."""
    program.add("october")
    code, _ = program.type_on_terminal(keys=Keys(HANG_UP, QUESTION))
    assert (code, server.sandbox.executed_writes) == (129, ())
    assert not (program.folder / ".reconciler").exists()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 1)])
def test_signal_at_the_question_writes_nothing(
    program: Program, server: SandboxServer, number: signal.Signals, code: int
) -> None:
    """A signal at the question gives one line and its documented exit code. SIGINT is Ctrl-C, an answer of a person."""
    program.add("october")
    result, screen = program.type_on_terminal(keys=Keys(number, QUESTION))
    assert (result, server.sandbox.executed_writes) == (code, ())
    assert screen.splitlines()[-1] == "reconcile: nothing was written, because the question was interrupted"
    assert not (program.folder / ".reconciler").exists()


@pytest.fixture
def person(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Return the side of a terminal at which a person types. The other side is standard input."""
    person_side, program_side = pty.openpty()
    with os.fdopen(program_side) as stdin:
        monkeypatch.setattr("sys.stdin", stdin)
        yield person_side
    os.close(person_side)


def ask(*, is_stopped: bool = False) -> None:
    """Ask about a plan with one Create, for a moment."""
    question.confirm(report(association()), lambda: is_stopped, is_sandbox=True, time_limit=timedelta(seconds=0.3))


def test_typing_before_the_question_is_no_answer(person: int, capsys: pytest.CaptureFixture[str]) -> None:
    """What a person typed before the question is discarded, and nobody is waited for without end."""
    os.write(person, b"yes\n")
    with pytest.raises(NotConfirmed, match=r"nobody answered within 0 minutes \(with --yes, a run does not ask\)"):
        ask()
    assert capsys.readouterr().err.endswith(f"In the sandbox: {QUESTION}\n")


def test_request_to_stop_ends_the_question(person: int) -> None:
    """A signal ends the question."""
    del person
    with pytest.raises(NotConfirmed, match="the question was interrupted"):
        ask(is_stopped=True)


def test_a_plan_without_writes_asks_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    """A plan whose writes wait, or that has none, is carried out without a question."""
    question.confirm(report(association(decision=DecisionKind.HELD)), lambda: False, is_sandbox=False)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    ("arguments", "variables"),
    [
        (("--yes",), {}),
        ((), {"RECONCILER_YES": "1"}),
        (("--state", "s", "--new-state"), {"CI": "true"}),
        ((), {"RECONCILER_GIT_HOOK": "post-receive"}),
    ],
    ids=["option", "variable", "CI", "hook"],
)
def test_nobody_is_asked_where_nobody_sits(
    program: Program, server: SandboxServer, arguments: tuple[str, ...], variables: dict[str, str]
) -> None:
    """With --yes, in CI and in a hook, a run at a terminal asks nothing."""
    program.add("october")
    code, screen = program.type_on_terminal(*arguments, env=variables, keys=Keys(""))
    assert (code, len(server.sandbox.executed_writes)) == (0, 1)
    assert "Type yes" not in screen


def test_alias_of_git_asks_as_well(program: Program, server: SandboxServer) -> None:
    """Git sets GIT_DIR for an alias in a linked worktree, too. A person at a terminal is asked there."""
    program.add("october")
    code, screen = program.type_on_terminal(env={"GIT_DIR": "."}, keys=Keys("no\n", QUESTION))
    assert (code, server.sandbox.executed_writes) == (1, ())
    assert "Type yes" in screen


def test_run_without_a_terminal_asks_nothing(program: Program, server: SandboxServer) -> None:
    """A run whose standard input is no terminal, such as a cron job, asks nothing."""
    program.add("october")
    code, screen = program.type_on_terminal(keys=None)
    assert (code, len(server.sandbox.executed_writes)) == (0, 1)
    assert "Type yes" not in screen


def test_other_commands_of_a_terminal_ask_nothing(program: Program, server: SandboxServer) -> None:
    """A dry run and a reviewed plan ask nothing."""
    program.add("october")
    plan = program.run("--dry-run", "-o", "json")
    code, screen = program.type_on_terminal("--dry-run", keys=Keys(""))
    assert (code, "Type yes" in screen, server.sandbox.executed_writes) == (0, False, ())
    code, screen = program.type_on_terminal("--expect-plan", plan.report["planDigest"], keys=Keys(""))
    assert (code, "Type yes" in screen, len(server.sandbox.executed_writes)) == (0, False, 1)


def test_lease_is_free_while_the_question_waits(program: Program, server: SandboxServer) -> None:
    """Another run may write while the question waits. What it created is then neither planned nor created again."""
    program.add("october")

    def run_other() -> str:
        assert program.run("--new-state").code == 0
        return "yes\n"

    code, screen = program.type_on_terminal(keys=Keys(run_other, QUESTION))
    assert len(server.sandbox.executed_writes) == 1
    assert code == 1
    assert "nothing was written, because the plan changed after it was shown" in screen
