"""The journal on disk: whole or not at all, one writer at a time, and never guessed at."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from builders import ACCOUNT, REGION, record
from fakes import FakeClock

from reconciler.core.errors import StateError, StateHeld, StateMoved
from reconciler.core.journal import Journal
from reconciler.edge.state import LocalJournal, LocalJournalWriter


def journal_in(folder: Path) -> LocalJournal:
    """Return the journal of the usual account."""
    return LocalJournal(folder, ACCOUNT, REGION)


def writer_of(folder: Path, timeout: float = 0) -> LocalJournalWriter:
    """Return a writer that waits on a clock of its own."""
    return LocalJournalWriter(journal_in(folder), timeout, FakeClock(), lambda: "new-lineage")


def write(folder: Path, text: str | bytes) -> Path:
    """Put something where the journal is."""
    path = folder / f"{ACCOUNT}-{REGION}.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_reading_makes_nothing(tmp_path: Path) -> None:
    """A dry run leaves no folder and no file behind."""
    assert journal_in(tmp_path / "none").read() == Journal(ACCOUNT, REGION, "")
    assert list(tmp_path.iterdir()) == []


def test_what_was_written_is_read(tmp_path: Path) -> None:
    """The first write gives the journal its lineage; later ones keep it."""
    empty = journal_in(tmp_path).read()
    with writer_of(tmp_path).lease() as lease:
        first = lease.swap(empty, empty.with_records(record("a")))
        second = lease.swap(first, first.with_records(record("b")))
    assert journal_in(tmp_path).read() == second
    assert (second.lineage, second.serial, set(second.records)) == ("new-lineage", 2, {"a", "b"})


def test_a_person_can_read_it(tmp_path: Path) -> None:
    """One indented JSON document, and nothing half-written beside it."""
    empty = journal_in(tmp_path).read()
    with writer_of(tmp_path).lease() as lease:
        lease.swap(empty, empty.with_records(record()))
    text = (tmp_path / f"{ACCOUNT}-{REGION}.json").read_text()
    assert json.loads(text)["records"]["export"]["status"] == "bound"
    assert text.count("\n") > 10
    assert sorted(path.suffix for path in tmp_path.iterdir()) == [".json", ".lock"]


def test_a_stale_plan_does_not_overwrite(tmp_path: Path) -> None:
    """Whoever planned on an older journal has to plan again."""
    empty = journal_in(tmp_path).read()
    with writer_of(tmp_path).lease() as lease:
        written = lease.swap(empty, empty.with_records(record()))
        with pytest.raises(StateMoved):
            lease.swap(empty, empty.with_records(record("other")))
    assert journal_in(tmp_path).read() == written


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "cannot be used"),
        ("{", "cannot be used"),
        (b"\xff\xfe", "cannot be read"),
        ('{"format": "reconciler/journal/v9"}', "reads 'reconciler/journal/v1'"),
        ('{"format": "reconciler/journal/v1"}', "is missing"),
        ("[" * 100_000, "cannot be used"),
    ],
)
def test_a_journal_that_cannot_be_used_is_left_as_it_is(tmp_path: Path, text: str | bytes, reason: str) -> None:
    """Corrupt or newer: refused for reading and for writing, and not a byte of it changes."""
    path = write(tmp_path, text)
    before = path.read_bytes()
    with pytest.raises(StateError, match=reason):
        journal_in(tmp_path).read()
    empty = Journal(ACCOUNT, REGION, "")
    with writer_of(tmp_path).lease() as lease, pytest.raises(StateError, match="left as it is"):
        lease.swap(empty, empty.with_records(record()))
    assert path.read_bytes() == before


def test_a_journal_of_another_account_is_refused(tmp_path: Path) -> None:
    """A copied file does not speak for an account it does not know."""
    other = LocalJournal(tmp_path, "999999999999", REGION)
    empty = other.read()
    with LocalJournalWriter(other, 0, FakeClock(), lambda: "l").lease() as lease:
        lease.swap(empty, empty.with_records(record()))
    other.path.rename(journal_in(tmp_path).path)
    with pytest.raises(StateError, match="of account 999999999999"):
        journal_in(tmp_path).read()


def test_a_second_writer_waits_and_then_gives_up(tmp_path: Path) -> None:
    """The lock is one process's at a time; the message names its holder."""
    waiting = FakeClock()
    second = LocalJournalWriter(journal_in(tmp_path), 30, waiting, lambda: "l")
    started = waiting.now()
    with writer_of(tmp_path).lease():  # noqa: SIM117 - one lease inside the other is the point
        with pytest.raises(StateHeld, match=f"process {os.getpid()}"), second.lease():
            pytest.fail("the lease was given twice")
    assert (waiting.now() - started).total_seconds() >= 30
    with second.lease():
        pass


HOLDER = """
import sys, time
from pathlib import Path
from reconciler.edge.state import LocalJournal, LocalJournalWriter
from reconciler.edge.system import SystemClock
journal = LocalJournal(Path(sys.argv[1]), sys.argv[2], sys.argv[3])
with LocalJournalWriter(journal, 5, SystemClock(), lambda: "l").lease():
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_dead_holders_lock_is_free(tmp_path: Path) -> None:
    """The lease of a process that was killed is there for the next one at once."""
    arguments = [sys.executable, "-c", HOLDER, str(tmp_path), ACCOUNT, REGION]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(StateHeld, match=f"process {holder.pid}"), writer_of(tmp_path).lease():
            pytest.fail("the lease was given twice")
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        with writer_of(tmp_path).lease():
            pass


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    """A file where the state folder should be: one line, and nothing was sent."""
    (tmp_path / "state").write_text("")
    with pytest.raises(StateError, match="nothing was sent"), writer_of(tmp_path / "state").lease():
        pytest.fail("there was no place for a lease")


def test_equal_serials_of_two_installations_are_told_apart(tmp_path: Path) -> None:
    """A journal that was replaced by another installation's is not overwritten."""
    empty = journal_in(tmp_path).read()
    with writer_of(tmp_path).lease() as lease:
        mine = lease.swap(empty, empty.with_records(record()))
        write(tmp_path, (tmp_path / f"{ACCOUNT}-{REGION}.json").read_text().replace("new-lineage", "another"))
        with pytest.raises(StateMoved):
            lease.swap(mine, mine.with_records(record("b")))


def test_only_the_owner_reads_it(tmp_path: Path) -> None:
    """Destinations and tokens are nobody else's business."""
    empty = journal_in(tmp_path).read()
    with writer_of(tmp_path).lease() as lease:
        lease.swap(empty, empty.with_records(record()))
    assert {stat.S_IMODE(path.stat().st_mode) for path in tmp_path.iterdir()} == {0o600}


def test_a_link_in_the_way_is_not_followed(tmp_path: Path) -> None:
    """In a shared folder nobody else decides where the journal is written."""
    empty = journal_in(tmp_path).read()
    (tmp_path / "elsewhere").write_text("untouched")
    (tmp_path / f"{ACCOUNT}-{REGION}.json.new").symlink_to(tmp_path / "elsewhere")
    with writer_of(tmp_path).lease() as lease, pytest.raises(StateError, match="cannot be written"):
        lease.swap(empty, empty.with_records(record()))
    assert (tmp_path / "elsewhere").read_text() == "untouched"


def test_a_write_that_fails_leaves_the_old_journal(tmp_path: Path) -> None:
    """Where the new document cannot be put down, the old one stays whole."""
    empty = journal_in(tmp_path).read()
    with writer_of(tmp_path).lease() as lease:
        written = lease.swap(empty, empty.with_records(record()))
        (tmp_path / f"{ACCOUNT}-{REGION}.json.new").mkdir()
        with pytest.raises(StateError, match="cannot be written"):
            lease.swap(written, written.with_records(record("b")))
    assert journal_in(tmp_path).read() == written
