"""The class of every command: its help, and suggestions for an extra argument."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from typing import Any

import click

from reconciler.cli.sections import write_examples, write_options
from reconciler.core.errors import UsageError
from reconciler.core.suggestions import format_suggestion
from reconciler.edge import state as state_locations


def suggest_option(word: str) -> str | None:
    """Return the option that a word probably belongs to: the state, a repository, or a path of manifests."""
    if state_locations.is_url(word):
        return "--state"
    if "://" in word or re.match(r"[\w.-]+@[\w.-]+:", word):
        return "--git-url"
    # Path.exists raises for a folder without search permission, and this only suggests an option.
    is_path = "/" in word or word.endswith((".yaml", ".yml", ".json")) or os.path.exists(word)  # noqa: PTH110 - see above
    return "-f" if is_path else None


class Command(click.Command):
    """A command that suggests an option or a command for an unexpected extra argument.

    Its help has sections, and `examples` as they are typed.
    """

    allow_extra_args = True

    def __init__(self, *args: Any, examples: Sequence[str] = (), **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self.examples = examples

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options in sections."""
        write_options(ctx, formatter, self.params)

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's
        """Write the examples."""
        write_examples(formatter, self.examples)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments as click does. Raises click.UsageError with a suggestion for an extra argument."""
        extra_arguments = super().parse_args(ctx, args)
        if extra_arguments and not ctx.resilient_parsing:
            word = extra_arguments[0]
            if option := suggest_option(word):
                hint = f": {format_suggestion(f'{option} {word}')}"
            elif word in _list_commands(ctx):
                hint = f": write the command first: reconcile {word} …"
            else:
                hint = f": {self._describe_arguments(ctx, word)}"
            ctx.fail(f"Got unexpected extra argument ({word}){hint}")
        return extra_arguments

    def _describe_arguments(self, ctx: click.Context, word: str) -> str:
        """Return what the command takes instead of an extra argument."""
        arguments = " ".join(each.make_metavar(ctx) for each in self.params if isinstance(each, click.Argument))
        if arguments:
            return f"reconcile {ctx.info_name} takes one {arguments}"
        if any("-f" in each.opts for each in self.params):
            return f"give files with -f: reconcile {ctx.info_name} -f {word}"
        return f"reconcile {ctx.info_name} takes only options"

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command. Raises click.UsageError for each UsageError, so that click adds the usage of the command."""
        try:
            return super().invoke(ctx)
        except UsageError as error:
            raise click.UsageError(str(error), ctx) from error


def _list_commands(ctx: click.Context) -> list[str]:
    """Return the names of the commands in the group of a command."""
    group = ctx.parent and ctx.parent.command
    return group.list_commands(ctx.parent) if isinstance(group, click.Group) and ctx.parent else []
