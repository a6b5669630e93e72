"""The program as process 1, as in a container without an init: signals arrive, and no dead process stays."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from support.program import Program, create_environment
from support.repository import GIT

SPACE = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child")

GIT_KILLED = """
import os, sys
from pathlib import Path
from reconciler.app.init_process import continue_in_child
assert os.getpid() == 1
continue_in_child()
assert os.getpid() != 1
from reconciler.core.errors import GitError
from reconciler.edge.git import RepositoryAccess, read_revision
hanging = {**os.environ, "GIT_SSH_COMMAND": "sh -c 'sleep 600; true' #"}
try:
    read_revision(RepositoryAccess("git@127.0.0.1:x", "main", hanging, timeout_seconds=0.3), "manifests")
except GitError as error:
    assert "timed out" in str(error), error
def others():
    return {int(each.name) for each in Path("/proc").iterdir() if each.name.isdigit()} - {1, os.getpid()}
while others():
    pass
"""


@pytest.fixture(autouse=True)
def space() -> None:
    """Skip where no process may have a space of its own."""
    if subprocess.run([*SPACE, "true"], capture_output=True, check=False).returncode:
        pytest.skip("it takes a user who may make a space of processes")


def until(is_so: Callable[[], bool]) -> None:
    """Wait for what has to come; the test's own time-out ends a wait in vain."""
    end = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.001)


def child(process: int) -> int:
    """Return the only child of a process, 0 where it has none."""
    found = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return int(found[0]) if found else 0


@contextmanager
def first(program: Program, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Run the program as process 1 of a space, and give what runs it and process 1."""
    command = [*SPACE, *program.build_command(*arguments)]
    started = subprocess.Popen(
        command, cwd=program.folder, env=create_environment(**GIT, HOME="/nonexistent"), stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        until(lambda: child(started.pid) > 0)
        yield started, child(started.pid)
    finally:
        started.kill()
        started.communicate()


def test_signal_during_start_up_ends_the_program(program: Program) -> None:
    """As soon as it attends to signals, long before there is a controller that could handle any."""
    program.add("october")
    with first(program, "controller") as (started, process):
        until(lambda: child(process) > 0)
        os.kill(process, signal.SIGTERM)
        assert started.wait(60) in {0, 128 + signal.SIGTERM}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_to_init_process_stops_the_controller_gracefully(program: Program, number: signal.Signals) -> None:
    """It is handed on, and the exit code is the program's."""
    program.add("october")
    with first(program, "controller") as (started, process):
        assert started.stderr
        for line in started.stderr:
            if "run finished" in line:
                break
        os.kill(process, number)
        said = started.stderr.read()
        assert started.wait(60) == 0
        assert "controller stopped" in said


def test_init_process_exits_with_the_code_of_the_program(program: Program) -> None:
    """Of a command that ends by itself."""
    with first(program, "nope") as (started, _):
        assert started.wait(60) == 64


def test_children_of_a_killed_git_are_reaped(tmp_path: Path) -> None:
    """A git that is ended leaves its children to process 1: none stays, dead or alive."""
    env = {"PYTHONPATH": os.pathsep.join(sys.path), **GIT}
    done = subprocess.run(
        [*SPACE, sys.executable, "-c", GIT_KILLED], cwd=tmp_path, env=env, capture_output=True, text=True, check=False,
        timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
