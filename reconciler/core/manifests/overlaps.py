"""Find manifests of one data integration whose windows overlap: the same data would be exported twice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from reconciler.core.model import Manifest, Mode
from reconciler.core.request.export_window import read_window
from reconciler.core.request.token import encode_canonical_json
from reconciler.core.text import format_timestamp_to_the_minute
from reconciler.core.windows.boundaries import compute_first_boundary, find_midnight, find_next_boundaries


@dataclass(frozen=True, slots=True)
class ExportSpan:
    """The stretch of time whose data a manifest exports. `end` is None for windows without a last one.

    `pointer` is the path of the window in the manifest, and `number` the position of the manifest. `objects` are the
    objects that are exported: spans with different objects hold different data.
    """

    start: datetime
    end: datetime | None
    manifest: Manifest
    pointer: tuple[str, ...]
    number: int
    objects: str


@dataclass(frozen=True, slots=True)
class Overlap:
    """Two spans of one data integration that have data in common. `later` is the one with the higher number."""

    earlier: ExportSpan
    later: ExportSpan

    @property
    def message(self) -> str:
        """The warning about the later manifest."""
        start = format_timestamp_to_the_minute(max(self.earlier.start, self.later.start))
        end = min((each.end for each in (self.earlier, self.later) if each.end), default=None)
        stretch = f"from {start} " + (f"to {format_timestamp_to_the_minute(end)}" if end else "on")
        manifest = self.earlier.manifest
        return (
            f"the window overlaps the window of the manifest {manifest.name!r} at {manifest.origin.file}:"
            f"{manifest.origin.line}: the data of their data integration {stretch} would be exported twice: change one "
            "of the windows"
        )


def build_span(manifest: Manifest, number: int) -> ExportSpan | None:
    """Return the span of a manifest, which has a number. None if it exports nothing, or no known window.

    A retired manifest has exported its fixed window. Of recurring windows without a last one, it has exported the first
    one at least.
    """
    policy = manifest.policy
    if policy.mode is Mode.OBSERVE:
        return None
    if (declaration := manifest.window) is None:
        window = None if policy.adopt else read_window(manifest.spec)
        if window is None:
            return None
        objects = encode_canonical_json(manifest.spec.get("ObjectConfiguration"))
        return ExportSpan(window.start, window.end, manifest, ("spec", "ExecutionConfiguration"), number, objects)
    start, end = compute_first_boundary(declaration), None
    if policy.retired and not declaration.last:
        end = max(find_next_boundaries(declaration, start, 1), default=None)
    if declaration.last:
        end = max(find_next_boundaries(declaration, find_midnight(declaration.last, declaration.zone), 1), default=None)
    objects = encode_canonical_json(manifest.spec.get("ObjectConfiguration"))
    return ExportSpan(start, end, manifest, ("window",), number, objects)


def find_overlaps(spans: Iterable[ExportSpan]) -> Iterator[Overlap]:
    """Yield an overlap for each span of one data integration that overlaps one that begins before it."""
    longest_by_objects: dict[str, ExportSpan] = {}
    for span in sorted(spans, key=lambda each: (each.start, each.number)):
        longest = longest_by_objects.get(span.objects)
        if longest and (longest.end is None or span.start < longest.end):
            yield Overlap(*sorted((span, longest), key=lambda each: each.number))
        if longest is None or (longest.end is not None and (span.end is None or span.end > longest.end)):
            longest_by_objects[span.objects] = span
