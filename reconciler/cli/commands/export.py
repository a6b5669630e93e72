"""`reconcile export`: write live associations as manifests that adopt them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.app.sources import FOLDER, Source
from reconciler.cli import options, sources
from reconciler.cli.command import Command
from reconciler.cli.environment import read_settings
from reconciler.cli.failures import print_doctor_advice, print_error
from reconciler.cli.sections import RESULT, section
from reconciler.core.text import format_count, sanitize

if TYPE_CHECKING:
    from reconciler.app.export import ExportResult
    from reconciler.core.model import Desired


@click.command(
    "export",
    cls=Command,
    examples=(
        "reconcile export --output-dir exported",
        "reconcile export --unmanaged > unmanaged.yaml",
    ),
)
@section(
    RESULT,
    click.option(
        "--unmanaged", is_flag=True, help="Export only associations that no manifest covers and no Target ignores."
    ),
    click.option(
        "--output-dir",
        "folder",
        metavar="DIR",
        help="Write one file for each association to this folder, instead of standard output.",
    ),
    click.option(
        "--force", is_flag=True, help="Replace existing files of the same names in the folder of --output-dir."
    ),
)
@sources.manifests
@options.connection
@options.shard
@options.state
def command(source: Source, folder: str | None, *, unmanaged: bool, force: bool, **config_values: Any) -> int:
    """Write live associations as manifests that adopt them. This command writes nothing to AWS or the journal.

    The command reads the existing manifests, to find their Targets and the associations that they cover.

    With --unmanaged, the command leaves out associations that a manifest covers or a Target ignores. It also leaves
    them out if the existing manifests may be read together with the files in --output-dir, because two manifests for
    one association are invalid.
    """
    from reconciler.app.assemble import open_sandbox_if_requested
    from reconciler.app.config import RunConfig
    from reconciler.app.export import export_targets
    from reconciler.app.once import prepare
    from reconciler.app.selection import select_configured_targets
    from reconciler.cli import progress
    from reconciler.core.errors import EXIT_FAILED, UsageError
    from reconciler.edge.output_files import is_below_file

    if force and folder is None:
        raise UsageError("--force needs --output-dir: without --output-dir, no file is written")
    if folder == "":
        raise UsageError("--output-dir: the name of the folder is missing")
    if folder is not None and is_below_file(Path(folder)):
        raise UsageError(f"--output-dir {folder} is not a folder: choose another folder")
    config = RunConfig.from_options(settings=read_settings(), dry_run=True, **config_values)
    prepare(config)
    desired = select_configured_targets(_read_desired(source), config)
    is_beside_manifests = folder is not None and _is_read_with(source, folder)
    with open_sandbox_if_requested(config), progress.show_bars() as bars:
        result = export_targets(desired, config, bars.update, should_skip_managed=unmanaged or is_beside_manifests)
    if result.managed_count and not unmanaged and is_beside_manifests:
        result.advice.append(
            _MANAGED_LEFT_OUT.format(associations=format_count(result.managed_count, "association"), folder=folder)
        )
    for line in (*result.failures, *result.advice):
        print_error(line)
    if folder is None:
        _print_result(result, is_skipping=unmanaged)
    else:
        _write_result(result, folder, may_overwrite=force, is_skipping=unmanaged or is_beside_manifests)
    if result.has_access_failure:
        print_doctor_advice()
    return EXIT_FAILED if result.failures else 0


_MANAGED_LEFT_OUT = (
    "skipped {associations} that a manifest already manages, because the folder '{folder}' may be read together with "
    "the existing manifests, and two manifests for one association are invalid; to export every association, omit "
    "--output-dir"
)


def _is_read_with(source: Source, folder: str) -> bool:
    """Return whether a later run may read the folder together with the existing manifests.

    The folder of manifests from standard input or from a git repository is not known, so the answer is True for both.
    """
    from os.path import commonpath, realpath

    if source.url is not None or "-" in source.files:
        return True
    output_path = realpath(folder)
    source_paths = map(realpath, source.files or (FOLDER,))
    return any(commonpath((output_path, each)) in {output_path, each} for each in source_paths)


def _read_desired(source: Source) -> Desired:
    """Return the desired state; without manifests if no source was given and the default folder does not exist."""
    from reconciler.edge import manifests

    return manifests.load_manifests((), source.clock.now()) if source.is_missing else source.read()[0]


def _print_result(result: ExportResult, *, is_skipping: bool) -> None:
    """Print the manifests as one stream that ends with the failures as comments. The summary goes to standard error."""
    from reconciler.render.manifest import format_comment

    failure_comments = "".join(f"{format_comment(line)}\n" for line in result.failures)
    click.echo(
        ("---\n".join(result.texts.values()) + failure_comments).encode(), nl=False
    )  # YAML is UTF-8 in every locale
    click.echo(_build_summary(result, format_count(len(result.texts), "manifest"), is_skipping=is_skipping), err=True)


def _write_result(result: ExportResult, folder: str, *, may_overwrite: bool, is_skipping: bool) -> None:
    """Write one file for each manifest, and print a line for each file."""
    from reconciler.edge.output_files import write_files

    written_by_name = write_files(Path(folder), result.texts, may_overwrite=may_overwrite)
    for name in result.texts:
        click.echo(sanitize(f"{'written  ' if written_by_name[name] else 'unchanged'}  {Path(folder) / name}"))
    unchanged_count = len(written_by_name) - sum(written_by_name.values())
    unchanged_text = f", {unchanged_count} unchanged" if unchanged_count else ""
    message = f"{format_count(sum(written_by_name.values()), 'manifest')} written to {folder}{unchanged_text}"
    click.echo(_build_summary(result, sanitize(message), is_skipping=is_skipping))


def _build_summary(result: ExportResult, message: str, *, is_skipping: bool) -> str:
    """Return the summary. `is_skipping` tells whether associations that have a manifest were not exported."""
    left_out_text = f", {result.left_out_count} left out" if result.left_out_count else ""
    ignored_text = (
        f"; {format_count(result.ignored_count, 'ignored association')} skipped"
        if result.ignored_count and is_skipping
        else ""
    )
    if not result.managed_count:
        managed_text = ""
    elif is_skipping:
        managed_text = f"; {format_count(result.managed_count, 'managed association')} skipped"
    else:
        managed_text = f"; {result.managed_count} for associations that a manifest already manages"
    return f"{message}{left_out_text}{managed_text}{ignored_text}"
