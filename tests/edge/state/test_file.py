"""The journal on disk: whole or not at all, and one writer at a time."""

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
    """Return where the journal is."""
    return tmp_path / "journal.json"


@contextmanager
def claimed(path: Path) -> Iterator[FileStore]:
    """Hold the place while the block runs."""
    store = FileStore(path)
    assert store.claim()
    try:
        yield store
    finally:
        store.release()


@contextmanager
def running(script: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """Run Python in a process of its own, and end it with the block."""
    command = [sys.executable, "-c", script, *map(str, arguments)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def line_from(process: subprocess.Popen[str]) -> str:
    """Return the next line that a process prints."""
    assert process.stdout
    return process.stdout.readline().strip()


def begin(process: subprocess.Popen[str]) -> None:
    """Let a process go on that waits for a line."""
    assert process.stdin
    process.stdin.write("\n")
    process.stdin.flush()


def test_file_store_has_a_path_and_is_exclusive(path: Path) -> None:
    """It says where it is, and that a claim keeps other processes out."""
    store: Store = FileStore(path)
    assert (store.place, store.is_exclusive) == (str(path), True)


def test_reading_creates_no_file(tmp_path: Path) -> None:
    """A dry run leaves no folder and no file behind."""
    assert FileStore(tmp_path / "none" / "journal.json").load() is None
    assert list(tmp_path.iterdir()) == []


def test_obstructed_journal_file_prevents_writing(path: Path) -> None:
    """Something in the way of any of them keeps a writer from writing, and nothing is lost by trying."""
    for opened in FileStore(path).side_files:
        opened.mkdir()
        with pytest.raises(StateError, match=re.escape(str(path.with_suffix("")))), claimed(path) as store:
            store.put("text", None)
        opened.rmdir()
    with claimed(path) as store:
        store.put("text", None)


def test_read_only_store_has_no_write_methods(path: Path) -> None:
    """It loads what the store loads, from the same place, and has no means of writing."""
    with claimed(path) as store:
        store.put("text", None)
    half = ReadOnlyStore.from_store(FileStore(path))
    assert (half.place, half.load()) == (str(path), FileStore(path).load())
    assert not hasattr(half, "put")
    assert not hasattr(half, "claim")


def test_stored_text_is_loaded_unchanged(path: Path) -> None:
    """Each text is there as it was given, line ends and all, under the version that its writer was told."""
    with claimed(path) as store:
        first = store.put("one\r\n", None)
        assert FileStore(path).load() == StoredText("one\r\n", first)
        second = store.put("zwei ü\n", first)
        assert FileStore(path).load() == StoredText("zwei ü\n", second)
    assert first != second


def test_write_leaves_only_the_journal_and_its_lock(path: Path) -> None:
    """The folder holds the journal and its lock."""
    with claimed(path) as store:
        store.put("text", None)
    assert sorted(each.name for each in path.parent.iterdir()) == ["journal.json", "journal.lock"]


def test_journal_is_readable_only_by_its_owner(path: Path) -> None:
    """Destinations and tokens are nobody else's business."""
    with claimed(path) as store:
        store.put("text", None)
    assert {stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()} == {0o600}


def test_the_first_claim_makes_the_folder(tmp_path: Path) -> None:
    """A state folder and those above it need not be made by hand."""
    with claimed(tmp_path / "var" / "lib" / "journal.json") as store:
        assert store.load() is None
        store.put("text", None)


@pytest.mark.parametrize("version", [None, "of another text"])
def test_unseen_text_is_not_overwritten(path: Path, version: str | None) -> None:
    """Whoever knows of no journal, or of an older one, has to read again."""
    with claimed(path) as store:
        store.put("first", None)
        with pytest.raises(StateConflict, match="changed by another process"):
            store.put("second", version)
        found = store.load()
    assert found
    assert found.text == "first"


def test_removed_journal_is_not_restored_unseen(path: Path) -> None:
    """A journal that was removed meanwhile is a change as well."""
    with claimed(path) as store:
        version = store.put("first", None)
        path.unlink()
        with pytest.raises(StateConflict):
            store.put("second", version)
    assert not path.exists()


def test_file_that_is_not_text_is_left_unchanged(path: Path) -> None:
    """What cannot be read is refused for reading and for writing, and not a byte of it changes."""
    path.write_bytes(b"\xff\xfe")
    message = r"cannot be read: .*; it was left unchanged"
    with claimed(path) as store:
        with pytest.raises(StateError, match=message):
            store.load()
        with pytest.raises(StateError, match=message):
            store.put("text", None)
    assert path.read_bytes() == b"\xff\xfe"


def test_folder_in_place_of_the_journal_is_reported(path: Path) -> None:
    """One line says what is there instead of a file."""
    path.mkdir()
    with pytest.raises(StateError, match=f"the journal {path} cannot be read: Is a directory"):
        FileStore(path).load()


def test_folder_that_cannot_be_created_is_reported(tmp_path: Path) -> None:
    """A file where the state folder should be: one line, and nothing was sent."""
    (tmp_path / "state").write_text("")
    with pytest.raises(StateError, match=r"the lease .* cannot be acquired: .*; nothing was sent"):
        FileStore(tmp_path / "state" / "journal.json").claim()


def test_disk_without_locks_is_reported(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where a lock cannot be had at all, it is not taken for one that another process has."""

    def without_locks(*_: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(fcntl, "flock", without_locks)
    with pytest.raises(StateError, match="No locks available; nothing was sent"):
        FileStore(path).claim()


def test_a_link_in_place_of_the_lock_is_not_followed(path: Path) -> None:
    """In a shared folder nobody else decides which file is locked."""
    (path.parent / "elsewhere").write_text("untouched")
    path.with_suffix(".lock").symlink_to(path.parent / "elsewhere")
    with pytest.raises(StateError, match="nothing was sent"):
        FileStore(path).claim()
    assert (path.parent / "elsewhere").read_text() == "untouched"


def test_link_in_place_of_the_new_text_is_not_followed(path: Path) -> None:
    """In a shared folder nobody else decides where the journal is written."""
    (path.parent / "elsewhere").write_text("untouched")
    (path.parent / "journal.json.new").symlink_to(path.parent / "elsewhere")
    with claimed(path) as store, pytest.raises(StateError, match="cannot be written"):
        store.put("text", None)
    assert (path.parent / "elsewhere").read_text() == "untouched"


FULL = """
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
    """Where the new text cannot be put down, the old one stays whole, and the next write succeeds."""
    with claimed(path) as store:
        version = store.put("a" * 5000, None)
    with running(FULL, path) as process:
        said = f"StateError the journal {path} cannot be written: File too large: raise the file size limit"
        assert line_from(process) == f"{said} (ulimit -f)"
    assert FileStore(path).load() == StoredText("a" * 5000, version)
    with claimed(path) as store:
        store.put("c", version)


def test_unconfirmed_rename_is_an_error(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the disk does not confirm the rename, nobody goes on as if a loss of power would leave the new text."""
    real = os.fsync

    def failing_for_folders(file: int) -> None:
        if stat.S_ISDIR(os.fstat(file).st_mode):
            raise OSError(errno.EIO, "Input/output error")
        real(file)

    with claimed(path) as store:
        monkeypatch.setattr(os, "fsync", failing_for_folders)
        with pytest.raises(StateError, match="cannot be written: Input/output error") as said:
            store.put("text", None)
    assert type(said.value) is StateError


WRITER = """
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
    """While another process writes, and after it was killed at it, every text is the old or the new one."""
    texts = {letter * 500_000 for letter in "ab"}
    with running(WRITER, path) as writer:
        assert line_from(writer) == "writing"
        for _ in range(100):
            found = FileStore(path).load()
            assert found
            assert found.text in texts
        writer.send_signal(signal.SIGKILL)
        writer.wait()
    with claimed(path) as store:
        found = store.load()
        assert found
        assert found.text in texts
        store.put("next", found.version)


def test_a_second_claim_is_refused_until_the_first_is_released(path: Path) -> None:
    """The lock is one writer's at a time, whatever process it is in, and nobody waits for it here."""
    second = FileStore(path)
    with claimed(path):
        assert not second.claim()
    assert second.claim()
    second.release()


def test_a_release_without_a_claim_does_nothing(path: Path) -> None:
    """Whoever cleans up need not know how far the claim got."""
    store = FileStore(path)
    store.release()
    with claimed(path) as holder:
        assert not store.claim()
        store.release()
        assert not FileStore(path).claim()
        holder.release()
        holder.release()


def test_write_without_a_claim_is_a_programming_error(path: Path) -> None:
    """Nothing is written by who has not locked it."""
    with pytest.raises(AssertionError):
        FileStore(path).put("text", None)
    assert not path.exists()


HOLDER = """
import sys
from pathlib import Path
from reconciler.edge.state.file import FileStore
store = FileStore(Path(sys.argv[1]))
assert store.claim()
print("held", flush=True)
sys.stdin.read()
"""


def test_lock_of_a_dead_holder_is_free(path: Path) -> None:
    """The lock of a process that was killed is there for the next one at once."""
    store = FileStore(path)
    with running(HOLDER, path) as holder:
        assert line_from(holder) == "held"
        assert not store.claim()
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        assert store.claim()
    store.release()


COUNTER = """
import os, sys
from pathlib import Path
from reconciler.edge.state.file import FileStore
store = FileStore(Path(sys.argv[1]))
print("ready", flush=True)
sys.stdin.readline()
for _ in range(25):
    while not store.claim():
        os.sched_yield()
    found = store.load()
    number = int(found.text) + 1 if found else 1
    store.put(str(number), found and found.version)
    store.release()
    print(number, flush=True)
"""


def test_concurrent_processes_lose_no_update(path: Path) -> None:
    """Four processes count to a hundred together, and each number is counted by one of them."""
    with ExitStack() as stack:
        counters = [stack.enter_context(running(COUNTER, path)) for _ in range(4)]
        assert [line_from(counter) for counter in counters] == ["ready"] * 4
        for counter in counters:
            begin(counter)
        counted = [int(line_from(counter)) for counter in counters for _ in range(25)]
    assert sorted(counted) == list(range(1, 101))
    found = FileStore(path).load()
    assert found
    assert found.text == "100"


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_files_are_private_to_their_owner_under_any_umask(tmp_path: Path, umask: int) -> None:
    """Folders, lock and journal; what somebody else made stays as it is."""
    (tmp_path / "theirs").mkdir(mode=0o755)
    before = os.umask(umask)
    try:
        with claimed(tmp_path / "theirs" / "a" / "b" / "journal.json") as store:
            store.put("{}", None)
    finally:
        os.umask(before)
    made = sorted((tmp_path / "theirs").rglob("*"))
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in made}
    assert modes == {"a": 0o700, "b": 0o700, "journal.json": 0o600, "journal.lock": 0o600}
