"""Tests for the HTML of the page: its texts, its escaping, its headers and its accessibility."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from urllib.parse import quote, urlencode

import pytest
from support import reports, statuses
from support.builders import NOW, live
from support.page_parser import PageParser
from web.conftest import Site

from reconciler.core.controller.status import ControllerStatus, FinishedRun, TargetStatus
from reconciler.core.model import Execution
from reconciler.core.plan.difference import Difference
from reconciler.render.kinds import ReportKind
from reconciler.web.page import html
from reconciler.web.page.filters import Filters
from reconciler.web.page.page import Process, build_page
from reconciler.web.page.rows import BADGES
from reconciler.web.security_headers import HEADERS

HOSTILE = (
    "<script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "{{ 7 * 7 }}{% raw %}",
    "javascript:alert(1)",
    "</title></svg><style>*{display:none}</style>",
    "a\u202eb\x1b[31m\r\nc",
    "&lt;b&gt;&#x27;",
    "x" * 3000,
)


def shown(site: Site, board: ControllerStatus, **asked: str) -> PageParser:
    """Return the parsed page of a controller status."""
    site.board = board
    answer = site.get("/?" + urlencode(asked))
    assert answer.status == 200
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    seen = PageParser()
    seen.feed(answer.text)
    assert seen.open_tags == []
    return seen


def names(seen: PageParser) -> list[str]:
    """Return the ids of the rows of associations."""
    return [attributes["id"] for attributes in seen.find_all("tr") if "id" in attributes]


@pytest.mark.parametrize(
    ("board", "said"),
    [
        (
            statuses.before_first_revision(),
            ("yet. No poll has succeeded yet.", "git cannot be reached. No revision is active yet."),
        ),
        (
            statuses.without_manifests(),
            ("no manifests", "No associations are managed yet.", "No associations to show."),
        ),
        (statuses.in_sync(), ("active since 2026-10-31 06:00Z (30 h ago)", "3 in sync", "288 runs")),
        (
            statuses.open_differences(),
            ("needs action", "1 drifted", "+ git", "MaxCreates is 10", "/u2", "last 24 hours"),
        ),
        (
            statuses.rejected_revision(),
            ("manifests/a.yaml:7:3", "/spec/DestinationURI", "The last valid revision stays active"),
        ),
        (statuses.failing_target(), ("failing", "7 runs in a row", "never", "may not make this call")),
    ],
)
def test_page_describes_each_controller_state(site: Site, board: ControllerStatus, said: tuple[str, ...]) -> None:
    """The page describes each controller state in words."""
    words = shown(site, board).words
    for each in said:
        assert each in words


def test_failed_export_needs_attention_though_in_sync(site: Site) -> None:
    """An association in sync with a failed export needs attention, is counted on its card, and is listed first."""
    plain = statuses.in_sync()
    (target,) = plain.targets
    assert target.last_report
    (target_report,) = target.last_report.targets
    *others, last = target_report.associations
    last = replace(last, name="zz", last_execution=Execution("FAILED", "no key"))
    report = replace(target.last_report, targets=(replace(target_report, associations=(*others, last)),))
    seen = shown(site, replace(plain, targets=(replace(target, last_report=report),)))
    assert ("li", {"class": "card warning"}) in seen.tags
    assert "prod export failed" in seen.words
    assert "1 export failed" in seen.words
    assert "needs attention (1)" in seen.words
    assert "export failed no key" in seen.words
    table = seen.words[seen.words.index("Associations") :]
    assert table.index("zz") < table.index("contacts-2026-10")
    assert seen.find_all("path")[0] == {"class": "thread warning", "d": seen.find_all("path")[0]["d"]}
    assert len(names(shown(site, site.board, decision="attention"))) == 1
    assert "prod in sync" in shown(site, plain).words


def test_folder_source_is_shown_without_a_revision(site: Site) -> None:
    """Manifests from a folder are shown as such, without a revision."""
    board = statuses.in_sync()
    assert board.revision
    words = shown(site, replace(board, revision=replace(board.revision, id=None))).words
    assert "The content of the folder with 6 manifests is active since 2026-10-31 06:00Z" in words


def test_stuck_run_is_shown(site: Site) -> None:
    """A stuck run is the state of its target, with the time of its last progress."""
    moved = NOW - timedelta(hours=1)
    target = replace(statuses.target_status(None), running_since=moved, last_progress=moved, next_run=None)
    words = shown(site, statuses.status(target)).words
    assert "prod stuck" in words
    assert "has made no progress since 2026-11-01 11:00Z" in words


def test_stopped_scheduler_is_shown(site: Site) -> None:
    """The page warns that the scheduler has stopped, unless a shutdown was requested."""
    assert "The scheduler has stopped" not in shown(site, statuses.in_sync()).words
    site.working = False
    assert "The scheduler has stopped" in shown(site, statuses.in_sync()).words
    site.stopping = True
    words = shown(site, statuses.in_sync()).words
    assert "Shutdown requested: no new run starts." in words
    assert "The scheduler has stopped" not in words


def test_runs_before_the_start_are_shown_as_unknown(site: Site) -> None:
    """After a restart, the page does not claim that there were no runs before the restart."""
    day = statuses.in_sync()
    assert "Runs in the last 24 hours" in shown(site, day).words
    assert "No run has finished in the last 24 hours." in shown(site, replace(day, finished_runs=())).words
    young = replace(day, started_at=NOW - timedelta(hours=2))
    assert "Runs since the controller started at 2026-11-01 10:00Z" in shown(site, young).words
    assert "No run has finished since then." in shown(site, replace(young, finished_runs=())).words
    assert "last 24 hours" not in shown(site, replace(young, finished_runs=())).words


def test_page_shows_every_part_of_a_report(site: Site) -> None:
    """The page shows each kind and outcome, unmanaged, orphaned and unlisted entries, and warnings."""
    seen = shown(site, statuses.with_foreign_text("marked"))
    kinds = {kind for kind in ReportKind if f'title="{kind.meaning}"' in site.get("/").text}
    associations = [one for target in reports.full_report("marked").targets for one in target.associations]
    assert len(names(seen)) == len(associations)
    assert kinds >= {"failed", "unknown", "blocked", "lost", "drifted", "changed", "update", "create", "held"}
    for said in ("its manifest is gone", "its unmanaged associations are unknown", "Warnings about the manifests"):
        assert said in seen.words


@pytest.mark.parametrize("text", HOSTILE)
def test_texts_cannot_inject_elements(site: Site, text: str) -> None:
    """Names, reasons and ARNs cannot add elements or attributes to the page, or links that leave it."""
    seen, plain = shown(site, statuses.with_foreign_text(text)), shown(site, statuses.with_foreign_text("plain"))
    assert [tag for tag, _ in seen.tags] == [tag for tag, _ in plain.tags]
    assert [sorted(each) for _, each in seen.tags] == [sorted(each) for _, each in plain.tags]
    for link in (attributes["href"] for attributes in seen.find_all("a")):
        assert link.startswith(("#", "?", "./", "api/v1/report", "metrics")), link
    assert seen.text.replace("\n", "").isprintable()


@pytest.mark.parametrize("text", HOSTILE)
def test_query_parameters_cannot_inject_elements(site: Site, text: str) -> None:
    """Query parameters cannot add elements to the page, because anyone can write a URL."""
    seen = shown(site, statuses.open_differences(), q=text, decision=text, target=text)
    assert len(seen.find_all("script")) == 1
    assert not seen.find_all("img")
    assert "0 of 8 associations" in seen.words


def test_internal_error_response_has_security_headers(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    """The response to an internal error has the security headers, and does not contain the error."""

    def broken(*_: object) -> None:
        raise RuntimeError("hunter2")

    monkeypatch.setattr("reconciler.web.app.build_page", broken)
    answer = site.get("/")
    assert answer.status == 500
    assert "hunter2" not in answer.text
    assert HEADERS.items() <= {name.title(): value for name, value in answer.headers.items()}.items()


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
    seen = shown(site, statuses.open_differences())
    assert not seen.find_all("style")
    for tag, attributes in seen.tags:
        assert not any(name == "style" or name.startswith("on") for name in attributes), tag
    (script,) = seen.find_all("script")
    files = [script["src"], *(link["href"] for link in seen.find_all("link"))]
    for file in files:
        assert re.fullmatch(r"static/[a-z.]+\?v=[0-9a-f]{16}", file)
        answer = site.get(f"/{file}")
        assert answer.status == 200
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"


@pytest.mark.parametrize("path", ["/healthz/", "/api/v1/report/", "//evil.example/"])
def test_paths_do_not_redirect_to_other_hosts(site: Site, path: str) -> None:
    """A path with a trailing slash is not redirected, because a redirect would go to the host in the request."""
    assert site.get(path, Host="evil.example").status == 404


@pytest.mark.parametrize("name", ["..%2fapp.py", "%2e%2e/app.py", "page.html", "%00", "page.css%00"])
def test_only_static_files_are_served(site: Site, name: str) -> None:
    """Only the files in the static folder are served."""
    assert site.get(f"/static/{name}").status == 404


@pytest.mark.parametrize(
    ("asked", "count"),
    [
        ({}, "8 of 8 associations, 2 of 2 unmanaged"),
        ({"q": "PROFILES-export prod"}, "5 of 8 associations, 0 of 2 unmanaged"),
        ({"q": "calls.yaml:3"}, "1 of 8 associations, 0 of 2 unmanaged"),
        ({"q": "maxcreates"}, "1 of 8 associations, 0 of 2 unmanaged"),
        ({"q": "/u2"}, "0 of 8 associations, 1 of 2 unmanaged"),
        ({"decision": "drifted"}, "1 of 8 associations, 0 of 2 unmanaged"),
        ({"decision": "attention"}, "2 of 8 associations, 0 of 2 unmanaged"),
        ({"decision": "export-failed"}, "1 of 8 associations, 0 of 2 unmanaged"),
        ({"q": "export failed"}, "1 of 8 associations, 0 of 2 unmanaged"),
        ({"decision": "unmanaged"}, "0 of 8 associations, 2 of 2 unmanaged"),
        ({"decision": "in-sync", "target": "staging"}, "3 of 8 associations, 0 of 2 unmanaged"),
        ({"target": "gone"}, "0 of 8 associations, 0 of 2 unmanaged"),
    ],
)
def test_form_filters_the_associations(site: Site, asked: dict[str, str], count: str) -> None:
    """The form filters by words, state and target together, counts the matches, and shows the active filter."""
    seen = shown(site, statuses.open_differences(), **asked)
    assert count in seen.words
    assert len(names(seen)) == int(count.partition(" ")[0])
    fields = [
        *(each for each in seen.find_all("input") if "name" in each),
        *(option for option in seen.find_all("option") if "selected" in option),
    ]
    assert [each["value"] for each in fields] == [asked.get(name, "") for name in ("q", "decision", "target")]


def test_gravest_association_comes_first(site: Site) -> None:
    """The association that needs action comes first, so that a reader sees it at once."""
    words = shown(site, statuses.open_differences()).words
    table = words[words.index("Associations") :]
    assert table.index("calls") < table.index("profiles-export") < table.index("agents")


def test_badges_are_explained_in_text(site: Site) -> None:
    """The page explains each badge in a text, for readers without a pointer."""
    seen = shown(site, statuses.with_foreign_text("marked"))
    for state in BADGES:
        assert f"{state.label} {state.meaning}" in seen.words


def test_unlisted_association_is_shown_as_last_seen(site: Site) -> None:
    """An association that could not be listed is shown with its last known state, ARN and execution."""
    arn = live("a1").arn
    seen = shown(site, statuses.failing_target_with_history())
    assert "Last seen: drifted since 2026-11-01 09:00Z" in seen.words
    assert "last seen: failed: no key" in seen.words
    assert arn in {each.get("data-copy") for each in seen.find_all("button")}
    assert seen.words.count("Last seen:") == 1
    (target, other) = site.get("/api/v1/report").json["targets"]
    assert [(each["name"], each["decision"], each["arn"]) for each in target["lastSeen"]] == [
        ("contacts", "drifted", arn)
    ]
    assert other["lastSeen"] == []


def test_stuck_source_check_is_shown(site: Site) -> None:
    """The page warns about a stuck poll, because its content may be out of date."""
    board = statuses.in_sync()
    looking = TargetStatus("(git)", NOW, NOW - timedelta(minutes=9), None, 0, None, None)
    assert "is stuck" not in shown(site, replace(board, source_status=looking)).words
    stuck = replace(looking, last_progress=NOW - timedelta(minutes=11))
    words = shown(site, replace(board, source_status=stuck)).words
    assert "The poll of the manifests is stuck" in words
    assert "has made no progress since 2026-11-01 11:49Z" in words


def test_run_with_remaining_differences_is_not_shown_as_idle(site: Site) -> None:
    """A run with lost or blocked associations is not shown as "nothing to do"."""
    run = FinishedRun(
        "r", "prod", NOW - timedelta(hours=1), NOW, is_success=True, write_count=0, drift_count=0, open_count=0
    )
    for past, said, shade in (
        (run, "nothing to do", "well"),
        (replace(run, open_count=2), "2 differ from git", "drifted"),
        (replace(run, open_count=1, drift_count=1), "1 drifted, 1 differs from git", "drifted"),
    ):
        seen = shown(site, replace(statuses.in_sync(), finished_runs=(past,)))
        assert f"1 run, longest 60 min: {said}" in seen.words
        assert shade in {each.get("class") for each in seen.find_all("rect")}


def test_details_element_ids_are_stable_per_target(site: Site) -> None:
    """The id of a details element depends only on the name of its target."""
    board = statuses.open_differences()
    both = {each["id"] for each in shown(site, board).find_all("details") if each.get("id", "").startswith("runs-")}
    alone = replace(board, finished_runs=tuple(run for run in board.finished_runs if run.target == "staging"))
    (id_,) = [each["id"] for each in shown(site, alone).find_all("details") if each.get("id", "").startswith("runs-")]
    assert len(both) == 2
    first = replace(board, finished_runs=tuple(run for run in board.finished_runs if run.target == "prod"))
    (other,) = [each["id"] for each in shown(site, first).find_all("details") if each.get("id", "").startswith("runs-")]
    assert both == {id_, other}


def test_omitted_rows_are_counted(site: Site) -> None:
    """The diagram and the table count the associations that they omit."""
    seen = shown(site, statuses.status(statuses.target_status(reports.many_associations(2100))))
    assert "The diagram shows the first 60 associations and omits 2040." in seen.words
    assert "and 100 more. Use the filter to see them" in seen.words
    assert len(names(seen)) == 2000


def test_long_difference_is_shortened_and_counted(site: Site) -> None:
    """A difference of many lines is shortened, with a count and a link to the JSON report."""
    differences = tuple(Difference(f"/ClientAssociationMetadata/k{number}", "a", "b", "b") for number in range(300))
    long = replace(reports.drifted_association("calls"), differences=differences)
    seen = shown(site, statuses.status(statuses.target_status(reports.report(long))))
    assert "and 200 more lines, see the JSON report." in seen.words
    assert "/ClientAssociationMetadata/k0" in seen.words
    assert "/ClientAssociationMetadata/k299" not in seen.words


def test_page_is_streamed_in_small_pieces() -> None:
    """The page is rendered in small pieces, even with long rows."""
    differences = tuple(Difference(f"/k{number}", "a" * 200, "b" * 200, "b" * 200) for number in range(300))
    long = tuple(
        replace(reports.drifted_association(f"calls-{number}"), differences=differences) for number in range(20)
    )
    board = statuses.status(statuses.target_status(reports.report(*long)))
    process = Process(is_scheduler_running=True, is_stopping=False, stuck_after=timedelta(hours=1))
    pieces = list(html.stream_page(build_page(board, Filters(), process)))
    assert sum(map(len, pieces)) > 20 * 300 * 600
    assert max(map(len, pieces)) < 500_000


@pytest.mark.parametrize("site", ["https://git.example/org/repo/blob/{revision}/{file}#L{line}"], indirect=True)
def test_manifest_is_a_link_with_a_template(site: Site) -> None:
    """With a template, a manifest is a link whose parts are percent-encoded."""
    text = 'a b"<#?{line}x'
    assert "https://git.example/org/repo/blob/plain/manifests/calls.yaml#L3" in links(site, statuses.open_differences())
    assert f"https://git.example/org/repo/blob/{quote(text)}/{quote(text)}#L3" in links(
        site, statuses.with_foreign_text(text)
    )


def test_manifest_is_text_without_a_template(site: Site) -> None:
    """Without a template, the file and line of a manifest are shown as text."""
    assert not any("calls" in link for link in links(site, statuses.open_differences()))
    assert "manifests/calls.yaml:3" in shown(site, statuses.open_differences()).words


def links(site: Site, board: ControllerStatus) -> set[str]:
    """Return the targets of the links on a page."""
    return {link["href"] for link in shown(site, board).find_all("a")}


def test_page_has_headings_table_scopes_and_landmarks(site: Site) -> None:
    """The page has the structure that a screen reader needs: a language, landmarks, header scopes and labels."""
    seen = shown(site, statuses.open_differences())
    assert seen.find_all("html") == [{"lang": "en"}]
    assert [len(seen.find_all(tag)) for tag in ("main", "header", "footer", "h1", "title")][:4] == [1, 1, 1, 1]
    assert all(header["scope"] in {"col", "row"} for header in seen.find_all("th"))
    labelled = {label["for"] for label in seen.find_all("label")}
    assert labelled == {each["id"] for each in (*seen.find_all("input"), *seen.find_all("select"))}
    ids = [attributes["id"] for _, attributes in seen.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    for _, attributes in seen.tags:
        assert attributes.get("aria-labelledby", ids[0]) in ids
    search = [each for each in seen.find_all("form") if each["role"] == "search"]
    regions = [
        *search,
        *seen.find_all("section"),
        *(each for each in seen.find_all("div") if each.get("role") == "region"),
    ]
    named = [each.get("aria-label") or each["aria-labelledby"] for each in regions]
    assert len(named) == len(set(named)) > 8
    assert {"skip"} == {link.get("class") for link in seen.find_all("a")[:1]}
