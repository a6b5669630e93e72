"""Tests for the pull request comment: complete while it fits, with a count of omissions, and no value is markup."""

from __future__ import annotations

import re
import sys
from collections import Counter
from dataclasses import dataclass, field, replace
from html.parser import HTMLParser

import cmarkgfm  # type: ignore[import-untyped]
import pytest
from cmarkgfm.cmark import Options  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st
from support.builders import INTEGRATION, live, record, request
from support.reports import (
    association,
    build_drifted_association,
    build_full_report,
    build_problems,
    build_report_of_many,
    build_validation_result,
    create,
    report,
    update,
)

from reconciler.core.apply.outcome import Created, Refused, Unknown
from reconciler.core.manifests.validation import ValidationResult
from reconciler.core.plan.review import PlanMismatch
from reconciler.render.formats import markdown
from reconciler.render.formats.markdown import MAX_SIZE, render, render_findings

LARGE = 500
TOKENS = (
    "`", "``", "```", "~~~", "*", "__", "<", ">", "</details>", "<script>", "<!--", "@team", "#1",
    "https://x.example", "www.x.example", "a@b.example", "![i](u)", "[l](u)", "|", "\\", "&amp;", "$", ":rocket:",
    "-", "+ ", "1. ", "===", "---", " ", "\t", "\n", "\r\n", "\u202e", "\u2028", "\u200b", "\x1b", "\ud800", "é", "😀",
    "x",
)  # fmt: skip
MARKUP = st.lists(st.sampled_from(TOKENS), min_size=1, max_size=6).map("".join)


@dataclass
class Page(HTMLParser):
    """The content of an HTML page: elements with their attributes, text outside code, and code."""

    structure: list[object] = field(default_factory=list)
    code: list[str] = field(default_factory=list)
    depth: int = 0

    def __post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Record the start of an element."""
        self.structure.append((tag, attrs))
        if tag == "code":
            self.depth += 1
            self.code.append("")

    def handle_endtag(self, tag: str) -> None:
        """Record the end of an element."""
        self.structure.append(tag)
        self.depth -= tag == "code"

    def handle_data(self, data: str) -> None:
        """Record text, with code kept separate."""
        if self.depth:
            self.code[-1] += data
        else:
            self.structure.append(data)

    def handle_comment(self, data: str) -> None:
        """Record a comment. A rendered page should contain no comments."""
        self.structure.append(("comment", data))


def render_page(markdown: str, options: int = Options.CMARK_OPT_UNSAFE) -> Page:
    """Return a comment as the Markdown library of GitHub renders it, including raw HTML."""
    page = Page()
    page.feed(cmarkgfm.github_flavored_markdown_to_html(markdown, options))
    page.close()
    return page


def count_tags(page: Page) -> Counter[str]:
    """Count the elements of a page by name."""
    return Counter(str(each[0]) for each in page.structure if isinstance(each, tuple))


def test_plan_is_rendered_exactly() -> None:
    """A planned Create is shown with its ClientToken, every member of the request, and readable times."""
    text = render(report(association("profiles"), live_count=0))
    plan = re.search(r"sha256:[0-9a-f]{64}", text)
    assert plan
    assert text.splitlines() == [
        "## Dry run: 1 to create. Nothing was written.",
        "",
        "| | |",
        "|:--|--:|",
        "| to create | 1 |",
        "",
        "- `prod 123456789012 us-east-1`: 0 of 0 live associations are managed",
        "",
        f"Plan `{plan[0]}`",
        "",
        f"To apply exactly this plan: `reconcile --expect-plan {plan[0]}`",
        "",
        "Run `plain`, revision `plain`, version `plain`.",
        "",
        "### Planned writes",
        "",
        "**to create** `profiles`: `profiles-export → s3://corp-exports/2026-10`, `manifests/profiles.yaml:3`  ",
        "`unverifiable, because AWS does not show it: /ObjectConfiguration`",
        "",
        "```diff",
        f"CreateDataIntegrationAssociation, ClientToken {record().token}",
        f'+ /DataIntegrationIdentifier                               "{INTEGRATION.arn}"',
        '+ /ObjectConfiguration/CustomerProfiles/domainName         ["my-domain"]',
        '+ /ObjectConfiguration/CustomerProfiles/objectType         ["_profile"]',
        '+ /DestinationURI                                          "s3://corp-exports/2026-10"',
        '+ /ExecutionConfiguration/ExecutionMode                    "ON_DEMAND"',
        '+ /ExecutionConfiguration/OnDemandConfiguration/StartTime  "1790812800000" (2026-10-01T00:00:00Z)',
        '+ /ExecutionConfiguration/OnDemandConfiguration/EndTime    "1793491200000" (2026-11-01T00:00:00Z)',
        "```",
    ]


def test_update_shows_its_request_and_warns_of_the_repeated_export() -> None:
    """An Update shows only ExecutionConfiguration, and warns that it repeats the export."""
    text = render(report(association("profiles", "update", write=update(), arn=live().arn)))
    assert "UpdateDataIntegrationAssociation, association a1, which STARTS an export" in text
    assert "+ /ExecutionConfiguration/ExecutionMode " in text
    assert "+ /DestinationURI" not in text


def test_held_write_is_shown_with_its_request() -> None:
    """A held write is listed with its request, because the plan digest covers it."""
    text = render(
        report(association("later", "held", write=create(), reason="the create waits, because 20 exports are running"))
    )
    assert "### Planned writes" in text
    assert "+ /DestinationURI" in text
    assert "`the create waits, because 20 exports are running`" in text


def test_entries_that_need_action_come_first() -> None:
    """Entries that need action come first, then writes, differences, adoptions and, collapsed, those without news."""
    associations = (
        association("old", "retired", reason="policy.retired: replaced"),
        association("fine", "in-sync"), build_drifted_association(), association("new"), association("taken", "adopt"),
        association("stuck", "blocked", reason="MaxCreates is 10"), association("gone", "lost"),
    )  # fmt: skip
    text = render(replace(report(*associations, unlisted=(("arn:a", "denied"),)), warnings=build_problems()))
    order = [
        "## ",
        "### Needs action",
        "**not listed**",
        "**blocked**",
        "**lost**",
        "### Planned writes",
        "**to create**",
    ]
    order += ["### Remaining differences", "**drifted**", "### Warnings", "### To adopt", "**to adopt**", "<details>"]
    positions = [
        text.index(part)
        for part in [*order, "<summary>In sync: 1", "<summary>Retired: 1", "`policy.retired: replaced`"]
    ]
    assert positions == sorted(positions)


def test_executed_calls_are_shown_with_their_outcomes() -> None:
    """Each executed call is shown and counted by its outcome."""
    text = render(
        report(
            association("a", outcome=Created("id-1")),
            association("b", outcome=Refused("quota")),
            association("c", outcome=Unknown("time-out")),
            dry_run=False,
        )
    )
    assert text.startswith("## Run: 1 failed, 1 without an answer, 1 created.\n")
    assert "the next run checks AWS, and waits before it sends the Create again" in text
    assert "--expect-plan" not in text


@pytest.mark.parametrize(
    ("differences", "expected"),
    [
        (("not reviewed: create s3://x of arn",), "not reviewed: create s3://x of arn"),
        (None, "differences unknown, because --expect-plan was given only a digest"),
    ],
)
def test_plan_mismatch_shows_both_digests_and_the_differences(
    differences: tuple[str, ...] | None, expected: str
) -> None:
    """A plan mismatch shows both digests, and the differences or that they are unknown."""
    run_report = report(association(), association("b", "adopt"), dry_run=False)
    assert "1 adopted" in render(run_report)
    run_report = replace(run_report, mismatch=PlanMismatch("sha256:abc", differences))
    text = render(run_report)
    assert "1 to adopt" in text
    assert "### Planned writes" in text
    assert "the plan differs from the reviewed plan" in text.splitlines()[0]
    assert "Nothing was written." in text.splitlines()[0]
    for part in ("reviewed sha256:abc", f"now {run_report.plan_digest}", expected):
        assert part in text


def test_data_integration_that_could_not_be_listed_is_counted() -> None:
    """The line that sums up a run names data integrations that could not be listed, because they give exit code 1."""
    assert "Dry run: 1 data integration not listed, 1 to create." in render(
        report(association(), unlisted=(("arn:a", "denied"),))
    )


def test_failed_target_is_named_with_its_error() -> None:
    """A failed target is listed with its error, even without manifests."""
    text = render(report(error="no credentials"))
    assert text.startswith("## Dry run: 1 target failed. Nothing was written.")
    assert "- **target failed** `prod 123456789012 us-east-1`: `no credentials`" in text


def test_many_targets_are_collapsed() -> None:
    """A long list of targets is collapsed, and each association names its target."""
    run_report = report(association())
    text = render(
        replace(run_report, targets=tuple(replace(run_report.targets[0], name=f"t{number}") for number in range(7)))
    )
    assert "7 targets. 7 of 7 live associations are managed." in text
    assert "<summary>Targets: 7</summary>" in text
    assert "**to create** `export` in `t3`:" in text


def test_rows_without_a_manifest_are_collapsed() -> None:
    """Unmanaged and orphaned entries are in collapsed sections."""
    text = render(report(unmanaged=(live("z"),), orphaned=(record("old"),)))
    assert "<summary>Unmanaged: 1</summary>" in text
    assert "<summary>Orphaned: 1</summary>" in text
    assert "its manifest was removed, or no longer selects this target" in text


def test_empty_plan_is_stated() -> None:
    """A report without associations says that there is nothing to do."""
    assert render(report()).startswith("## Dry run: nothing to do. Nothing was written.\n\n- `prod")
    assert "No targets." in render(replace(report(), targets=()))


@given(MARKUP, st.sampled_from([Options.CMARK_OPT_UNSAFE, Options.CMARK_OPT_DEFAULT]))
def test_values_cannot_become_markup(text: str, options: int) -> None:
    """Values cannot change the elements, the attributes or the text outside code."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(markdown, "MAX_SIZE", sys.maxsize)  # long values would otherwise be left out
        assert (
            render_page(render(build_full_report(text)), options).structure
            == render_page(render(build_full_report()), options).structure
        )
    assert (
        render_page(render_findings(build_validation_result(text)), options).structure
        == render_page(render_findings(build_validation_result()), options).structure
    )


def test_code_fence_is_longer_than_any_in_its_value() -> None:
    """The fence of a block or a code span is longer than any run of backticks in the value."""
    text = render(report(association(write=create({**request(), "DestinationURI": "a```b"}), reason="a``b")))
    assert "\n````diff\n" in text
    assert "\n```a``b```" in text
    assert render_findings(ValidationResult(problems=build_problems("")[1:])).endswith("- `(empty)`: `(empty)`\n")


@given(MARKUP)
def test_code_span_preserves_its_value(text: str) -> None:
    """A code span shows its value unchanged, with invisible characters escaped."""
    page = render_page(render_findings(ValidationResult(problems=build_problems(text))))
    expected = "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text)
    assert page.code == [f"{expected}:3:7", *[expected] * 4]


def test_values_cannot_become_links_images_or_mentions() -> None:
    """Links, images, mentions and HTML in a value stay text, because the value is in code."""
    hostile = "@team #1 https://x.example www.x.example ![i](u) [l](u) <img src=x onerror=y> </details> ``` | :rocket:"
    tags = count_tags(render_page(render(build_full_report(hostile))))
    assert set(tags) == {
        "h2", "h3", "table", "thead", "tbody", "tr", "th", "td", "ul", "li", "p", "br", "strong", "code", "pre",
        "details", "summary",
    }  # fmt: skip


def test_large_report_fits_and_counts_the_omitted_rows() -> None:
    """A large report fits into a comment, and the shown and omitted entries of each kind add up."""
    run_report = build_report_of_many(10_000)
    text = render(run_report)
    assert len(text.encode()) <= MAX_SIZE
    assert len(text.encode()) > MAX_SIZE * 9 // 10
    head, _, body = text.partition("### ")
    assert "This comment is not complete" in head
    assert f"Plan `{run_report.plan_digest}`" in head
    assert "| to create | 4,000 |" in head
    counts = {"blocked": 1000, "to create": 4000, "drifted": 2000, "in sync": 3000}
    omitted_counts = _sum_counts(r"And [0-9,]+ more: (.*)\.", body)
    entry_counts = Counter(re.findall(r"^(?:- )?\*\*(.+?)\*\*", body, re.MULTILINE))
    assert {kind: entry_counts[kind] + omitted_counts[kind] for kind in counts} == counts
    assert len(re.findall("^- `prod`: ", body, re.MULTILINE)) + omitted_counts["unmanaged"] == 500
    shortened_counts = _sum_counts(r"Shortened to fit into the comment: (.*)\.", body)
    assert shortened_counts == Counter(re.findall(r"^- \*\*(.+?)\*\*", body, re.MULTILINE))
    match = re.search(r"([0-9,]+) entries are shortened and ([0-9,]+) are omitted", head)
    assert match
    assert [_parse_number(part) for part in match.groups()] == [shortened_counts.total(), omitted_counts.total()]
    tags = count_tags(render_page(text))
    assert tags["details"] == text.count("</details>") == 2
    assert body.count("\n```diff\n") == body.count("\n```\n")


def _sum_counts(pattern: str, text: str) -> Counter[str]:
    parts = [part for line in re.findall(pattern, text) for part in re.findall(r"([0-9,]*[0-9]) ([a-z ]+)", line)]
    total = Counter[str]()
    for count, kind in parts:
        total[kind] += _parse_number(count)
    return total


def _parse_number(text: str) -> int:
    return int(text.replace(",", ""))


@pytest.mark.parametrize("text", ["x" * 10_000, "`" * 10_000, "é" * 10_000, "\U000e0001" * 10_000])
def test_overlong_value_does_not_displace_the_others(text: str) -> None:
    """An entry with an overlong value is shortened or counted as omitted, and the other entries are shown."""
    output = render(build_full_report(text))
    assert len(output.encode()) <= MAX_SIZE
    assert "This comment is not complete" in output
    run_report = report(association("small"), association("large", "held", reason=text * 10))
    output = render(run_report)
    assert "Shortened to fit into the comment: 1 held." in output
    assert "- **held** `large`, `manifests/large.yaml:3`" in output
    assert "+ /DestinationURI" in output


def test_findings_list_problems_and_warnings() -> None:
    """Problems and warnings are listed under a heading with their counts."""
    text = render_findings(build_validation_result())
    assert text.splitlines()[0] == "## 2 problems in the manifests; no manifest is used."
    assert "- `plain:3:7` `plain`: `plain`" in text
    assert render_findings(ValidationResult(3, 1)) == "## 3 manifests, 1 target: valid.\n"
    assert render_findings(ValidationResult()) == "## no manifests.\n"
    assert render_findings(ValidationResult(1, warnings=build_problems()[:1])).startswith(
        "## 1 manifest: valid, 1 warning.\n\n### Warnings"
    )


def test_omitted_findings_are_counted() -> None:
    """The first findings are shown, and those that do not fit are counted."""
    text = render_findings(ValidationResult(problems=build_problems() * 5_000))
    assert len(text.encode()) <= MAX_SIZE
    match = re.search(r"And ([0-9,]+) more: ([0-9,]+) problems\.", text)
    assert match
    assert match[1] == match[2]
    assert len(re.findall("^- ", text, re.MULTILINE)) + _parse_number(match[1]) == 10_000


def test_pending_writes_are_shown_before_the_bulk_of_blocked_rows() -> None:
    """A large number of blocked entries does not displace the planned writes, which a reviewer approves."""
    blocked = [association(f"blocked-{number}", "blocked", reason="no room " * 12) for number in range(LARGE)]
    creates = [association(f"new-{number}") for number in range(10)]
    comment = render(report(*blocked, *creates))
    assert len(comment) <= MAX_SIZE
    for number in range(10):
        assert f"**to create** `new-{number}`: " in comment
    assert "**blocked** `blocked-0`: " in comment
    assert comment.index("### Needs action") < comment.index("### Planned writes")
    assert "This comment is not complete" in comment
