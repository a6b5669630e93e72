"""The reference of metrics, alerts, log events and webhooks is complete."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import pytest
import yaml
from support.controller_metrics import collect_families, list_labels
from support.paths import DEPLOY, REPOSITORY

from reconciler.core.report.summary_names import SUMMARY_NAMES
from reconciler.edge import logs
from reconciler.web.webhook_senders import SENDERS

DOCS = REPOSITORY / "docs"


def read_rows(page: str, heading: str) -> list[tuple[str, ...]]:
    """Return the rows of the first table below a heading of a page, without its header."""
    text = (DOCS / page).read_text(encoding="utf-8")
    section = re.search(rf"^## {heading}$(.*?)(?=^## |\Z)", text, re.DOTALL | re.MULTILINE)
    assert section
    lines = [line for line in section[1].splitlines() if line.startswith("|")]
    return [tuple(cell.strip() for cell in line.split("|")[1:-1]) for line in lines[2:]]


def list_events() -> dict[str, str]:
    """Return the log events by the names of their constants."""
    constants = vars(logs.events).items()
    return {name: value for name, value in constants if re.fullmatch(r"[A-Z][A-Z_]+", name) and isinstance(value, str)}


def find_levels() -> Iterator[tuple[str, str]]:
    """Yield each event with a level at which the code logs it."""
    for path in (REPOSITORY / "reconciler").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
                first = node.args[0]
                name = first.attr if isinstance(first, ast.Attribute) else getattr(first, "id", "")
                if node.func.attr in {"info", "warning", "error"} and name in list_events():
                    yield list_events()[name], node.func.attr


def test_metrics_table_matches_the_registry() -> None:
    """The table lists name, type, labels and description of every metric, and no other metric."""
    table = {
        name.strip("`"): (type_, set(re.findall(r"`(\w+)`", labels)), description)
        for name, type_, labels, description in read_rows("reference/metrics.md", "Metrics")
    }
    assert table == {
        name: (family.type, set(list_labels(name)), family.documentation) for name, family in collect_families().items()
    }


def test_events_table_lists_every_log_event() -> None:
    """The table lists every log event, and no other event."""
    names = [event.strip("`") for event, *_ in read_rows("reference/log-events.md", "Events")]
    assert len(set(names)) == len(names)
    assert set(names) == set(list_events().values())


def test_event_levels_match_the_code() -> None:
    """The table has the level at which the code logs an event, for calls that name the event directly."""
    table = {event.strip("`"): level for event, level, _ in read_rows("reference/log-events.md", "Events")}
    levels = set(find_levels())
    assert len(levels) > len(table) / 2
    for event, level in levels:
        assert table[event] == level, event


def test_failure_table_names_existing_events() -> None:
    """The failure table names existing log events, and one failure has none."""
    rows = read_rows("troubleshooting.md", "The controller")
    events = [set(re.findall(r"`([a-z ]+)`", symptom)) for _, symptom, *_ in rows]
    assert set.union(*events) <= set(list_events().values())
    assert sum(not names for names in events) == 1


def test_alerts_table_matches_the_rules() -> None:
    """The table lists every alert, in the order of the file."""
    groups = yaml.safe_load((DEPLOY / "monitoring" / "alerts.yaml").read_text(encoding="utf-8"))["groups"]
    assert [row[0].strip("`") for row in read_rows("reference/metrics.md", "Alerts")] == [
        rule["alert"] for each in groups for rule in each["rules"]
    ]


@pytest.mark.parametrize("name", SUMMARY_NAMES)
def test_each_decision_count_is_documented(name: str) -> None:
    """The page names every value of the label `decision`."""
    assert f"`{name}`" in (DOCS / "reference" / "metrics.md").read_text(encoding="utf-8")


def test_image_build_command_sets_every_label_argument() -> None:
    """The build command on the page sets every argument without a default."""
    arguments = re.findall(r"^ARG (\w+)=$", (REPOSITORY / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    page = (DOCS / "how-to" / "run-in-a-container.md").read_text(encoding="utf-8")
    (command,) = re.findall(r"^docker build (.+?)[^\\]$", page, re.DOTALL | re.MULTILINE)
    assert arguments
    assert sorted(re.findall(r"--build-arg (\w+)=", command)) == sorted(arguments)


def test_each_webhook_sender_is_documented() -> None:
    """The page lists the URL of every webhook sender."""
    urls = [row[1] for row in read_rows("reference/http-api.md", "Webhooks")]
    assert urls == [f"`/hooks/{sender}`" for sender in SENDERS]
