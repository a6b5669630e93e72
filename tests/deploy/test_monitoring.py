"""Alerts and dashboard use existing metrics, and the alerts fire when they should."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.controller_metrics import collect_families, map_series_labels
from support.paths import DEPLOY

from reconciler.core.report.summary_names import SUMMARY_NAMES

ALERTS = DEPLOY / "monitoring" / "alerts.yaml"
DASHBOARD = DEPLOY / "monitoring" / "dashboard.json"
ALERTMANAGER = DEPLOY / "monitoring" / "alertmanager.yaml"
CASES = Path(__file__).with_name("alerts.test.yaml")
COLUMNS = 24
RESULTS = {"created", "updated", "refused", "not-sent", "unknown", "succeeded", "failed"}


def read_rules() -> list[dict[str, Any]]:
    """Return the alert rules."""
    (group,) = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"]
    rules: list[dict[str, Any]] = group["rules"]
    return rules


def read_dashboard() -> Any:
    """Return the dashboard."""
    return json.loads(DASHBOARD.read_text(encoding="utf-8"))


def list_expressions() -> Iterator[str]:
    """Yield every expression of the alerts and the dashboard."""
    yield from (rule["expr"] for rule in read_rules())
    for panel in read_dashboard()["panels"]:
        yield from (target["expr"] for target in panel["targets"])
    for variable in read_dashboard()["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["query"]["query"]


SCRAPE_LABELS = {"job", "namespace"}
"""Labels that Prometheus adds to each series of a pod, and that series elsewhere may lack."""


@pytest.mark.parametrize("expression", sorted(set(list_expressions())))
def test_expressions_use_existing_metrics_and_labels(expression: str) -> None:
    """Each expression uses metrics of the registry, with labels and label values that these have."""
    names = re.findall(r"\breconciler_\w+", expression)
    assert names
    assert set(names) <= map_series_labels().keys()
    labels = set[str]().union(*(map_series_labels()[name] for name in names))
    for name, matchers in re.findall(r"\b(reconciler_\w+)\{(.*?)\}", expression):
        for label, value in re.findall(r"(\w+)=~?\"(.*?)\"", matchers):
            assert label in map_series_labels()[name]
            assert label != "decision" or value in SUMMARY_NAMES
            assert label != "result" or value in RESULTS
    for grouping in re.findall(r"\bby \((.*?)\)", expression):
        assert set(grouping.split(", ")) <= labels | SCRAPE_LABELS


def test_every_metric_is_on_the_dashboard() -> None:
    """Every metric appears in an alert or on the dashboard."""
    metrics = set(re.findall(r"\breconciler_\w+", " ".join(list_expressions())))
    for name in collect_families():
        assert any(metric.startswith(name) for metric in metrics), name


def test_each_alert_has_a_summary_and_a_runbook() -> None:
    """Each alert has a severity, a summary, a description and a runbook, with labels that its metrics have."""
    names = [rule["alert"] for rule in read_rules()]
    assert len(set(names)) == len(names)
    for rule in read_rules():
        assert rule["labels"].keys() == {"severity"}
        assert rule["labels"]["severity"] in {"critical", "warning", "info"}
        assert rule["annotations"].keys() == {"summary", "description", "runbook"}
        metrics = re.findall(r"\breconciler_\w+", rule["expr"])
        for text in rule["annotations"].values():
            assert text.endswith(".")
            labels = set.intersection(*map(map_series_labels().__getitem__, metrics))
            assert set(re.findall(r"\$labels\.(\w+)", text)) <= labels | SCRAPE_LABELS


def test_each_alert_has_a_firing_and_a_silent_case() -> None:
    """The cases for promtool let each alert fire, and also stay silent."""
    cases = yaml.safe_load(CASES.read_text(encoding="utf-8"))["tests"]
    expectations = [expectation for case in cases for expectation in case["alert_rule_test"]]
    for rule in read_rules():
        results = {
            bool(expectation.get("exp_alerts"))
            for expectation in expectations
            if expectation["alertname"] == rule["alert"]
        }
        assert results == {True, False}, rule["alert"]


@pytest.fixture
def promtool() -> str:
    """Return the path of promtool, or skip the test."""
    path = shutil.which("promtool")
    if not path:
        pytest.skip("promtool is not installed (it comes with Prometheus)")
    return path


def test_the_rules_are_valid(promtool: str) -> None:
    """Prometheus accepts the rules."""
    result = subprocess.run([promtool, "check", "rules", ALERTS], check=False, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def test_alerts_fire_as_promtool_computes(promtool: str, tmp_path: Path) -> None:
    """The alerts fire at the expected times, with the expected texts."""
    for file in (ALERTS, CASES):
        shutil.copy(file, tmp_path)
    command: list[str | Path] = [promtool, "test", "rules", tmp_path / CASES.name]
    result = subprocess.run(command, check=False, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


def test_example_of_alertmanager_names_existing_alerts_and_receivers() -> None:
    """Each matcher of the example names existing alerts or severities, and each receiver exists and is used."""
    config = yaml.safe_load(ALERTMANAGER.read_text(encoding="utf-8"))
    (own_route,) = config["route"]["routes"]
    routes = [config["route"], own_route, *own_route["routes"]]
    assert {each["receiver"] for each in routes} == {each["name"] for each in config["receivers"]}
    inhibitions = [
        each for rule in config["inhibit_rules"] for each in rule["source_matchers"] + rule["target_matchers"]
    ]
    matchers = [*inhibitions, *(each for route in routes for each in route.get("matchers", ()))]
    values = {*(rule["alert"] for rule in read_rules()), *(rule["labels"]["severity"] for rule in read_rules())}
    for name, pattern in (re.fullmatch(r'(\w+)=~?"(.*)"', each).groups() for each in matchers):  # type: ignore[union-attr]
        assert name in {"alertname", "severity"}
        for alternative in pattern.split("|"):
            assert any(re.fullmatch(alternative, value) for value in values), alternative


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        (("alertname=ReconcilerGone", "severity=critical"), "exports-pager"),
        (("alertname=ReconcilerWindowOverdue", "severity=warning", "target=prod"), "exports-chat"),
        (("alertname=ReconcilerUnmanagedAssociation", "severity=warning"), "exports-chat-without-end"),
        (("alertname=Other", "severity=critical"), "everything-else"),
    ],
)
def test_example_of_alertmanager_routes_by_severity(labels: tuple[str, ...], receiver: str) -> None:
    """Alertmanager accepts the example, and routes critical alerts to the pager and the others to the chat."""
    amtool = shutil.which("amtool")
    if not amtool:
        pytest.skip("amtool is not installed (it comes with Alertmanager)")
    command = [amtool, "config", "routes", "test", f"--config.file={ALERTMANAGER}", f"--verify.receivers={receiver}"]
    result = subprocess.run([*command, *labels], check=False, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr


def test_dashboard_expressions_are_valid(promtool: str, tmp_path: Path) -> None:
    """Prometheus accepts the expressions of the dashboard, once Grafana's variables are replaced."""
    expressions = [target["expr"] for panel in read_dashboard()["panels"] for target in panel["targets"]]
    expressions = [expression.replace("$__rate_interval", "5m").replace("$target", ".*") for expression in expressions]
    assert not any("$" in expression for expression in expressions)
    rules = [{"record": f"panel:{number}", "expr": expression} for number, expression in enumerate(expressions)]
    file = tmp_path / "panels.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": rules}]}), encoding="utf-8")
    result = subprocess.run([promtool, "check", "rules", file], check=False, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr


def test_dashboard_is_bound_to_no_grafana_instance() -> None:
    """The dashboard has no id, and its data source is a variable, so that any Grafana can import it."""
    dashboard = read_dashboard()
    assert dashboard["schemaVersion"] >= 39
    assert dashboard["id"] is None
    assert dashboard["uid"] is None
    sources = re.findall(r'"uid": (".*?"|null)', DASHBOARD.read_text(encoding="utf-8"))
    assert set(sources) == {'"${datasource}"', "null"}
    assert "datasource" in {variable["name"] for variable in dashboard["templating"]["list"]}


def test_dashboard_panels_do_not_overlap() -> None:
    """Panels have unique ids, do not overlap, fit into the grid, and leave no gap between rows."""
    panels = read_dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    positions = [panel["gridPos"] for panel in panels]
    assert all(position["x"] + position["w"] <= COLUMNS for position in positions)
    for first, second in combinations(positions, 2):
        is_beside = first["x"] + first["w"] <= second["x"] or second["x"] + second["w"] <= first["x"]
        is_above = first["y"] + first["h"] <= second["y"] or second["y"] + second["h"] <= first["y"]
        assert is_beside or is_above
    rows = sorted({(position["y"], position["y"] + position["h"]) for position in positions})
    assert all(bottom == top for (_, bottom), (top, _) in pairwise(rows))
