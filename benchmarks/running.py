"""Start the processes that a benchmark measures or connects to."""

from __future__ import annotations

import json
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from benchmarks import inputs
from benchmarks.measure import RECONCILE, build_environment, measure_cost

_HERE = Path(__file__).parent
_PAUSE = 0.02


@contextmanager
def run_sandbox(folder: Path) -> Iterator[str]:
    """Yield the URL of a sandbox in a separate process, with the data integrations of the manifests."""
    command = (RECONCILE, "sandbox", "--port", "0", "--data", "sandbox.json")
    with subprocess.Popen(
        command, cwd=folder, env=build_environment(folder), stdout=subprocess.PIPE, text=True
    ) as process:
        try:
            assert process.stdout
            url = next(word for word in process.stdout.readline().split() if word.startswith("http://"))
            names = map(inputs.name_integration, range(inputs.INTEGRATIONS))
            measure_cost((sys.executable, str(_HERE / "integrations.py"), url, inputs.REGION, *names), folder)
            yield url
        finally:
            process.terminate()


@contextmanager
def run_server(*options: str) -> Iterator[str]:
    """Yield the URL of a fast server in a separate process. server.py describes the options."""
    command = (sys.executable, str(_HERE / "server.py"), *options)
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            yield process.stdout.readline().split()[-1]
        finally:
            process.terminate()


def count_calls(url: str) -> Mapping[str, Mapping[str, Mapping[str, int]]]:
    """Return the calls and the throttled calls of a fast server, by account and operation, and set them to zero."""
    with urllib.request.urlopen(urllib.request.Request(f"{url}/counts", method="DELETE")) as answer:
        counts: Mapping[str, Mapping[str, Mapping[str, int]]] = json.load(answer)
    return counts


@contextmanager
def run_controller(folder: Path, *options: str) -> Iterator[tuple[int, str]]:
    """Yield the process id and the URL of a listening controller. It writes its log to the folder."""
    log = folder / "controller.jsonl"
    command = (RECONCILE, "controller", "--listen", "127.0.0.1:0", *options)
    with (
        log.open("w", encoding="utf-8") as log_writer,
        log.open(encoding="utf-8") as log_reader,
        subprocess.Popen(command, cwd=folder, env=build_environment(folder), stderr=log_writer) as process,
    ):
        try:
            yield process.pid, _read_address(process, log_reader)
        finally:
            process.terminate()


def _read_address(process: subprocess.Popen[bytes], log: TextIO) -> str:
    while process.poll() is None:
        if (line := log.readline()).endswith("\n") and "url" in (entry := json.loads(line)):
            return str(entry["url"])
        time.sleep(0 if line else _PAUSE)
    raise RuntimeError(f"the controller exited with code {process.returncode}: see {log.name}")
