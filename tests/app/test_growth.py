"""What a controller reports grows with its targets and their warnings, and not faster."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest
from support import reports, statuses
from support.builders import NOW
from support.fakes import FakeClock

from reconciler.app.assemble import RunListener, Runner
from reconciler.app.collection import GarbageCollection
from reconciler.app.controller import build_run_target
from reconciler.app.create_bounds import RevisionBounds
from reconciler.app.stop_signal import StopSignal
from reconciler.core.controller.controller_status import ActiveRun, ControllerStatus, Revision
from reconciler.core.errors import Problem
from reconciler.core.manifests.plain_documents import API_VERSION
from reconciler.core.model import Desired
from reconciler.core.plan.create_bound import CreateBound
from reconciler.core.report.report import Report, TargetReport
from reconciler.edge.manifests.files import File
from reconciler.edge.manifests.load import load_manifests
from reconciler.web.api import stream_json
from reconciler.web.page.page import Process, build_page
from reconciler.web.page.view import View

PROCESS = Process(is_scheduler_running=True, is_stopping=False, stuck_after=timedelta(hours=1))
UNSELECTED = "no Target is selected, and nothing is created"


def build_document(kind: str, name: str, **members: Any) -> File:
    """Return the file of a document."""
    document = {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name}, **members}
    return File(f"{kind}-{name}.json", json.dumps(document).encode())


def build_manifest(name: str, **selection: Any) -> File:
    """Return the file of a manifest with one warning: an ON_DEMAND export without a window."""
    spec = {
        "DataIntegrationIdentifier": name,
        "DestinationURI": f"s3://corp-exports/{name}",
        "ExecutionConfiguration": {"ExecutionMode": "ON_DEMAND"},
    }
    return build_document("DataIntegrationAssociation", name, **selection, spec=spec)


def list_targets(count: int) -> Iterable[File]:
    """Yield the files of Targets."""
    for number in range(count):
        yield build_document("Target", f"t{number:02}", spec={"AccountId": f"{number:012}", "Region": "us-east-1"})


def load(target_count: int, warning_count: int) -> Desired:
    """Return a revision with some warnings about each target, and one about no target."""
    manifests = [
        build_manifest(f"e{number:02}-{each:02}", target=f"t{number:02}")
        for number in range(target_count)
        for each in range(warning_count)
    ]
    unselected = build_manifest("unselected", targets=["other-*"])
    return load_manifests([*list_targets(target_count), *manifests, unselected], NOW)


class FakeRunner(Runner):
    """A runner whose report has the warnings of the desired state, and no associations."""

    def __init__(self) -> None:
        pass

    def run(
        self, desired: Desired, run: str, revision: str | None, listener: RunListener, bound: CreateBound | None = None
    ) -> Report:
        """Return a report of the targets."""
        del run, revision, listener, bound
        targets = tuple(TargetReport(each.name, None, None) for each in desired.targets)
        return Report(reports.run(dry_run=False), targets, desired.all_warnings)


def run_all(desired: Desired) -> ControllerStatus:
    """Run each target of a revision as the controller does, and return the status."""
    run_target = build_run_target(
        FakeRunner(), StopSignal(), RevisionBounds(10), GarbageCollection(FakeClock().monotonic)
    )
    targets = (
        statuses.build_target_status(run_target(ActiveRun("1", each.name, None), desired, lambda: None), each.name)
        for each in desired.targets
    )
    revision = Revision(None, NOW, desired.manifest_count, warnings=desired.general_warnings)
    return ControllerStatus(NOW, NOW, NOW, revision, None, tuple(targets), ())


def render_json(desired: Desired) -> str:
    """Return the report of the controller after a run of each target."""
    return "".join(stream_json(run_all(desired), PROCESS))


def list_messages(problems: Iterable[Any]) -> list[str]:
    """Return the texts of problems in JSON."""
    return [f"{each['file']} {each['message']}" for each in problems]


def test_bytes_of_the_report_grow_with_the_warnings() -> None:
    """With twenty warnings about each target, 40 targets need at most 4.2 times as many bytes as 10."""
    few, many = (len(render_json(load(count, 20)).encode()) for count in (10, 40))
    assert few > 10 * 20 * 100
    assert many <= 4.2 * few


def test_a_report_has_the_warnings_of_its_target_alone() -> None:
    """The report of a target has the warnings about that target. One about no target stands once, at the revision."""
    document = json.loads(render_json(load(3, 2)))
    for target in document["targets"]:
        warnings = list_messages(target["report"]["warnings"])
        prefix = f"DataIntegrationAssociation-{target['target'].replace('t', 'e')}-"
        assert len(warnings) == 2
        assert all(each.startswith(prefix) for each in warnings)
    (general,) = list_messages(document["revision"]["warnings"])
    assert UNSELECTED in general


def test_the_page_shows_each_warning_once() -> None:
    """The page counts the warnings of all targets and of the revision once, also one about several targets."""
    desired = load(3, 2)
    page = build_page(run_all(desired), View(), PROCESS)
    assert page.warning_count == len(desired.warnings) == 3 * 2 + 1
    shared = load_manifests([*list_targets(3), build_manifest("shared", targets=["*"])], NOW)
    assert [each.all_warnings for each in map(shared.select_target, ("t00", "t01", "t02"))] == [shared.warnings] * 3
    assert build_page(run_all(shared), View(), PROCESS).warning_count == 1


@pytest.mark.parametrize("target_count", [1, 3])
def test_warning_about_a_revision_without_manifests_stands_once(target_count: int) -> None:
    """A revision without manifests has one warning, which no report of a target repeats."""
    document = json.loads(render_json(load_manifests(list_targets(target_count), NOW)))
    assert [each["report"]["warnings"] for each in document["targets"]] == [[]] * target_count
    assert len(document["revision"]["warnings"]) == 1


def test_warnings_about_a_target_are_in_its_report() -> None:
    """The warnings about a Target itself are those of its report, and not of the revision."""
    spec = {"AccountId": "123456789012", "Region": "eu-north-1"}
    desired = load_manifests(
        [build_document("Target", "north", spec=spec), *list_targets(1), build_manifest("one", target="t00")], NOW
    )
    (warning,) = desired.select_target("north").all_warnings
    assert isinstance(warning, Problem)
    assert "eu-north-1" in warning.message
    assert desired.general_warnings == ()
