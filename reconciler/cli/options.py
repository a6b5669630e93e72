"""The options that several commands share, each with its RECONCILER_* variable."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any, BinaryIO, TypeAlias

import click
from click.core import ParameterSource

from reconciler.app.config import DEFAULT_STATE
from reconciler.cli import environment
from reconciler.cli.completion import complete_targets
from reconciler.cli.parameters import Glob, LabelSelector, SandboxTime, WholeNumber
from reconciler.core.durations import parse_duration
from reconciler.core.errors import UsageError
from reconciler.core.model import Mode
from reconciler.edge import state as state_locations

Decorator: TypeAlias = Callable[[Callable[..., Any]], Callable[..., Any]]


class Duration(click.ParamType[timedelta]):
    """A duration such as 90s, 5m or 24h."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Return the duration. Fails if the text is not a duration, or longer than 366 days."""
        if isinstance(value, timedelta):
            return value
        try:
            return parse_duration(str(value))
        except ValueError as error:
            self.fail(str(error), param, ctx)


def suggest_option(word: str) -> str | None:
    """Return the option that a word probably belongs to: the state, a repository, or a path of manifests."""
    if state_locations.is_url(word):
        return "--state"
    if "://" in word or re.match(r"[\w.-]+@[\w.-]+:", word):
        return "--git-url"
    # Path.exists raises for a folder without search permission, and this only suggests an option.
    is_path = "/" in word or word.endswith((".yaml", ".yml", ".json")) or os.path.exists(word)  # noqa: PTH110 - see above
    return "-f" if is_path else None


class Choice(click.Choice[str]):
    """One of several words. The error shows the words as help shows them."""

    def get_invalid_choice_message(self, value: object, ctx: click.Context | None) -> str:  # noqa: ARG002 - click passes it
        """Return the error for a word that is not among the choices."""
        return f"{value!r} is not known: use {'one of ' if len(self.choices) > 1 else ''}{', '.join(self.choices)}"


class Command(click.Command):
    """A command that suggests an option or a command for an unexpected extra argument."""

    allow_extra_args = True

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments as click does. Raises click.UsageError with a suggestion for an extra argument."""
        extra_arguments = super().parse_args(ctx, args)
        if extra_arguments and not ctx.resilient_parsing:
            word = extra_arguments[0]
            if option := suggest_option(word):
                hint = f": did you mean {option} {word}?"
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
            return f"files are given with -f: reconcile {ctx.info_name} -f {word}"
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


class _EnvironmentOption(click.Option):
    """An option with a variable. An empty variable is rejected, because the script that sets it is probably wrong.

    The name of another option is rejected as a value: `--state $UNSET --dry-run` would otherwise not be a dry run.
    """

    def process_value(self, ctx: click.Context, value: Any) -> Any:
        """Return the value in the type of the option. Raises click.UsageError for an invalid or missing value."""
        if not self.is_flag and not ctx.resilient_parsing:
            for each in value if isinstance(value, tuple | list) else (value,):
                if isinstance(each, str) and re.match(r"--[A-Za-z]", each):
                    raise click.UsageError(f"{self.opts[-1]} needs a value, but {each} is an option", ctx)
        try:
            return super().process_value(ctx, value)
        except click.MissingParameter:
            raise
        except click.BadParameter as error:
            is_from_variable = self.name and ctx.get_parameter_source(self.name) is ParameterSource.ENVIRONMENT
            hint = f"'{self.envvar}'" if is_from_variable else error.param_hint
            is_switch = isinstance(self.type, click.types.BoolParamType)
            message = f"{value!r} is not a boolean: write true or false" if is_switch else error.message
            raise click.BadParameter(message, ctx, self, hint) from error

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        """Return the value of the variable, or None if it is not set. Raises click.UsageError for an empty one."""
        value = super().resolve_envvar_value(ctx)
        if ctx.resilient_parsing:  # shell completion must not fail
            return value
        if not (value or "").strip() and str(self.envvar) in environment.read_environment():
            raise click.UsageError(f"{self.envvar} is set but empty: give it a value, or unset it", ctx)
        return value


def option(*names: str, **attributes: Any) -> Decorator:
    """Return an option that the variable RECONCILER_<NAME> can set as well."""
    long_name = next(name for name in names if name.startswith("--"))
    attributes.setdefault("envvar", "RECONCILER_" + long_name.removeprefix("--").replace("-", "_").upper())
    return click.option(*names, cls=_EnvironmentOption, **attributes)


def duration_option(name: str, default: str, help_: str) -> Decorator:
    """Return an option that takes a duration."""
    return option(name, type=Duration(), default=default, show_default=True, metavar="DURATION", help=help_)


def combine_options(*decorators: Decorator) -> Decorator:
    """Return one decorator that adds several options. Help shows them in the given order."""

    def decorate(function: Callable[..., Any]) -> Callable[..., Any]:
        for decorator in reversed(decorators):
            function = decorator(function)
        return function

    return decorate


files = option(
    "-f",
    "--file",
    "files",
    multiple=True,
    type=click.Path(allow_dash=True),  # click splits the variable as PATH is split
    metavar="PATH|-",
    help="File or folder of manifests, or - for standard input (not for the controller). May be repeated.  "
    "[default: manifests/]",
)


def get_standard_input() -> BinaryIO | None:
    """Return the stream that `-f -` reads, or None if standard input is closed."""
    return sys.stdin.buffer if sys.stdin else None


aws_access = combine_options(
    option("--region", metavar="REGION", help="Region to use if no Target is declared."),
    option("--profile", metavar="NAME", help="Profile of the AWS configuration to use."),
    option(
        "--endpoint-url",
        metavar="URL",
        help="Address to call instead of AWS, for example a sandbox. The program then sends dummy credentials "
        "instead of yours.",
    ),
    option("--sandbox", is_flag=True, help="Use a sandbox in this process instead of AWS."),
    option(
        "--sandbox-time",
        "clock_offset",
        type=SandboxTime(),
        default=timedelta(),
        metavar="TIME",
        help="With --sandbox: the time at which this run starts, for the program and the sandbox, such as "
        "2026-12-01T02:00:00Z. It shows what recurring exports do later.",
    ),
)

target_selection = combine_options(
    option(
        "--target",
        "targets",
        multiple=True,
        type=Glob(),
        shell_complete=complete_targets,
        metavar="NAME",
        help="Use only this Target. NAME may be a glob, such as 'prod-*'. May be repeated.",
    ),
    option(
        "-l",
        "--selector",
        type=LabelSelector(),
        default=(),
        metavar="RULES",
        help="Use only Targets with these labels, such as env=prod, or 'env in (prod,staging),!old'.",
    ),
)

connection = combine_options(target_selection, aws_access)

state = option(
    "--state",
    metavar="|".join(state_locations.list_patterns()),
    help=f"Location of the journal, which must persist between runs.  [default: {DEFAULT_STATE}]",
)

dry_run = option("--dry-run", is_flag=True, help="Show what a run would do, and write nothing.")

plan_options = combine_options(
    option(
        "--mode",
        type=Choice([mode.value for mode in Mode]),
        default=Mode.CREATE_AND_UPDATE.value,
        show_default=True,
        callback=lambda _context, _option, value: Mode(value),
        help="Limit of the writes that manifests may ask for with policy.mode. The stricter of the two applies.",
    ),
    duration_option(
        "--settle-time",
        "15m",
        "Time to wait for a change to appear in the lists of AWS: before a Create without an answer is sent again, and "
        "before a missing association counts as lost.",
    ),
    option(
        "--max-creates",
        type=WholeNumber(),
        metavar="N",
        help="Maximum number of creates in each target. If a run plans more than N, it sends none of them. MaxCreates "
        "of a Target (10 if it is not set) applies as well: the lower of the two counts.",
    ),
    option(
        "--max-creates-total",
        type=WholeNumber(),
        default=10,
        show_default=True,
        metavar="N",
        help="Maximum number of creates in all targets of a revision together, if there are several. If more than N "
        "are planned, none is sent. If a target cannot be listed, each of its manifests counts as a create.",
    ),
)
"""The options of a plan, one for each field of `RunOptions`. Each command that computes a plan for a user has them.

`export` and `doctor` have none of them, because none would change what these commands show.
"""


def _new_state_option(effect: str) -> Decorator:
    return option(
        "--new-state",
        multiple=True,
        is_flag=False,
        flag_value="*",
        type=Glob(),
        metavar="[TARGET]",
        help=f"{effect} TARGET may be a glob. Without TARGET, the option applies to every target. May be repeated.",
    )


new_state = _new_state_option("Create the journal if it is missing: needed for the first run of a target.")
ignored_new_state = _new_state_option("Do not report a missing journal as a failure, as if the run had --new-state.")

run_options = combine_options(
    plan_options,
    state,
    new_state,
    duration_option("--lock-timeout", "30s", "Time to wait for the lease of another run."),
)
"""The options of the commands that run: `run` and `controller`."""
