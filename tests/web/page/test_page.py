"""Tests for the HTML of the page: its texts, its escaping, its headers and its accessibility."""

from __future__ import annotations

import gzip
import re
from dataclasses import replace
from datetime import timedelta
from urllib.parse import quote, urlencode

import pytest
from support import recurring, reports, statuses
from support.builders import NOW, live
from support.page_parser import PageParser
from support.paths import REPOSITORY
from support.sites import Site

from reconciler.core.apply.outcome import Created
from reconciler.core.controller.controller_status import ControllerStatus, FinishedRun, TargetStatus
from reconciler.core.errors import Problem
from reconciler.core.model import Execution
from reconciler.core.plan.difference import Difference
from reconciler.core.shards import Shard
from reconciler.core.windows.declaration import Period
from reconciler.render.kinds import ReportKind
from reconciler.web import app
from reconciler.web.page import html
from reconciler.web.page.badges import BADGES, EXPORT_FAILED_BADGE
from reconciler.web.page.page import Process, build_page
from reconciler.web.page.view import View
from reconciler.web.page.warnings import count_warnings
from reconciler.web.security_headers import HEADERS

HOSTILE_TEXTS = (
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "{{ 7 * 7 }}{% raw %}",
    "javascript:alert(1)",
    "</title></svg><style>*{display:none}</style>",
    "a\u202eb\x1b[31m\r\nc",
    "&lt;b&gt;&#x27;",
    "x" * 3000,
)


def open_page(site: Site, status: ControllerStatus, **query: str | tuple[str, ...]) -> PageParser:
    """Return the parsed page of a controller status."""
    site.status = status
    response = site.get("/?" + urlencode(query, doseq=True))
    assert response.status == 200
    assert response.headers["content-type"] == "text/html; charset=utf-8"
    page = PageParser()
    page.feed(response.text)
    assert page.open_tags == []
    return page


def list_row_ids(page: PageParser) -> list[str]:
    """Return the ids of the rows of associations."""
    return [attributes["id"] for attributes in page.find_all("tr") if "id" in attributes]


@pytest.mark.parametrize(
    ("status", "texts"),
    [
        (
            statuses.build_status_before_first_revision(),
            ("yet. No poll has succeeded yet.", "git cannot be reached. No revision is active yet."),
        ),
        (
            statuses.build_status_without_manifests(),
            (
                "no manifests",
                "No associations are managed yet.",
                "No associations to show.",
                "no association is managed",
            ),
        ),
        (statuses.build_status_in_sync(), ("active since 2026-10-31 06:00Z (30 h ago)", "3 in sync", "288 runs")),
        (
            statuses.build_status_with_open_differences(),
            ("needs action", "1 drifted", "+ git", "MaxCreates is 10", "/u2", "last 24 hours"),
        ),
        (
            statuses.build_status_with_rejected_revision(),
            (
                "manifests/a.yaml:7:3",
                "/spec/DestinationURI",
                "commit 9c1b. Correct the manifests. The last valid revision stays active.",
            ),
        ),
        (
            statuses.build_status_with_failing_target(),
            ("failed", "7 failed runs in a row, last success: never", "may not make this call", "1 target failed"),
        ),
    ],
)
def test_page_describes_each_controller_state(site: Site, status: ControllerStatus, texts: tuple[str, ...]) -> None:
    """The page describes each controller state in words."""
    words = open_page(site, status).words
    for text in texts:
        assert text in words


def test_failed_export_needs_attention_though_in_sync(site: Site) -> None:
    """An association in sync with a failed export needs attention, is counted on its card, and is listed first."""
    status = statuses.build_status_in_sync()
    (target,) = status.targets
    assert target.last_report
    (target_report,) = target.last_report.targets
    *others, last = target_report.associations
    last = replace(last, name="zz", last_execution=Execution("FAILED", "no key"))
    report = replace(target.last_report, targets=(replace(target_report, associations=(*others, last)),))
    page = open_page(site, replace(status, targets=(replace(target, last_report=report),)))
    assert ("li", {"class": "card warning"}) in page.tags
    assert "prod export failed" in page.words
    assert "1 export failed" in page.words
    assert "needs action or has differences (1)" in page.words
    assert "1 export failed Correct the cause. The details say how to export the data again. AWS " in page.words
    assert "continues a schedule by itself. zz: no key" in page.words
    table = page.words[page.words.index("Associations") :]
    assert table.index("zz") < table.index("contacts-2026-10")
    assert page.find_all("path")[0] == {"class": "thread warning", "d": page.find_all("path")[0]["d"]}
    assert len(list_row_ids(open_page(site, site.status, decision="attention"))) == 1
    assert "prod in sync" in open_page(site, status).words


@pytest.mark.parametrize(
    ("count", "text"), [(1, "1 export failed"), (2, "2 exports failed"), (1000, "1,000 exports failed")]
)
def test_number_of_failed_exports_is_a_phrase(count: int, text: str) -> None:
    """The number of failed exports is a phrase, as on the card of the target and above the causes."""
    assert EXPORT_FAILED_BADGE.format_count(count) == text


def test_failed_export_of_a_retired_association_needs_no_attention(site: Site) -> None:
    """A retired association is counted on its card, and neither its export nor its target needs attention."""
    association = replace(
        reports.association("old", "retired", reason="policy.retired: replaced"),
        last_execution=Execution("FAILED", "no key"),
    )
    page = open_page(site, statuses.build_status(statuses.build_target_status(reports.report(association))))
    assert "prod in sync" in page.words
    assert "1 retired" in page.words
    assert "policy.retired: replaced" in page.words
    assert "1 export failed" not in page.words
    assert "needs action or has differences (0)" in page.words
    assert list_row_ids(open_page(site, site.status, decision="attention")) == []
    assert len(list_row_ids(open_page(site, site.status, decision="retired"))) == 1


def test_folder_source_is_shown_without_a_revision(site: Site) -> None:
    """Manifests from a folder are shown as such, without a revision."""
    status = statuses.build_status_in_sync()
    assert status.revision
    words = open_page(site, replace(status, revision=replace(status.revision, id=None))).words
    assert "6 manifests from the folder, active since 2026-10-31 06:00Z" in words


def test_stuck_run_is_shown(site: Site) -> None:
    """A stuck run is the state of its target, with the time of its last progress."""
    last_progress = NOW - timedelta(hours=1)
    target = replace(
        statuses.build_target_status(None), running_since=last_progress, last_progress=last_progress, next_run=None
    )
    words = open_page(site, statuses.build_status(target)).words
    assert "prod stuck" in words
    assert "has made no progress since 2026-11-01 11:00Z" in words


def test_stopped_scheduler_is_shown(site: Site) -> None:
    """The page warns that the scheduler has stopped, unless a shutdown was requested."""
    assert "The scheduler has stopped" not in open_page(site, statuses.build_status_in_sync()).words
    site.is_scheduler_running = False
    assert "The scheduler has stopped" in open_page(site, statuses.build_status_in_sync()).words
    site.is_stopping = True
    words = open_page(site, statuses.build_status_in_sync()).words
    assert "Shutdown requested: no new run starts." in words
    assert "The scheduler has stopped" not in words


def test_runs_before_the_start_are_shown_as_unknown(site: Site) -> None:
    """After a restart, the page does not claim that there were no runs before the restart."""
    status = statuses.build_status_in_sync()
    assert "Runs in the last 24 hours" in open_page(site, status).words
    assert "No run has finished in the last 24 hours." in open_page(site, replace(status, finished_runs=())).words
    recent_start = replace(status, started_at=NOW - timedelta(hours=2))
    assert "Runs since 2026-11-01 10:00Z" in open_page(site, recent_start).words
    assert "No run has finished since then." in open_page(site, replace(recent_start, finished_runs=())).words
    assert "last 24 hours" not in open_page(site, replace(recent_start, finished_runs=())).words
    restored = replace(recent_start, runs_since=NOW - timedelta(hours=30))
    assert "Runs in the last 24 hours" in open_page(site, restored).words


def test_page_shows_every_part_of_a_report(site: Site) -> None:
    """The page shows each kind and outcome, unmanaged, orphaned and unlisted entries, and warnings."""
    page = open_page(site, statuses.build_status_with_foreign_text("marked"))
    kinds = {kind for kind in ReportKind if f'title="{kind.meaning}"' in site.get("/").text}
    associations = [
        association for target in reports.build_full_report("marked").targets for association in target.associations
    ]
    assert len(list_row_ids(page)) == len(associations)
    assert kinds >= {"failed", "unknown", "blocked", "lost", "drifted", "changed", "update", "create", "held"}
    for text in (
        "its manifest was removed, or no longer selects this target",
        "its unmanaged associations are unknown",
        "Warnings about the manifests",
    ):
        assert text in page.words


TARGET = " (in target 'staging')"
PART_END: tuple[str, dict[str, str]] = ("wbr", {})
"""The element between the parts of a path. Its number depends on the text."""


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_texts_cannot_inject_elements(site: Site, text: str) -> None:
    """Names, reasons and ARNs cannot add elements or attributes to the page, or links that leave it."""
    page, plain_page = (
        open_page(site, statuses.build_status_with_foreign_text(text)),
        open_page(site, statuses.build_status_with_foreign_text("plain")),
    )
    elements, plain_elements = (
        [(tag, sorted(attributes)) for tag, attributes in each.tags if (tag, attributes) != PART_END]
        for each in (page, plain_page)
    )
    assert elements == plain_elements
    for link in (attributes["href"] for attributes in page.find_all("a")):
        assert link.startswith(("#", "?", "./", "api/v1/report", "metrics")), link
    assert page.text.replace("\n", "").isprintable()


@pytest.mark.parametrize("text", HOSTILE_TEXTS)
def test_query_parameters_cannot_inject_elements(site: Site, text: str) -> None:
    """Query parameters cannot add elements to the page, because anyone can write a URL."""
    page = open_page(site, statuses.build_status_with_open_differences(), q=text, decision=text, target=text)
    assert len(page.find_all("script")) == 1
    assert not page.find_all("img")
    assert "0 of 8 associations" in page.words


def test_internal_error_response_has_security_headers(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The response to an internal error has the security headers, and does not contain the error."""

    def fail(*_: object) -> None:
        raise RuntimeError("hunter2")

    monkeypatch.setattr("reconciler.web.app.build_page", fail)
    response = site.get("/")
    assert response.status == 500
    assert "hunter2" not in response.text
    assert HEADERS.items() <= {name.title(): value for name, value in response.headers.items()}.items()


@pytest.mark.parametrize("path", ["/", "/static/page.css", "/static/x", "/api/v1/report", "/healthz", "/metrics", "/x"])
def test_every_response_has_security_headers(site: Site, path: str) -> None:
    """Every response forbids content from other origins, frames, content sniffing and caching."""
    headers = site.get(path).headers
    policy = dict(part.split(" ", 1) for part in headers["content-security-policy"].split("; "))
    assert policy == {
        "default-src": "'none'", "style-src": "'self'", "script-src": "'self'", "img-src": "'self'",
        "connect-src": "'self'", "form-action": "'self'", "base-uri": "'none'", "frame-ancestors": "'none'",
    }  # fmt: skip
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cache-control"] == "no-store"


def test_page_has_no_inline_code_and_only_local_files(site: Site) -> None:
    """The page has no inline styles, scripts or handlers, which its policy would block, and only local files."""
    page = open_page(site, statuses.build_status_with_open_differences())
    assert not page.find_all("style")
    for tag, attributes in page.tags:
        assert not any(name == "style" or name.startswith("on") for name in attributes), tag
    (script,) = page.find_all("script")
    files = [script["src"], *(link["href"] for link in page.find_all("link"))]
    for file in files:
        assert re.fullmatch(r"static/[a-z.]+\?v=[0-9a-f]{16}", file)
        response = site.get(f"/{file}")
        assert response.status == 200
        assert response.headers["cache-control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize("path", ["/healthz/", "/api/v1/report/", "//evil.example/"])
def test_paths_do_not_redirect_to_other_hosts(site: Site, path: str) -> None:
    """A path with a trailing slash is not redirected, because a redirect would go to the host in the request."""
    assert site.get(path, Host="evil.example").status == 404


@pytest.mark.parametrize("name", ["..%2fapp.py", "%2e%2e/app.py", "page.html", "%00", "page.css%00"])
def test_only_static_files_are_served(site: Site, name: str) -> None:
    """Only the files in the static folder are served."""
    assert site.get(f"/static/{name}").status == 404


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ({}, "Showing 8 of 8 associations and 2 of 2 unmanaged associations"),
        ({"q": "PROFILES-export prod"}, "Showing 5 of 8 associations and 0 of 2 unmanaged associations"),
        ({"q": "calls.yaml:3"}, "Showing 1 of 8 associations and 0 of 2 unmanaged associations"),
        ({"q": "maxcreates"}, "Showing 1 of 8 associations and 0 of 2 unmanaged associations"),
        ({"q": "/u2"}, "Showing 0 of 8 associations and 1 of 2 unmanaged associations"),
        ({"decision": "drifted"}, "Showing 1 of 8 associations and 0 of 2 unmanaged associations"),
        ({"decision": "attention"}, "Showing 2 of 8 associations and 0 of 2 unmanaged associations"),
        ({"decision": "export-failed"}, "Showing 1 of 8 associations and 0 of 2 unmanaged associations"),
        ({"q": "export failed"}, "Showing 1 of 8 associations and 0 of 2 unmanaged associations"),
        ({"decision": "unmanaged"}, "Showing 0 of 8 associations and 2 of 2 unmanaged associations"),
        ({"decision": "in-sync", "target": "staging"}, "Showing 3 of 8 associations and 0 of 2 unmanaged associations"),
        ({"target": "gone"}, "Showing 0 of 8 associations and 0 of 2 unmanaged associations"),
        ({"target": ("prod", "staging")}, "Showing 8 of 8 associations and 2 of 2 unmanaged associations"),
        ({"decision": ("drifted", "unmanaged")}, "Showing 1 of 8 associations and 2 of 2 unmanaged associations"),
        ({"decision": ("in-order", "attention")}, "Showing 6 of 8 associations and 0 of 2 unmanaged associations"),
        ({"q": "name:profiles"}, "Showing 0 of 8 associations and 0 of 2 unmanaged associations"),
        ({"q": "name:"}, "Showing 0 of 8 associations and 0 of 2 unmanaged associations"),
        ({"q": "prod NAME:Profiles-Export"}, "Showing 1 of 8 associations and 0 of 2 unmanaged associations"),
    ],
)
def test_form_filters_the_associations(site: Site, query: dict[str, str | tuple[str, ...]], count: str) -> None:
    """The form filters by words, states and targets together, counts the matches, and shows the active filters."""
    page = open_page(site, statuses.build_status_with_open_differences(), **query)
    assert count in page.words
    assert len(list_row_ids(page)) == int(count.split()[1])
    fields = [
        *(each for each in page.find_all("input") if each.get("type") == "search"),
        *(each for each in page.find_all("input") if "checked" in each and "name" in each),
        *(option for option in page.find_all("option") if "selected" in option),
    ]
    chosen = [query.get(name, ()) for name in ("decision", "target")]
    chosen_values = {value for each in chosen for value in ((each,) if isinstance(each, str) else each)}
    assert {each["value"] for each in fields} == {query.get("q", ""), *chosen_values, ""}


def test_name_of_an_association_links_to_its_own_page(site: Site) -> None:
    """The link shows only this association, with its details unfolded. Another name may contain its name."""
    associations = (reports.association("export", "in-sync"), reports.association("export-2", "in-sync"))
    status = statuses.build_status(statuses.build_target_status(reports.report(*associations)))
    page = open_page(site, status)
    assert not any("open" in each for each in page.find_all("details"))
    link = next(each["href"] for each in page.find_all("a") if "name:export&" in each["href"])
    assert link == f"?q=name:export&target=prod#{list_row_ids(page)[0]}-i"
    long_name = "x" * 253
    long_report = reports.report(reports.association(long_name, "in-sync"), *associations)
    long_status = statuses.build_status(statuses.build_target_status(long_report, long_name))
    assert len(list_row_ids(open_page(site, long_status, q=f"name:{long_name}", target=long_name))) == 1
    own_page = open_page(site, status, q="name:export", target="prod")
    assert list_row_ids(own_page) == list_row_ids(page)[:1]
    assert [each["id"] for each in own_page.find_all("details") if "open" in each] == [f"{list_row_ids(page)[0]}-m"]


def test_filters_say_what_is_chosen(site: Site) -> None:
    """A closed filter says how many values are chosen, or the only one. A value that no longer occurs is shown, too."""
    status = statuses.build_status_with_open_differences()
    assert "State all" in open_page(site, status).words
    assert "Target staging" in open_page(site, status, target="staging").words
    assert "State lost (0)" in open_page(site, status, decision="lost").words
    words = open_page(site, status, decision=("drifted", "lost"), target="gone").words
    assert "State 2 chosen" in words
    assert "Target gone" in words


def test_one_of_each_is_singular(site: Site) -> None:
    """With one association and one run, the page counts them in the singular."""
    run = next(statuses.build_finished_runs())
    target = statuses.build_target_status(reports.report(reports.association()))
    words = open_page(site, statuses.build_status(target, finished_runs=(run,))).words
    assert "Showing 1 of 1 association and 0 of 0 unmanaged associations" in words
    assert "1 association between 1 data integration and its destinations" in words
    assert "Last run as a list" in words


def test_most_severe_association_comes_first(site: Site) -> None:
    """The association that needs action comes first, so that a reader sees it at once."""
    words = open_page(site, statuses.build_status_with_open_differences()).words
    table = words[words.index("Associations") :]
    assert table.index("calls") < table.index("profiles-export") < table.index("agents")


def test_badges_are_explained_in_text(site: Site) -> None:
    """The page explains each badge in a text, for readers without a pointer."""
    page = open_page(site, statuses.build_status_with_foreign_text("marked"))
    for state in BADGES:
        assert f"{state.label} {state.meaning}" in page.words


def test_unlisted_association_is_shown_as_last_seen(site: Site) -> None:
    """An association that could not be listed is shown with its last known state, ARN and execution."""
    arn = live("a1").arn
    page = open_page(site, statuses.build_status_with_failure_history())
    assert "Last seen: drifted since 2026-11-01 09:00Z" in page.words
    assert "last seen: failed: no key" in page.words
    assert arn in page.words
    assert "Copy ARN of contacts" in {each.get("aria-label") for each in page.find_all("button")}
    assert page.words.count("Last seen:") == 1
    (target, other) = site.get("/api/v1/report").json["targets"]
    assert [(each["name"], each["decision"], each["arn"]) for each in target["lastSeen"]] == [
        ("contacts", "drifted", arn)
    ]
    assert other["lastSeen"] == []


def test_stuck_source_check_is_shown(site: Site) -> None:
    """The page warns about a stuck poll, because its content may be out of date."""
    status = statuses.build_status_in_sync()
    source_status = TargetStatus("(git)", NOW, NOW - timedelta(minutes=9), None, 0, None, None)
    assert "is stuck" not in open_page(site, replace(status, source_status=source_status)).words
    stuck = replace(source_status, last_progress=NOW - timedelta(minutes=11))
    words = open_page(site, replace(status, source_status=stuck)).words
    assert "The poll of the manifests is stuck" in words
    assert "has made no progress since 2026-11-01 11:49Z" in words


def test_run_with_remaining_differences_is_not_shown_as_idle(site: Site) -> None:
    """A run with lost or blocked associations is not shown as "nothing to do". A failed run counts no differences."""
    run = FinishedRun(
        "r", "prod", NOW - timedelta(hours=1), NOW, is_success=True, write_count=0, drift_count=0, open_count=0
    )
    for finished_run, text, css_class in (
        (run, "nothing to do", "in-sync"),
        (replace(run, open_count=2), "2 associations not in sync", "drifted"),
        (replace(run, open_count=1, drift_count=1), "1 drifted, 1 association not in sync", "drifted"),
        (replace(run, is_success=False, open_count=2, drift_count=1), "failed", "failed"),
    ):
        page = open_page(site, replace(statuses.build_status_in_sync(), finished_runs=(finished_run,)))
        assert f"1 run, longest 60 min: {text}" in page.words
        assert css_class in {each.get("class") for each in page.find_all("rect")}


def test_details_element_ids_are_stable_per_target(site: Site) -> None:
    """The id of a details element depends only on the name of its target."""
    status = statuses.build_status_with_open_differences()
    ids = {each["id"] for each in open_page(site, status).find_all("details") if each.get("id", "").startswith("runs-")}
    staging_only = replace(status, finished_runs=tuple(run for run in status.finished_runs if run.target == "staging"))
    (staging_id,) = [
        each["id"]
        for each in open_page(site, staging_only).find_all("details")
        if each.get("id", "").startswith("runs-")
    ]
    assert len(ids) == 2
    prod_only = replace(status, finished_runs=tuple(run for run in status.finished_runs if run.target == "prod"))
    (prod_id,) = [
        each["id"] for each in open_page(site, prod_only).find_all("details") if each.get("id", "").startswith("runs-")
    ]
    assert ids == {staging_id, prod_id}


def test_table_has_pages_of_two_hundred_rows(site: Site) -> None:
    """The table has pages with links, and each association is on one of them. Page 99 is the last page."""
    status = statuses.build_status(statuses.build_target_status(reports.build_report_of_many(450)))
    pages = [open_page(site, status, page=str(number)) for number in (1, 2, 3)]
    assert [len(list_row_ids(page)) for page in pages] == [200, 200, 50]
    assert len({row_id for page in pages for row_id in list_row_ids(page)}) == 450
    assert "Associations 201 to 400 of 450" in pages[1].words
    assert {"?page=3#associations", "./#associations"} <= {link["href"] for link in pages[1].find_all("a")}
    for number in ("99", "9" * 99):
        assert "Showing 450 of 450 associations" in open_page(site, status, page=number).words
    assert list_row_ids(open_page(site, status, page="99")) == list_row_ids(pages[2])
    assert "The diagram shows the first 60 associations and omits 140." in pages[0].words


def list_names(page: PageParser) -> list[str]:
    """Return the names of the associations in the table, in their order."""
    start = page.words.index("ARN", page.words.index("Associations"))
    names = ("calls", "profiles-export", "contacts", "tickets-hourly", "agents")
    return sorted(names, key=lambda name: page.words.index(f"{name} prod", start))


@pytest.mark.parametrize(
    ("sort", "names"),
    [
        ("", ["calls", "profiles-export", "contacts", "tickets-hourly", "agents"]),
        ("name", ["agents", "calls", "contacts", "profiles-export", "tickets-hourly"]),
        ("-name", ["tickets-hourly", "profiles-export", "contacts", "calls", "agents"]),
        ("since", ["agents", "profiles-export", "tickets-hourly", "calls", "contacts"]),
        ("password", ["calls", "profiles-export", "contacts", "tickets-hourly", "agents"]),
    ],
)
def test_links_sort_the_table(site: Site, sort: str, names: list[str]) -> None:
    """A link in each head sorts the table, the sorted column says so, and an unknown column is ignored."""
    page = open_page(site, statuses.build_status_with_open_differences(), sort=sort, target="prod")
    assert list_names(page) == names
    orders = {each.get("aria-sort") for each in page.find_all("th")} - {None}
    assert orders == {"descending" if sort.startswith("-") else "ascending"}
    assert {"?target=prod&sort=-name#associations", "?target=prod&sort=name#associations"} & {
        link["href"] for link in page.find_all("a")
    }


def test_rows_are_grouped_by_target_or_integration(site: Site) -> None:
    """Each group has a head with its counts, and the groups are complete whatever the order is."""
    status = statuses.build_status_with_open_differences()
    page = open_page(site, status, group="target")
    assert "prod 5 associations, 2 to look at" in page.words
    assert "staging 3 associations, in order" in page.words
    assert len(list_row_ids(page)) == 8
    assert "profiles-export 8 associations, 2 to look at" in open_page(site, status, group="integration").words
    assert "to look at" not in open_page(site, status, group="x").words.partition("Needs attention")[2]


def test_trouble_comes_before_everything_else_with_its_way_out(site: Site) -> None:
    """What needs attention comes first, by kind and cause, with what to do about it."""
    page = open_page(site, statuses.build_status(statuses.build_target_status(reports.build_report_of_many(450))))
    assert (
        "Needs attention 45 blocked Do what the reason says. Nothing is written until then. "
        "export-4, export-14, export-24 and 42 more: MaxCreates is 10"
    ) in page.words
    assert page.words.index("Needs attention") < page.words.index("Targets prod") < page.words.index("1 to 200 of 450")
    calm = open_page(site, statuses.build_status_in_sync()).words
    assert "Nothing needs attention." in calm


@pytest.mark.parametrize(
    ("has_window", "count", "noun", "document"),
    [
        (True, "1 overdue", "window", "docs/how-to/repair-a-recurring-export.md"),
        (False, "1 held, exit code 1", "update", "docs/reference/guardrails.md"),
    ],
)
def test_write_that_waits_for_an_export_has_a_way_out(
    site: Site, *, has_window: bool, count: str, noun: str, document: str
) -> None:
    """If a write waits because an export may be running, the page says where to look, and names a page that exists."""
    reason = "the last export may still be running: runs wait until List shows its end"
    windows = recurring.build_windows(recurring.build_daily_record(), NOW, every=Period.DAY) if has_window else None
    held = reports.association("export", "held", exit_code=1, reason=reason, windows=windows)
    words = open_page(site, statuses.build_status(statuses.build_target_status(reports.report(held)))).words
    assert (
        f"{count} If the reason names an export that may be running, look in the AWS console whether it runs: "
        f"a run sends the {noun} after List shows its end. Otherwise do what the reason says. "
        f"Run reconcile explain NAME, and see {document}. export: {reason}"
    ) in words
    assert (REPOSITORY / document).exists()


def test_tile_says_when_its_last_run_was(site: Site) -> None:
    """A tile says how long ago its last run finished and when the next one starts, and no duration of a run."""
    status = replace(statuses.build_status_in_sync(), now=NOW + timedelta(seconds=150))
    assert "Last run 1 min ago, next run in 1 min" in open_page(site, status).words


def test_first_run_is_shown_as_under_way(site: Site) -> None:
    """Before the first run has finished, the page does not say that nothing is managed."""
    words = open_page(site, statuses.build_status_during_first_run()).words
    assert "First run under way: 1 target without a result yet." in words
    assert "First run under way: the associations appear when it has finished." in words
    assert "No associations are managed" not in words
    assert "no association is managed" not in words


def test_warnings_are_counted_by_kind(site: Site) -> None:
    """Warnings that differ only in names and numbers are one line with their number, and a reader can unfold them."""
    page = open_page(site, statuses.build_status_with_many_warnings())
    assert "Warnings about the manifests 299" in page.words
    assert "290 the manifest … at … uses the same data integration" in page.words
    assert "9 set window.delay to … or more" in page.words
    assert "and 270 more, see the JSON report" in page.words


def test_heading_of_a_kind_of_warning_keeps_its_punctuation() -> None:
    """The heading keeps colons and brackets beside what it leaves out. The target at the end makes no other kind."""
    message = "the window overlaps that of 'a' at manifests/{}.yaml:7: the data (from 2026-10-0{}) come twice{}"
    problems = [
        Problem("a.yaml", 1, 1, "/window", message.format(number, number, target))
        for number, target in ((1, ""), (2, TARGET), (3, " (in target 'prod' and 'staging')"))
    ]
    (kind,) = count_warnings(problems)
    assert (kind.count, kind.text) == (3, "the window overlaps that of … at …: the data (from …) come twice")
    (same,) = count_warnings([replace(problems[0], message=f"set delay to 30m{each}") for each in ("", TARGET)])
    assert same.text == "set delay to 30m"


def test_unmanaged_associations_have_the_command_that_exports_them(site: Site) -> None:
    """The page gives the command that writes the manifests, and the time at which a run first saw each association."""
    page = open_page(site, statuses.build_status_with_open_differences())
    assert "reconcile export --unmanaged --target prod --output-dir exported" in page.words
    assert page.words.count("completed 2 days ago") == page.words.count("completed unknown") == 1


def test_target_whose_only_news_is_a_create_is_just_done(site: Site) -> None:
    """The card agrees with the figure that counts the association as waiting or just done."""
    created = reports.association("new", "create", outcome=Created("a9"))
    report = reports.report(created, reports.association("old", "in-sync"), dry_run=False)
    words = open_page(site, statuses.build_status(statuses.build_target_status(report))).words
    assert "prod just done" in words
    assert "waiting or just done (1)" in words


@pytest.mark.parametrize(("path", "builder"), [("/", "build_page"), ("/api/v1/report", "stream_json")])
def test_unchanged_document_is_not_built_again(
    site: Site, monkeypatch: pytest.MonkeyPatch, path: str, builder: str
) -> None:
    """While nothing changes, a request costs neither a rendering nor the content for one: readers ask every 5 s."""
    build, calls = getattr(app, builder), list[str]()

    def count_call(*arguments: object) -> object:
        calls.append(builder)
        return build(*arguments)

    monkeypatch.setattr(app, builder, count_call)
    site.status = statuses.build_status_in_sync()
    tag = site.get(path).headers["etag"]
    assert [site.get(path, **{"If-None-Match": tag}).status for _ in range(3)] == [304, 304, 304]
    assert calls == [builder]


def test_many_targets_are_folded_by_severity(site: Site) -> None:
    """Of a hundred targets, those in trouble come first, and a reader unfolds most of the others."""
    page = open_page(site, statuses.build_status_with_hundred_targets())
    assert "3/100 targets failing" in page.words
    assert "76 more targets: in sync" in page.words
    assert page.words.index("account-042") < page.words.index("account-001")


def test_thousand_associations_fit_into_300_kb(site: Site) -> None:
    """The page of a thousand associations has less than 300 kB, compressed as a browser gets it, with its files."""
    total = 0
    for status in (statuses.build_status_of_thousand_associations(), statuses.build_status_of_thousand_with_windows()):
        site.status = status
        response = site.get("/", **{"Accept-Encoding": "gzip"})
        assert response.headers["content-encoding"] == "gzip"
        files = re.findall(r"static/[a-z.]+\?v=[0-9a-f]{16}", gzip.decompress(response.body).decode())
        assert len(files) == 3
        file_sizes = [len(site.get(f"/{file}", **{"Accept-Encoding": "gzip"}).body) for file in files]
        total = len(response.body) + sum(file_sizes)
        assert 10_000 < total < 300_000


def test_long_difference_is_shortened_and_counted(site: Site) -> None:
    """A difference of many lines is shortened, with a count and a link to the JSON report."""
    differences = tuple(Difference(f"/ClientAssociationMetadata/k{number}", "a", "b", "b") for number in range(300))
    association = replace(reports.build_drifted_association("calls"), differences=differences)
    page = open_page(site, statuses.build_status(statuses.build_target_status(reports.report(association))))
    assert "and 200 more lines, see the JSON report." in page.words
    assert "/ClientAssociationMetadata/k0" in page.words
    assert "/ClientAssociationMetadata/k299" not in page.words


@pytest.mark.parametrize(
    ("shard", "title", "sentence"),
    [
        (None, "AppIntegrations reconciler", "The active revision has no target."),
        (
            Shard(1, 4),
            "AppIntegrations reconciler, shard 1/4",
            "No target of the active revision belongs to this shard.",
        ),
    ],
)
def test_page_names_its_shard_which_may_have_no_targets(shard: Shard | None, title: str, sentence: str) -> None:
    """The title and the heading name the shard, and a shard without targets is nothing to look at."""
    process = Process(is_scheduler_running=True, is_stopping=False, stuck_after=timedelta(hours=1), shard=shard)
    text = "".join(html.stream_page(build_page(statuses.build_status(), View(), process)))
    assert f"<title>{title}</title>" in text
    assert f"<h1>{title}</h1>" in text
    assert sentence in text


def test_page_is_streamed_in_small_pieces() -> None:
    """The page is rendered in small pieces, even with long rows."""
    differences = tuple(Difference(f"/k{number}", "a" * 200, "b" * 200, "b" * 200) for number in range(300))
    associations = tuple(
        replace(reports.build_drifted_association(f"calls-{number}"), differences=differences) for number in range(20)
    )
    status = statuses.build_status(statuses.build_target_status(reports.report(*associations)))
    process = Process(is_scheduler_running=True, is_stopping=False, stuck_after=timedelta(hours=1))
    pieces = list(html.stream_page(build_page(status, View(), process)))
    assert sum(map(len, pieces)) > 20 * 300 * 600
    assert max(map(len, pieces)) < 500_000


@pytest.mark.parametrize("site", ["https://git.example/org/repo/blob/{revision}/{file}#L{line}"], indirect=True)
def test_manifest_is_a_link_with_a_template(site: Site) -> None:
    """With a template, a manifest is a link whose parts are percent-encoded."""
    text = 'a b"<#?{line}x'
    assert "https://git.example/org/repo/blob/plain/manifests/calls.yaml#L3" in list_links(
        site, statuses.build_status_with_open_differences()
    )
    assert f"https://git.example/org/repo/blob/{quote(text)}/{quote(text)}#L3" in list_links(
        site, statuses.build_status_with_foreign_text(text)
    )


@pytest.mark.parametrize("site", ["https://git.example/{revision}/{file}#L{line}"], indirect=True)
def test_commit_has_its_subject_author_and_link(site: Site) -> None:
    """Beside its short id, the commit has the first line of its message, its author, and a link."""
    status = statuses.build_status_in_sync()
    assert status.revision
    assert (
        "Revision 1f0c5f7a9be2 (6 manifests), active since 2026-10-31 06:00Z (30 h ago): "
        "Add the exports of October, by Jane Doe"
    ) in open_page(site, status).words
    assert f"https://git.example/org/repo/commit/{status.revision.id}" in list_links(site, status)
    assert site.get("/api/v1/report").json["revision"]["subject"] == "Add the exports of October"


def test_manifest_is_text_without_a_template(site: Site) -> None:
    """Without a template, the file and line of a manifest are shown as text."""
    assert not any("calls.yaml" in link for link in list_links(site, statuses.build_status_with_open_differences()))
    assert "manifests/calls.yaml:3" in open_page(site, statuses.build_status_with_open_differences()).words


def list_links(site: Site, status: ControllerStatus) -> set[str]:
    """Return the targets of the links on a page."""
    return {link["href"] for link in open_page(site, status).find_all("a")}


def test_page_has_headings_table_scopes_and_landmarks(site: Site) -> None:
    """The page has the structure that a screen reader needs: a language, landmarks, header scopes and labels."""
    page = open_page(site, statuses.build_status_with_open_differences())
    assert page.find_all("html") == [{"lang": "en"}]
    assert [len(page.find_all(tag)) for tag in ("main", "header", "footer", "h1", "title")][:4] == [1, 1, 1, 1]
    assert all(header["scope"] in {"col", "row", "rowgroup"} for header in page.find_all("th"))
    label_targets = {label["for"] for label in page.find_all("label") if "for" in label}
    fields = [each for each in (*page.find_all("input"), *page.find_all("select")) if each.get("type") != "hidden"]
    assert label_targets == {each["id"] for each in fields if "id" in each}
    assert len(fields) == len(page.find_all("label"))
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    for _, attributes in page.tags:
        assert set(attributes.get("aria-labelledby", ids[0]).split()) <= set(ids)
    search = [each for each in page.find_all("form") if each["role"] == "search"]
    regions = [
        *search,
        *page.find_all("section"),
        *(each for each in page.find_all("div") if each.get("role") == "region"),
    ]
    region_names = [each.get("aria-label") or each["aria-labelledby"] for each in regions]
    assert len(region_names) == len(set(region_names)) > 8
    assert {"skip"} == {link.get("class") for link in page.find_all("a")[:1]}


@pytest.mark.parametrize(
    ("count", "number", "labels"),
    [
        (1000, 1, "1 2 3 4 5 Next"),
        (1000, 5, "Previous 1 2 3 4 5"),
        (2400, 1, "1 2 3 … 12 Next"),
        (2400, 6, "Previous 1 … 4 5 6 7 8 … 12 Next"),
        (2400, 5, "Previous 1 2 3 4 5 6 7 … 12 Next"),
    ],
)
def test_every_page_has_a_link_or_a_sign(site: Site, count: int, number: int, labels: str) -> None:
    """The links to pages omit no page without a sign."""
    status = statuses.build_status(statuses.build_target_status(reports.build_report_of_many(count)))
    page = open_page(site, status, page=str(number))
    assert f" {labels} " in page.words[page.words.index("Associations") :]


def test_runs_of_the_worst_targets_are_shown(site: Site) -> None:
    """Of a hundred targets, the chart of runs shows those in trouble first, and then the others by name."""
    page = open_page(site, statuses.build_status_with_hundred_targets())
    runs = page.words[page.words.index("Runs in the last 24 hours") :]
    names = re.findall(r"account-\d+", runs)
    assert list(dict.fromkeys(names))[:6] == [
        f"account-{number}" for number in ("002", "042", "082", "055", "077", "000")
    ]


@pytest.mark.parametrize(
    "status",
    [
        statuses.build_status_with_forty_associations(),
        statuses.build_status_of_thousand_with_windows(),
        statuses.build_status_with_windows(),
        statuses.build_status_with_open_differences(),
    ],
)
def test_counts_add_up(site: Site, status: ControllerStatus) -> None:
    """The counts on a card add up to its associations, apart from those that it says are in two states.

    What is in order on the cards is in order in the summary, and a filter finds as many as its choice says.
    """
    process = Process(is_scheduler_running=True, is_stopping=False, stuck_after=timedelta(hours=1))
    page = build_page(status, View(), process)
    for card, target in ((card, each) for card in page.cards for each in status.targets if each.target == card.target):
        assert target.last_report
        counts = [each.count for each in card.counts if each.state.kind != ReportKind.UNMANAGED]
        assert sum(counts) - card.double_count == len(target.last_report.associations)
    in_order = sum(each.count for card in page.cards for each in card.counts if each.state.level == "none")
    assert f"{in_order:,} in order" in {f"{each.value} {each.label}" for each in page.figures}
    words = open_page(site, status).words
    for choice in page.menus[0].entries:
        count = choice.label.rpartition("(")[2].rstrip(")")
        if choice.value != ReportKind.UNMANAGED:
            assert f"Showing {count} of" in open_page(site, status, decision=choice.value).words
    assert ("in two states" in words) == any(card.double_count for card in page.cards)


def test_association_is_listed_once_at_its_gravest_trouble(site: Site) -> None:
    """An association with several troubles is listed once, with its other states, and with its target if needed."""
    status = statuses.build_status_with_open_differences()
    words = open_page(site, status).words
    attention = words[words.index("Needs attention") : words.index("Targets prod")]
    assert attention.count("profiles-export") == 1
    assert "profiles-export prod (also drifted): no key" in attention
    other = replace(status.targets[0], target="other")
    words = open_page(site, replace(status, targets=(*status.targets, other))).words
    assert "profiles-export prod (also drifted), profiles-export other (also drifted): no key" in words


def test_association_that_is_listed_before_is_counted(site: Site) -> None:
    """A kind of trouble says how many of its associations are listed at a graver one."""
    drifted = reports.build_drifted_association("drifted")
    both = replace(reports.build_drifted_association("both"), last_execution=Execution("FAILED", "no key"))
    status = statuses.build_status(statuses.build_target_status(reports.report(drifted, both)))
    words = open_page(site, status).words
    assert "both (also drifted): no key" in words
    assert "drifted: AWS no longer matches and 1 more, listed above" in words
    assert "1 association counts in two states" in words


def test_rejected_revision_needs_attention(site: Site) -> None:
    """A rejected revision stands in the summary and in "Needs attention", which then does not say that nothing does."""
    words = open_page(site, statuses.build_status_with_rejected_revision()).words
    assert "1 revision rejected 1 target 0 associations to look at" in words
    assert "Needs attention The latest revision was rejected Reason" in words
    assert "Nothing needs attention" not in words


def test_unmanaged_associations_need_attention_last(site: Site) -> None:
    """Unmanaged associations are the last entry that needs attention, with both ways out."""
    page = open_page(site, statuses.build_status_with_open_differences())
    way_out = "Write their manifests with the command below, or name them in Ignore of the Target. prod Targets prod"
    assert f"2 unmanaged {way_out}" in page.words
    assert "If they belong to somebody else, name them in Ignore of the Target." in page.words
    assert {"?decision=unmanaged#unmanaged", "?decision=unmanaged&target=prod#unmanaged"} <= {
        link["href"] for link in page.find_all("a")
    }


def test_red_comes_before_amber(site: Site) -> None:
    """What needs attention has the order of the table: red before amber, and overdue before what was lost."""
    status = statuses.build_status_with_forty_associations()
    process = Process(is_scheduler_running=True, is_stopping=False, stuck_after=timedelta(hours=1))
    levels = [each.level for each in build_page(status, View(), process).troubles]
    assert levels == ["error"] * 3 + ["warning"] * 3 + ["note"]
    page = open_page(site, status)
    words = page.words[page.words.index("Needs attention") :]
    table = words[words.index("Associations") :]
    assert words.index("2 overdue") < words.index("2 blocked") < words.index("2 lost")
    assert table.index("tickets-006") < table.index("tickets-001") < table.index("cases-004")


def test_unknown_associations_are_not_called_unmanaged(site: Site) -> None:
    """Before the first result, the page does not say that no association is managed: there may be a thousand."""
    words = open_page(site, statuses.build_status_before_first_revision()).words
    assert "No revision is active yet: the associations appear after the first run." in words
    failing = statuses.build_status(statuses.build_target_status(None, failures=2))
    assert "No run has read the associations yet" in open_page(site, failing).words
    assert "No associations are managed" not in words + open_page(site, failing).words


def test_failed_export_without_a_message_names_its_window(site: Site) -> None:
    """A failed export has a cause in "Needs attention", also if AWS gives no message."""
    words = open_page(site, statuses.build_status_with_windows()).words
    assert "calls-weekly: the export of 2026-" in words
    assert "failed; no reason is known" in words
    association = replace(reports.association("one-off", "in-sync"), last_execution=Execution("FAILED", None))
    status = statuses.build_status(statuses.build_target_status(reports.report(association)))
    assert "one-off: no reason is known" in open_page(site, status).words
