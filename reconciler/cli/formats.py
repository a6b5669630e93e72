"""The formats of a report and of validation, as `output.write` takes them."""

from __future__ import annotations

from collections.abc import Mapping

from reconciler.cli.output import Format
from reconciler.core.manifests.findings import ValidationResult
from reconciler.core.report.report import Report
from reconciler.render.formats import FORMATS, load


def _report(name: str) -> Format[Report]:
    return lambda report, terminal: load(name).render(report, terminal=terminal)


def _findings(name: str) -> Format[ValidationResult]:
    return lambda found, terminal: load(name).findings(found, terminal=terminal)


REPORT: Mapping[str, Format[Report]] = {name: _report(name) for name in FORMATS}
FINDINGS: Mapping[str, Format[ValidationResult]] = {name: _findings(name) for name in FORMATS}
