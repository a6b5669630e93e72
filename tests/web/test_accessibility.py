"""Tests for the accessibility of the page: axe-core finds no violation, the keyboard reaches everything, and the tree.

axe-core is an npm package, which `make axe` installs.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from support import statuses
from support.browser import CHROMIUM, Browser, run_browser
from support.paths import REPOSITORY
from support.sites import Site

pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason=f"{CHROMIUM} is not there: apt-get install chromium")

AXE = REPOSITORY / "build/axe/node_modules/axe-core/axe.min.js"
STATES = {
    "nothing yet": statuses.build_status_before_first_revision(),
    "first run": statuses.build_status_during_first_run(),
    "one": statuses.build_status_with_one_association(),
    "forty": statuses.build_status_with_forty_associations(),
    "hundred targets": statuses.build_status_with_hundred_targets(),
    "thousand": statuses.build_status_of_thousand_in_order(),
    "windows": statuses.build_status_with_windows(),
    "rejected": statuses.build_status_with_rejected_revision(),
    "warnings": statuses.build_status_with_many_warnings(),
}


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Return one browser for every test of this module."""
    with run_browser(tmp_path_factory.mktemp("profile")) as browser:
        browser.resize(1280, 900)
        yield browser


@pytest.fixture(autouse=True)
def _leave_page(browser: Browser, site: Site) -> Iterator[None]:  # noqa: ARG001 - the browser leaves before the site closes
    """Leave the page after each test."""
    yield
    browser.leave()


@pytest.mark.skipif(not AXE.exists(), reason=f"{AXE} is not there: make axe")
@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (1280, "dark"), (390, "light")])
@pytest.mark.parametrize("state", STATES)
def test_axe_finds_no_violation(browser: Browser, site: Site, state: str, width: int, scheme: str) -> None:
    """axe-core finds no violation in any state, with everything unfolded, grouped by target."""
    browser.resize(width, 900)
    browser.set_preferences(color_scheme=scheme)
    site.status = STATES[state]
    browser.open(f"{site.url}/?group=target")
    browser.run("[...document.querySelectorAll('details')].slice(0, 40).forEach((each) => { each.open = true; }); 0")
    browser.run(AXE.read_text(encoding="utf-8") + "; 0")
    violations = browser.run("""axe.run(document, {resultTypes: ["violations"]}).then((result) => result.violations.map(
        (each) => [each.id, each.help, each.nodes.length, each.nodes[0].html]))""")
    assert violations == []


def test_keyboard_opens_the_details_of_an_association(browser: Browser, site: Site) -> None:
    """With the Tab and Enter keys alone, a reader comes to an association and opens its details."""
    browser.resize(1280, 900)
    site.status = statuses.build_status_with_windows()
    browser.open(f"{site.url}/?q=agents-daily")
    is_there = "document.activeElement.matches('#associations .more > td > details > summary')"
    for _ in range(60):
        browser.press_key("Tab")
        if browser.run(is_there):
            break
    assert browser.run(is_there) is True
    assert browser.run("document.activeElement.textContent.trim()") == "Details of agents-daily"
    for is_open in (False, True):  # the details of a single association are open from the start
        browser.call(
            "Input.dispatchKeyEvent", type="keyDown", key="Enter", code="Enter", windowsVirtualKeyCode=13, text="\r"
        )
        browser.call("Input.dispatchKeyEvent", type="keyUp", key="Enter", code="Enter", windowsVirtualKeyCode=13)
        assert browser.run("document.activeElement.parentElement.open") is is_open


def test_screen_reader_gets_headings_table_and_names(browser: Browser, site: Site) -> None:
    """The accessibility tree has the sections in their order, the table with its cells, and a name for each control."""
    browser.resize(1280, 900)
    site.status = statuses.build_status_with_open_differences()
    browser.open(f"{site.url}/")
    nodes = browser.call("Accessibility.getFullAXTree")["nodes"]
    names: dict[str, list[str]] = {}
    for node in nodes:
        if not node.get("ignored"):
            names.setdefault(node["role"]["value"], []).append(node.get("name", {}).get("value", ""))
    headings = browser.run("[...document.querySelectorAll('h1, h2')].map((each) => each.textContent)")
    assert headings == [
        "AppIntegrations reconciler", "Needs attention", "Targets", "Filter", "Associations",
        "Unmanaged: live associations without a manifest 2", "Runs in the last 24 hours", "Data flow",
    ]  # fmt: skip
    assert set(headings) <= set(names["heading"])
    assert [name.split()[0] for name in names["columnheader"][:6]] == [
        "Association", "State", "Since", "From", "Exports", "ARN",
    ]  # fmt: skip
    assert "Details of profiles-export" in {name.strip() for name in names["DisclosureTriangle"]}
    assert "Copy ARN of profiles-export" in names["button"]
    for role in ("link", "button", "searchbox", "combobox", "checkbox", "DisclosureTriangle", "img", "table"):
        assert all(name.strip() for name in names.get(role, [])), role
    assert json.dumps(nodes).count("arn:aws:app-integrations:us-east-1:123456789012:data-integration-association") > 0
