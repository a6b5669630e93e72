"""`reconcile init`: write the first manifests of a new folder."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler import redaction
from reconciler.cli import init_questions, options, question
from reconciler.cli.command import Command
from reconciler.cli.environment import read_settings
from reconciler.cli.failures import print_doctor_advice, print_error
from reconciler.cli.parameters import Choice
from reconciler.cli.sections import AWS, MANIFESTS, OTHER_FILES, section
from reconciler.core.errors import EXIT_FAILED, UsageError
from reconciler.core.init.extras import Extra
from reconciler.core.init.texts import GITIGNORE_FILE, GITIGNORE_LINE, ExportKind
from reconciler.core.text import sanitize

if TYPE_CHECKING:
    from reconciler.app.config import RunConfig

_ONLINE_OPTIONS = ("profile", "endpoint_url", "sandbox")
_NO_CI = "none"


@click.command(
    "init",
    cls=Command,
    examples=(
        "reconcile init demo --sandbox",
        "reconcile init exports --destination s3://corp-exports/profiles --ci github",
    ),
)
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(path_type=Path))
@section(
    MANIFESTS,
    click.option(
        "--integration",
        metavar="NAME",
        help="Data integration to export, by name, id or ARN. With --export live, the default is every data "
        "integration.  [default: the only one that is a source of bulk exports]",
    ),
    click.option(
        "--export",
        "kind",
        type=Choice([each.value for each in ExportKind]),
        help="What the manifests describe: an export of each month (monthly), one export of the last complete month "
        "(window), or the live associations, as `reconcile export` writes them (live).  [default: monthly]",
    ),
    click.option(
        "--destination",
        metavar="URI",
        help="Place to export to, such as s3://BUCKET/PREFIX. Without it, the manifest names "
        "s3://REPLACE-ME/profiles, and is suspended until you replace that.",
    ),
)
@section(
    OTHER_FILES,
    click.option(
        "--ci",
        type=Choice([Extra.GITHUB.value, Extra.GITLAB.value, _NO_CI]),
        help="Write a CI job that plans each change, and applies it after a review. With none, the command does not "
        "ask for other files.  [default: none]",
    ),
    click.option("--pre-commit", is_flag=True, help="Write the pre-commit hook that validates manifests."),
    click.option(
        "--kubernetes",
        is_flag=True,
        help="Write the Kubernetes resources of the controller, with a kustomize overlay.",
    ),
)
@section(
    AWS,
    click.option(
        "--offline", is_flag=True, help="Do not ask AWS for the account, the Region and the data integrations."
    ),
    click.option("--account", metavar="ID", help="With --offline: the account, as twelve digits."),
)
@options.aws_access
def command(folder: Path, account: str | None, *, offline: bool, **values: Any) -> int:
    """Write the first manifests of a new folder: a Target, and one export of a data integration.

    The command reads the account, the Region and the data integrations from AWS, and writes nothing to AWS. At a
    terminal, it asks for values that are not given as options.

    DIR is the new folder: the top folder of a repository, or a folder in one. The default is the current folder.

    The command also writes the schemas for editors, and a .gitignore for the journal of runs on this machine. It
    changes no existing file. If one of its files already exists, it writes nothing. An existing .gitignore is kept, and
    the other files are written.
    """
    from reconciler.app.config import RunConfig
    from reconciler.app.first_export import Account, read_account, refuse_extras, refuse_used_folder, write_first_export
    from reconciler.app.once import prepare
    from reconciler.cli.first_manifests import Wishes, build_first_manifests

    _check_combination(account, values, is_offline=offline)
    refuse_used_folder(folder)
    wishes = {name: values.pop(name) for name in ("kind", "integration", "destination")}
    extras = _list_extras(**{name: values.pop(name) for name in ("ci", "pre_commit", "kubernetes")})
    refuse_extras(folder, extras or ())
    config = RunConfig.from_options(
        settings=read_settings(),
        dry_run=True,
        targets=(),
        state=str(folder / ".reconciler"),
        new_state=("*",),
        **values,
    )
    prepare(config)
    place = Account(account, config.region or config.settings.aws_region, ()) if offline else read_account(config)
    if may_ask := question.is_attended(config.settings):
        init_questions.show_account(place, is_offline=offline)
    first = build_first_manifests(Wishes(**wishes, may_ask=may_ask, is_offline=offline), place, config)
    for failure in first.failures:
        print_error(failure)
    if first.texts:
        if extras is None:
            should_ask = may_ask and not config.sandbox
            extras = init_questions.ask_extras(partial(refuse_extras, folder)) if should_ask else ()
        paths = write_first_export(folder, first.texts, extras, place, config.create_clock().now())
        _print_written(folder, paths, first.open_points, extras)
        _print_next_commands(folder, config)
    if first.has_access_failure:
        print_doctor_advice()
    return EXIT_FAILED if first.failures else 0


def _check_combination(account: str | None, values: dict[str, Any], *, is_offline: bool) -> None:
    """Raise UsageError for options that would otherwise be ignored silently."""
    if account is not None and not is_offline:
        raise UsageError("--account needs --offline: without --offline, the account is that of the credentials")
    if account is not None and not re.fullmatch("[0-9]{12}", account):
        raise UsageError(f"--account: {account!r} is not the id of an account: write its twelve digits")
    if is_offline and (unused := next((name for name in _ONLINE_OPTIONS if values[name]), None)):
        option = f"--{unused.replace('_', '-')}"
        raise UsageError(f"--offline and {option} cannot be combined: with --offline, AWS is not called")
    if values["kind"] == ExportKind.LIVE and is_offline:
        raise UsageError("--offline and --export live cannot be combined: the live associations are read from AWS")
    if values["kind"] == ExportKind.LIVE and values["destination"] is not None:
        raise UsageError(
            "--destination and --export live cannot be combined: live associations already have a destination"
        )


def _list_extras(*, ci: str | None, pre_commit: bool, kubernetes: bool) -> tuple[Extra, ...] | None:
    """Return the files that the options ask for, or None if no option answers the question about them."""
    if ci is None and not pre_commit and not kubernetes:
        return None
    wanted = {Extra.PRE_COMMIT: pre_commit, Extra.KUBERNETES: kubernetes}
    return tuple(each for each in Extra if each.value == ci or wanted.get(each))


def _print_written(
    folder: Path, paths: Collection[str], open_points: Iterable[tuple[str, str]], extras: Iterable[Extra]
) -> None:
    """Print the files that were written, and the steps that remain for a person."""
    for path in paths:
        click.echo(sanitize(f"written  {folder / path}"))
    if GITIGNORE_FILE not in paths:
        click.echo(sanitize(f"kept     {folder / GITIGNORE_FILE}: make sure that it has the line {GITIGNORE_LINE}"))
    for path, step in (*open_points, *((next(iter(each.templates)), each.remaining_step) for each in extras)):
        click.echo(sanitize(f"to do    {folder / path}: {step}"))


def _print_next_commands(folder: Path, config: RunConfig) -> None:
    """Print the next three commands, with the options for the same account and the same time."""
    access = " --sandbox" if config.sandbox else ""
    if config.clock_offset:
        access += f" --sandbox-time {config.create_clock().now():%Y-%m-%dT%H:%M:00Z}"
    for option, value in (("--endpoint-url", config.endpoint_url), ("--profile", config.profile)):
        access += f" {option} {shlex.quote(value)}" if value else ""
    commands = ["reconcile validate --strict", f"reconcile doctor{access}", f"reconcile --dry-run{access}"]
    place = "" if folder == Path() else f" in the folder {folder}"
    click.echo(sanitize(f"Next{place}, after a look at the manifests:"))
    for command_line in commands:
        click.echo(sanitize(f"  {redaction.hide(command_line)}"))
