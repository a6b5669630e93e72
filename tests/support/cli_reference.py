"""Write docs/reference/cli.md from the commands: `make docs`."""

from __future__ import annotations

import inspect
import re
import textwrap
from collections.abc import Iterator

import click
from support.paths import REPOSITORY

from reconciler.cli.command import Command
from reconciler.cli.group import app
from reconciler.cli.sections import group_by_section

PAGE = REPOSITORY / "docs" / "reference" / "cli.md"
_INTRODUCTION = """\
# Command line

`make docs` generates this page from the program.

Without a command, `reconcile` runs once, with the options of [`run`](#run).
An option can also be set by the variable in parentheses after its name.
The command line overrides the variable.

Exit codes:

| code | meaning |
|---|---|
| 0 | No call failed, nothing is blocked or lost, and no export failed or waits too long. \
The decision *drifted* also gives 0, and so does *changed* in most cases. |
| 1 | Something failed or is blocked, an association is lost, an export failed or waits too long, \
or nobody confirmed the writes with `yes`. \
A dry run does not count what earlier runs left behind: failed calls, failed exports, lost associations. \
A repository or revision that git cannot read is a failure, too. |
| 2 | Only with `--detailed-exitcode`, and instead of 0: a difference between git and AWS remains. |
| 3 | The manifests are invalid, or their file or folder does not exist. AWS was not called. |
| 64 | An option, argument or variable is invalid. If the command was a run, it did not call AWS. |
| 129, 130, 143 | SIGHUP, SIGINT or SIGTERM ended a one-shot run. \
Before that, the program finished the call under way, and wrote its answer to the journal. |
"""


def render() -> str:
    """Return the page."""
    context = click.Context(app, info_name="reconcile")
    names = app.list_commands(context)
    commands = [(name, command) for name in names if (command := app.get_command(context, name))]
    return "\n".join([_INTRODUCTION, *(line for each in commands for line in _render_command(context, *each)), ""])


def _render_command(parent: click.Context, name: str, command: click.Command) -> Iterator[str]:
    context = click.Context(command, info_name=name, parent=parent)
    yield f"## {name}\n"
    for paragraph in inspect.cleandoc(command.help or "").split("\n\n"):
        yield f"{_wrap_sentences(paragraph)}\n"
    yield f"```text\n{command.get_usage(context).removeprefix('Usage: ')}\n```\n"
    for title, options in group_by_section(command.params).items():
        yield f"**{title}**\n"
        for option in options:
            if record := option.get_help_record(context):
                yield from _render_option(option, *record)
        yield ""
    assert isinstance(command, Command)
    examples = "\n".join(f"$ {each}" for each in command.examples)
    yield f"**Examples**\n\n```console\n{examples}\n```\n"


def _render_option(parameter: click.Parameter, declaration: str, text: str) -> Iterator[str]:
    variable = f" (`{parameter.envvar}`)" if parameter.envvar else ""
    yield f"- `{declaration}`{variable}:"
    yield textwrap.indent(_wrap_sentences(re.sub(r"\s+\[([^\]]*)\]$", _format_details, text)), "  ")


def _format_details(match: re.Match[str]) -> str:
    """Return the part of a help text that click puts into brackets, as sentences."""
    return "".join(f" {_format_detail(each)}." for each in match[1].split("; "))


def _format_detail(text: str) -> str:
    label, _, value = text.partition(": ")
    if label == "default":
        return f"Default: `{value}`"
    return "Required" if label == "required" else f"Allowed: `{text}`"


def _wrap_sentences(text: str) -> str:
    """Return a text with one sentence on each line. Long sentences are wrapped."""
    sentences = re.split(r"(?<=[.;]) (?=[A-Z`])", " ".join(text.split()))
    return "\n".join(textwrap.fill(each, 116, break_on_hyphens=False) for each in sentences)


if __name__ == "__main__":
    PAGE.write_text(render())
