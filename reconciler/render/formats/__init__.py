"""Load the formats of a report. `FORMATS` lists their names, and each format is a module that implements `Format`."""

from __future__ import annotations

from importlib import import_module
from typing import Protocol, cast

from reconciler.core.manifests.findings import ValidationResult
from reconciler.core.report.report import Report

FORMATS = ("text", "json", "markdown", "junit", "sarif", "github")
"""The names of the formats. Each name is a module of this package, which is imported only when it is used."""


class Format(Protocol):
    """A format of reports and validation results.

    `is_terminal` turns on colours and symbols in a format for people. Formats for programs ignore `is_terminal`.
    """

    def render(self, report: Report, *, is_terminal: bool = False) -> str:
        """Return a report as text."""

    def render_findings(self, result: ValidationResult, *, is_terminal: bool = False) -> str:
        """Return the problems and warnings of a validation as text."""


def load_format(name: str) -> Format:
    """Return the format with a name from FORMATS."""
    return cast(Format, import_module(f"{__name__}.{name}"))
