"""Compare the memory of an idle controller with that of a process that only creates one client."""

from __future__ import annotations

import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from benchmarks import inputs
from benchmarks.measure import Figure, build_environment
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
        return _read_resident_memory(pid)


def _measure_client(folder: Path) -> float:
    command = (sys.executable, str(Path(__file__).with_name("client.py")), inputs.REGION)
    pipe = subprocess.PIPE
    with subprocess.Popen(command, env=build_environment(folder), stdin=pipe, stdout=pipe) as process:
        assert process.stdout
        process.stdout.readline()
        resident = _read_resident_memory(process.pid)
        process.communicate()
    return resident


def _count_runs(url: str) -> float:
    metrics = _get(f"{url}/metrics").splitlines()
    return sum(float(line.removeprefix(_SUCCEEDED)) for line in metrics if line.startswith(_SUCCEEDED))


def _get(url: str) -> str:
    with urllib.request.urlopen(url) as answer:
        return str(answer.read().decode())


def _read_resident_memory(pid: int) -> float:
    """Return the resident memory of a process, in MB (VmRSS, proc(5))."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) * 1024 / 1e6
