"""Render the list of the windows of one association as text and as JSON."""

from __future__ import annotations

from collections.abc import Iterator

from reconciler.core.journal.jobs import Omission
from reconciler.core.report.window_list import MAX_COUNT, WindowList
from reconciler.core.report.windows import SentWindow, WindowReport, WindowState
from reconciler.core.text import sanitize
from reconciler.core.windows.due import Window
from reconciler.render import windows
from reconciler.render.formats.json import dump_document

FORMAT = "reconciler/windows/v1"


def render_text(subject: WindowList, target: str, place: str) -> str:
    """Return the windows as text, the oldest first. `target` is the target's name, `place` its account and Region."""
    return "".join(f"{sanitize(line).rstrip()}\n" for line in _render_lines(subject, target, place))


def render_json(subject: WindowList, target: str, account: str, region: str) -> str:
    """Return the windows as a JSON document with a final newline."""
    return dump_document(
        {
            "format": FORMAT,
            "target": {"name": target, "account": account, "region": region},
            "manifest": {"name": subject.manifest.name, "origin": str(subject.manifest.origin)},
            "complete": subject.is_complete,
            "windows": windows.encode(subject.report),
        }
    )


def _build_row(item: SentWindow | Omission, report: WindowReport) -> tuple[WindowState, Window, str]:
    if isinstance(item, SentWindow):
        return item.state, item.window, windows.describe_sent(item, report)
    return WindowState.LEFT_OUT, Window(item.start, item.end), windows.describe_omission(item)


def _render_lines(subject: WindowList, target: str, place: str) -> Iterator[str]:
    manifest, report = subject.manifest, subject.report
    yield f"{manifest.name}  {manifest.origin}  target {target}  {place}"
    yield windows.describe_watermark(report)
    rows = [
        *(_build_row(each, report) for each in report.history),
        *(
            (
                report.get_state(each, report.now),
                each.window,
                windows.describe_due_time(each, report, report.now),
            )
            for each in report.planned
        ),
    ]
    texts = [(state, windows.format_window(window, report), description) for state, window, description in rows]
    width = max((len(window) for _, window, _ in texts), default=0)
    yield from (f"  {state:<8} {window:<{width}}  {description}" for state, window, description in texts)
    if more_due := windows.describe_more_due(report.more_due_count, "to list them, use a later date with --until"):
        yield more_due
    if not subject.is_complete:
        yield f"only the next {MAX_COUNT:,} windows are listed: use an earlier date"
    if report.has_later_windows and not report.planned:
        yield "every window that was not sent begins later: use a later date with --until"
    else:
        yield windows.describe_next_step(report)
