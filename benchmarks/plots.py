"""Draw measured figures as SVG: bars for the share of each bound, and the time of a fleet at the default pace."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path
from statistics import median

from benchmarks.measure import Figure

_WIDTH, _ROW, _LABEL, _TOP, _RIGHT = 760, 24, 290, 34, 70
_STYLE = """\
text { font: 12px system-ui, sans-serif; fill: #24292f } .title { font-weight: 600 }
.ok { fill: #2f81f7 } .over { fill: #d1242f } .least { fill: #9aa4af } .line { stroke: #57606a; stroke-dasharray: 3 3 }
@media (prefers-color-scheme: dark) { text { fill: #e6edf3 } .line { stroke: #9198a1 } }"""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar. `kind` selects its color: ok, over or least (the least possible value)."""

    label: str
    value: float
    text: str
    kind: str


def draw(figures: Sequence[Figure], folder: Path) -> None:
    """Write the plots of the given figures to a folder. A plot without figures is not written."""
    folder.mkdir(parents=True, exist_ok=True)
    if bars := tuple(_list_bounds(figures)):
        plot = draw_bars("Share of the bound that each figure uses", bars, line=1)
        (folder / "bounds.svg").write_text(plot, encoding="utf-8")
    if bars := tuple(_list_paces(figures)):
        plot = draw_bars("One run at the default pace, in seconds", bars)
        (folder / "pace.svg").write_text(plot, encoding="utf-8")


def draw_bars(title: str, bars: Sequence[Bar], line: float | None = None) -> str:
    """Return an SVG with horizontal bars, and a vertical line at a value."""
    scale = (_WIDTH - _LABEL - _RIGHT) / max(*(bar.value for bar in bars), line or 0)
    height = _TOP + _ROW * len(bars) + 8
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" role="img">',
        f"<title>{escape(title)}</title>",
        f"<style>{_STYLE}</style>",
        f'<text class="title" x="8" y="20">{escape(title)}</text>',
    ]
    for number, bar in enumerate(bars):
        y = _TOP + _ROW * number
        width = bar.value * scale
        parts += [
            f'<text x="{_LABEL - 8}" y="{y + 15}" text-anchor="end">{escape(bar.label)}</text>',
            f'<rect class="{bar.kind}" x="{_LABEL}" y="{y + 3}" width="{width:.1f}" height="{_ROW - 8}" rx="2"/>',
            f'<text x="{_LABEL + width + 6:.1f}" y="{y + 15}">{escape(bar.text)}</text>',
        ]
    if line is not None:
        x = _LABEL + line * scale
        parts.append(f'<line class="line" x1="{x:.1f}" x2="{x:.1f}" y1="{_TOP}" y2="{height - 8}"/>')
    return "\n".join((*parts, "</svg>", ""))


def _list_bounds(figures: Iterable[Figure]) -> Iterable[Bar]:
    for figure in figures:
        if figure.bound:
            share = median(figure.ours if figure.is_absolute else figure.ratios) / figure.bound
            yield Bar(figure.name, share, f"{share:.0%}", "over" if figure.is_over else "ok")


def _list_paces(figures: Iterable[Figure]) -> Iterable[Bar]:
    paces = [figure for figure in figures if figure.name.startswith("default pace")]
    for figure in paces:
        value, kind = median(figure.ours), "over" if figure.is_over else "ok"
        yield Bar(figure.name.removeprefix("default pace, ").removesuffix(", time"), value, f"{value:.1f}", kind)
    if paces:
        value = median(paces[0].baseline)
        yield Bar("least time of a bucket", value, f"{value:.1f}", "least")
