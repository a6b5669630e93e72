"""Help: sections of options, and examples that the program accepts."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from support.program import Program

from reconciler.cli.command import Command
from reconciler.cli.group import COMMANDS, app
from reconciler.cli.sections import group_by_section


def get_command(name: str) -> Command:
    """Return a command by its name."""
    command = app.get_command(click.Context(app), name)
    assert isinstance(command, Command)
    return command


def list_titles(text: str) -> list[str]:
    """Return the titles of the sections of a help text."""
    return re.findall(r"^(\w[\w ]*):$", text, re.MULTILINE)


def list_examples() -> Iterator[tuple[str, str]]:
    """Yield each example with the name of its command."""
    yield from ((name, example) for name in COMMANDS for example in get_command(name).examples)


def test_a_newcomer_finds_the_needed_sections_first(tmp_path: Path) -> None:
    """Help shows manifests, targets and AWS first, then what may be written and where, and the commands at the end."""
    shared = ["Manifests", "Targets", "AWS", "Writes", "Journal"]
    program = Program(tmp_path)
    assert list_titles(program.run("run", "--help").out) == [*shared, "Result", "Options", "Examples"]
    assert list_titles(program.run("--help").out) == [*shared, "Result", "Options", "Commands", "Examples"]
    assert list_titles(program.run("controller", "--help").out) == [
        *shared, "Schedule", "Page and webhooks", "Options", "Examples",
    ]  # fmt: skip


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_option_is_in_one_section_of_the_help(tmp_path: Path, name: str) -> None:
    """Each option of a command is shown exactly once, and each section has at least one option."""
    output = Program(tmp_path).run(name, "--help").out
    command = get_command(name)
    options = [each for each in command.params if isinstance(each, click.Option)]
    assert sorted(each.opts for group in group_by_section(command.params).values() for each in group) == sorted(
        each.opts for each in options
    )
    for option in options:
        assert len(re.findall(rf"^  (?:-\w, )?{option.opts[-1]}(?= |$)", output, re.MULTILINE)) == 1
    assert len(re.findall("-h, --help", output)) == 1


def test_each_option_has_the_title_of_its_own_section() -> None:
    """A section holds only its own options, also beside options that are declared before or without it."""
    groups = group_by_section(get_command("unlock").params)
    assert [each.name for each in groups["Journal"]] == ["state"]
    assert [each.name for each in groups["Writes"]] == ["yes"]
    assert list(group_by_section(get_command("sandbox").params)) == ["Options"]


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_command_shows_two_examples(tmp_path: Path, name: str) -> None:
    """The help of each command ends with two examples, each on a line of its own that fits into 80 columns."""
    examples = get_command(name).examples
    lines = Program(tmp_path).run(name, "--help").out.splitlines()
    assert len(examples) == 2
    assert lines[-3:] == ["Examples:", *(f"  {each}" for each in examples)]
    assert all(len(line) <= 80 for line in lines)


def test_help_of_the_program_shows_the_examples_of_a_run(tmp_path: Path) -> None:
    """`reconcile --help` ends with the examples of `run`, whose options it shows."""
    lines = Program(tmp_path).run("--help").out.splitlines()
    assert lines[-3:] == ["Examples:", *(f"  {each}" for each in get_command("run").examples)]


@pytest.mark.parametrize(("name", "example"), list(list_examples()))
def test_the_program_accepts_each_example(name: str, example: str) -> None:
    """Each example calls its own command, with options and values that the command accepts."""
    command_line = re.fullmatch(r'eval "\$\((.+)\)"|(.+?)(?: > \S+)?', example)
    assert command_line
    program, *arguments = shlex.split(command_line[1] or command_line[2])
    called_name, options = (arguments[0], arguments[1:]) if arguments[0] in COMMANDS else ("run", arguments)
    assert (program, called_name) == ("reconcile", name)
    with get_command(name).make_context(name, options, parent=click.Context(app, info_name=program)) as context:
        assert not context.args
