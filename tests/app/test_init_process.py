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

PID_NAMESPACE = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child")

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
def list_others():
    return {int(each.name) for each in Path("/proc").iterdir() if each.name.isdigit()} - {1, os.getpid()}
while list_others():
    pass
"""


@pytest.fixture(autouse=True)
def require_pid_namespace() -> None:
    """Skip the test if this user cannot create a process namespace."""
    if subprocess.run([*PID_NAMESPACE, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this user cannot create a process namespace")


def wait_until(condition: Callable[[], bool]) -> None:
    """Wait until a condition is true, for at most 60 seconds."""
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.001)


def find_child(process: int) -> int:
    """Return the id of the only child of a process, or 0 if it has none."""
    children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    return int(children[0]) if children else 0


@contextmanager
def run_as_init(program: Program, *arguments: str) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """Run the program as process 1 of a namespace. Yield its `unshare` process, and the id of process 1."""
    command = [*PID_NAMESPACE, *program.build_command(*arguments)]
    launcher = subprocess.Popen(
        command, cwd=program.folder, env=create_environment(**GIT, HOME="/nonexistent"), stdout=subprocess.PIPE,
        stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    try:
        wait_until(lambda: find_child(launcher.pid) > 0)
        yield launcher, find_child(launcher.pid)
    finally:
        launcher.kill()
        launcher.communicate()


def test_signal_during_start_up_ends_the_program(program: Program) -> None:
    """SIGTERM ends the program even before the controller has installed its handlers."""
    program.add("october")
    with run_as_init(program, "controller") as (launcher, init):
        wait_until(lambda: find_child(init) > 0)
        os.kill(init, signal.SIGTERM)
        assert launcher.wait(60) in {0, 128 + signal.SIGTERM}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_signal_to_init_process_stops_the_controller_gracefully(program: Program, number: signal.Signals) -> None:
    """Process 1 forwards a signal to the controller, and exits with its exit code."""
    program.add("october")
    with run_as_init(program, "controller") as (launcher, init):
        assert launcher.stderr
        for line in launcher.stderr:
            if "run finished" in line:
                break
        os.kill(init, number)
        log = launcher.stderr.read()
        assert launcher.wait(60) == 0
        assert "controller stopped" in log


def test_init_process_exits_with_the_code_of_the_program(program: Program) -> None:
    """Process 1 exits with the exit code of the command."""
    with run_as_init(program, "nope") as (launcher, _):
        assert launcher.wait(60) == 64


def test_children_of_a_killed_git_are_reaped(tmp_path: Path) -> None:
    """Process 1 reaps the children of a killed git."""
    env = {"PYTHONPATH": os.pathsep.join(sys.path), **GIT}
    result = subprocess.run(
        [*PID_NAMESPACE, sys.executable, "-c", GIT_KILLED],
        cwd=tmp_path, env=env, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert (result.returncode, result.stderr) == (0, "")
