"""New kinds of decisions: mypy names every place that must handle one, and every format shows it.

The test adds a decision to a copy of the package, as a contributor would.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
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
        ("        case Create() | Lost() | Finished():", "        case Create() | Lost() | Finished() | Paused():"),
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
"""Places that must handle a new decision, with the change for each."""
SCRIPT = """
from dataclasses import replace
from support import reports
from reconciler.core.plan.decision import DecisionKind
from reconciler.render.formats import FORMATS, load_format
report = reports.report(reports.association(decision=DecisionKind.PAUSED, write=None))
for name in FORMATS:
    for terminal in (False, True):
        text = load_format(name).render(report, is_terminal=terminal)
        assert "paused" in text, (name, text)
print(report.summary["paused"])
"""


@pytest.fixture
def package_copy(tmp_path: Path) -> Path:
    """Return a copy of the package with the new decision, and the cache of mypy if there is one."""
    shutil.copytree(REPOSITORY / "reconciler", tmp_path / "reconciler", ignore=shutil.ignore_patterns("__pycache__"))
    if (REPOSITORY / ".mypy_cache").is_dir():
        shutil.copytree(REPOSITORY / ".mypy_cache", tmp_path / ".mypy_cache")
    for file, old, new in NEW_DECISION:
        replace_once(tmp_path / file, old, new)
    return tmp_path


def replace_once(path: Path, old: str, new: str) -> None:
    """Replace a text that occurs exactly once in a file."""
    text = path.read_text()
    assert text.count(old) == 1, (path.name, old)
    path.write_text(text.replace(old, new))


def find_type_errors(folder: Path) -> set[str]:
    """Return the files of a copy in which mypy finds errors."""
    command = [sys.executable, "-m", "mypy", "--config-file", str(REPOSITORY / "pyproject.toml"), "reconciler"]
    process = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert process.returncode in {0, 1}, process.stdout + process.stderr
    return {line.partition(":")[0] for line in process.stdout.splitlines() if ": error:" in line}


def test_mypy_names_every_place_of_a_new_decision_and_every_format_shows_it(package_copy: Path) -> None:
    """Mypy names each place that lacks the new decision. With the changes, mypy and every format accept it."""
    assert find_type_errors(package_copy) == set(CHANGES)
    for file, changes in CHANGES.items():
        for old, new in changes:
            replace_once(package_copy / file, old, new)
    assert find_type_errors(package_copy) == set()
    environment = {"PYTHONPATH": f"{package_copy}:{REPOSITORY / 'tests'}"}
    process = subprocess.run(
        [sys.executable, "-c", SCRIPT], cwd=package_copy, env=environment, capture_output=True, text=True, check=False
    )
    assert (process.stdout, process.returncode) == ("1\n", 0), process.stderr


def test_schema_of_the_report_knows_every_decision() -> None:
    """The schema of the report lists every decision of an association, which no type checker can verify."""
    properties = schema.load_schema("report.v1.json")["$defs"]["Association"]["properties"]
    assert properties["decision"]["enum"] == list(DecisionKind)
