"""`reconcile init`: write the first manifests of a new folder."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler import redaction
from reconciler.cli import init_questions, options, progress, question
from reconciler.cli.command import Command
from reconciler.cli.environment import read_settings
from reconciler.cli.failures import print_doctor_advice, print_error
from reconciler.cli.parameters import Choice, Folder
from reconciler.cli.sections import AWS, MANIFESTS, OTHER_FILES, section
from reconciler.core.errors import EXIT_FAILED, UsageError
from reconciler.core.init.extras import Extra
from reconciler.core.init.texts import GITIGNORE_FILE, GITIGNORE_LINE, ExportKind
from reconciler.core.text import sanitize

if TYPE_CHECKING:
    from reconciler.app.config import RunConfig
    from reconciler.app.first_export import Account
    from reconciler.app.first_manifests import FirstManifests

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
@click.argument("folder", metavar="[DIR]", default=".", type=Folder())
@section(
    MANIFESTS,
    click.option(
        "--integration",
        metavar="NAME",
        help="Data integration to export, by name, id or ARN. The default is the data integration for bulk exports, if "
        "there is only one, and in the sandbox profiles-export. With --export live, the default is every data "
        "integration.",
    ),
    click.option(
        "--export",
        "kind",
        type=Choice([each.value for each in ExportKind]),
        help="What the manifests describe. monthly: an export of each month. window: one export of the last complete "
        "month. live: the live associations, as `reconcile export` writes them.  [default: monthly]",
    ),
    click.option(
        "--destination",
        metavar="URI",
        help="Place to export to, such as s3://BUCKET/PREFIX. Without it, the manifest names "
        "s3://REPLACE-ME/profiles, and is suspended until you replace this URI. In the sandbox, the manifest names an "
        "example bucket instead.",
    ),
)
@section(
    OTHER_FILES,
    click.option(
        "--ci",
        type=Choice([Extra.GITHUB.value, Extra.GITLAB.value, _NO_CI]),
        help="Write a CI job that plans each change, and applies it after a review. If this is "
        "none, the command writes no CI job, and does not ask for other files.  [default: none]",
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
        "--offline",
        is_flag=True,
        help="Do not ask AWS for the account, the Region and the data integrations. Without a terminal, this needs "
        "--account and --region.",
    ),
    click.option("--account", metavar="ID", help="With --offline: the account, as twelve digits."),
)
@options.aws_access
def command(folder: Path, account: str | None, *, offline: bool, **values: Any) -> int:
    """Write the first manifests of a new folder: a Target, and one export of a data integration.

    The command reads the account, the Region and the data integrations from AWS, and writes nothing to AWS. At a
    terminal, it asks for values that are not given as options.

    DIR is the new folder: the top folder of a repository, or a folder below it. The default is the current folder.

    The command also writes the schemas for editors, and a .gitignore for the journal of runs on this machine. It
    changes no existing file. If one of its files already exists, it writes nothing. There is one exception:
    an existing .gitignore is kept, and the other files are written.

    If DIR already has manifests, --ci, --pre-commit and --kubernetes add their files: the command writes those that are
    missing, and nothing else. In this case, it does not call AWS, and takes the account and the Region from the Target
    in DIR.
    """
    from reconciler.app import first_export
    from reconciler.app.config import RunConfig
    from reconciler.app.first_manifests import Wishes, build_first_manifests
    from reconciler.app.once import prepare

    _check_combination(account, values, is_offline=offline)
    first_export.refuse_file(folder)
    wishes = {name: values.pop(name) for name in ("kind", "integration", "destination")}
    extras = _list_extras(**{name: values.pop(name) for name in ("ci", "pre_commit", "kubernetes")})
    if extras and first_export.has_manifests(folder):
        return _add_extras(folder, extras, {"account": account, "region": values["region"], **wishes})
    first_export.refuse_used_folder(folder)
    first_export.refuse_extras(folder, extras or ())
    config = RunConfig.from_options(
        settings=read_settings(),
        dry_run=True,
        targets=(),
        state=str(folder / ".reconciler"),
        new_state=("*",),
        **values,
    )
    prepare(config)
    may_ask = question.is_attended(config.settings)
    place = _locate_offline(account, config, may_ask=may_ask) if offline else first_export.read_account(config)
    if may_ask:
        init_questions.show_account(place, is_offline=offline)
    questions = init_questions if may_ask else None
    with progress.show_bars() as bars:
        first = build_first_manifests(Wishes(**wishes, is_offline=offline), place, config, questions, bars.update)
    for failure in first.failures:
        print_error(failure)
    if first.texts:
        if extras is None:
            should_ask = may_ask and not config.sandbox
            extras = init_questions.ask_extras(partial(first_export.refuse_extras, folder)) if should_ask else ()
        _write_first(folder, first, extras, place, config)
    if first.has_access_failure:
        print_doctor_advice()
    return EXIT_FAILED if first.failures else 0


def _write_first(
    folder: Path, first: FirstManifests, extras: tuple[Extra, ...], place: Account, config: RunConfig
) -> None:
    """Write the files of a first export, and print what was written and what comes next."""
    from reconciler.app.first_export import write_first_export

    paths = write_first_export(folder, first.texts, extras, place, config.create_clock().now())
    _print_written(folder, paths, first.open_points, extras)
    _print_next_commands(folder, config)


def _check_combination(account: str | None, values: dict[str, Any], *, is_offline: bool) -> None:
    """Raise UsageError for options that would otherwise be ignored silently."""
    if account is not None and not is_offline:
        raise UsageError("--account needs --offline: without --offline, the account is that of the credentials")
    if account is not None:
        from reconciler.app.first_export import check_account

        try:
            check_account(account)
        except UsageError as error:
            raise UsageError(f"--account: {error}") from error
    if is_offline and (unused := next((name for name in _ONLINE_OPTIONS if values[name]), None)):
        option = f"--{unused.replace('_', '-')}"
        raise UsageError(f"--offline and {option} cannot be combined: with --offline, AWS is not called")
    if values["kind"] == ExportKind.LIVE and is_offline:
        raise UsageError("--offline and --export live cannot be combined: the live associations are read from AWS")
    if values["kind"] == ExportKind.LIVE and values["destination"] is not None:
        raise UsageError(
            "--destination and --export live cannot be combined: live associations already have a destination"
        )


def _locate_offline(account: str | None, config: RunConfig, *, may_ask: bool) -> Account:
    """Return the account and the Region of the options, or of answers. Raises UsageError without a terminal."""
    from reconciler.app.first_export import Account, check_account, check_region

    region = config.region or config.settings.aws_region
    if may_ask:
        account = account or init_questions.ask_account(check_account)
        region = region or init_questions.ask_region(check_region)
    if not account or not region:
        raise UsageError("--offline needs --account and --region: AWS is not asked for them")
    return Account(account, region, ())


def _add_extras(folder: Path, extras: tuple[Extra, ...], wishes: dict[str, str | None]) -> int:
    """Add the requested files to a folder that has manifests, and print what was written and what was kept."""
    from reconciler.app.first_export import add_extras, read_declared_place
    from reconciler.edge.clock import SystemClock

    if wish := next((name for name, value in wishes.items() if value is not None), None):
        option = "--export" if wish == "kind" else f"--{wish}"
        raise UsageError(
            f"{option} has no effect on {folder / 'manifests'}, which exists already: omit {option} to add only other "
            "files, or choose another folder"
        )
    paths = add_extras(folder, extras, read_declared_place(folder, SystemClock().now()))
    for path, is_written in paths.items():
        click.echo(sanitize(f"{'written' if is_written else 'kept   '}  {folder / path}"))
    _print_steps(folder, (each for each in extras if paths[next(iter(each.templates))]))
    return 0


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
    _print_steps(folder, extras, open_points)


def _print_steps(folder: Path, extras: Iterable[Extra], open_points: Iterable[tuple[str, str]] = ()) -> None:
    """Print the steps that remain for a person."""
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
