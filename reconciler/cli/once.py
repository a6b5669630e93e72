"""`reconcile`: one pass over all targets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from reconciler.cli import options, output, source
from reconciler.cli.source import Source


@click.command("run", cls=options.Command)
@options.dry_run
@source.manifests
@source.strict
@output.outputs
@options.connection
@options.conduct
@options.option(
    "--expect-plan",
    metavar="DIGEST|FILE",
    help="Write only if the plan is this reviewed one: sha256:… of a dry run, or the file of its JSON report.",
)
@options.option("--revision", metavar="TEXT", help="The revision of the manifests, for report and logs.")
@options.option(
    "--detailed-exitcode",
    is_flag=True,
    help="Exit 2 if nothing failed and a difference between git and AWS remains.",
)
@options.option(
    "--fail-on",
    type=click.Choice(["unmanaged"]),
    help="With --detailed-exitcode: unmanaged associations are a difference too.",
)
def command(
    source: Source,
    outputs: tuple[str, ...],
    *,
    expect_plan: str | None,
    detailed_exitcode: bool,
    fail_on: str | None,
    **chosen: Any,
) -> int:
    """Reconcile once: read the manifests, compare them with AWS, create what is missing, and report."""
    from reconciler.cli.choices import Choices
    from reconciler.cli.session import once

    if fail_on and not detailed_exitcode:
        raise click.UsageError("--fail-on unmanaged says what counts for --detailed-exitcode: give both")
    agreed = None
    if expect_plan is not None:
        from reconciler.cli import reviewed

        agreed = reviewed.agreed(expect_plan)
        files = (value.partition("=")[2] for value in outputs)
        if any(file and output.same_file(Path(file), Path(expect_plan)) for file in files):
            raise click.UsageError(f"-o …={expect_plan}: is the reviewed plan: write the report to another file")
    report, code = once(source, outputs, Choices.of(agreed=agreed, **chosen))
    return code or (report.detailed_exit_code(unmanaged=fail_on is not None) if detailed_exitcode else report.exit_code)
