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

from reconciler import settings
from reconciler.app.config import DEFAULT_STATE
from reconciler.core.errors import UsageError
from reconciler.core.model import Mode

Decorator: TypeAlias = Callable[[Callable[..., Any]], Callable[..., Any]]

_MAX_DURATION = timedelta(days=366)


class Duration(click.ParamType[timedelta]):
    """A time span such as 90s, 5m or 24h."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Return the time span."""
        if isinstance(value, timedelta):
            return value
        match = re.fullmatch(r"([0-9]+)([smhd])", str(value))
        if match is None:
            self.fail(f"{value!r} is no duration: write 90s, 5m or 24h", param, ctx)
        seconds = float(match[1]) * {"s": 1, "m": 60, "h": 3600, "d": 86400}[match[2]]
        if seconds > _MAX_DURATION.total_seconds():
            self.fail(f"{value!r} is longer than a year", param, ctx)
        return timedelta(seconds=seconds)


def suggest_option(word: str) -> str | None:
    """Return the option that a word was likely meant for: a place of state, a repository, or a path of manifests."""
    if word.lower().startswith("s3://"):
        return "--state"
    if "://" in word or re.match(r"[\w.-]+@[\w.-]+:", word):
        return "--git-url"
    is_path = "/" in word or word.endswith((".yaml", ".yml", ".json")) or os.path.exists(word)  # noqa: PTH110
    return "-f" if is_path else None


class Command(click.Command):
    """A command that says of a word too many what was likely meant by it."""

    allow_extra_args = True

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse as click does. Raises click.UsageError."""
        extra_arguments = super().parse_args(ctx, args)
        if extra_arguments and not ctx.resilient_parsing:
            word = extra_arguments[0]
            if option := suggest_option(word):
                hint = f": did you mean {option} {word}?"
            elif word in _list_commands(ctx):
                hint = f": a command comes first: reconcile {word} …"
            else:
                hint = ""
            ctx.fail(f"Got unexpected extra argument ({word}){hint}")
        return extra_arguments

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a usage error of the application is shown as click shows its own."""
        try:
            return super().invoke(ctx)
        except UsageError as error:
            raise click.UsageError(str(error), ctx) from error


def _list_commands(ctx: click.Context) -> list[str]:
    """Return the names of the commands beside this one."""
    group = ctx.parent and ctx.parent.command
    return group.list_commands(ctx.parent) if isinstance(group, click.Group) and ctx.parent else []


class Glob(click.ParamType[str]):
    """A glob over names; in a variable several are parted by blanks or commas."""

    name = "glob"

    def split_envvar_value(self, rv: str) -> list[str]:
        """Return the globs of a variable."""
        return [each for each in re.split(r"[\s,]+", rv) if each]


class _EnvironmentOption(click.Option):
    """An option whose variable says something where it is set: an empty one is a mistake in whatever filled it in.

    So is an option that another one takes for its value: `--state $UNSET --dry-run` would not be a dry run.
    """

    def process_value(self, ctx: click.Context, value: Any) -> Any:
        """Return the value as its type has it."""
        if not self.is_flag and not ctx.resilient_parsing:
            for each in value if isinstance(value, tuple | list) else (value,):
                if isinstance(each, str) and re.match(r"--[A-Za-z]", each):
                    raise click.UsageError(f"{self.opts[-1]}: its value is missing, and {each} is an option", ctx)
        try:
            return super().process_value(ctx, value)
        except click.MissingParameter:
            raise
        except click.BadParameter as error:
            is_from_variable = self.name and ctx.get_parameter_source(self.name) is ParameterSource.ENVIRONMENT
            hint = f"'{self.envvar}'" if is_from_variable else error.param_hint
            is_switch = isinstance(self.type, click.types.BoolParamType)
            message = f"{value!r} is neither true nor false" if is_switch else error.message
            raise click.BadParameter(message, ctx, self, hint) from error

    def resolve_envvar_value(self, ctx: click.Context) -> str | None:
        """Return what the variable says, None where it is not set."""
        value = super().resolve_envvar_value(ctx)
        if ctx.resilient_parsing:  # a shell that completes wants no complaint
            return value
        if not (value or "").strip() and str(self.envvar) in settings.read_environment():
            raise click.UsageError(f"{self.envvar} is set and empty: give it a value, or do not set it", ctx)
        return value


def option(*names: str, **attributes: Any) -> Decorator:
    """Return an option that RECONCILER_<NAME> sets as well."""
    long_name = next(name for name in names if name.startswith("--"))
    attributes.setdefault("envvar", "RECONCILER_" + long_name.removeprefix("--").replace("-", "_").upper())
    return click.option(*names, cls=_EnvironmentOption, **attributes)


def duration_option(name: str, default: str, help_: str) -> Decorator:
    """Return an option that takes a time span."""
    return option(name, type=Duration(), default=default, show_default=True, metavar="TIME", help=help_)


def combine_options(*decorators: Decorator) -> Decorator:
    """Return several options as one decorator, in the order in which help shows them."""

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
    type=click.Path(allow_dash=True),  # several in the variable are parted as in PATH
    metavar="PATH|-",
    help="File or folder of manifests, or - for standard input. May be repeated.  [default: manifests/]",
)


def get_standard_input() -> BinaryIO | None:
    """Return what `-f -` reads; None where it is closed."""
    return sys.stdin.buffer if sys.stdin else None


aws_access = combine_options(
    option("--region", metavar="REGION", help="The Region, where no Target declares one."),
    option("--profile", metavar="NAME", help="The profile of the AWS configuration to use."),
    option(
        "--endpoint-url",
        metavar="URL",
        help="Call this address instead of AWS, with dummy credentials (for a sandbox).",
    ),
    option("--sandbox", is_flag=True, help="Use a sandbox inside this process instead of AWS."),
)

connection = combine_options(
    option("--target", "targets", multiple=True, metavar="NAME", help="Only this Target. May be repeated."),
    aws_access,
)

state = option(
    "--state",
    metavar="DIR|s3://BUCKET/PREFIX",
    help=f"Where the journal is kept; it must last from run to run.  [default: {DEFAULT_STATE}]",
)

dry_run = option("--dry-run", is_flag=True, help="Show what a run would do; write nothing.")

mode = option(
    "--mode",
    type=click.Choice([mode.value for mode in Mode]),
    default=Mode.CREATE.value,
    show_default=True,
    callback=lambda _context, _option, value: Mode(value),
    help="How far to go; the stricter of this and the manifest's policy.mode holds.",
)

settle_time = duration_option(
    "--settle-time", "15m", "How long to wait for List to show a Create whose answer was lost."
)

max_creates = option(
    "--max-creates",
    type=click.IntRange(min=0),
    metavar="N",
    help="Most creates in each target; a plan with more creates none. The stricter of this and MaxCreates holds.",
)

new_state = option(
    "--new-state",
    multiple=True,
    is_flag=False,
    flag_value="*",
    type=Glob(),
    metavar="[TARGET]",
    help="Allow a new journal if this Target has none (its first run). TARGET may be a glob; without TARGET: all "
    "Targets. May be repeated.",
)

run_policy = combine_options(
    mode,
    state,
    new_state,
    settle_time,
    duration_option("--lock-timeout", "30s", "How long to wait for another run to finish."),
    max_creates,
)
