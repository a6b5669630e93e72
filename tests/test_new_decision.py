"""New kinds of decisions: mypy names every place that must handle one, and every format shows it.

The test adds a decision to a copy of the package, as a contributor would.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from support.package_copy import change_files, copy_package, find_type_errors
from support.paths import REPOSITORY

from reconciler.core.plan.decision_kind import DecisionKind
from reconciler.edge.manifests import schema

DECISION, KIND = "reconciler/core/plan/decision.py", "reconciler/core/plan/decision_kind.py"
PAUSED = """@dataclass(frozen=True, slots=True)
class Paused:
    kind: ClassVar[Literal[DecisionKind.PAUSED]] = DecisionKind.PAUSED
    manifest: Manifest
    record: Record
    reason: str


"""
NEW_DECISION = (
    (KIND, '    BLOCKED = "blocked"\n', '    BLOCKED = "blocked"\n    PAUSED = "paused"\n'),
    (DECISION, "Decision: TypeAlias", PAUSED + "Decision: TypeAlias"),
    (DECISION, "Finished | Held | Blocked\n", "Finished | Held | Blocked | Paused\n"),
)
CHANGES = {
    DECISION: (
        (
            "        case Blocked(is_past=is_past):",
            "        case Paused():\n            return 7\n        case Blocked(is_past=is_past):",
        ),
        ("| Lost() | Finished() | Blocked():", "| Lost() | Finished() | Blocked() | Paused():"),
        ("        case Create() | Lost() | Finished():", "        case Create() | Lost() | Finished() | Paused():"),
    ),
    "reconciler/core/plan/guardrails.py": (
        ("            | Blocked()\n", "            | Blocked() | Paused()\n"),
        ("    Lost,\n", "    Lost,\n    Paused,\n"),
    ),
    "reconciler/core/report/window_obstacle.py": (
        (
            "        case DecisionKind.CHANGED | DecisionKind.LOST:",
            "        case DecisionKind.CHANGED | DecisionKind.LOST | DecisionKind.PAUSED:",
        ),
    ),
    "reconciler/core/report/report.py": (
        ("                | DecisionKind.BLOCKED\n", "                | DecisionKind.BLOCKED | DecisionKind.PAUSED\n"),
    ),
    "reconciler/core/report/build.py": (
        (
            "Create() | InSync() | Retired() | Lost() | Finished():",
            "Create() | InSync() | Retired() | Lost() | Finished() | Paused():",
        ),
        ("    Lost,\n", "    Lost,\n    Paused,\n"),
    ),
    "reconciler/core/report/decision_row.py": (
        ("        case Lost():", "        case Paused():\n            yield 'paused'\n        case Lost():"),
        ("    Lost,\n", "    Lost,\n    Paused,\n"),
    ),
    "reconciler/core/notifications/conditions.py": (
        ("| DecisionKind.SETTLING:", "| DecisionKind.SETTLING | DecisionKind.PAUSED:"),
    ),
    "reconciler/render/kinds.py": (
        (
            "    HELD = (",
            '    PAUSED = ("paused", "paused", "note", "difference", "‖", "cyan", "Paused.")\n    HELD = (',
        ),
        (
            "        case DecisionKind.BLOCKED:",
            (
                "        case DecisionKind.PAUSED:\n"
                "            return ReportKind.PAUSED\n"
                "        case DecisionKind.BLOCKED:"
            ),
        ),
    ),
}
"""Files that must handle a new decision, with the changes for each."""
PLACES = {
    ("reconciler/core/notifications/conditions.py", "_find_condition_of_decision"),
    ("reconciler/core/plan/decision.py", "get_exit_code"),
    ("reconciler/core/plan/decision.py", "get_live"),
    ("reconciler/core/plan/decision.py", "get_planned_write"),
    ("reconciler/core/plan/guardrails.py", "_check_policies"),
    ("reconciler/core/report/build.py", "_get_differences"),
    ("reconciler/core/report/decision_row.py", "_describe_conditions"),
    ("reconciler/core/report/report.py", "AssociationReport"),
    ("reconciler/core/report/window_obstacle.py", "_describe_obstacle"),
    ("reconciler/render/kinds.py", "get_kind_of_decision"),
}
"""Functions and classes in these files that mypy names."""
SCRIPT = """
from dataclasses import replace
from support import reports
from support.builders import manifest, record
from reconciler.core.plan.decision import DecisionKind, Paused, get_exit_code
from reconciler.render.formats import FORMATS, load_format
report = reports.report(reports.association(decision=DecisionKind.PAUSED, write=None))
for name in FORMATS:
    for terminal in (False, True):
        text = load_format(name).render(report, is_terminal=terminal)
        assert "paused" in text, (name, text)
from reconciler.core.report.window_obstacle import find_obstacle
paused = Paused(manifest(), record(), "it is paused")
print(report.summary["paused"], get_exit_code(paused, is_dry_run=False), find_obstacle(paused))
"""


def test_mypy_names_every_place_of_a_new_decision_and_every_format_shows_it(tmp_path: Path) -> None:
    """Mypy names each place that lacks the new decision. With the changes, mypy and every format accept it.

    The decision then has the exit code that `get_exit_code` says, and the windows to come say that it prevents them.
    """
    copy_package(tmp_path, NEW_DECISION)
    assert find_type_errors(tmp_path) == PLACES
    assert {file for file, _ in PLACES} == set(CHANGES)
    change_files(tmp_path, ((file, old, new) for file, changes in CHANGES.items() for old, new in changes))
    assert find_type_errors(tmp_path) == set()
    environment = {"PYTHONPATH": f"{tmp_path}:{REPOSITORY / 'tests'}"}
    process = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert (process.stdout, process.returncode) == ("1 7 no export is sent while the association is paused\n", 0), (
        process.stderr
    )


def test_schema_of_the_report_knows_every_decision() -> None:
    """The schema of the report lists every decision of an association, which no type checker can verify."""
    properties = schema.load_schema("report.v1.json")["$defs"]["Association"]["properties"]
    assert properties["decision"]["enum"] == list(DecisionKind)
