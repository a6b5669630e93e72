"""Explain one association from a preview of its target."""

from __future__ import annotations

from dataclasses import dataclass
from threading import Event

from reconciler.app.assemble import Runner
from reconciler.app.config import RunConfig
from reconciler.core.model import Desired, Target
from reconciler.core.ports import Progress
from reconciler.core.report.explanation import Explanation, explain
from reconciler.core.run_context import Run
from reconciler.edge.clock import generate_id
from reconciler.run import preview


@dataclass(frozen=True, slots=True)
class LocatedExplanation:
    """An explanation with its target, account and Region. `refusal` says why a run that writes would be refused."""

    explanation: Explanation
    target: str
    account: str
    region: str
    refusal: str | None


def explain_manifest(
    name: str, target: Target, desired: Desired, config: RunConfig, progress: Progress
) -> LocatedExplanation:
    """Return the explanation of the association of a manifest. Raises CloudError and StateError."""
    runner = Runner(config, Event())
    connection = runner.build_connector(generate_id())(target)
    target_preview = preview(
        Run(target, desired.manifests[target.name], runner.build_context(progress)),
        connection.cloud,
        connection.journal,
    )
    refusal = None if target_preview.journal.lineage else connection.refusal
    return LocatedExplanation(
        explain(name, target_preview), target.name, connection.account, connection.region, refusal
    )
