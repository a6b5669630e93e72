"""The options that several commands share, each with its RECONCILER_* variable."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any, BinaryIO

import click
from click.core import ParameterSource

from reconciler.app.config import DEFAULT_STATE
from reconciler.cli import environment
from reconciler.cli.completion import complete_targets
from reconciler.cli.parameters import Choice, Duration, Glob, LabelSelector, SandboxTime, ShardOfMany, WholeNumber
from reconciler.cli.sections import AWS, JOURNAL, TARGETS, WRITES, Decorator, section
from reconciler.core.model import Mode
from reconciler.edge import state as state_locations


class EnvironmentOption(click.Option):
    """An option with a variable. An empty variable is rejected, because the script that sets it is probably wrong.

    The name of another option is rejected as a value: `--state $UNSET --dry-run` would otherwise not be a dry run.
    Without a safety option, a run may write more, write elsewhere, or lose its journal. A misspelled name of its
    variable is therefore rejected.
    """

    def __init__(self, *args: Any, is_safety: bool = True, **attributes: Any) -> None:
        super().__init__(*args, **attributes)
        self.is_safety = is_safety

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
    """Return an option that the variable RECONCILER_<NAME> can set as well.

    It is a safety option, unless `is_safety` is False.
    """
    long_name = next(name for name in names if name.startswith("--"))
    attributes.setdefault("envvar", "RECONCILER_" + long_name.removeprefix("--").replace("-", "_").upper())
    return click.option(*names, cls=EnvironmentOption, **attributes)


def duration_option(name: str, default: str, help_: str, *, is_safety: bool = True) -> Decorator:
    """Return an option that takes a duration."""
    return option(
        name,
        type=Duration(),
        default=default,
        show_default=True,
        metavar="DURATION",
        help=help_,
        is_safety=is_safety,
    )


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


aws_access = section(
    AWS,
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
        "2026-12-01T02:00:00Z. Use it to see what recurring exports do later.",
    ),
    option(
        "--sandbox-set",
        "sandbox_switches",
        multiple=True,
        metavar="SWITCH=VALUE",
        help="With --sandbox: the behaviour, quota or fault to simulate, such as job_outcome=FAILED. The switches are "
        "those of `reconcile sandbox --set`. May be repeated.",
    ),
)

target_selection = section(
    TARGETS,
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

shard = section(
    TARGETS,
    option(
        "--shard",
        type=ShardOfMany(),
        metavar="I/N",
        help="Use only the targets of process number I (0 to N-1), if N processes share the targets. With auto/N, I "
        "comes from JOB_COMPLETION_INDEX (Indexed Job of Kubernetes) or RECONCILER_POD_INDEX (StatefulSet).",
    ),
)
"""The option of the commands for all targets. A command that names a manifest or a target finds it in any shard."""

connection = combine_options(target_selection, aws_access)

state = section(
    JOURNAL,
    option(
        "--state",
        metavar="|".join(state_locations.list_patterns()),
        help=f"Location of the journal, which must persist between runs.  [default: {DEFAULT_STATE}]",
    ),
)

dry_run = section(WRITES, option("--dry-run", is_flag=True, help="Show what a run would do, and write nothing."))

plan_options = section(
    WRITES,
    option(
        "--mode",
        type=Choice([mode.value for mode in Mode]),
        default=Mode.CREATE_AND_UPDATE.value,
        show_default=True,
        callback=lambda _context, _option, value: Mode(value),
        help="Limit of the writes that manifests may ask for with policy.mode. The stricter of --mode and "
        "policy.mode applies.",
    ),
    duration_option(
        "--settle-time",
        "15m",
        "Time that AWS may take to show a change in its lists. The program waits for that time before it repeats a "
        "Create that got no answer, and before a missing association counts as lost.",
    ),
    option(
        "--max-creates",
        type=WholeNumber(),
        metavar="N",
        help="Maximum number of Creates in each target. If a run plans more in a target, it sends none of them. The "
        "lower of N and MaxCreates of the Target applies. If MaxCreates is not set, it is 10.",
    ),
    option(
        "--max-creates-total",
        type=WholeNumber(),
        default=10,
        show_default=True,
        metavar="N",
        help="Maximum number of Creates in all targets together, if there are several. If more are planned, none is "
        "sent. If a target cannot be listed, each of its manifests counts as a Create.",
    ),
)
"""The options of a plan, one for each field of `RunOptions`. Each command that computes a plan for a user has them.

`export` and `doctor` have none of them, because none would change what these commands show.
"""


def _new_state_option(effect: str) -> Decorator:
    return section(
        JOURNAL,
        option(
            "--new-state",
            multiple=True,
            is_flag=False,
            flag_value="*",
            type=Glob(),
            metavar="[TARGET]",
            help=f"{effect} TARGET may be a glob. Without TARGET, the option applies to every target. May be repeated.",
        ),
    )


new_state = _new_state_option("Create the journal if it is missing. The first run of a target needs this option.")
ignored_new_state = _new_state_option("Accept a missing journal, as a run with --new-state does.")

run_options = combine_options(
    plan_options,
    state,
    new_state,
    section(JOURNAL, duration_option("--lock-timeout", "30s", "Time to wait if another run holds the lease.")),
)
"""The options of the commands that run: `run` and `controller`."""
