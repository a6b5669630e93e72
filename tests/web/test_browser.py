"""Tests for the page in a real browser: its content security policy blocks nothing, and its scripts work."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

import pytest
from support import statuses
from support.browser import CHROMIUM, Browser, run_browser
from support.builders import live
from support.sites import Site

from reconciler.core.controller.controller_status import ControllerStatus

pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is not there: apt-get install chromium")

STATES = {
    "nothing yet": statuses.build_status_before_first_revision(),
    "nothing managed": statuses.build_status_without_manifests(),
    "in sync": statuses.build_status_in_sync(),
    "open differences": statuses.build_status_with_open_differences(),
    "windows": statuses.build_status_with_windows(),
    "rejected revision": statuses.build_status_with_rejected_revision(),
    "failing": statuses.build_status_with_failing_target(),
    "not listed": statuses.build_status_with_failure_history(),
    "foreign text": statuses.build_status_with_foreign_text(
        "</title></script><img src=x onerror=alert(1)>\u202e" + "x" * 300
    ),
}


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Return one browser for every test of this module."""
    with run_browser(tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture(autouse=True)
def _leave_page(browser: Browser, site: Site) -> Iterator[None]:  # noqa: ARG001 - the browser leaves before the site closes
    """Leave the page after each test, so that its messages do not reach the next test."""
    yield
    browser.leave()


def open_page(browser: Browser, site: Site, status: ControllerStatus, query: str = "") -> None:
    """Open the page of a controller status."""
    site.status = status
    browser.open(f"{site.url}/{query}")


def wait_for_text(browser: Browser, script: str, expected: str) -> None:
    """Wait until a script returns a text, because the page works asynchronously. Fail after twenty seconds."""
    actual = browser.run(f"""(async () => {{
        for (let attempts = 1000; attempts && {script} !== {json.dumps(expected)}; attempts -= 1)
            await new Promise((resolve) => setTimeout(resolve, 20));
        return {script};
    }})()""")
    assert actual == expected


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("state", STATES)
def test_page_fits_every_screen_in_every_state(
    browser: Browser, site: Site, state: str, width: int, scheme: str
) -> None:
    """The page fits a screen and a phone, has its style, and causes no errors in the console."""
    browser.resize(width, 900)
    browser.set_preferences(color_scheme=scheme)
    open_page(browser, site, STATES[state])
    assert browser.run("document.documentElement.scrollWidth") == width
    background = "rgb(255, 255, 255)" if scheme == "light" else "rgb(20, 23, 28)"
    assert browser.run("getComputedStyle(document.body).backgroundColor") == background
    assert browser.read_console() == []
    assert browser.run("document.title") == "AppIntegrations reconciler"
    assert browser.take_screenshot().startswith(b"\x89PNG")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_contrast_meets_wcag(browser: Browser, site: Site, scheme: str) -> None:
    """The contrast of every text is at least 4.5 to 1 (WCAG 2.2, 1.4.3), also in the diagrams."""
    browser.resize(1280, 900)
    browser.set_preferences(color_scheme=scheme)
    for status in STATES.values():
        open_page(browser, site, status)
        browser.run("document.querySelectorAll('details').forEach((each) => { each.open = true; }); say('gone'); 0")
        contrasts = browser.run(CONTRAST)
        assert {each["tag"] for each in contrasts} >= {"A", "H1", "P", "SPAN"}
        assert [each for each in contrasts if each["ratio"] < 4.5] == []
    assert "text" in {each["tag"] for each in contrasts}


def test_contrast_measurement_is_correct(browser: Browser, site: Site) -> None:
    """The measurement compares a text with its real background: a badge, a box in a diagram, or the page."""
    browser.set_preferences(color_scheme="light")
    open_page(browser, site, statuses.build_status_with_open_differences())
    browser.run("document.getElementById('drawing').open = true; 0")
    ratios = {each["text"]: round(each["ratio"], 1) for each in browser.run(CONTRAST)}
    assert (ratios["AppIntegrations reconciler"], ratios["blocked"]) == (16.6, 6.9)
    browser.run("document.querySelector('.box text').style.fill = '#ccc'; 0")
    grey_ratios = {each["text"]: each["ratio"] for each in browser.run(CONTRAST) if each["tag"] == "text"}
    assert grey_ratios["profiles-export (prod)"] < 4.5 < grey_ratios["profiles-export"]


def test_page_filters_while_typing(browser: Browser, site: Site) -> None:
    """While the reader types, the page shows and counts the matches, updates the URL and keeps the focus."""
    open_page(browser, site, statuses.build_status_with_open_differences())
    browser.run("document.getElementById('q').focus()")
    browser.call("Input.insertText", text="calls")
    wait_for_text(
        browser,
        "document.getElementById('count').textContent",
        "Showing 1 of 8 associations and 0 of 2 unmanaged associations",
    )
    assert browser.run("document.querySelectorAll('#associations tr[id]').length") == 1
    assert browser.run("location.search") == "?q=calls"
    assert browser.run("document.activeElement.id") == "q"


def test_links_to_other_views_load_no_page(browser: Browser, site: Site) -> None:
    """With scripts, a link that sorts or filters updates the page without a reload. The way back works, too."""
    open_page(browser, site, statuses.build_status_of_thousand_associations())
    browser.run("globalThis.isSamePage = true; document.querySelector('thead th a').click()")
    name = "document.querySelector('#associations .name').textContent"
    wait_for_text(browser, name, "export-0")
    assert browser.run("location.search") == "?sort=name"
    browser.run("document.querySelector('.pages li:last-child a').click()")
    wait_for_text(browser, "document.querySelector('.pages [aria-current]').textContent", "2")
    assert browser.run("document.getElementById('sort').value") == "name"
    browser.run("document.querySelector('.troubles h3 a').click()")
    wait_for_text(browser, "document.getElementById('s-decision').textContent", "blocked (100)")
    browser.run("history.back()")
    wait_for_text(browser, "(document.querySelector('.pages [aria-current]')?.textContent)", "2")
    assert browser.run("document.querySelectorAll('#find :checked[type=checkbox]').length") == 0
    assert browser.run("isSamePage") is True


def test_page_filters_without_scripts(browser: Browser, site: Site) -> None:
    """Without scripts, the filter form is submitted and the page shows the matches."""
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        open_page(browser, site, statuses.build_status_with_open_differences())
        assert browser.run("document.documentElement.className") == ""
        assert browser.run("getComputedStyle(document.querySelector('.copy')).display") == "none"
        browser.run("document.getElementById('q').value = 'calls'; document.getElementById('find').requestSubmit()")
        browser.wait("Page.loadEventFired")
        count = browser.run("document.getElementById('count').textContent")
        assert count == "Showing 1 of 8 associations and 0 of 2 unmanaged associations"
    finally:
        browser.call("Emulation.setScriptExecutionDisabled", value=False)


def test_refresh_keeps_focus_and_open_details(browser: Browser, site: Site) -> None:
    """A refresh shows the new state, and keeps the focus and the open details."""
    open_page(browser, site, statuses.build_status_with_open_differences())
    browser.run("{const it = document.querySelector('.more summary'); it.parentElement.open = true; it.focus(); 0}")
    before = browser.run("document.activeElement.parentElement.id")
    (first, *others) = site.status.targets
    assert first.last_report
    target = replace(first.last_report.targets[0], unmanaged=())
    failing_target = replace(first, last_report=replace(first.last_report, targets=(target,)), failures=9)
    later = site.status.now.replace(hour=15)
    site.status = replace(site.status, targets=(failing_target, *others), now=later)
    browser.run("show()")
    assert browser.run("document.getElementById('targets').textContent.includes('9 failed runs in a row')") is True
    assert browser.run("document.querySelector('#unmanaged table')") is None
    assert browser.run("document.getElementById('fresh').textContent") == "As of 2026-11-01 15:00Z"
    assert browser.run("document.activeElement.parentElement.id") == before
    assert browser.run("document.activeElement.parentElement.open") is True


def test_page_reports_an_unreachable_controller(browser: Browser, site: Site) -> None:
    """If the controller does not answer, the page says that it is out of date, in a status for screen readers."""
    browser.set_preferences(color_scheme="light")
    open_page(browser, site, statuses.build_status_in_sync())
    browser.run("address = () => 'http://127.0.0.1:9/'; show()")
    expected = "The controller does not answer. This page is out of date: it shows the state at 2026-11-01 12:00Z."
    wait_for_text(browser, ERROR_TEXT, expected)
    assert browser.run("getComputedStyle(document.getElementById('trouble')).color") == "rgb(161, 18, 47)"
    browser.read_console()
    browser.events.clear()


def test_page_reports_a_hanging_controller_and_retries(browser: Browser, site: Site) -> None:
    """A request without an answer times out, and the next refresh works. The test shortens the timeout."""
    open_page(browser, site, statuses.build_status_in_sync())
    browser.run("{const timeout = AbortSignal.timeout; AbortSignal.timeout = () => timeout.call(AbortSignal, 1); 0}")
    site.may_respond.clear()
    try:
        browser.run("show(); 0")
        wait_for_text(browser, f"{ERROR_TEXT}.slice(0, 30)", "The controller does not answer")
    finally:
        site.may_respond.set()
    assert browser.run("underWay") is None
    browser.run("AbortSignal.timeout = () => new AbortController().signal; show()")
    assert browser.run(ERROR_TEXT) == ""


def test_automatic_refresh_can_be_paused(browser: Browser, site: Site) -> None:
    """A reader can pause the automatic refresh (WCAG 2.2, 2.2.2). A reload keeps the pause, and it can be ended."""
    open_page(browser, site, statuses.build_status_in_sync())
    assert browser.run("refresh(); underWay !== null") is True
    browser.run("document.getElementById('by-itself').click()")
    open_page(browser, site, statuses.build_status_in_sync())
    assert browser.run("refresh(); underWay === null") is True
    assert browser.run("document.getElementById('by-itself').click(); underWay !== null") is True


def test_selected_text_pauses_the_refresh_with_a_message(browser: Browser, site: Site) -> None:
    """A refresh waits while text is selected, with a message, and continues after the selection ends."""
    open_page(browser, site, statuses.build_status_in_sync())
    browser.run("getSelection().selectAllChildren(document.querySelector('.arn')); refresh(); 0")
    assert browser.run(ERROR_TEXT) == "The page is not refreshed while text is selected."
    browser.run("getSelection().removeAllRanges(); refresh(); 0")
    wait_for_text(browser, ERROR_TEXT, "")


def test_refresh_keeps_the_scroll_position(browser: Browser, site: Site) -> None:
    """On a phone, the chart of runs starts at its newest end, and a refresh keeps the scroll positions."""
    browser.resize(390, 900)
    open_page(browser, site, statuses.build_status_with_open_differences())
    timeline = "document.querySelector('#timeline .scroll')"
    is_newest_visible = f"{timeline}.querySelector('rect:last-of-type').getBoundingClientRect().right <= innerWidth"
    assert browser.run(is_newest_visible) is True
    browser.run(f"{timeline}.scrollLeft -= 200; document.getElementById('drawn').scrollLeft = 70; 0")
    before = browser.run(f"{timeline}.scrollLeft")
    site.status = replace(site.status, finished_runs=site.status.finished_runs[1:], targets=site.status.targets[:1])
    browser.run("show()")
    assert browser.run("document.querySelectorAll('#associations tr[id]').length") == 5
    assert browser.run(f"{timeline}.scrollLeft") == before
    assert browser.run("document.getElementById('drawn').scrollLeft") == 70


@pytest.mark.parametrize("forced_colours", ["active", "none"])
def test_failed_run_has_a_mark_besides_its_colour(browser: Browser, site: Site, forced_colours: str) -> None:
    """A failed run has a mark below the line. The mark and its legend are visible with forced colours, too."""
    browser.call("Emulation.setEmulatedMedia", features=[{"name": "forced-colors", "value": forced_colours}])
    browser.resize(1280, 900)
    open_page(browser, site, statuses.build_status_with_failing_target())
    marks = "document.querySelectorAll('.day .mark')"
    assert browser.run(f"{marks}.length") == browser.run("document.querySelectorAll('.day rect.failed').length") > 0
    assert browser.run(f"{marks}[0].getBoundingClientRect().top > document.querySelector('.day line').y1.baseVal.value")
    for colour in (
        f"getComputedStyle({marks}[0]).fill",
        "getComputedStyle(document.querySelector('.key.failed'), '::before').backgroundColor",
    ):
        assert browser.run(f"{colour} !== getComputedStyle(document.documentElement).backgroundColor") is True
        if forced_colours == "active":
            assert browser.run(f"{colour} === getComputedStyle(document.body).color") is True


def test_diagrams_use_the_forced_colours(browser: Browser, site: Site) -> None:
    """The diagrams use the forced colours of the reader, which a browser does not apply to SVG images itself."""
    browser.call("Emulation.setEmulatedMedia", features=[{"name": "forced-colors", "value": "active"}])
    open_page(browser, site, statuses.build_status_with_open_differences())
    elements = "[...document.querySelectorAll('.scroll :is(text, .day rect, .box rect, line, path)')]"
    colours = f"{elements}.flatMap((each) => [getComputedStyle(each).fill, getComputedStyle(each).stroke])"
    body, link = "getComputedStyle(document.body)", "getComputedStyle(document.getElementById('clear'))"
    system_colours = f"[{body}.color, {body}.backgroundColor, {link}.color, 'none']"
    assert browser.run(f"{colours}.length") > 100
    assert browser.run(f"{colours}.filter((each) => !{system_colours}.includes(each))") == []
    browser.set_preferences()


@pytest.mark.parametrize("minutes", [0, 10, 35, 60, 90])
def test_hour_labels_are_not_clipped(browser: Browser, site: Site, minutes: int) -> None:
    """The labels of the full hours are inside the chart at any time of the day."""
    status = statuses.build_status_in_sync()
    open_page(browser, site, replace(status, now=status.now + timedelta(minutes=minutes)))
    boxes = "[...document.querySelectorAll('.day text')].map((each) => each.getBBox())"
    edges = browser.run(f"{boxes}.map((box) => [box.x, box.x + box.width])")
    assert len(edges) == 6
    assert all(0 <= left < right <= 960 for left, right in edges)


def test_paths_and_arns_break_between_words(browser: Browser, site: Site) -> None:
    """A path or an ARN begins a new line after a slash, a colon or a hyphen. On a wide screen, an ARN takes one line.

    A search in the page finds a path that takes two lines.
    """
    browser.resize(1200, 900)
    open_page(browser, site, statuses.build_status_with_windows())
    browser.run("document.querySelectorAll('details').forEach((each) => { each.open = true; }); 0")
    assert browser.run(SPLIT_WORDS) == []
    heights = browser.run("[...document.querySelectorAll('dd code')].map((each) => each.offsetHeight)")
    assert len(heights) == 5
    assert max(heights) < 30
    assert browser.run("window.find('manifests/agents-daily.yaml')")


def test_running_and_left_out_have_different_colours(browser: Browser, site: Site) -> None:
    """A window that was left out is not shown like one that runs, in both colour schemes."""
    for scheme in ("light", "dark"):
        browser.set_preferences(color_scheme=scheme)
        open_page(browser, site, statuses.build_status_with_windows())
        for member in ("color", "backgroundColor"):
            colours = [
                browser.run(f"getComputedStyle(document.querySelector('.windows .{level}')).{member}")
                for level in ("note", "omitted", "none", "warning", "error")
            ]
            assert len(set(colours)) == len(colours)


def test_phone_folds_old_done_windows(browser: Browser, site: Site) -> None:
    """On a phone, one cell stands for the old done windows. A wide screen shows each of them."""
    open_page(browser, site, statuses.build_status_with_windows(), "?q=agents-daily")
    browser.run("document.querySelector('#associations details').open = true; 0")
    shown = """[...document.querySelectorAll(".windows li")].filter((each) => each.checkVisibility())
        .map((each) => each.querySelector("strong").textContent)"""
    browser.resize(1200, 900)
    assert browser.run(shown) == [*["✓ done"] * 9, *["! overdue"] * 4]
    browser.resize(390, 844)
    assert browser.run(shown) == ["✓ 7 done", *["✓ done"] * 2, *["! overdue"] * 4]


def test_phone_layout_keeps_every_table_cell(browser: Browser, site: Site) -> None:
    """The phone layout hides no cell, because a screen reader would read the next cell under the wrong header."""
    browser.resize(390, 900)
    open_page(browser, site, statuses.build_status_with_open_differences())
    hidden_count = (
        "[...document.querySelectorAll('tbody :is(th, td)')].filter((each) => !each.checkVisibility()).length"
    )
    assert browser.run(hidden_count) == 0


def test_filter_choices_are_refreshed(browser: Browser, site: Site) -> None:
    """A refresh updates the choices of the filters and keeps the selection, but waits while a filter has the focus."""
    open_page(browser, site, statuses.build_status_in_sync(), "?decision=in-sync")
    target_count = "document.querySelectorAll('#target label').length"
    assert browser.run(target_count) == 1
    site.status = statuses.build_status_with_open_differences()
    browser.run("document.getElementById('group').focus(); show()")
    assert browser.run(target_count) == 1
    browser.run("document.getElementById('group').blur(); show()")
    assert browser.run(target_count) == 2
    chosen = "[...document.querySelectorAll('#decision :checked')].map((each) => each.parentElement.textContent.trim())"
    assert browser.run(chosen) == ["in sync (4)"]


def test_several_values_of_a_filter_are_chosen(browser: Browser, site: Site) -> None:
    """Each chosen value changes the page, its address and what the closed filter says. The way back works, too."""
    open_page(browser, site, statuses.build_status_with_open_differences())
    browser.run("document.querySelector('#m-decision summary').click()")
    for number, value in enumerate(("drifted", "blocked"), 1):
        browser.run(f"document.querySelector('#decision [value={value}]').click()")
        wait_for_text(browser, "`${document.querySelectorAll('#associations tr[id]').length}`", str(number))
    assert browser.run("location.search") == "?decision=blocked&decision=drifted"
    assert browser.run("document.getElementById('s-decision').textContent") == "2 chosen"
    assert browser.run("document.getElementById('m-decision').open") is True
    browser.run("document.querySelector('#associations .name').click()")
    wait_for_text(browser, "document.getElementById('s-decision').textContent", "all")
    assert browser.run("document.getElementById('m-decision').open") is False
    browser.run("history.back()")
    wait_for_text(browser, "document.getElementById('s-decision').textContent", "2 chosen")
    assert browser.run("document.querySelectorAll('#decision :checked').length") == 2


def test_a_refresh_does_not_disturb_an_open_filter(browser: Browser, site: Site) -> None:
    """Two quick choices both count, and the list keeps its position, also in a browser that gives no focus."""
    open_page(browser, site, statuses.build_status_with_hundred_targets())
    browser.run("document.querySelector('#m-target summary').click()")
    browser.run("document.getElementById('target').scrollTop = 900")
    for number in (42, 43):
        browser.run(f"document.querySelector('#target [value=account-0{number}]').click()")
        browser.run("show()")
    wait_for_text(browser, "document.getElementById('s-target').textContent", "2 chosen")
    assert browser.run("location.search") == "?target=account-042&target=account-043"
    assert browser.run("document.getElementById('target').scrollTop") == 900


def test_details_of_a_single_association_stay_as_the_reader_leaves_them(browser: Browser, site: Site) -> None:
    """The server opens them. A refresh does not open them again, and they are not open in the list of all."""
    status = statuses.build_status_with_open_differences()
    open_page(browser, site, status)
    is_open = "`${document.querySelectorAll('#associations .more > td > details[open]').length}`"
    browser.run("document.querySelectorAll('#associations .name')[3].click()")
    wait_for_text(browser, is_open, "1")
    browser.run("document.querySelector('#associations .more details').open = false")
    site.status = replace(status, revision=None)
    browser.run("show()")
    wait_for_text(browser, "`${document.getElementById('head').innerText.includes('No revision')}`", "true")
    assert browser.run(is_open) == "0"
    browser.run("history.back()")
    wait_for_text(browser, "`${document.querySelectorAll('#associations .name').length}`", "8")
    assert browser.run(is_open) == "0"


def test_an_open_filter_is_closed_by_the_keyboard_and_by_a_click_elsewhere(browser: Browser, site: Site) -> None:
    """Escape closes an open filter and gives the focus back to it. A click beside it closes it, too."""
    open_page(browser, site, statuses.build_status_with_open_differences())
    browser.run("document.querySelector('#m-target summary').click()")
    browser.run("document.querySelector('#target input').focus()")
    browser.press_key("Escape")
    assert browser.run("document.getElementById('m-target').open") is False
    assert browser.run("document.activeElement === document.querySelector('#m-target summary')") is True
    browser.run("document.querySelector('#m-target summary').click()")
    browser.run("document.getElementById('count').click()")
    assert browser.run("document.getElementById('m-target').open") is False
    browser.run("document.querySelector('#m-target summary').click()")
    browser.run("document.querySelector('#target input').focus(); document.getElementById('group').focus()")
    assert browser.run("document.getElementById('m-target').open") is False


def test_copying_without_a_clipboard_leaves_no_selection(browser: Browser, site: Site) -> None:
    """Copying over plain HTTP works without the clipboard and leaves no selection, which would pause the refresh."""
    open_page(browser, site, statuses.build_status_in_sync())
    browser.run("Object.defineProperty(navigator, 'clipboard', {value: undefined}); 0")
    browser.run("document.querySelector('.copy').click()")
    wait_for_text(browser, "document.querySelector('.copy').textContent", "Copied")
    assert browser.run("getSelection().isCollapsed") is True


def test_copy_button_copies_the_arn(browser: Browser, site: Site) -> None:
    """The button copies the ARN and confirms this in its label."""
    origin = site.url
    browser.call(
        "Browser.grantPermissions", origin=origin, permissions=["clipboardReadWrite", "clipboardSanitizedWrite"]
    )
    open_page(browser, site, statuses.build_status_in_sync())
    browser.run("document.querySelector('.copy').click()")
    wait_for_text(browser, "document.querySelector('.copy').textContent", "Copied")
    assert browser.run("document.querySelector('.copy').ariaLabel") == "Copied ARN of contacts-2026-10"
    assert browser.run("navigator.clipboard.readText()") == live("contacts-2026-10").arn


def test_first_tab_stop_is_the_skip_link(browser: Browser, site: Site) -> None:
    """The first tab stop is the skip link, and every tab stop has a visible outline."""
    open_page(browser, site, statuses.build_status_with_open_differences())
    browser.press_key("Tab")
    assert browser.run("document.activeElement.className") == "skip"
    assert browser.run("document.activeElement.getBoundingClientRect().left >= 0") is True
    link = browser.run("getComputedStyle(document.getElementById('clear')).color")
    stops = set()
    for _ in range(40):
        browser.press_key("Tab")
        style = "(({outlineStyle, outlineWidth, outlineColor}) => [outlineStyle, outlineWidth, outlineColor])"
        assert browser.run(f"{style}(getComputedStyle(document.activeElement))") == ["solid", "3px", link]
        stops.add(browser.run("document.activeElement.tagName"))
    assert stops >= {"A", "BUTTON", "INPUT", "SELECT", "SUMMARY"}


def test_page_shows_a_thousand_associations(browser: Browser, site: Site) -> None:
    """The page shows a thousand associations in pages of two hundred."""
    open_page(browser, site, statuses.build_status_of_thousand_associations())
    assert browser.run("document.querySelectorAll('#associations tr[id]').length") == 200
    assert browser.read_console() == []


ERROR_TEXT = "document.querySelector('[role=status].error').textContent"
SPLIT_WORDS = """(() => {
  const split = [], range = document.createRange();
  for (const element of document.querySelectorAll("#associations dd")) {
    const texts = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
      for (const word of texts.currentNode.data.matchAll(/[^-/: ]+/g)) {
        range.setStart(texts.currentNode, word.index);
        range.setEnd(texts.currentNode, word.index + word[0].length);
        if (range.getClientRects().length > 1) split.push(word[0]);
      }
    }
  }
  return split;
})()"""
CONTRAST = """(() => {
  const light = (c) => c.map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const parts = (colour) => colour.match(/[0-9.]+/g).map(Number);
  const background = (element) => {
    const box = element.closest(".box")?.querySelector("rect");
    if (box) return parts(getComputedStyle(box).fill);
    for (let at = element; at; at = at.parentElement) {
      const colour = parts(getComputedStyle(at).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour.slice(0, 3);
    }
  };
  const contrasts = [];
  for (const element of document.querySelectorAll("body *:not(title):not(option)")) {
    const hasText = [...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
    if (!hasText || !element.checkVisibility()) continue;
    const style = getComputedStyle(element), isSvgText = element.tagName === "text";
    const [a, b] = [light(parts(isSvgText ? style.fill : style.color)), light(background(element))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    contrasts.push({ tag: element.tagName, text: element.textContent.trim(), ratio });
  }
  return contrasts;
})()"""
