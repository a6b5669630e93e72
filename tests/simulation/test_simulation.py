"""Simulation of many seeds: each keeps the invariants, and together they reach every fault and decision."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Set as AbstractSet
from pathlib import Path

import pytest
from simulation.aws import LIST_FAULTS, WRITE_FAULTS
from simulation.mutate import PACKAGE
from simulation.simulate import simulate
from simulation.store import LOAD_FAULTS, PUT_FAULTS

_TESTS = Path(__file__).parents[1]
_CALLS = ("create: before it is signed", "create: before it arrives", "create: before its answer")
_UPDATES = ("update: before it is signed", "update: before it arrives", "update: before its answer")
_STATE = ("load: before", "load: before its answer", "put: before it arrives", "put: before its answer")
_LISTS = ("list: before a page", "list: before its answer")

REQUIRED_EVENTS = frozenset(
    (
        *(f"write: {fault}" for fault in WRITE_FAULTS),
        *(f"list: {fault}, {page} page" for fault in LIST_FAULTS for page in ("the first", "a later")),
        *(f"put: {fault}" for fault in PUT_FAULTS),
        *(f"load: {fault}" for fault in LOAD_FAULTS),
        *(f"killed: {point}" for point in (*_CALLS, *_STATE, *_LISTS)),
        *(f"stopped: {point}" for point in (*_CALLS, *_STATE, *_LISTS)),
        *(
            f"decision: {word}"
            for word in (
                "create", "update", "adopt", "in-sync", "retired",
                "drifted", "changed", "settling", "lost", "held", "blocked",
            )
        ),
        *(f"outcome: {name}" for name in ("Created", "Updated", "Refused", "NotSent", "Unknown", "Skipped")),
        *(f"failed: {name}" for name in ("StateError", "Throttled", "Unreachable")),
        "dry run: create",
        "dry run: adopt",
        "creates stopped: another target was not looked at",
        "creates stopped: more than all targets may create",
        "edit: twin",
        "edit: retired",
        "edit: unretired",
        "put: moved",
        "put: arrived late",
        "ignored",
        "list: page gone",
        "lock: held by another",
        "lease: held by another",
        "unwritten: the journal",
        "unwritten: nobody knows",
        "lease taken over: expired",
        "lease taken over: holder dead",
        "carried out without a client",
        "signature too old",
        "token honoured",
        "next incarnation",
        "updated",
        "state lost",
        "state restored",
        "twice: state lost or restored",
        "others: an association is removed",
        "others: somebody updates an association",
        "others: somebody creates an association like one in git",
        "others: a data integration is made anew",
        "others: a data integration is renamed",
        "others: writes are denied for a while",
        "refused: AccessDeniedException",
        "refused: InvalidRequestException",
        "refused: ThrottlingException",
    )
)  # fmt: skip
"""Events that the seeds must reach."""


def _simulate_seed(seed: int) -> AbstractSet[str]:
    """Simulate a seed, and return the events that it reached."""
    outcome = simulate(seed)
    assert not outcome.violations, f"{outcome.history}\nseed {seed} violates {outcome.violations}"
    return outcome.event_counts.keys()


@pytest.mark.parametrize("first", range(0, 300, 50))
def test_simulation_violates_no_invariant(first: int) -> None:
    """No seed violates an invariant."""
    assert all(_simulate_seed(seed) for seed in range(first, first + 50))


def test_simulation_reaches_every_fault_and_decision() -> None:
    """The seeds reach every fault, kill and decision. Without them, the invariants would prove little."""
    missing = set(REQUIRED_EVENTS)
    for seed in range(300, 600):
        missing -= _simulate_seed(seed)
        if not missing:
            break
    assert missing == set()


def test_a_seed_replays_exactly() -> None:
    """A seed has the same history to the byte, even in another process with another hash seed."""
    command = [sys.executable, "-m", "simulation", "--seeds", "=3", "--history"]
    path = os.pathsep.join((str(_TESTS), str(PACKAGE.parent)))
    histories = {
        subprocess.run(
            command, env={"PYTHONPATH": path, "PYTHONHASHSEED": str(number)}, capture_output=True, check=True
        ).stdout.rpartition(b"1 seeds in")[0]
        for number in (1, 2)
    }
    assert len(histories) == 1
    assert simulate(3).history.encode() in histories.pop()


def test_a_simulation_leaves_no_threads() -> None:
    """A simulation ends the threads of its processes, including killed ones and those that never had a turn."""
    thread_count = threading.active_count()
    for seed in range(10):
        simulate(seed)
    assert threading.active_count() == thread_count
