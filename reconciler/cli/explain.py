"""`reconcile explain`: all that is known of one association."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import click

from reconciler.cli import options, output, source
from reconciler.cli.source import Source

if TYPE_CHECKING:
    from reconciler.cli.choices import Choices
    from reconciler.core.model import Desired, Target
    from reconciler.core.report.explanation import Explanation
    from reconciler.fleet import Site


@click.command("explain", cls=options.Command)
@click.argument("name")
@source.manifests
@output.plain
@options.connection
@options.mode
@options.state
@options.settle_time
@options.max_creates
def command(name: str, source: Source, outputs: tuple[str, ...], **chosen: Any) -> None:
    """Show what is known of the association of the manifest NAME, and what a run would do for it and why.

    Asks AWS and the journal as a dry run does, and writes nothing.
    """
    from reconciler.cli.choices import Choices
    from reconciler.cli.session import begin, read
    from reconciler.cli.wiring import surroundings
    from reconciler.render import explanation

    formats: Mapping[str, output.Format[tuple[Explanation, Target, Site]]] = {
        "text": lambda told, _: explanation.text(told[0], told[1].name, f"{told[2].account} {told[2].region}"),
        "json": lambda told, _: explanation.as_json(told[0], told[1].name, told[2].account, told[2].region),
    }
    wanted = output.parse(outputs, formats)
    choices = Choices.of(dry_run=True, **chosen)
    begin(choices)
    desired, _ = read(source)
    target = _target(name, desired, choices)
    with surroundings(choices):
        told = _explained(name, target, desired, choices)
    output.write(told, wanted, formats)


def _explained(name: str, target: Target, desired: Desired, choices: Choices) -> tuple[Explanation, Target, Site]:
    """Return what is known. Raises CloudError and StateError."""
    import threading
    from datetime import timedelta

    from reconciler.cli.progress import shown
    from reconciler.cli.wiring import Passes
    from reconciler.core.report.explanation import explain
    from reconciler.edge.clock import SystemClock, new_id
    from reconciler.run import Run, preview

    site = Passes(choices, threading.Event()).connector(new_id())(target)
    with shown() as tell:
        settle = timedelta(seconds=choices.settle_time)
        run = Run(
            target, desired.manifests[target.name], choices.mode, settle, SystemClock(), tell, lambda: False,
            choices.max_creates,
        )  # fmt: skip
        seen = preview(run, site.cloud, site.journal)
        if site.refusal and not seen.recorded.lineage:
            click.echo(site.refusal, err=True)
        return explain(name, seen), target, site


def _target(name: str, desired: Desired, choices: Choices) -> Target:
    """Return the target whose manifest is meant. Raises click.UsageError."""
    from reconciler.cli.wiring import selected
    from reconciler.core.suggestions import closest, listed

    targets = selected(desired, choices).targets
    having = [target for target in targets if any(each.name == name for each in desired.manifests[target.name])]
    if len(having) == 1:
        return having[0]
    if having:
        names = listed([target.name for target in having])
        raise click.UsageError(f"several targets have a manifest {name!r}: name one of {names} with --target")
    known = [each.name for target in targets for each in desired.manifests[target.name]]
    near = closest(name, known)
    hint = f"did you mean {near!r}?" if near else "`reconcile status` lists what the journal remembers"
    raise click.UsageError(f"no manifest has the name {name!r}: {hint}")
