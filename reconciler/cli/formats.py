"""Renderers of reports and of validation results, by the name of their format."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.cli.output import Renderer
from reconciler.core.manifests.validation import ValidationResult
from reconciler.core.report.report import Report
from reconciler.render.formats import FORMATS, FormatName, load_format


def _create_report_renderer(name: FormatName) -> Renderer[Report]:
    return lambda report, terminal: load_format(name).render(report, is_terminal=terminal)


def _create_validation_renderer(name: FormatName) -> Renderer[ValidationResult]:
    return lambda result, terminal: load_format(name).render_findings(result, is_terminal=terminal)


REPORT_RENDERERS: Mapping[str, Renderer[Report]] = {name: _create_report_renderer(name) for name in FORMATS}
VALIDATION_RENDERERS: Mapping[str, Renderer[ValidationResult]] = {
    name: _create_validation_renderer(name) for name in FORMATS
}
