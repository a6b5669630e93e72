"""Ask the person at the terminal about a first export. Each answer is checked, and a wrong one is asked for again."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, TypeVar

import click

from reconciler import redaction
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
    if is_offline:
        place = f"Account {account.id or 'unknown'}, Region {account.region or 'unknown'}"
        click.echo(sanitize(f"{place}: AWS was not asked (--offline)"), err=True)
    elif account.id:
        count = format_count(len(account.integrations), "data integration")
        click.echo(sanitize(f"Account {account.id}, Region {account.region}: {count}"), err=True)


def ask_kind(*, may_be_live: bool) -> ExportKind:
    """Ask what to export. Enter means each month."""
    kinds = {kind: text for kind, text in _KINDS.items() if may_be_live or kind is not ExportKind.LIVE}
    _show_choices("What should the first manifest describe?", kinds)
    answer: str = click.prompt(
        "Export",
        type=Choice([each.value for each in kinds]),
        default=ExportKind.MONTHLY.value,
        err=True,
        show_choices=False,
    )
    return ExportKind(answer)


def ask_integration(names: Sequence[str]) -> str:
    """Ask for one of several data integrations. Enter means the first one."""
    answer: str = click.prompt("Data integration", type=Choice(names), default=names[0], err=True)
    return answer


def ask_destination(build: Callable[[str], T]) -> T:
    """Ask for the destination, and return what `build` makes of it. Enter gives an empty destination.

    `build` raises UsageError for an invalid destination.
    """
    return _prompt("Destination, such as s3://BUCKET/PREFIX (Enter writes a placeholder)", build)


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
    return _prompt("Names, separated by blanks (Enter writes none)", convert)


def _prompt(text: str, convert: Callable[[str], T]) -> T:
    """Ask until an answer can be converted. An error is shown as click shows that of a type."""

    def convert_answer(answer: str) -> T:
        try:
            return convert(answer.strip())
        except (UsageError, OSError) as error:
            raise click.UsageError(sanitize(redaction.describe_error(error))) from error

    answer: T = click.prompt(text, default="", show_default=False, value_proc=convert_answer, err=True)
    return answer


def _show_choices(title: str, choices: dict[ExportKind, str] | dict[Extra, str]) -> None:
    click.echo(title, err=True)
    for name, text in choices.items():
        click.echo(f"  {name:<10}  {text}", err=True)
