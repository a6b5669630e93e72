"""`reconcile export`: write live associations as manifests that take them over."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from reconciler.app.sources import FOLDER, Source
from reconciler.cli import options, sources
from reconciler.core.text import plural, sanitize

if TYPE_CHECKING:
    from reconciler.app.export import ExportResult
    from reconciler.core.model import Desired


@click.command("export", cls=options.Command)
@click.option("--unmanaged", is_flag=True, help="Only what no manifest covers.")
@click.option(
    "--output-dir",
    "folder",
    metavar="DIR",
    help="Write a file for each association into this folder. If manifests are read from this folder too: only for "
    "associations that no manifest covers.",
)
@click.option("--force", is_flag=True, help="Replace files of the same names in that folder.")
@sources.manifests
@options.connection
@options.state
def command(source: Source, folder: str | None, *, unmanaged: bool, force: bool, **chosen: Any) -> int:
    """Write live associations as manifests that take them over; AWS and the journal are only read.

    Existing manifests are read for their Targets and the associations that they cover. No second manifest is written
    beside one of them: two manifests for one association make the revision invalid.
    """
    from reconciler.app.assemble import sandbox_if_requested
    from reconciler.app.config import RunConfig
    from reconciler.app.export import export
    from reconciler.app.once import prepare
    from reconciler.app.selection import select_configured_targets
    from reconciler.cli import progress
    from reconciler.core.errors import EXIT_FAILED, UsageError

    if force and folder is None:
        raise UsageError("--force is for --output-dir: standard output replaces nothing")
    if folder == "":
        raise UsageError("--output-dir: the name of a folder is missing")
    config = RunConfig.of(dry_run=True, **chosen)
    prepare(config)
    desired = select_configured_targets(_desired(source), config)
    beside = folder is not None and _is_read_with(source, folder)
    with sandbox_if_requested(config), progress.shown() as show_progress:
        found = export(desired, config, show_progress, unmanaged=unmanaged or beside)
    if found.managed and not unmanaged and beside:
        found.advice.append(_BESIDE.format(count=found.managed, folder=folder))
    for line in (*found.failed, *found.advice):
        click.echo(sanitize(f"reconcile export: {line}"), err=True)
    if folder is None:
        _print(found)
    else:
        _write(found, folder, force=force)
    return EXIT_FAILED if found.failed else 0


_BESIDE = (
    "left out what manifests cover already ({count}): in {folder} it may be read beside them, and two manifests for "
    "one association are refused; standard output takes all"
)


def _is_read_with(source: Source, folder: str) -> bool:
    """Tell whether what is written to a folder will be read together with the manifests that are there.

    Of standard input and of a git repository nobody can tell where their files lie: they count as read from there.
    """
    from os.path import commonpath, realpath

    if source.url is not None or "-" in source.files:
        return True
    out = realpath(folder)
    read = map(realpath, source.files or (FOLDER,))
    return any(commonpath((out, each)) in {out, each} for each in read)


def _desired(source: Source) -> Desired:
    """Return what git holds; nothing where nobody said where that is and nothing is there."""
    from reconciler.edge import manifests
    from reconciler.edge.clock import SystemClock

    return manifests.read_manifests((), SystemClock().now()) if source.is_missing else source.read()[0]


def _print(found: ExportResult) -> None:
    """Write all as one stream, what failed as comments at its end, and the sum to standard error."""
    from reconciler.render.manifest import comment

    failed = "".join(f"{comment(line)}\n" for line in found.failed)
    click.echo(("---\n".join(found.texts.values()) + failed).encode(), nl=False)  # YAML is UTF-8 in every locale
    click.echo(_summary(found, plural(len(found.texts), "manifest")), err=True)


def _write(found: ExportResult, folder: str, *, force: bool) -> None:
    """Write a file for each, and say so line by line."""
    from pathlib import Path

    from reconciler.edge.output_files import write_files

    written = write_files(Path(folder), found.texts, force=force)
    for name in found.texts:
        click.echo(sanitize(f"{'written  ' if written[name] else 'unchanged'}  {Path(folder) / name}"))
    unchanged = len(written) - sum(written.values())
    same = f", {unchanged} unchanged" if unchanged else ""
    click.echo(_summary(found, sanitize(f"{plural(sum(written.values()), 'manifest')} written to {folder}{same}")))


def _summary(found: ExportResult, said: str) -> str:
    left_out = f", {found.left_out} left out" if found.left_out else ""
    return f"{said}{left_out}{f', {found.managed} managed already' if found.managed else ''}"
