"""Tests for the layout of the page in a real browser: no cell is cut off, squeezed or broken within a word."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from support import recurring, reports, statuses
from support.browser import CHROMIUM, Browser, run_browser
from support.builders import NOW
from support.sites import Site

from reconciler.core.model import Execution
from reconciler.core.windows.declaration import Missed, Period

pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is not there: apt-get install chromium")

STATES = {
    "windows": statuses.build_status_with_windows(),
    "forty": statuses.build_status_with_forty_associations(),
    "thousand": statuses.build_status_of_thousand_with_windows(),
}


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Return one browser for every test of this module."""
    with run_browser(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture(autouse=True)
def _leave_page(browser: Browser, site: Site) -> Iterator[None]:  # noqa: ARG001 - the browser leaves before the site closes
    """Leave the page after each test."""
    yield
    browser.leave()


@pytest.mark.parametrize("width", [390, 430, 768, 1024, 1280, 1920])
@pytest.mark.parametrize("state", STATES)
def test_every_label_and_strip_is_shown_whole(browser: Browser, site: Site, state: str, width: int) -> None:
    """Each label is inside its cell, each strip takes one line, and no word of the last export is broken."""
    browser.resize(width, 900)
    site.status = STATES[state]
    browser.open(f"{site.url}/?decision=attention")
    assert browser.run("document.querySelectorAll('#associations .line').length") > 2
    assert browser.run(CUT_LABELS) == []
    assert browser.run(TALL_STRIPS) == []
    assert browser.run(BROKEN_WORDS) == []
    assert browser.run("document.documentElement.scrollWidth") == width


@pytest.mark.parametrize("menu", ["decision", "target"])
@pytest.mark.parametrize("width", [390, 481, 600, 768, 860, 961, 1280])
def test_an_open_filter_fits_into_the_page(browser: Browser, site: Site, width: int, menu: str) -> None:
    """However long its labels are, an open filter does not make the page wider than the screen."""
    browser.resize(width, 900)
    status = statuses.build_status_with_forty_associations()
    first, *others = status.targets
    site.status = replace(status, targets=(replace(first, target="a-long-name-" * 6), *others))
    browser.open(f"{site.url}/")
    browser.run(f"document.getElementById('m-{menu}').open = true; 0")
    assert browser.run("document.documentElement.scrollWidth") == width


@pytest.mark.parametrize("width", [390, 1280, 1400])
def test_state_of_each_tile_is_shown_whole(browser: Browser, site: Site, width: int) -> None:
    """Beside a target name of 15 characters, the label of the state is not cut off and takes one line."""
    browser.resize(width, 900)
    status = statuses.build_status_with_hundred_targets()
    names = [f"account-{number:07}" for number in range(100)]
    site.status = replace(
        status, targets=tuple(replace(each, target=name) for each, name in zip(status.targets, names, strict=True))
    )
    browser.open(f"{site.url}/")
    labels = browser.run("[...document.querySelectorAll('.card h3 .badge')].map((each) => each.textContent)")
    assert {"failed", "needs action"} <= set(labels)
    script = """[...document.querySelectorAll(".card h3 .badge")].filter((each) =>
        each.scrollWidth > each.clientWidth || each.clientHeight > 30).map((each) => each.textContent)"""
    assert browser.run(script) == []


@pytest.mark.parametrize("width", [1280, 1400, 1920])
def test_rows_in_trouble_are_as_high_as_the_others(browser: Browser, site: Site, width: int) -> None:
    """Each association of a page of 200 takes one line, also if it has two labels or a message of AWS."""
    browser.resize(width, 900)
    site.status = STATES["thousand"]
    for query in ("", "?sort=-export", "?decision=attention&sort=name"):
        browser.open(f"{site.url}/{query}")
        lines = "[...document.querySelectorAll('#associations .line')]"
        heights = browser.run(f"{lines}.map((each) => Math.round(each.getBoundingClientRect().height))")
        assert len(heights) == 200
        assert len(set(heights)) == 1
    labels = (
        "[...document.querySelectorAll('#associations .line')].map((each) => each.querySelectorAll('.badge').length)"
    )
    assert max(browser.run(labels)) == 2


@pytest.mark.parametrize("width", [1280, 1400, 1920])
def test_labels_of_any_number_are_shown_whole(browser: Browser, site: Site, width: int) -> None:
    """The longest pair of labels fits on one line, three labels are not cut off, and the triangle stays beside them."""
    browser.resize(width, 900)
    failed = Execution("FAILED", "The KMS key is not accessible.")
    windows = recurring.build_windows(recurring.build_daily_record(), NOW, every=Period.DAY, missed=Missed.EACH)
    pair, three = (
        reports.association(name, "changed", exit_code=1, last_execution=failed, windows=windows)
        for name, windows in (("pair", None), ("three", windows))
    )
    site.status = statuses.build_status(statuses.build_target_status(reports.report(pair, three)))
    browser.open(f"{site.url}/")
    script = (
        "[...document.querySelectorAll('#associations .line')].map((each) => [each.querySelector('.name').innerText, "
    )
    counts = browser.run(f"{script} each.querySelectorAll('.badge').length])")
    heights = dict(browser.run(f"{script} each.getBoundingClientRect().height])"))
    assert dict(counts) == {"pair": 2, "three": 3}
    assert heights["pair"] < 40
    assert browser.run(CUT_LABELS) == []
    assert max(browser.run(TRIANGLE_OFFSETS)) < 6


@pytest.mark.parametrize("width", [1280, 1400, 1920])
def test_arn_is_shortened_in_the_middle(browser: Browser, site: Site, width: int) -> None:
    """Where there is room, an ARN shows its start and its end, and neither it nor its button is cut off."""
    browser.resize(width, 900)
    site.status = STATES["thousand"]
    browser.open(f"{site.url}/")
    start = "getComputedStyle(document.querySelector('#associations .start'), '::before').content"
    assert browser.run(start) == '"arn:…"'
    right = "Math.max(...[...document.querySelectorAll('#associations .line {}')].map((each) => "
    right += "each.getBoundingClientRect().right))"
    assert browser.run(right.format(".copy")) <= browser.run(right.format("> td:last-child"))


@pytest.mark.parametrize("width", [1024, 1280])
def test_data_flow_is_shown_whole(browser: Browser, site: Site, width: int) -> None:
    """On a screen of a common size, neither the data integration, the destination nor the time is cut off."""
    browser.resize(width, 900)
    status = STATES["forty"]
    site.status = replace(status, now=status.now + timedelta(days=100))
    browser.open(f"{site.url}/")
    assert browser.run("document.querySelector('.line time').textContent").endswith("days ago")
    selector = "#associations .line :is(.flow span, td:nth-child(3))"
    cut = f"[...document.querySelectorAll('{selector}')].filter((each) => each.scrollWidth > each.clientWidth)"
    assert browser.run(f"{cut}.map((each) => each.textContent)") == []


@pytest.mark.parametrize("width", [1024, 1280, 1920])
def test_triangle_is_beside_the_name(browser: Browser, site: Site, width: int) -> None:
    """The triangle that opens the details is at the height of its row, also if the row has several lines."""
    browser.resize(width, 900)
    site.status = STATES["windows"]
    browser.open(f"{site.url}/")
    offsets = browser.run(TRIANGLE_OFFSETS)
    assert len(offsets) == 6
    assert max(offsets) < 6


def test_phone_card_has_its_colour_down_to_the_details(browser: Browser, site: Site) -> None:
    """On a phone, the bar of an association in trouble goes on beside its details."""
    browser.resize(390, 900)
    site.status = STATES["windows"]
    browser.open(f"{site.url}/?decision=overdue")
    colours = "[...document.querySelectorAll('#associations :is(.line, .more)')].map((each) => getComputedStyle(each)"
    assert browser.run(f"{colours}.borderLeft)") == ["5px solid rgb(161, 18, 47)"] * 2


def test_list_of_runs_uses_the_width_of_the_page(browser: Browser, site: Site) -> None:
    """The opened list of runs has columns across the page, and no mark of a failed run covers a time."""
    browser.resize(1280, 900)
    site.status = statuses.build_status_with_failing_target()
    browser.open(f"{site.url}/")
    browser.run("document.querySelector('.track details').open = true; 0")
    assert browser.run("document.querySelector('.track ol').getBoundingClientRect().width") > 1100
    low = browser.run("Math.max(...[...document.querySelectorAll('.day .mark')].map((each) => each.getBBox().y + 6))")
    assert low < browser.run("document.querySelector('.day text').getBBox().y")


@pytest.mark.parametrize("width", [390, 1280])
def test_dates_are_not_broken(browser: Browser, site: Site, width: int) -> None:
    """A date and its time are on one line, the title comes first, and the fields of the filter have one height."""
    browser.resize(width, 900)
    site.status = STATES["forty"]
    browser.open(f"{site.url}/")
    assert browser.run("[...document.querySelectorAll('header time')].map((each) => each.getClientRects().length)") == [
        1,
        1,
    ]
    top = "document.querySelector('header {}').getBoundingClientRect().top"
    assert browser.run(top.format("h1")) <= browser.run(top.format("p")) + 8
    heights = browser.run("[...document.querySelectorAll('#find :is(input[type=search], select)')].map((each) => "
        "each.getBoundingClientRect().height)")  # fmt: skip
    assert len(set(heights)) == 1


@pytest.mark.parametrize("has_scripts", [True, False])
def test_link_to_an_association_opens_its_details(browser: Browser, site: Site, *, has_scripts: bool) -> None:
    """A link in "Needs attention" leads to the association and opens its details, also without scripts."""
    browser.resize(1280, 900)
    site.status = STATES["windows"]
    browser.call("Emulation.setScriptExecutionDisabled", value=not has_scripts)
    try:
        browser.open(f"{site.url}/")
        link = browser.run("document.querySelector('.causes a').getAttribute('href')")
        assert link.startswith("?q=name:agents-daily&target=prod#a-")
        if has_scripts:
            browser.run("document.querySelector('.causes a').click()")
        else:
            browser.open(f"{site.url}/{link}")
        is_open = browser.run("""(async () => {
            for (let attempts = 500; attempts && !document.querySelector(".more > td > details[open]"); attempts -= 1)
                await new Promise((resolve) => setTimeout(resolve, 20));
            return document.querySelectorAll(".more > td > details[open]").length;
        })()""")
        assert is_open == 1
        assert browser.run("document.querySelectorAll('#associations .line').length") == 1
    finally:
        browser.call("Emulation.setScriptExecutionDisabled", value=False)


CUT_LABELS = """[...document.querySelectorAll("#associations .line .badge")].filter((badge) => {
  const [inner, outer] = [badge, badge.closest("td")].map((each) => each.getBoundingClientRect());
  return inner.left < outer.left || inner.right > outer.right || inner.bottom > outer.bottom || inner.top < outer.top;
}).map((each) => each.textContent)"""
TALL_STRIPS = """[...document.querySelectorAll("#associations .line .strip")].filter((strip) => {
  const cell = strip.closest("td").getBoundingClientRect(), box = strip.getBoundingClientRect();
  return box.height > 30 || cell.width < box.width;
}).map((each) => each.ariaLabel)"""
TRIANGLE_OFFSETS = """[...document.querySelectorAll("#associations .line")].map((line) => {
  const [row, mark] = [line, line.nextElementSibling.querySelector("summary")]
      .map((each) => each.getBoundingClientRect());
  return Math.abs((row.top + row.bottom) / 2 - (mark.top + mark.bottom) / 2);
})"""
BROKEN_WORDS = """(() => {
  const broken = [], range = document.createRange();
  for (const element of document.querySelectorAll("#associations .line .words")) {
    for (const word of element.firstChild.data.matchAll(/[^ ]+/g)) {
      range.setStart(element.firstChild, word.index);
      range.setEnd(element.firstChild, word.index + word[0].length);
      if (range.getClientRects().length > 1) broken.push(word[0]);
    }
  }
  return broken;
})()"""
