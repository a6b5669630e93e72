"""Show an error as one line on standard error, and choose the exit code."""

from __future__ import annotations

import io
import traceback
from typing import TYPE_CHECKING

import click

from reconciler import redaction
from reconciler.cli.environment import read_settings
from reconciler.core.errors import (
    EXIT_FAILED,
    EXIT_INTERRUPTED,
    EXIT_INVALID,
    EXIT_USAGE,
    Interrupted,
    InvalidManifests,
    ReconcilerError,
    UsageError,
    is_access_failure,
)
from reconciler.core.suggestions import find_similar
from reconciler.core.text import sanitize

if TYPE_CHECKING:
    from reconciler.cli.group import CommandGroup

_PREFIX = "reconcile: "


def print_error(message: str) -> None:
    """Print an error on standard error, as one line with the prefix of every error."""
    click.echo(sanitize(f"{_PREFIX}{message}"), err=True)


def print_doctor_advice() -> None:
    """Print the line that names the command to find the cause of failed access."""
    print_error("`reconcile doctor` shows what is wrong with credentials, Region and network")


def show_failure(error: Exception, group: CommandGroup) -> int:
    """Show why a command failed, and return its exit code."""
    match error:
        case click.ClickException():
            return _show_click_error(error, group)
        case click.Abort():
            return EXIT_INTERRUPTED
        case Interrupted():
            return 128 + error.signal
        case InvalidManifests():
            for problem in error.problems:
                click.echo(sanitize(str(problem)), err=True)
            print_error(f"{error}; AWS was not called")
            return EXIT_INVALID
        case ReconcilerError():
            print_error(str(error))
            if is_access_failure(error):
                print_doctor_advice()
            return EXIT_USAGE if isinstance(error, UsageError) else EXIT_FAILED
        case OSError():
            print_error(redaction.describe_error(error))
        case _:
            _show_internal_error(error)
    return EXIT_FAILED


def _show_click_error(error: click.ClickException, group: CommandGroup) -> int:
    if (
        isinstance(error, click.NoSuchOption)
        and error.ctx
        and (owners := group.find_option_owners(error.ctx, error.option_name))
    ):
        others = " and other commands" if len(owners) > 1 else ""
        message = f"No such option {error.option_name!r} here: it belongs to `reconcile {owners[0]}`{others}."
        error = click.NoSuchOption(error.option_name, message, ctx=error.ctx)
    elif isinstance(error, click.NoSuchOption) and error.possibilities:
        error = click.NoSuchOption(error.option_name, error.message, _select_close(error), ctx=error.ctx)
    elif isinstance(error, click.MissingParameter) and error.param and isinstance(error.param.type, click.Choice):
        name, choices = error.param.human_readable_name.lower(), ", ".join(error.param.type.choices)
        error = click.UsageError(f"the {name} is missing: use one of {choices}", error.ctx)
    rendered, message = io.StringIO(), error.format_message()
    error.show(rendered)
    safe_message = sanitize(redaction.hide(message))  # as a whole: a value in it may contain line breaks
    safe_text = rendered.getvalue().replace(f"Error: {message}", f"{_PREFIX}{safe_message}")
    click.echo("\n".join(map(sanitize, safe_text.splitlines())), err=True)
    return EXIT_USAGE if isinstance(error, click.UsageError) else EXIT_FAILED


def _select_close(error: click.NoSuchOption) -> list[str]:
    """Return the suggested options that are similar without their dashes, which make short names look similar."""
    possibilities = {each.lstrip("-"): each for each in error.possibilities or ()}
    return [possibilities[each] for each in find_similar(error.option_name.lstrip("-"), possibilities, 3)]


def _show_internal_error(error: Exception) -> None:
    if read_settings().is_debug:
        click.echo(redaction.redact("".join(traceback.format_exception(error))), err=True, nl=False)
        return
    description = f"{type(error).__name__}: {redaction.describe_error(error)}"
    hint = "(RECONCILER_DEBUG=1 shows the traceback)"
    print_error(f"internal error, please report it: {description} {hint}")
