"""The program as process 1 of a container: it handles signals, and reaps dead processes."""

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
    """Skip the test if this user cannot create a process namespace."""
    if subprocess.run([*SPACE, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this user cannot create a process namespace")


def until(is_so: Callable[[], bool]) -> None:
    """Wait until a condition is true, for at most 60 seconds."""
    end = time.monotonic() + 60
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.001)


def child(process: int) -> int:
    """Return the id of the only child of a process, or 0 if it has none."""
    found = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return int(found[0]) if found else 0


@contextmanager
def first(program: Program, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Run the program as process 1 of a namespace. Yield its `unshare` process, and the id of process 1."""
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
    """SIGTERM ends the program even before the controller has installed its handlers."""
    program.add("october")
    with first(program, "controller") as (started, process):
        until(lambda: child(process) > 0)
        os.kill(process, signal.SIGTERM)
        assert started.wait(60) in {0, 128 + signal.SIGTERM}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_to_init_process_stops_the_controller_gracefully(program: Program, number: signal.Signals) -> None:
    """Process 1 forwards a signal to the controller, and exits with its exit code."""
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
    """Process 1 exits with the exit code of the command."""
    with first(program, "nope") as (started, _):
        assert started.wait(60) == 64


def test_children_of_a_killed_git_are_reaped(tmp_path: Path) -> None:
    """Process 1 reaps the children of a killed git."""
    env = {"PYTHONPATH": os.pathsep.join(sys.path), **GIT}
    done = subprocess.run(
        [*SPACE, sys.executable, "-c", GIT_KILLED], cwd=tmp_path, env=env, capture_output=True, text=True, check=False,
        timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
