"""Tests for the history of runs beside the journals."""

from __future__ import annotations

import threading
from pathlib import Path

from support.builders import NOW

from reconciler.app.run_history import HistoryStore, save_until_stop
from reconciler.core.controller.controller_status import FinishedRun
from reconciler.core.controller.run_history import RunHistory
from reconciler.core.errors import StateConflict, StateError
from reconciler.edge.state import open_location
from reconciler.edge.state.store import Store


class Owner:
    """A controller with a history."""

    def __init__(self, *runs: str) -> None:
        self.history = RunHistory(NOW, tuple(FinishedRun(run, "prod", NOW, NOW, True, 0, 0, 0) for run in runs))  # noqa: FBT003

    def get_history(self) -> RunHistory:
        """Return the history."""
        return self.history

    def restore_history(self, earlier: RunHistory) -> None:
        """Merge an earlier history."""
        self.history = self.history.merge(earlier, NOW)

    @property
    def run_ids(self) -> set[str]:
        """The ids of the runs."""
        return {run.id for run in self.history.runs}


def open_store(folder: Path) -> Store:
    """Return the store of the history in a folder."""

    def refuse(service: str) -> object:
        raise AssertionError(service)

    return open_location(str(folder), "", refuse).open_store("runs-1.json")


def test_runs_survive_a_restart(tmp_path: Path) -> None:
    """A new process has the runs of the previous one, and keeps them when it saves its own."""
    errors: list[str] = []
    for number in range(3):
        owner = Owner(f"run-{number}")
        history_store = HistoryStore(open_store(tmp_path), owner, errors.append)
        history_store.synchronise()
        assert owner.run_ids == {f"run-{each}" for each in range(number + 1)}
    assert errors == []


def test_unchanged_history_is_not_written_again(tmp_path: Path) -> None:
    """Without a new run, the file stays as it is."""
    history_store = HistoryStore(open_store(tmp_path), Owner("a"), print)
    history_store.synchronise()
    (file,) = tmp_path.rglob("runs-1.json")
    before = file.stat().st_ino, file.stat().st_mtime_ns
    history_store.synchronise()
    assert (file.stat().st_ino, file.stat().st_mtime_ns) == before


def test_malformed_history_is_replaced_with_one_message(tmp_path: Path) -> None:
    """A file that is no history is named once, and replaced."""
    (tmp_path / "runs-1.json").write_text("{", encoding="utf-8")
    errors: list[str] = []
    history_store = HistoryStore(open_store(tmp_path), Owner("a"), errors.append)
    history_store.synchronise()
    (error,) = errors
    assert error.startswith(f"{tmp_path}/runs-1.json is malformed, and a new one replaces it: ")
    owner = Owner()
    HistoryStore(open_store(tmp_path), owner, errors.append).synchronise()
    assert owner.run_ids == {"a"}


def test_two_processes_share_a_history(tmp_path: Path) -> None:
    """If another process has saved in the meantime, both histories are kept."""
    first, second = Owner("a"), Owner("b")
    stores = [HistoryStore(open_store(tmp_path), owner, print) for owner in (first, second)]
    for history_store in (stores[0], stores[1]):
        history_store.synchronise()
    first.history = first.history.merge(Owner("c").history, NOW)
    for history_store in (stores[0], stores[0], stores[1]):
        history_store.synchronise()
    assert first.run_ids == {"a", "b", "c"}
    third = Owner()
    HistoryStore(open_store(tmp_path), third, print).synchronise()
    assert third.run_ids == {"a", "b", "c"}


class BrokenStore:
    """A store whose every call fails, or that another process has locked."""

    place, is_exclusive = "s3://bucket/runs.json", False

    def __init__(self, error: StateError, *, is_free: bool = True) -> None:
        self.error, self.is_free, self.loads = error, is_free, 0

    def load(self) -> None:
        """Fail."""
        self.loads += 1
        raise self.error

    def put(self, text: str, version: str | None) -> str:  # noqa: ARG002 - as the protocol has it
        """Fail."""
        raise self.error

    def claim(self) -> bool:
        """Return whether the store is free."""
        return self.is_free

    def release(self) -> None:
        """Release nothing."""


def test_unreadable_store_is_reported_once_and_tried_again() -> None:
    """A fault is reported once. Nothing is written over a history that could not be read."""
    errors: list[str] = []
    store = BrokenStore(StateError("s3://bucket/runs.json: access denied"))
    history_store = HistoryStore(store, Owner("a"), errors.append)
    for _ in range(3):
        history_store.synchronise()
    assert (errors, store.loads) == (["s3://bucket/runs.json: access denied"], 3)


def test_locked_store_is_left_alone() -> None:
    """A store that another process of this machine has locked is neither read nor written."""
    store = BrokenStore(StateConflict("busy"), is_free=False)
    HistoryStore(store, Owner("a"), print).synchronise()
    assert store.loads == 0


def test_run_that_ends_during_a_save_is_saved_at_the_stop() -> None:
    """If a run ends and the controller stops while the history is being saved, another save follows."""
    stop, finished_runs, saved_runs = threading.Event(), ["first"], list[list[str]]()

    def save() -> None:
        saved_runs.append(list(finished_runs))
        finished_runs.append("ends during the save")
        stop.set()

    save_until_stop(save, stop)
    assert saved_runs == [["first"], ["first", "ends during the save"]]
