"""The formats of a report: `FORMATS` names them, and each is a module with the functions of `Format`."""

from __future__ import annotations

from importlib import import_module
from typing import Protocol, cast

from reconciler.core.manifests.findings import ValidationResult
from reconciler.core.report.report import Report

FORMATS = ("text", "json", "markdown", "junit", "sarif", "github")
"""Each is a module of this package, which is imported when somebody asks for the format."""


class Format(Protocol):
    """One format. `is_terminal` asks for colours and symbols; a format for programs ignores it."""

    def render(self, report: Report, *, is_terminal: bool = False) -> str:
        """Return a report as text."""

    def render_findings(self, result: ValidationResult, *, is_terminal: bool = False) -> str:
        """Return what validation found as text."""


def load_format(name: str) -> Format:
    """Return the format of a name in FORMATS."""
    return cast(Format, import_module(f"{__name__}.{name}"))
