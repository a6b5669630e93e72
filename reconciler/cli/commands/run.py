"""`reconcile run`: run every target once."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from reconciler.app.sources import Source
from reconciler.cli import options, output, sources
from reconciler.cli.command import Command
from reconciler.cli.environment import read_settings
from reconciler.cli.failures import print_doctor_advice, print_error
from reconciler.cli.parameters import Choice
from reconciler.cli.sections import RESULT, WRITES, section

if TYPE_CHECKING:
    from reconciler.core.errors import InvalidManifests
    from reconciler.core.plan.review import ReviewedPlan
    from reconciler.core.report.report import Report
    from reconciler.core.shards import Shard


@click.command(
    "run",
    cls=Command,
    examples=(
        "reconcile --dry-run",
        "reconcile --target production --state s3://corp-state/reconciler",
    ),
)
@options.dry_run
@sources.manifests
@sources.strict
@output.outputs
@options.connection
@options.shard
@options.run_options
@section(
    WRITES,
    options.option(
        "--expect-plan",
        metavar="DIGEST|FILE",
        help="Write only if the plan equals a plan that you reviewed. Give the digest of the reviewed plan "
        "(sha256:…), or the JSON report of its dry run.",
    ),
    options.option(
        "--yes", is_flag=True, is_safety=False, help="At a terminal, do not ask before writes that cannot be undone."
    ),
)
@section(
    RESULT,
    options.option(
        "--revision",
        metavar="TEXT",
        is_safety=False,
        help="Text that the report and the log show as the revision of the manifests.",
    ),
    options.option(
        "--detailed-exitcode",
        is_flag=True,
        help="Exit with 2 if nothing failed and a difference between git and AWS remains.",
    ),
    options.option(
        "--fail-on",
        type=Choice(["unmanaged"]),
        help="With --detailed-exitcode, count unmanaged associations as a difference.",
    ),
)
def command(  # noqa: PLR0913 - one for each option
    source: Source,
    outputs: tuple[str, ...],
    *,
    expect_plan: str | None,
    yes: bool,
    detailed_exitcode: bool,
    fail_on: str | None,
    **config_values: Any,
) -> int:
    """Reconcile once: read the manifests, compare them with AWS, create what is missing, and report."""
    from reconciler.app.config import RunConfig
    from reconciler.app.once import Terminal, prepare, read_manifests, run_once, warn_of_missing_state
    from reconciler.app.stop_signal import stop_on_signals
    from reconciler.cli import formats, progress, question
    from reconciler.core.errors import InvalidManifests, NotConfirmed, UsageError

    if fail_on and not detailed_exitcode:
        raise UsageError("--fail-on needs --detailed-exitcode: without --detailed-exitcode, the exit code is never 2")
    settings, is_terminal = read_settings(), output.is_terminal(sys.stdout)
    config = RunConfig.from_options(
        settings=settings,
        reviewed=_read_reviewed_plan(expect_plan, outputs, config_values.get("shard")),
        is_single=settings.is_single_run(is_terminal=is_terminal),
        **config_values,
    )
    parsed_outputs = output.parse(outputs, formats.REPORT_RENDERERS)
    output.refuse_to_replace_manifests(parsed_outputs, source)
    shows_report = is_terminal and any(each.file is None for each in parsed_outputs)
    prepare(config, is_brief=shows_report and output.is_terminal(sys.stderr))
    warn_of_missing_state(config)
    try:
        desired, revision = read_manifests(source)
    except InvalidManifests as invalid:
        _write_findings(invalid, parsed_outputs)
        raise
    has_question = question.is_needed(
        settings, yes=yes, dry_run=config.dry_run, has_reviewed_plan=config.reviewed is not None
    )
    with stop_on_signals() as stop, progress.show_bars() as bars:

        def confirm(plan: Report) -> None:
            bars.stop()
            try:
                question.confirm(plan, stop.event.is_set, is_sandbox=config.sandbox)
            except NotConfirmed as refusal:
                if stop.signal in {0, signal.SIGINT}:
                    raise
                raise question.build_interruption(str(refusal), stop.signal) from refusal

        terminal = Terminal(bars.update, bars.stop, confirm if has_question else None)
        report = run_once(desired, revision, config, stop, terminal)
    output.write(report, parsed_outputs, formats.REPORT_RENDERERS)
    if any(target.is_access_failure for target in report.targets):
        print_doctor_advice()
    if stop.signal:
        return 128 + stop.signal
    return (
        report.get_detailed_exit_code(should_count_unmanaged=fail_on is not None)
        if detailed_exitcode
        else report.exit_code
    )


def _read_reviewed_plan(expect_plan: str | None, outputs: tuple[str, ...], shard: Shard | None) -> ReviewedPlan | None:
    """Return the plan of --expect-plan. Raises UsageError for an invalid plan, and for an output that replaces it."""
    from reconciler.app.reviewed_plan import read_reviewed_plan
    from reconciler.core.errors import UsageError

    if expect_plan is None:
        return None
    reviewed = read_reviewed_plan(expect_plan, shard)
    output_files = (value.partition("=")[2] for value in outputs)
    if any(file and output.is_same_file(Path(file), Path(expect_plan)) for file in output_files):
        raise UsageError(f"-o …={expect_plan} would replace the reviewed plan: write the report to another file")
    return reviewed


def _write_findings(invalid: InvalidManifests, outputs: tuple[output.Output, ...]) -> None:
    """Write the problems of the manifests to the requested outputs. Text on standard output is left out here.

    The caller shows the problems as text on standard error.
    """
    from reconciler.cli import formats
    from reconciler.core.manifests.validation import ValidationResult

    file_outputs = tuple(each for each in outputs if each.file or each.format != "text")
    for failure in output.try_write(ValidationResult.from_error(invalid), file_outputs, formats.VALIDATION_RENDERERS):
        print_error(failure)
