"""`reconcile init`: write the first manifests of a new folder."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler import redaction
from reconciler.cli import options, output
from reconciler.cli.command import Command
from reconciler.cli.environment import read_settings
from reconciler.cli.parameters import Choice
from reconciler.cli.sections import AWS, MANIFESTS, section
from reconciler.core.errors import UsageError
from reconciler.core.init.texts import GITIGNORE_FILE, GITIGNORE_LINE, ExportKind
from reconciler.core.text import sanitize

if TYPE_CHECKING:
    from reconciler.app.config import RunConfig
    from reconciler.app.first_export import Account

_EXAMPLE_INTEGRATION = "profiles-export"
_SANDBOX_DESTINATION = "s3://example-exports/profiles"
_ONLINE_OPTIONS = ("profile", "endpoint_url", "sandbox")


@click.command(
    "init",
    cls=Command,
    examples=(
        "reconcile init demo --sandbox",
        "reconcile init exports --destination s3://corp-exports/profiles",
    ),
)
@click.argument("folder", metavar="[DIR]", default=".", type=click.Path(path_type=Path))
@section(
    MANIFESTS,
    click.option(
        "--integration",
        metavar="NAME",
        help="Data integration to export, by name, id or ARN.  [default: the only one of a bulk export]",
    ),
    click.option(
        "--export",
        "kind",
        type=Choice([each.value for each in ExportKind]),
        help="Export each month, or only the last complete month (window).  [default: monthly]",
    ),
    click.option(
        "--destination",
        metavar="URI",
        help="Place to export to, such as s3://BUCKET/PREFIX. Without it, the manifest has a placeholder, and is "
        "suspended.",
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

    The account, the Region and the data integrations come from AWS, which is only read. At a terminal, the command
    asks for what no option gives. DIR is the folder (by default, the current folder). No existing file is changed.

    The command also writes the schemas for editors, and a .gitignore for the journal of runs on this machine.
    """
    from reconciler.app.config import RunConfig
    from reconciler.app.first_export import Account, read_account, refuse_used_folder, write_first_export
    from reconciler.app.once import prepare
    from reconciler.core.init.texts import FirstExport

    wishes = {name: values.pop(name) for name in ("integration", "kind", "destination")}
    _check_combination(account, values, is_offline=offline)
    config = RunConfig.from_options(settings=read_settings(), dry_run=True, targets=(), state=None, **values)
    prepare(config)
    refuse_used_folder(folder)
    place = Account(account, config.region or config.settings.aws_region, ()) if offline else read_account(config)
    if config.sandbox and wishes["destination"] is None:
        wishes["destination"] = _SANDBOX_DESTINATION
    if _is_attended(config):
        _ask(wishes, place)
    integration = _choose_integration(wishes["integration"], place, config, is_offline=offline)
    now = config.create_clock().now()
    kind, destination = ExportKind(wishes["kind"] or ExportKind.MONTHLY), wishes["destination"] or None
    export = FirstExport(place.id, place.region, integration, kind, destination, now.date())
    _print_written(folder, write_first_export(folder, export, now))
    _print_next_commands(folder, config)
    return 0


def _check_combination(account: str | None, values: dict[str, Any], *, is_offline: bool) -> None:
    """Raise UsageError for options that would otherwise be ignored silently."""
    if account is not None and not is_offline:
        raise UsageError("--account needs --offline: without --offline, the account is that of the credentials")
    if is_offline and (unused := next((name for name in _ONLINE_OPTIONS if values[name]), None)):
        option = f"--{unused.replace('_', '-')}"
        raise UsageError(f"--offline and {option} cannot be combined: with --offline, nothing is asked")


def _is_attended(config: RunConfig) -> bool:
    """Return whether a person sits at the terminal, who can answer questions."""
    has_terminal = output.is_terminal(sys.stdin) and output.is_terminal(sys.stderr)
    return has_terminal and not (config.settings.is_ci or config.settings.is_git_hook)


def _ask(wishes: dict[str, str | None], place: Account) -> None:
    """Ask at the terminal for the wishes that no option gives. An empty answer leaves the default."""
    from reconciler.core.init.integration import list_exportable

    names = [each.name for each in list_exportable(place.integrations)]
    if wishes["integration"] is None and len(names) > 1:
        wishes["integration"] = click.prompt("Data integration", type=Choice(names), default=names[0], err=True)
    if wishes["kind"] is None:
        kinds = Choice([each.value for each in ExportKind])
        wishes["kind"] = click.prompt("Export", type=kinds, default=ExportKind.MONTHLY.value, err=True)
    if wishes["destination"] is None:
        text = "Destination, such as s3://BUCKET/PREFIX (Enter writes a placeholder)"
        wishes["destination"] = click.prompt(text, default="", show_default=False, err=True)


def _choose_integration(identifier: str | None, place: Account, config: RunConfig, *, is_offline: bool) -> str:
    """Return how the manifest names the data integration. Raises click.ClickException if AWS lists no suitable one."""
    from reconciler.core.init.integration import choose_integration

    if identifier is None and (is_offline or config.sandbox):
        return _EXAMPLE_INTEGRATION  # a new sandbox has a data integration of this name
    if is_offline:
        return str(identifier)
    try:
        integration = choose_integration(identifier, place.integrations)
    except ValueError as error:
        raise click.ClickException(redaction.describe_error(error)) from error
    return identifier or integration.name


def _print_written(folder: Path, paths: tuple[str, ...]) -> None:
    for path in paths:
        click.echo(sanitize(f"written  {folder / path}"))
    if GITIGNORE_FILE not in paths:
        click.echo(sanitize(f"kept     {folder / GITIGNORE_FILE}: make sure that it has the line {GITIGNORE_LINE}"))


def _print_next_commands(folder: Path, config: RunConfig) -> None:
    """Print the next three commands, with the options for the same account."""
    access = " --sandbox" if config.sandbox else ""
    for option, value in (("--endpoint-url", config.endpoint_url), ("--profile", config.profile)):
        access += f" {option} {shlex.quote(value)}" if value else ""
    commands = ["reconcile validate --strict", f"reconcile doctor{access}", f"reconcile --dry-run{access}"]
    place = "" if folder == Path() else f" in the folder {folder}"
    click.echo(sanitize(f"Next{place}, after a look at the manifests:"))
    for command_line in commands:
        click.echo(sanitize(f"  {redaction.hide(command_line)}"))
