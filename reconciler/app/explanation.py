"""Explain one association from a preview of each of its targets."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from threading import Event

from reconciler.app.assemble import Runner
from reconciler.app.config import RunConfig
from reconciler.core.errors import CloudError, StateError, is_access_failure
from reconciler.core.model import Desired, Target
from reconciler.core.ports import Progress
from reconciler.core.report.explanation import explain
from reconciler.core.report.target_explanation import FailedExplanation, LocatedExplanation, TargetExplanation
from reconciler.core.run_context import Run
from reconciler.edge.clock import generate_id
from reconciler.run import preview


def explain_manifest(
    name: str, targets: Sequence[Target], desired: Desired, config: RunConfig, progress: Progress
) -> tuple[TargetExplanation, ...]:
    """Return the explanation of the association of a manifest in each target. A failed target does not stop the others.

    Raises CloudError and StateError if there is only one target.
    """
    runner = Runner(config, Event())
    if len(targets) == 1:
        return (_explain(name, targets[0], desired, runner, progress),)
    return tuple(_try_to_explain(name, target, desired, runner, progress) for target in targets)


def _try_to_explain(
    name: str, target: Target, desired: Desired, runner: Runner, progress: Progress
) -> TargetExplanation:
    def report_progress(stage: str, done: int, total: int) -> None:
        progress(f"{target.name}: {stage}", done, total)

    try:
        return _explain(name, target, desired, runner, report_progress)
    except (CloudError, StateError) as error:
        return FailedExplanation(target.name, target.account, target.region, str(error), is_access_failure(error))


def _explain(name: str, target: Target, desired: Desired, runner: Runner, progress: Progress) -> LocatedExplanation:
    """Return the explanation in one target. Raises CloudError and StateError."""
    with closing(runner.build_connector(generate_id())(target)) as connection:
        run = Run(target, desired.manifests[target.name], runner.build_context(progress))
        target_preview = preview(run, connection.cloud, connection.journal)
    refusal = None if target_preview.journal.lineage else connection.refusal
    explanation = explain(name, target_preview)
    return LocatedExplanation(explanation, target.name, connection.account, connection.region, refusal)
