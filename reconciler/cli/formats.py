"""The formats that a report and findings come in: a renderer is imported only where it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Any

from reconciler import settings
from reconciler.cli.output import Format, Output
from reconciler.core.findings import Findings
from reconciler.core.report import Report

_MODULES = ("json", "markdown", "junit", "sarif", "github")


def renderer(name: str) -> Any:
    """Return a module of `render`, with its `render` of a Report and `findings` of Findings."""
    return import_module(f"reconciler.render.{name}")


def _text(report: Report, terminal: bool) -> str:  # noqa: FBT001 - Format's signature
    from reconciler.render import text  # noqa: PLC0415 - only where it is asked for

    return text.render(report, terminal=terminal)


def _text_of_findings(found: Findings, _: bool) -> str:  # noqa: FBT001 - as above
    from reconciler.render import text  # noqa: PLC0415

    return text.findings(found)


def _report(name: str) -> Format[Report]:
    return lambda report, _: str(renderer(name).render(report))


def _findings(name: str) -> Format[Findings]:
    return lambda found, _: str(renderer(name).findings(found))


REPORT: Mapping[str, Format[Report]] = {"text": _text, **{name: _report(name) for name in _MODULES}}
FINDINGS: Mapping[str, Format[Findings]] = {
    "text": _text_of_findings,
    **{name: _findings(name) for name in _MODULES},
}


def append_step_summary(wanted: Iterable[Output], markdown: Callable[[], str]) -> None:
    """Add Markdown to the summary of a GitHub job step, where one was asked for and there is one. Raises OSError."""
    file = settings.read().step_summary
    if file and any(output.format == "github" for output in wanted):
        with Path(file).open("a", encoding="utf-8") as summary:
            summary.write(markdown())
