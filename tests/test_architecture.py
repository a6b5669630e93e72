"""Architecture: the types keep a dry run from writing, and the orchestrator stays small."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from support.paths import REPOSITORY

SOURCE = """
from reconciler.core.journal.records import Journal
from reconciler.core.ports import CloudReader, JournalReader
from reconciler.edge.aws import Reader, Writer
from reconciler.edge.state.reader import StoredJournalReader
from reconciler.edge.state.writer import StoredJournalWriter
from reconciler.core.run_context import Run
from reconciler.run import preview
def check(run: Run, aws: Reader, w: Writer, stored: StoredJournalReader, out: StoredJournalWriter, j: Journal) -> None:
    preview(run, aws, stored)
    preview(run, w, stored)
    preview(run, aws, out)
    cloud: CloudReader = aws
    cloud.create({}, "")
    journal: JournalReader = stored
    journal.lease(j, j)
    journal.swap(j, j)
    stored._store.put("", None)
"""
EXPECTED_ERRORS = {
    11: 'incompatible type "Writer"; expected "CloudReader"',
    12: 'incompatible type "StoredJournalWriter"; expected "JournalReader"',
    14: '"CloudReader" has no attribute "create"',
    16: '"JournalReader" has no attribute "lease"',
    17: '"JournalReader" has no attribute "swap"',
    18: '"ReadableStore" has no attribute "put"',
}


def test_dry_run_types_forbid_writing(tmp_path: Path) -> None:
    """Mypy rejects a dry run with a writer, and every path from its arguments to a Create or a lease."""
    source = tmp_path / "dry_run.py"
    source.write_text(SOURCE)
    process = subprocess.run(
        [sys.executable, "-m", "mypy", "--no-error-summary", str(source)],
        cwd=REPOSITORY, capture_output=True, text=True, check=False,
    )  # fmt: skip
    errors = {int(line.split(":")[1]): line for line in process.stdout.splitlines() if ": error:" in line}
    assert errors.keys() == EXPECTED_ERRORS.keys(), process.stdout + process.stderr
    for line, expected in EXPECTED_ERRORS.items():
        assert expected in errors[line]


def test_run_module_stays_under_100_lines() -> None:
    """The orchestrator `run.py` stays under 100 lines."""
    assert len((REPOSITORY / "reconciler" / "run.py").read_text().splitlines()) < 100
