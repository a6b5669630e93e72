"""The formats that a report and findings come in: a renderer is imported only where it is asked for."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

from reconciler.cli.output import Format
from reconciler.core.manifests.findings import Findings
from reconciler.core.report.report import Report

_MODULES = ("json", "markdown", "junit", "sarif", "github")


def _renderer(name: str) -> Any:
    """Return a module of `render`, with its `render` of a Report and `findings` of Findings."""
    return import_module(f"reconciler.render.{name}")


def _text(report: Report, terminal: bool) -> str:  # noqa: FBT001 - Format's signature
    from reconciler.render import text

    return text.render(report, terminal=terminal)


def _text_of_findings(found: Findings, _: bool) -> str:  # noqa: FBT001 - as above
    from reconciler.render import text

    return text.findings(found)


def _report(name: str) -> Format[Report]:
    return lambda report, _: str(_renderer(name).render(report))


def _findings(name: str) -> Format[Findings]:
    return lambda found, _: str(_renderer(name).findings(found))


REPORT: Mapping[str, Format[Report]] = {"text": _text, **{name: _report(name) for name in _MODULES}}
FINDINGS: Mapping[str, Format[Findings]] = {
    "text": _text_of_findings,
    **{name: _findings(name) for name in _MODULES},
}
