"""The formats of a report and of validation, as `output.write` takes them."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.cli.output import Format
from reconciler.core.manifests.findings import ValidationResult
from reconciler.core.report.report import Report
from reconciler.render.formats import FORMATS, load_format


def _create_report_format(name: str) -> Format[Report]:
    return lambda report, terminal: load_format(name).render(report, is_terminal=terminal)


def _create_validation_format(name: str) -> Format[ValidationResult]:
    return lambda result, terminal: load_format(name).render_findings(result, is_terminal=terminal)


REPORT_FORMATS: Mapping[str, Format[Report]] = {name: _create_report_format(name) for name in FORMATS}
VALIDATION_FORMATS: Mapping[str, Format[ValidationResult]] = {name: _create_validation_format(name) for name in FORMATS}
