"""Find manifests of one data integration whose windows overlap: the same data would be exported twice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from reconciler.core.errors import Problem
from reconciler.core.manifests.checked_document import CheckedDocument
from reconciler.core.model import Manifest, Mode
from reconciler.core.request.export_window import read_window
from reconciler.core.text import format_timestamp_to_the_minute
from reconciler.core.windows.boundaries import compute_first_boundary, find_midnight, find_next_boundaries


@dataclass(frozen=True, slots=True)
class ExportSpan:
    """The stretch of time whose data a manifest exports. `end` is None for windows without a last one."""

    start: datetime
    end: datetime | None
    document: CheckedDocument
    pointer: tuple[str, ...]
    number: int


def build_span(manifest: Manifest, document: CheckedDocument, number: int) -> ExportSpan | None:
    """Return the span of a manifest, whose documents are numbered. None if it exports nothing, or no known window."""
    policy = manifest.policy
    if policy.retired or policy.mode is Mode.OBSERVE:
        return None
    if (declaration := manifest.window) is None:
        window = None if policy.adopt else read_window(manifest.spec)
        if window is None:
            return None
        return ExportSpan(window.start, window.end, document, ("spec", "ExecutionConfiguration"), number)
    start, end = compute_first_boundary(declaration), None
    if declaration.last:
        end = max(find_next_boundaries(declaration, find_midnight(declaration.last, declaration.zone), 1), default=None)
    return ExportSpan(start, end, document, ("window",), number)


def find_overlaps(spans: Iterable[ExportSpan]) -> Iterator[Problem]:
    """Yield a warning for each span of one data integration that overlaps another. The later document gets it."""
    longest: ExportSpan | None = None
    for span in sorted(spans, key=lambda each: (each.start, each.number)):
        if longest and (longest.end is None or span.start < longest.end):
            yield _build_warning(span, longest)
        if longest is None or (longest.end is not None and (span.end is None or span.end > longest.end)):
            longest = span


def _build_warning(one: ExportSpan, other: ExportSpan) -> Problem:
    earlier, later = sorted((one, other), key=lambda each: each.number)
    start = max(one.start, other.start)
    end = min((each.end for each in (one, other) if each.end), default=None)
    stretch = f"from {format_timestamp_to_the_minute(start)} " + (
        f"to {format_timestamp_to_the_minute(end)}" if end else "on"
    )
    message = (
        f"the window overlaps that of the manifest {earlier.document.name!r} at {earlier.document.locate()}: the data "
        f"of one data integration {stretch} would be exported twice: change one of the windows"
    )
    return later.document.build_problem(later.pointer, message)
