"""What the types forbid: a dry run cannot be given, or make, anything that writes."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
SOURCE = """
from reconciler.core.ports import CloudReader, CloudWriter, JournalReader, JournalWriter, Lease
from reconciler.edge.aws import Reader, Writer
from reconciler.edge.state import LocalJournal, LocalJournalWriter
from reconciler.run import Run, preview
def check(run: Run, aws: Reader, writer: Writer, file: LocalJournal, file_writer: LocalJournalWriter) -> None:
    preview(run, aws, file)
    preview(run, writer, file)
    preview(run, aws, file_writer)
    cloud: CloudReader = aws
    cloud.create({}, "")
    journal: JournalReader = file
    journal.lease()
"""
COMPLAINTS = {
    8: 'incompatible type "Writer"; expected "CloudReader"',
    9: 'incompatible type "LocalJournalWriter"; expected "JournalReader"',
    11: '"CloudReader" has no attribute "create"',
    13: '"JournalReader" has no attribute "lease"',
}


def test_a_dry_run_holds_nothing_that_can_write(tmp_path: Path) -> None:
    """Mypy rejects preview with a writer, and every way from its arguments to a Create or to the lease."""
    source = tmp_path / "dry_run.py"
    source.write_text(SOURCE)
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--no-error-summary", str(source)],
        cwd=REPOSITORY, capture_output=True, text=True, check=False,
    )  # fmt: skip
    said = {int(line.split(":")[1]): line for line in done.stdout.splitlines() if ": error:" in line}
    assert said.keys() == COMPLAINTS.keys(), done.stdout + done.stderr
    for line, complaint in COMPLAINTS.items():
        assert complaint in said[line]


def test_run_reads_like_one_page() -> None:
    """The orchestrator stays under 100 lines: what makes it grow belongs elsewhere."""
    assert len((REPOSITORY / "reconciler" / "run.py").read_text().splitlines()) < 100
