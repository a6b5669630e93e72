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
from deploy.conftest import DEPLOY
from deploy.measured import families, series

from reconciler.core.report.report import SUMMARY_NAMES

ALERTS = DEPLOY / "monitoring" / "alerts.yaml"
DASHBOARD = DEPLOY / "monitoring" / "dashboard.json"
CASES = Path(__file__).with_name("alerts.test.yaml")
COLUMNS = 24
RESULTS = {"created", "updated", "refused", "not-sent", "unknown", "succeeded", "failed"}


def rules() -> list[dict[str, Any]]:
    """Return the alert rules."""
    (group,) = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


def dashboard() -> Any:
    """Return the dashboard."""
    return json.loads(DASHBOARD.read_text(encoding="utf-8"))


def expressions() -> Iterator[str]:
    """Yield every expression of the alerts and the dashboard."""
    yield from (rule["expr"] for rule in rules())
    for panel in dashboard()["panels"]:
        yield from (target["expr"] for target in panel["targets"])
    for variable in dashboard()["templating"]["list"]:
        if variable["type"] == "query":
            yield variable["query"]["query"]


@pytest.mark.parametrize("expression", sorted(set(expressions())))
def test_expressions_use_existing_metrics_and_labels(expression: str) -> None:
    """Each expression uses metrics of the registry, with labels and label values that these have."""
    names = re.findall(r"\breconciler_\w+", expression)
    assert names
    assert set(names) <= series().keys()
    known = set[str]().union(*(series()[name] for name in names))
    for name, matchers in re.findall(r"\b(reconciler_\w+)\{(.*?)\}", expression):
        for label, value in re.findall(r"(\w+)=~?\"(.*?)\"", matchers):
            assert label in series()[name]
            assert label != "decision" or value in SUMMARY_NAMES
            assert label != "result" or value in RESULTS
    for grouped in re.findall(r"\bby \((.*?)\)", expression):
        assert set(grouped.split(", ")) <= known


def test_every_metric_is_on_the_dashboard() -> None:
    """Every metric appears in an alert or on the dashboard."""
    shown = set(re.findall(r"\breconciler_\w+", " ".join(expressions())))
    for name in families():
        assert any(each.startswith(name) for each in shown), name


def test_each_alert_has_a_summary_and_a_runbook() -> None:
    """Each alert has a severity, a summary, a description and a runbook, with labels that its metrics have."""
    names = [rule["alert"] for rule in rules()]
    assert len(set(names)) == len(names)
    for rule in rules():
        assert rule["labels"].keys() == {"severity"}
        assert rule["labels"]["severity"] in {"critical", "warning", "info"}
        assert rule["annotations"].keys() == {"summary", "description", "runbook"}
        metrics = re.findall(r"\breconciler_\w+", rule["expr"])
        for text in rule["annotations"].values():
            assert text.endswith(".")
            assert set(re.findall(r"\$labels\.(\w+)", text)) <= set.intersection(*map(series().__getitem__, metrics))


def test_each_alert_has_a_firing_and_a_silent_case() -> None:
    """The cases for promtool let each alert fire, and also stay silent."""
    cases = yaml.safe_load(CASES.read_text(encoding="utf-8"))["tests"]
    tried = [each for case in cases for each in case["alert_rule_test"]]
    for rule in rules():
        fires = {bool(each.get("exp_alerts")) for each in tried if each["alertname"] == rule["alert"]}
        assert fires == {True, False}, rule["alert"]


@pytest.fixture
def promtool() -> str:
    """Return the path of promtool, or skip the test."""
    found = shutil.which("promtool")
    if not found:
        pytest.skip("promtool is not installed (it comes with Prometheus)")
    return found


def test_the_rules_are_valid(promtool: str) -> None:
    """Prometheus accepts the rules."""
    done = subprocess.run([promtool, "check", "rules", ALERTS], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_alerts_fire_as_promtool_computes(promtool: str, tmp_path: Path) -> None:
    """The alerts fire at the expected times, with the expected texts."""
    for file in (ALERTS, CASES):
        shutil.copy(file, tmp_path)
    command: list[str | Path] = [promtool, "test", "rules", tmp_path / CASES.name]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_dashboard_expressions_are_valid(promtool: str, tmp_path: Path) -> None:
    """Prometheus accepts the expressions of the dashboard, once Grafana's variables are replaced."""
    asked = [target["expr"] for panel in dashboard()["panels"] for target in panel["targets"]]
    asked = [each.replace("$__rate_interval", "5m").replace("$target", ".*") for each in asked]
    assert not any("$" in each for each in asked)
    recorded = [{"record": f"panel:{number}", "expr": each} for number, each in enumerate(asked)]
    file = tmp_path / "panels.yaml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "panels", "rules": recorded}]}), encoding="utf-8")
    done = subprocess.run([promtool, "check", "rules", file], check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_dashboard_is_bound_to_no_grafana_instance() -> None:
    """The dashboard has no id, and its data source is a variable, so that any Grafana can import it."""
    found = dashboard()
    assert found["schemaVersion"] >= 39
    assert found["id"] is None
    assert found["uid"] is None
    sources = re.findall(r'"uid": (".*?"|null)', DASHBOARD.read_text(encoding="utf-8"))
    assert set(sources) == {'"${datasource}"', "null"}
    assert "datasource" in {variable["name"] for variable in found["templating"]["list"]}


def test_dashboard_panels_do_not_overlap() -> None:
    """Panels have unique ids, do not overlap, fit into the grid, and leave no gap between rows."""
    panels = dashboard()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    places = [panel["gridPos"] for panel in panels]
    assert all(place["x"] + place["w"] <= COLUMNS for place in places)
    for one, other in combinations(places, 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        above = one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"]
        assert beside or above
    rows = sorted({(place["y"], place["y"] + place["h"]) for place in places})
    assert all(bottom == top for (_, bottom), (top, _) in pairwise(rows))
