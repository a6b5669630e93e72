"""Take the pictures of the page for the documentation: `make pictures`."""

from __future__ import annotations

import json
import shutil
import tempfile
from pathlib import Path

from support.browser import run_browser
from support.paths import REPOSITORY
from support.program import Program

IMAGES = REPOSITORY / "docs" / "images"
_LINES = "document.querySelectorAll('#associations .more > td > details')"
_HEIGHT = "Math.round(document.getElementById('associations').getBoundingClientRect().bottom) + 16"
_INIT = (
    "--sandbox-time",
    "2026-11-01T02:00:00Z",
    "--integration",
    "profiles-export",
    "--export",
    "monthly",
    "--ci",
    "none",
)
_DEMO_DAYS = ("2026-11-01", "2026-11-02", "2026-12-01", "2026-12-02", "2027-01-01", "2027-01-02")
_TUTORIAL_DAYS = ("2026-11-01", "2026-11-02", "2026-12-01")


def main() -> None:
    """Take the picture of the README, with the manifests of the repository, and that of the tutorial."""
    with tempfile.TemporaryDirectory() as demo, tempfile.TemporaryDirectory() as exports:
        shutil.copytree(REPOSITORY / "manifests", Path(demo) / "manifests")
        _take(Path(demo), _DEMO_DAYS, IMAGES / "page.png", width=1200, target_count=2)
        Program(Path(exports)).run("init", "--sandbox", *_INIT)
        _take(Path(exports), _TUTORIAL_DAYS, IMAGES / "tutorial.png", width=1100, target_count=1)


def _take(folder: Path, days: tuple[str, ...], picture: Path, *, width: int, target_count: int) -> None:
    """Run once on each day but the last, run a controller on the last, and take its page with one line unfolded."""
    program = Program(folder)
    times = [("--sandbox", "--sandbox-time", f"{day}T02:00:00Z") for day in days]
    for each in times[:-1]:
        result = program.run(*each)
        assert result.code == 0, result.err
    process = program.start("controller", "--listen", "127.0.0.1:0", *times[-1])
    try:
        assert process.stderr
        events = map(json.loads, process.stderr)
        url = next(each["url"] for each in events if each["event"] == "listening")
        for _ in range(target_count):
            next(each for each in events if each["event"] == "run finished")
        with tempfile.TemporaryDirectory() as profile, run_browser(Path(profile)) as browser:
            browser.resize(width, 900)
            browser.open(url)
            browser.run(f"{_LINES}[{target_count - 1}].open = true; 0")
            browser.resize(width, browser.run(_HEIGHT))
            picture.write_bytes(browser.take_screenshot())
    finally:
        process.kill()
        process.communicate()


if __name__ == "__main__":
    main()
