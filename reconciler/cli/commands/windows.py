"""`reconcile windows`: list the past and coming windows of one association."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, Any

import click

from reconciler.app.sources import Source
from reconciler.cli import options, output, parameters, sources
from reconciler.cli.command import Command
from reconciler.cli.completion import complete_recurring_manifests
from reconciler.cli.environment import read_settings
from reconciler.cli.sections import RESULT, section

if TYPE_CHECKING:
    from reconciler.app.windows import LocatedWindows


@click.command(
    "windows",
    cls=Command,
    examples=(
        "reconcile windows profiles-monthly --target production",
        "reconcile windows profiles-monthly --target staging --until 2027-12-31",
    ),
)
@click.argument("name", shell_complete=complete_recurring_manifests)
@section(
    RESULT,
    options.option(
        "--until",
        type=parameters.CalendarDate(),
        metavar="DATE",
        is_safety=False,
        help="List the coming windows that begin on this date or earlier, such as 2026-12-31, in the time zone of the "
        "manifest. Without this option, list the next 12 windows.",
    ),
)
@sources.manifests
@output.plain_outputs
@options.connection
@options.state
def command(name: str, until: date | None, source: Source, outputs: tuple[str, ...], **config_values: Any) -> None:
    """List the windows of the manifest NAME: those that were sent or left out, and those to come.

    This command reads the manifests and the journal, and writes nothing. It does not call AppIntegrations. If no
    Target is declared, it asks STS for the account.
    """
    from reconciler.app.assemble import open_sandbox_if_requested
    from reconciler.app.config import RunConfig
    from reconciler.app.once import prepare, read_manifests
    from reconciler.app.selection import find_manifest_target
    from reconciler.app.windows import has_windows, read_windows
    from reconciler.render import window_list

    renderers: Mapping[str, output.Renderer[LocatedWindows]] = {
        "text": lambda subject, _: window_list.render_text(
            subject.windows, subject.target, f"{subject.account} {subject.region}"
        ),
        "json": lambda subject, _: window_list.render_json(
            subject.windows, subject.target, subject.account, subject.region
        ),
    }
    parsed_outputs = output.parse(outputs, renderers)
    config = RunConfig.from_options(settings=read_settings(), dry_run=True, **config_values)
    prepare(config)
    desired, _ = read_manifests(source)
    target = find_manifest_target(name, desired, config, has_windows, "manifests with recurring windows")
    with open_sandbox_if_requested(config):
        subject = read_windows(name, target, desired, config, until)
    output.write(subject, parsed_outputs, renderers)
