"""Compare the memory of an idle controller with that of a process that only creates one client."""

from __future__ import annotations

import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from benchmarks import inputs
from benchmarks.measure import Figure, build_environment, read_memory
from benchmarks.running import run_controller, run_sandbox

_COUNT = 20
_RUNS = 31
_SUCCEEDED = 'reconciler_runs_total{result="succeeded",target="benchmark"} '
_PATIENCE = 300


def measure_figures(folder: Path, pairs: int) -> Iterator[Figure]:
    """Yield the resident memory of a controller after runs that found every association in sync."""
    inputs.write(folder, _COUNT)
    with run_sandbox(folder) as url:
        both = [(_measure_controller(url, folder), _measure_client(folder)) for _ in range(pairs)]
    ours, baseline = zip(*both, strict=True)
    yield Figure("controller, idle memory", "MB", ours, baseline, 2.0)


def _measure_controller(sandbox: str, folder: Path) -> float:
    with run_controller(folder, "--endpoint-url", sandbox, "--interval", "1s") as (pid, url):
        until = time.monotonic() + _PATIENCE
        while _count_runs(url) < _RUNS:
            if time.monotonic() > until:
                raise RuntimeError(f"the controller did not finish {_RUNS} runs within {_PATIENCE} s")
            time.sleep(0.2)
        _get(url)
        return read_memory(pid, "VmRSS")


def _measure_client(folder: Path) -> float:
    command = (sys.executable, str(Path(__file__).with_name("client.py")), inputs.REGION)
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=build_environment(folder), stdin=pipe, stdout=pipe) as process:
        assert process.stdout
        process.stdout.readline()
        resident = read_memory(process.pid, "VmRSS")
        process.communicate()
    return resident


def _count_runs(url: str) -> float:
    metrics = _get(f"{url}/metrics").splitlines()
    return sum(float(line.removeprefix(_SUCCEEDED)) for line in metrics if line.startswith(_SUCCEEDED))


def _get(url: str) -> str:
    with urllib.request.urlopen(url) as answer:
        return str(answer.read().decode())
