"""Compare the controller's page with a thousand associations to the same page with one of them, in a browser."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from pathlib import Path

from support.browser import CHROMIUM, Browser, run_browser

from benchmarks import inputs
from benchmarks.measure import Figure
from benchmarks.running import run_controller, run_sandbox

_COUNT = 1_000
_SHOWN = 200
"""The rows on the first page of the table."""
_PATIENCE = 300
_PAINTED = """(async () => {
    for (;;) {
        const [painted] = performance.getEntriesByName("first-contentful-paint");
        if (painted) return painted.startTime;
        await new Promise((go) => setTimeout(go, 10));
    }
})()"""
_ROWS = "document.querySelectorAll('#associations tr[id]').length"
_IS_COMPLETE = f"document.body.innerText.includes('of {_COUNT:,} associations')"


def measure_figures(folder: Path, pairs: int) -> Iterator[Figure]:
    """Yield the time from the request of the page to its first contentful paint (W3C, Paint Timing)."""
    if not CHROMIUM.exists():
        print(f"page: skipped, because {CHROMIUM} is missing: apt-get install chromium", file=sys.stderr)
        return
    inputs.write(folder, _COUNT)
    with (
        run_sandbox(folder) as aws,
        run_controller(folder, "--dry-run", "--endpoint-url", aws) as (_, url),
        run_browser(folder / "profile") as browser,
    ):
        browser.resize(1280, 900)
        one = f"{url}/?q=crm-hourly-00000"
        _wait_for_associations(browser, url)
        _measure_paint(browser, one, 1)
        both = [(_measure_paint(browser, url, _SHOWN), _measure_paint(browser, one, 1)) for _ in range(pairs)]
    ours, baseline = zip(*both, strict=True)
    yield Figure("page, 1,000 associations, first paint", "ms", ours, baseline, 1000, is_absolute=True)


def _wait_for_associations(browser: Browser, url: str) -> None:
    until = time.monotonic() + _PATIENCE
    while True:
        browser.open(url)
        if browser.run(_IS_COMPLETE):
            return
        if time.monotonic() > until:
            raise RuntimeError(f"{url} does not show {_COUNT} associations within {_PATIENCE} s")
        time.sleep(0.5)


def _measure_paint(browser: Browser, url: str, rows: int) -> float:
    """Return the time of the page's first contentful paint, in ms. Raises RuntimeError for a wrong number of rows."""
    browser.open(url)
    painted = float(browser.run(_PAINTED))
    if (found := browser.run(_ROWS)) != rows:
        raise RuntimeError(f"{url} shows {found} associations instead of {rows}")
    return painted
