"""A journal in a file is replaced completely or not at all, and has one writer at a time."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from reconciler.core.errors import StateConflict, StateError
from reconciler.edge.state.file import FileStore
from reconciler.edge.state.store import ReadOnlyStore, Store, StoredText


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Return the path of the journal."""
    return tmp_path / "journal.json"


@contextmanager
def claim_store(path: Path) -> Iterator[FileStore]:
    """Yield a claimed store, and release it afterwards."""
    store = FileStore(path)
    assert store.claim()
    try:
        yield store
    finally:
        store.release()


@contextmanager
def run_script(script: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """Run Python code in another process, and kill the process afterwards."""
    command = [sys.executable, "-c", script, *map(str, arguments)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def read_line(process: subprocess.Popen[str]) -> str:
    """Return the next line that a process prints."""
    assert process.stdout
    return process.stdout.readline().strip()


def send_line(process: subprocess.Popen[str]) -> None:
    """Send a line to a process that waits for one."""
    assert process.stdin
    process.stdin.write("\n")
    process.stdin.flush()


def test_file_store_has_a_path_and_is_exclusive(path: Path) -> None:
    """A file store is named by its path, and a claim excludes other processes."""
    store: Store = FileStore(path)
    assert (store.place, store.is_exclusive) == (str(path), True)


def test_reading_creates_no_file(tmp_path: Path) -> None:
    """Reading a missing journal creates no folder and no file."""
    assert FileStore(tmp_path / "none" / "journal.json").load() is None
    assert list(tmp_path.iterdir()) == []


def test_obstructed_journal_file_prevents_writing(path: Path) -> None:
    """A folder in place of a side file makes a write fail, and the write succeeds after its removal."""
    for side_file in FileStore(path).side_files:
        side_file.mkdir()
        with pytest.raises(StateError, match=re.escape(str(path.with_suffix("")))), claim_store(path) as store:
            store.put("text", None)
        side_file.rmdir()
    with claim_store(path) as store:
        store.put("text", None)


def test_read_only_store_has_no_write_methods(path: Path) -> None:
    """A read-only view loads the same text, and has no methods that write."""
    with claim_store(path) as store:
        store.put("text", None)
    read_only = ReadOnlyStore.from_store(FileStore(path))
    assert (read_only.place, read_only.load()) == (str(path), FileStore(path).load())
    assert not hasattr(read_only, "put")
    assert not hasattr(read_only, "claim")


def test_stored_text_is_loaded_unchanged(path: Path) -> None:
    """A text is loaded exactly as it was written, with its line ends and its version."""
    with claim_store(path) as store:
        first = store.put("one\r\n", None)
        assert FileStore(path).load() == StoredText("one\r\n", first)
        second = store.put("zwei ü\n", first)
        assert FileStore(path).load() == StoredText("zwei ü\n", second)
    assert first != second


def test_write_leaves_only_the_journal_and_its_lock(path: Path) -> None:
    """After a write, the folder contains only the journal and its lock file."""
    with claim_store(path) as store:
        store.put("text", None)
    assert sorted(each.name for each in path.parent.iterdir()) == ["journal.json", "journal.lock"]


def test_journal_is_readable_only_by_its_owner(path: Path) -> None:
    """Only the owner can read the journal, because it contains destinations and tokens."""
    with claim_store(path) as store:
        store.put("text", None)
    assert {stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()} == {0o600}


def test_the_first_claim_makes_the_folder(tmp_path: Path) -> None:
    """The first claim creates the missing folders."""
    with claim_store(tmp_path / "var" / "lib" / "journal.json") as store:
        assert store.load() is None
        store.put("text", None)


@pytest.mark.parametrize("version", [None, "of another text"])
def test_unseen_text_is_not_overwritten(path: Path, version: str | None) -> None:
    """A writer without the current version gets a conflict, and the stored text stays."""
    with claim_store(path) as store:
        store.put("first", None)
        with pytest.raises(StateConflict, match="changed by another process"):
            store.put("second", version)
        stored_text = store.load()
    assert stored_text
    assert stored_text.text == "first"


def test_removed_journal_is_not_restored_unseen(path: Path) -> None:
    """If the journal was removed, a write with its old version is a conflict."""
    with claim_store(path) as store:
        version = store.put("first", None)
        path.unlink()
        with pytest.raises(StateConflict):
            store.put("second", version)
    assert not path.exists()


def test_location_that_is_a_file_is_named(tmp_path: Path) -> None:
    """If --state is a file, the message names the file and asks for a folder."""
    (tmp_path / "state").touch()
    with pytest.raises(StateError, match=f"{tmp_path}/state is a file: write the path of a folder in --state"):
        FileStore(tmp_path / "state" / "sandbox" / "j.json").load()


def test_file_that_is_not_text_is_left_unchanged(path: Path) -> None:
    """A file that is not UTF-8 cannot be read or replaced, and stays unchanged."""
    path.write_bytes(b"\xff\xfe")
    message = r"cannot be read: .*; this run did not change it"
    with claim_store(path) as store:
        with pytest.raises(StateError, match=message):
            store.load()
        with pytest.raises(StateError, match=message):
            store.put("text", None)
    assert path.read_bytes() == b"\xff\xfe"


def test_folder_in_place_of_the_journal_is_reported(path: Path) -> None:
    """A folder in place of the journal is an error of one line."""
    path.mkdir()
    with pytest.raises(StateError, match=f"the journal {path} cannot be read: Is a directory"):
        FileStore(path).load()


def test_folder_that_cannot_be_created_is_reported(tmp_path: Path) -> None:
    """If a file blocks the state folder, the claim fails, and the message says that nothing was sent."""
    (tmp_path / "state").write_text("")
    with pytest.raises(StateError, match=r"the lease .* cannot be acquired: .*; nothing was sent"):
        FileStore(tmp_path / "state" / "journal.json").claim()


def test_disk_without_locks_is_reported(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file system without locks is an error, and does not count as a lock that another process holds."""

    def fail_to_lock(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", fail_to_lock)
    with pytest.raises(StateError, match="No locks available; nothing was sent"):
        FileStore(path).claim()


def test_a_link_in_place_of_the_lock_is_not_followed(path: Path) -> None:
    """A link in place of the lock file is not followed, because another user could have created it."""
    (path.parent / "elsewhere").write_text("untouched")
    path.with_suffix(".lock").symlink_to(path.parent / "elsewhere")
    with pytest.raises(StateError, match="nothing was sent"):
        FileStore(path).claim()
    assert (path.parent / "elsewhere").read_text() == "untouched"


def test_link_in_place_of_the_new_text_is_not_followed(path: Path) -> None:
    """A link in place of the temporary file is not followed, because another user could have created it."""
    (path.parent / "elsewhere").write_text("untouched")
    (path.parent / "journal.json.new").symlink_to(path.parent / "elsewhere")
    with claim_store(path) as store, pytest.raises(StateError, match="cannot be written"):
        store.put("text", None)
    assert (path.parent / "elsewhere").read_text() == "untouched"


FULL_DISK_PROGRAM = """
import resource, sys
from pathlib import Path
from reconciler.core.errors import StateError
from reconciler.edge.state.file import FileStore
store = FileStore(Path(sys.argv[1]))
assert store.claim()
version = store.load().version
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
try:
    store.put("b" * 5000, version)
except StateError as error:
    print(type(error).__name__, error)
"""


def test_write_to_a_full_disk_leaves_the_old_text(path: Path) -> None:
    """If the disk is full, the old text stays complete, and the next write succeeds."""
    with claim_store(path) as store:
        version = store.put("a" * 5000, None)
    with run_script(FULL_DISK_PROGRAM, path) as process:
        expected = f"StateError the journal {path} cannot be written: File too large: raise the file size limit"
        assert read_line(process) == f"{expected} (ulimit -f)"
    assert FileStore(path).load() == StoredText("a" * 5000, version)
    with claim_store(path) as store:
        store.put("c", version)


def test_unconfirmed_rename_is_an_error(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """If the disk does not confirm a rename, the write is an error, because a loss of power could undo it."""
    original_fsync = os.fsync

    def fail_for_folders(file: int) -> None:
        if stat.S_ISDIR(os.fstat(file).st_mode):
            raise OSError(errno.EIO, "Input/output error")
        original_fsync(file)

    with claim_store(path) as store:
        monkeypatch.setattr(os, "fsync", fail_for_folders)
        with pytest.raises(StateError, match="cannot be written: Input/output error") as error:
            store.put("text", None)
    assert type(error.value) is StateError


WRITER_PROGRAM = """
import sys
from itertools import cycle
from pathlib import Path
from reconciler.edge.state.file import FileStore
store = FileStore(Path(sys.argv[1]))
assert store.claim()
version = store.put("a" * 500_000, None)
print("writing", flush=True)
for letter in cycle("ba"):
    version = store.put(letter * 500_000, version)
"""


def test_reader_finds_a_complete_text_during_and_after_a_killed_write(path: Path) -> None:
    """A reader finds the complete old or new text while another process writes, and after that process was killed."""
    texts = {letter * 500_000 for letter in "ab"}
    with run_script(WRITER_PROGRAM, path) as writer:
        assert read_line(writer) == "writing"
        for _ in range(100):
            stored_text = FileStore(path).load()
            assert stored_text
            assert stored_text.text in texts
        writer.send_signal(signal.SIGKILL)
        writer.wait()
    with claim_store(path) as store:
        stored_text = store.load()
        assert stored_text
        assert stored_text.text in texts
        store.put("next", stored_text.version)


def test_a_second_claim_is_refused_until_the_first_is_released(path: Path) -> None:
    """A second claim fails at once while the first is held, even in the same process."""
    second = FileStore(path)
    with claim_store(path):
        assert not second.claim()
    assert second.claim()
    second.release()


def test_a_release_without_a_claim_does_nothing(path: Path) -> None:
    """A release without a claim does nothing, and leaves the claim of another store."""
    store = FileStore(path)
    store.release()
    with claim_store(path) as holder:
        assert not store.claim()
        store.release()
        assert not FileStore(path).claim()
        holder.release()
        holder.release()


def test_write_without_a_claim_is_a_programming_error(path: Path) -> None:
    """A write without a claim fails an assertion and creates no file."""
    with pytest.raises(AssertionError):
        FileStore(path).put("text", None)
    assert not path.exists()


HOLDER_PROGRAM = """
import sys
from pathlib import Path
from reconciler.edge.state.file import FileStore
store = FileStore(Path(sys.argv[1]))
assert store.claim()
print("held", flush=True)
sys.stdin.read()
"""


def test_lock_of_a_dead_holder_is_free(path: Path) -> None:
    """The lock of a killed process is free at once."""
    store = FileStore(path)
    with run_script(HOLDER_PROGRAM, path) as holder:
        assert read_line(holder) == "held"
        assert not store.claim()
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        assert store.claim()
    store.release()


COUNTER_PROGRAM = """
import os, sys
from pathlib import Path
from reconciler.edge.state.file import FileStore
store = FileStore(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
for _ in range(25):
    while not store.claim():
        os.sched_yield()
    stored_text = store.load()
    number = int(stored_text.text) + 1 if stored_text else 1
    store.put(str(number), stored_text and stored_text.version)
    store.release()
    print(number, flush=True)
"""


def test_concurrent_processes_lose_no_update(path: Path) -> None:
    """Four processes count to a hundred together, and each number is counted once."""
    with ExitStack() as stack:
        counters = [stack.enter_context(run_script(COUNTER_PROGRAM, path)) for _ in range(4)]
        assert [read_line(counter) for counter in counters] == ["ready"] * 4
        for counter in counters:
            send_line(counter)
        numbers = [int(read_line(counter)) for counter in counters for _ in range(25)]
    assert sorted(numbers) == list(range(1, 101))
    stored_text = FileStore(path).load()
    assert stored_text
    assert stored_text.text == "100"


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_files_are_private_to_their_owner_under_any_umask(tmp_path: Path, umask: int) -> None:
    """New folders and files are private to their owner under any umask, and an existing folder is not changed."""
    (tmp_path / "theirs").mkdir(mode=0o755)
    old_umask = os.umask(umask)
    try:
        with claim_store(tmp_path / "theirs" / "a" / "b" / "journal.json") as store:
            store.put("{}", None)
    finally:
        os.umask(old_umask)
    paths = sorted((tmp_path / "theirs").rglob("*"))
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in paths}
    assert modes == {"a": 0o700, "b": 0o700, "journal.json": 0o600, "journal.lock": 0o600}
