"""One run at a time writes the journal, even with killed processes, wrong clocks and lost answers of the store."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from support.builders import ACCOUNT, REGION, record
from support.fakes import FakeClock, FakeStore

from reconciler.core.errors import LeaseHeld, StateConflict, StateError, StateWriteUnknown, VersionConflict
from reconciler.core.journal.codec import add_digest, encode
from reconciler.core.journal.records import LEASE_DURATION, Journal, LastDecision, Lease
from reconciler.core.ports import LeasedJournal
from reconciler.edge.state.file import FileStore
from reconciler.edge.state.reader import StoredJournalReader
from reconciler.edge.state.store import Store, StoredText
from reconciler.edge.state.writer import JournalAuthor, StoredJournalWriter

EMPTY = Journal(ACCOUNT, REGION, "")


class FakeRun:
    """A run in its own process, with its reader and writer of the journal."""

    def __init__(
        self, store: Store, clock: FakeClock, run: str = "run-1", host: str = "h1", timeout: float = 0
    ) -> None:
        self.reader = StoredJournalReader(store, ACCOUNT, REGION)
        author = JournalAuthor(run, f"process {run} on {host}", host, "abc123")
        self.writer = StoredJournalWriter(
            store, self.reader, author, clock, clock, timeout=timeout, new_lineage=lambda: f"lineage of {run}"
        )

    def lease(self, new: Journal) -> AbstractContextManager[LeasedJournal]:
        """Read the journal, and acquire its lease while writing a new one."""
        return self.writer.lease(self.reader.read(), new)

    def add_records(self, *names: str) -> None:
        """Add records with one swap."""
        journal = self.reader.read()
        self.writer.swap(journal, journal.with_records(*map(record, names)))


class LosingStore(FakeStore):
    """A store that loses its next answers, either before or after it writes the text."""

    def __init__(self, *, should_lose_before_write: bool) -> None:
        super().__init__()
        self.should_lose_before_write, self.losses_left = should_lose_before_write, 0

    def put(self, text: str, version: str | None) -> str:
        """Write the text or skip the write, and raise StateWriteUnknown."""
        if self.losses_left:
            self.losses_left -= 1
            if not self.should_lose_before_write:
                super().put(text, version)
            raise StateWriteUnknown("time-out")
        return super().put(text, version)


class StoreBehindProxy(FakeStore):
    """A store behind a proxy that changes its versions."""

    def load(self) -> StoredText | None:
        """Return the stored text, if there is one, with a changed version."""
        stored_text = super().load()
        return stored_text and StoredText(stored_text.text, f"{stored_text.version}-gzip")

    def put(self, text: str, version: str | None) -> str:
        """Write the text if the version is the unchanged one. Raises VersionConflict."""
        try:
            return super().put(text, version)
        except StateConflict as error:
            raise VersionConflict(str(error), "the proxy changes it: use none") from error


def test_version_mismatch_without_another_writer_is_not_a_conflict() -> None:
    """If the version differs but the text is unchanged, the error says what the store knows, and is no conflict."""
    store = StoreBehindProxy()
    FakeRun(store, FakeClock()).add_records("first")
    with pytest.raises(StateError, match="no other process changed it, but the proxy changes it: use none") as error:
        FakeRun(store, FakeClock(), "run-2").add_records("second")
    assert not isinstance(error.value, StateConflict)


def build_addition(name: str) -> Callable[[Journal], Journal]:
    """Return a change that adds a record."""
    return lambda journal: journal.with_records(record(name))


def test_written_journal_is_read_back_with_its_writer() -> None:
    """The first write sets the lineage, and each write raises the serial and records its run."""
    store, clock = FakeStore(), FakeClock()
    FakeRun(store, clock).add_records("a")
    FakeRun(store, clock, "run-2").add_records("b")
    journal = FakeRun(store, clock).reader.read()
    assert (journal.lineage, journal.serial, set(journal.records)) == ("lineage of run-1", 2, {"a", "b"})
    assert journal.last_write is not None
    assert (journal.last_write.run, journal.last_write.revision, journal.lease) == ("run-2", "abc123", None)


def test_a_stale_plan_does_not_overwrite() -> None:
    """A write based on an older journal is a conflict, and the newer journal stays."""
    store, clock = FakeStore(), FakeClock()
    first = FakeRun(store, clock)
    journal = first.reader.read()
    FakeRun(store, clock, "run-2").add_records("b")
    with pytest.raises(StateConflict):
        first.writer.swap(journal, journal.with_records(record("a")))
    with pytest.raises(StateConflict), first.writer.lease(journal, journal.with_records(record("a"))):
        pytest.fail("the lease was given on an old journal")
    assert set(first.reader.read().records) == {"b"}


def test_lease_belongs_to_one_run_at_a_time() -> None:
    """A second run waits for its lock timeout, and its error names the holder and the remedy."""
    store, clock = FakeStore(), FakeClock()
    with FakeRun(store, clock).lease(EMPTY.with_records(record("a"))) as lease:
        stored_lease = lease.journal.lease
        assert stored_lease is not None
        assert (stored_lease.number, stored_lease.expires) == (1, clock.now() + LEASE_DURATION)
        second, started_at = FakeRun(store, clock, "run-2", timeout=30), clock.now()
        journal = second.reader.read()
        with pytest.raises(LeaseHeld, match=r"process run-1 on h1 until .*reconcile unlock"):
            second.writer.swap(journal, journal.with_records(record("b")))
        assert timedelta(seconds=30) <= clock.now() - started_at < timedelta(seconds=40)
        lease.finish(build_addition("c"))
    assert set(second.reader.read().records) == {"a", "c"}
    assert second.reader.read().lease is None


def test_run_that_waited_for_a_lease_must_replan() -> None:
    """A run that waited for the lease gets a conflict, because the holder changed the journal."""
    store, clock = FakeStore(), FakeClock()
    second = FakeRun(store, clock, "run-2", timeout=30)
    with FakeRun(store, clock).lease(EMPTY) as lease:
        journal = second.reader.read()

        def finish_lease() -> None:
            store.after_load = lambda: None
            lease.finish(build_addition("a"))

        store.after_load = finish_lease
        with pytest.raises(StateConflict):
            second.writer.swap(journal, journal.with_records(record("b")))
    second.add_records("b")
    assert set(second.reader.read().records) == {"a", "b"}


def test_write_of_decisions_alone_does_not_wait_for_a_lease() -> None:
    """If only decisions changed and another run holds the lease, nothing is written and nothing fails."""
    store, clock = FakeStore(), FakeClock()
    second = FakeRun(store, clock, "run-2", timeout=30)
    with FakeRun(store, clock).lease(EMPTY):
        journal, started_at = second.reader.read(), clock.now()
        second.writer.swap(journal, replace(journal, last_decisions={"a": LastDecision("in-sync", started_at)}))
        assert clock.now() == started_at
        assert second.reader.read() == journal


def test_lease_of_a_dead_holder_is_taken_over_after_expiry() -> None:
    """An expired lease goes to the next run with a higher number, and the old holder can no longer write."""
    store, clock = FakeStore(), FakeClock()
    with FakeRun(store, clock).lease(EMPTY.with_records(record("a"))) as dead_lease:
        second = FakeRun(store, clock, "run-2", "h2")
        journal = second.reader.read()
        clock.advance(seconds=299)
        with pytest.raises(LeaseHeld), second.writer.lease(journal, journal):
            pytest.fail("the lease was taken too early")
        clock.advance(seconds=1)
        with second.writer.lease(journal, journal.with_records(record("b"))) as lease:
            assert lease.journal.lease is not None
            assert lease.journal.lease.number == 2
            with pytest.raises(StateConflict, match="expired"):
                dead_lease.write(build_addition("late"))
            lease.finish(lambda journal: journal)


def test_lost_lease_is_not_renewed() -> None:
    """A run with a slow clock cannot renew a lost lease, because the stored journal decides."""
    store, slow_clock, fast_clock = FakeStore(), FakeClock(), FakeClock()
    fast_clock.advance(minutes=6)
    with FakeRun(store, slow_clock).lease(EMPTY.with_records(record("a"))) as lost_lease:
        second = FakeRun(store, fast_clock, "run-2", "h2")
        old_journal = second.reader.read()
        with second.writer.lease(old_journal, old_journal.with_records(record("b"))) as lease:
            with pytest.raises(StateConflict, match="process run-2 on h2 holds it"):
                lost_lease.write(build_addition("late"))
            lost_lease.finish(
                lambda journal: journal.with_records(record("answer")) if "b" in journal.records else journal
            )
            lease.finish(build_addition("c"))
    journal_after = second.reader.read()
    assert set(journal_after.records) == {"a", "b", "answer", "c"}
    assert journal_after.lease is None


def test_lost_lease_without_changes_writes_nothing() -> None:
    """A run that lost its lease and has nothing to add writes nothing."""
    store, slow_clock, fast_clock = FakeStore(), FakeClock(), FakeClock()
    fast_clock.advance(minutes=6)
    with FakeRun(store, slow_clock).lease(EMPTY) as lost_lease:
        FakeRun(store, fast_clock, "run-2").add_records("b")
        put_count = store.puts
        lost_lease.finish(lambda journal: journal)
        assert store.puts == put_count + 1  # the store rejected one attempt, and there was no second one
        with pytest.raises(StateConflict, match="it was freed"):
            lost_lease.write(build_addition("late"))


def test_reused_lease_number_is_not_this_lease() -> None:
    """After the journal was replaced, a lease with the same number belongs to the other run."""
    store, clock = FakeStore(), FakeClock()
    with FakeRun(store, clock).lease(EMPTY.with_records(record("a"))) as lost_lease:
        store.stored_text = None
        with FakeRun(store, clock, "run-2").lease(EMPTY.with_records(record("b"))) as lease:
            assert lease.journal.lease is not None
            assert lost_lease.journal.lease is not None
            assert lease.journal.lease.number == lost_lease.journal.lease.number
            with pytest.raises(StateError):
                lost_lease.confirm()
            with pytest.raises(StateError):
                lost_lease.finish(lambda journal: journal)
            lease.confirm()


def test_a_renewed_lease_lasts_longer() -> None:
    """Each write of the holder renews the lease, even if another process rewrote the journal in between."""
    store, clock = FakeStore(), FakeClock()
    with FakeRun(store, clock).lease(EMPTY) as lease:
        clock.advance(minutes=4)
        old_journal, old_text = lease.journal, store.stored_text
        assert old_text is not None
        store.stored_text = StoredText(old_text.text, "rewritten")
        new_journal = lease.write(build_addition("a"))
        assert new_journal.lease is not None
        assert (new_journal.lease.number, new_journal.lease.expires) == (1, clock.now() + LEASE_DURATION)
        assert new_journal.serial == old_journal.serial + 1
        assert lease.journal == new_journal
        lease.finish(build_addition("b"))


def test_constantly_changing_journal_ends_the_renewal() -> None:
    """If other processes change the journal before each attempt, the write fails after three attempts."""
    store, clock = FakeStore(), FakeClock()
    with FakeRun(store, clock).lease(EMPTY) as lease:

        def change_version() -> None:
            assert store.stored_text is not None
            store.stored_text = StoredText(store.stored_text.text, f"{store.stored_text.version}!")

        store.after_load = change_version
        change_version()
        with pytest.raises(StateConflict, match="in each of 3 attempts"):
            lease.write(build_addition("a"))
        with pytest.raises(StateConflict):
            lease.finish(build_addition("a"))


@pytest.mark.parametrize("should_lose_before_write", [True, False])
def test_lost_store_answer_is_resolved_by_reading(*, should_lose_before_write: bool) -> None:
    """After a lost answer of the store, a read shows whether the write arrived: the run continues, or ends early."""
    store, clock = LosingStore(should_lose_before_write=should_lose_before_write), FakeClock()
    store.losses_left = 1
    run = FakeRun(store, clock)
    if should_lose_before_write:
        with pytest.raises(StateWriteUnknown), run.lease(EMPTY):
            pytest.fail("the lease was not written")
        assert store.stored_text is None
    else:
        with run.lease(EMPTY.with_records(record("a"))) as lease:
            store.losses_left = 1
            lease.write(build_addition("b"))
            store.losses_left = 1
            lease.finish(build_addition("c"))
        assert set(run.reader.read().records) == {"a", "b", "c"}


def test_outcomes_are_rewritten_after_a_lost_store_answer() -> None:
    """Outcomes of calls are written in up to three attempts. After that, the next run must find them."""
    store, clock = LosingStore(should_lose_before_write=True), FakeClock()
    run = FakeRun(store, clock)
    with run.lease(EMPTY) as lease:
        store.losses_left = 2
        lease.finish(build_addition("a"))
    journal = run.reader.read()
    assert (set(journal.records), journal.lease) == ({"a"}, None)
    with run.writer.lease(journal, journal) as lease:
        store.losses_left = 3
        with pytest.raises(StateWriteUnknown):
            lease.finish(build_addition("b"))


def replace_members(text: str, **changes: Any) -> str:
    """Return the text of a journal with changed members and a valid digest."""
    return json.dumps(add_digest({**json.loads(text), **changes}))


@pytest.mark.parametrize(
    ("replace_text", "expected"),
    [
        (lambda text: replace_members(text, lineage="another"), r"another installation \(lineage another\)"),
        (lambda text: replace_members(text, serial=1), "went back from serial 2 to 1"),
        (lambda _: None, "was removed"),
    ],
)
def test_replaced_journal_is_rejected(replace_text: Callable[[str], str | None], expected: str) -> None:
    """A process rejects a journal that was replaced or removed since its last read, and a new process accepts it."""
    store, clock = FakeStore(), FakeClock()
    run = FakeRun(store, clock)
    run.add_records("a")
    run.add_records("b")
    journal = run.reader.read()
    assert store.stored_text is not None
    text = replace_text(store.stored_text.text)
    store.stored_text = StoredText(text, "exchanged") if text else None
    with pytest.raises(StateError, match=expected):
        run.reader.read()
    with pytest.raises(StateError):
        run.writer.swap(journal, journal.with_records(record("c")))
    assert (store.stored_text.text if store.stored_text else None) == text
    FakeRun(store, clock, "run-2").add_records("d")


def test_unlock_frees_a_lease() -> None:
    """After an unlock, the holder gets a conflict, and a second unlock needs a new read."""
    store, clock = FakeStore(), FakeClock()
    with FakeRun(store, clock).lease(EMPTY.with_records(record("a"))) as lease:
        unlocking = FakeRun(store, clock, "person")
        journal = unlocking.reader.read()
        unlocking.writer.unlock(journal)
        with pytest.raises(StateConflict, match="it was freed"):
            lease.write(build_addition("late"))
        clock.advance(seconds=1)
        with pytest.raises(StateConflict):
            unlocking.writer.unlock(journal)
        assert unlocking.reader.read().lease is None
        with pytest.raises(StateConflict):
            unlocking.writer.unlock(journal)


def test_unlock_does_not_free_the_lease_of_a_live_process(tmp_path: Path) -> None:
    """The lease of a running process on this machine cannot be freed."""
    clock = FakeClock()
    with FakeRun(FileStore(tmp_path / "j.json"), clock).lease(EMPTY):
        unlocking = FakeRun(FileStore(tmp_path / "j.json"), clock, "person")
        with pytest.raises(LeaseHeld, match="running process"):
            unlocking.writer.unlock(unlocking.reader.read())


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "it is empty; this run did not change it: restore the newest intact backup"),
        (" \n", "it is empty"),
        ("{", "it is not JSON"),
        ('{"format": "reconciler/journal/v9"}', "run the newer version of this program that wrote it, or restore"),
        ('{"format": "reconciler/journal/v1"}', "is missing"),
        ("[" * 100_000, "cannot be used"),
        ('{"format": NaN}', "NaN is not JSON"),
    ],
)
def test_unusable_journal_is_left_unchanged(text: str, reason: str) -> None:
    """A corrupt journal, or one of a newer version, is rejected and stays unchanged."""
    store = FakeStore()
    store.stored_text = StoredText(text, "1")
    run = FakeRun(store, FakeClock())
    with pytest.raises(StateError, match=reason):
        run.reader.read()
    with pytest.raises(StateError):
        run.writer.swap(EMPTY, EMPTY.with_records(record()))
    assert store.stored_text == StoredText(text, "1")


def test_unreadable_value_is_not_written() -> None:
    """A journal that could not be read again is not written, and the stored journal stays."""
    store, clock = FakeStore(), FakeClock()
    run = FakeRun(store, clock)
    run.add_records("a")
    old_text, journal = store.stored_text, run.reader.read()
    invalid_record = replace(record("c"), generation=2**60)
    with pytest.raises(StateError, match="was not written, because no later run could read it: "):
        run.writer.swap(journal, journal.with_records(invalid_record))
    assert store.stored_text == old_text


def test_a_journal_of_another_account_is_refused() -> None:
    """A journal of another account is rejected."""
    store = FakeStore()
    FakeRun(store, FakeClock()).add_records("a")
    with pytest.raises(StateError, match=f"belongs to account {ACCOUNT} in {REGION}, not to account 999999999999"):
        StoredJournalReader(store, "999999999999", REGION).read()


def test_missing_required_journal_is_an_error_with_a_remedy() -> None:
    """If the journal must exist and is missing, the error contains the remedy."""
    with pytest.raises(StateError, match="there is no journal at memory: give --new-state"):
        StoredJournalReader(FakeStore(), ACCOUNT, REGION, must_exist="give --new-state").read()


def test_journal_removed_during_a_process_is_an_error() -> None:
    """A journal that was removed while the process runs is an error that does not advise --new-state."""
    store = FakeStore()
    FakeRun(store, FakeClock()).add_records("a")
    reader = StoredJournalReader(store, ACCOUNT, REGION, must_exist="give --new-state")
    reader.read()
    store.stored_text = None
    with pytest.raises(StateError, match="was removed since this process read it") as error:
        reader.read()
    assert "--new-state" not in str(error.value)


def test_local_lease_of_a_dead_process_is_free(tmp_path: Path) -> None:
    """The lease of a dead process on this machine is free at once, and that of another machine must expire."""
    path, clock = tmp_path / "j.json", FakeClock()
    first = FakeRun(FileStore(path), clock)
    first.add_records("a")
    for host, is_free in (("h1", True), ("h2", False)):
        journal = first.reader.read()
        journal_with_lease = replace(
            journal, lease=Lease("run-0", "process 1", host, journal.serial, clock.now() + LEASE_DURATION)
        )
        path.write_text(json.dumps(encode(journal_with_lease)))
        if is_free:
            FakeRun(FileStore(path), clock, "run-2").add_records("b")
        else:
            with pytest.raises(LeaseHeld, match="process 1"):
                FakeRun(FileStore(path), clock, "run-3").add_records("c")
            clock.advance(minutes=5)
            FakeRun(FileStore(path), clock, "run-3").add_records("c")


def test_local_lease_of_a_live_process_is_kept(tmp_path: Path) -> None:
    """A running process on this machine keeps its lease after the expiry, because it holds the lock of the kernel."""
    clock = FakeClock()
    with FakeRun(FileStore(tmp_path / "j.json"), clock).lease(EMPTY) as lease:
        clock.advance(minutes=6)
        other = FakeRun(FileStore(tmp_path / "j.json"), clock, "run-2")
        with pytest.raises(LeaseHeld, match="process run-1"):
            other.add_records("b")
        lease.finish(build_addition("a"))
    other.add_records("b")
    assert set(other.reader.read().records) == {"a", "b"}


HOLDER_PROGRAM = """
import sys
from pathlib import Path
from reconciler.core.journal.records import Journal
from reconciler.edge.state.file import FileStore
from reconciler.edge.state.reader import StoredJournalReader
from reconciler.edge.state.writer import JournalAuthor, StoredJournalWriter
from reconciler.edge.clock import SystemClock, get_host_name
store = FileStore(Path(sys.argv[1]))
reader, clock = StoredJournalReader(store, "1", "r"), SystemClock()
author = JournalAuthor("run", "a process", get_host_name())
writer = StoredJournalWriter(store, reader, author, clock, clock, timeout=5, new_lineage=lambda: "l")
journal = reader.read()
with writer.lease(journal, journal):
    print("held", flush=True)
    sys.stdin.read()
"""


def test_a_killed_process_frees_its_lease_at_once(tmp_path: Path) -> None:
    """If the process that holds the lease is killed, the next process acquires the lease at once."""
    arguments = [sys.executable, "-c", HOLDER_PROGRAM, str(tmp_path / "j.json")]
    for _ in range(2):
        with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
            assert holder.stdout
            assert holder.stdout.readline() == "held\n"
            holder.send_signal(signal.SIGKILL)
            assert holder.wait() == -signal.SIGKILL
    assert json.loads((tmp_path / "j.json").read_text())["lease"]["number"] == 2
    assert os.path.exists(tmp_path / "j.lock")  # noqa: PTH110 - the lock file stays
