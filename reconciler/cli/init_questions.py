"""Ask the person at the terminal about a first export. Each answer is checked, and a wrong one is asked for again."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

import click

from reconciler import redaction
from reconciler.cli import question
from reconciler.cli.parameters import Choice
from reconciler.core.errors import UsageError
from reconciler.core.init.extras import Extra
from reconciler.core.init.texts import ExportKind
from reconciler.core.text import format_count, sanitize

if TYPE_CHECKING:
    from reconciler.app.first_export import Account

_KINDS = {
    ExportKind.MONTHLY: "a new export of each month",
    ExportKind.WINDOW: "a new export of the last complete month, once",
    ExportKind.LIVE: "no new export: manifests for the associations that exist already",
}
_EXTRAS = {
    Extra.GITHUB: "a GitHub workflow that plans and applies",
    Extra.GITLAB: "a GitLab pipeline that plans and applies",
    Extra.PRE_COMMIT: "a pre-commit hook that validates manifests",
    Extra.KUBERNETES: "the controller for Kubernetes, with kustomize",
}
T = TypeVar("T")


def show_account(account: Account, *, is_offline: bool) -> None:
    """Show where the questions apply, and whether AWS was asked."""
    answer = format_count(len(account.integrations), "data integration")
    if is_offline:
        answer = "AWS was not asked (--offline)"
    click.echo(sanitize(f"Account {account.id}, Region {account.region}: {answer}"), err=True)


def ask_kind(*, may_be_live: bool) -> ExportKind:
    """Ask what to export. Enter means each month."""
    kinds = {kind: text for kind, text in _KINDS.items() if may_be_live or kind is not ExportKind.LIVE}
    _show_choices("What should the first manifest describe?", kinds)
    return ExportKind(_choose("Export", [each.value for each in kinds], ExportKind.MONTHLY.value))


def ask_integration(names: Sequence[str]) -> str:
    """Ask for one of several data integrations. Enter means the first one."""
    return _choose(f"Data integration ({', '.join(names)})", names, names[0])


def ask_destination(build: Callable[[str], T]) -> T:
    """Ask for the destination, and return what `build` makes of it. Enter gives an empty destination.

    `build` raises UsageError for an invalid destination.
    """
    return _ask("Destination, such as s3://BUCKET/PREFIX (Enter writes a placeholder)", build, default="")


def ask_extras(check: Callable[[Sequence[Extra]], None]) -> tuple[Extra, ...]:
    """Ask for the files around the export. Enter means none. `check` raises UsageError for those that do not fit."""

    def convert(answer: str) -> tuple[Extra, ...]:
        words = dict.fromkeys(each for each in re.split(r"[\s,]+", answer.lower()) if each and each != "none")
        choice = Choice([each.value for each in Extra])
        extras = tuple(Extra(choice.convert(word, None, None)) for word in words)
        if {Extra.GITHUB, Extra.GITLAB} <= set(extras):
            raise UsageError("github and gitlab cannot be combined: choose one of them")
        check(extras)
        return extras

    _show_choices("Which other files should be written?", _EXTRAS)
    return _ask("Names, separated by blanks (Enter writes none)", convert, default="")


def ask_account(check: Callable[[str], T]) -> T:
    """Ask for the id of the account, and return what `check` makes of it. `check` raises UsageError."""
    return _ask("Account, as twelve digits", check)


def ask_region(check: Callable[[str], T]) -> T:
    """Ask for the Region, and return what `check` makes of it. `check` raises UsageError."""
    return _ask("Region, such as eu-west-2", check)


def _choose(text: str, choices: Sequence[str], default: str) -> str:
    """Ask for one of several words. Enter means the default."""
    return _ask(f"{text} [{default}]", lambda answer: Choice(choices).convert(answer, None, None), default)


def _ask(text: str, convert: Callable[[str], T], default: str | None = None) -> T:
    """Ask until an answer can be converted, and show why another one cannot. Enter means the default, if there is one.

    Raises NotConfirmed at the end of input, and Interrupted after a signal.
    """
    while True:
        answer = question.ask(sanitize(f"{text}: ")) or default
        if answer is None:
            continue
        try:
            return convert(answer)
        except click.UsageError as error:
            reason = redaction.hide(error.message)
        except (UsageError, OSError) as error:
            reason = redaction.describe_error(error)
        click.echo(sanitize(f"Error: {reason}"), err=True)


def _show_choices(title: str, choices: dict[ExportKind, str] | dict[Extra, str]) -> None:
    click.echo(title, err=True)
    for name, text in choices.items():
        click.echo(f"  {name:<10}  {text}", err=True)
