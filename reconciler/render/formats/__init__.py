"""Load the formats of a report. Each format is a module that implements `Format`."""

from __future__ import annotations

from typing import Literal, Protocol, TypeAlias, get_args

from reconciler.core.manifests.validation import ValidationResult
from reconciler.core.report.report import Report

FormatName: TypeAlias = Literal["text", "json", "markdown", "junit", "sarif", "github"]
"""The name of a format, which is a module of this package."""

FORMATS: tuple[FormatName, ...] = get_args(FormatName)
"""The names of the formats, in the order of help."""


class Format(Protocol):
    """A format of reports and validation results.

    `is_terminal` turns on colours and symbols in a format for people. Formats for programs ignore `is_terminal`.
    """

    def render(self, report: Report, *, is_terminal: bool = False) -> str:
        """Return a report as text."""

    def render_findings(self, result: ValidationResult, *, is_terminal: bool = False) -> str:
        """Return the problems and warnings of a validation as text."""


def load_format(name: FormatName) -> Format:
    """Import a format and return it. The other formats are not imported."""
    match name:
        case "text":
            from reconciler.render.formats import text

            return text
        case "json":
            from reconciler.render.formats import json

            return json
        case "markdown":
            from reconciler.render.formats import markdown

            return markdown
        case "junit":
            from reconciler.render.formats import junit

            return junit
        case "sarif":
            from reconciler.render.formats import sarif

            return sarif
        case "github":
            from reconciler.render.formats import github

            return github
