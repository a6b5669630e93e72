"""Tests for memory: many slow readers of a large page take a small part of the memory of the pod."""

from __future__ import annotations

import re
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import pytest
from support.paths import REPOSITORY

from reconciler.web.connection_limits import MAX_CONNECTIONS
from reconciler.web.response_cache import MAX_BYTES

DEPLOY = REPOSITORY / "deploy"
GIB = 1024 * 1024 * 1024


def read_memory_limits() -> list[int]:
    """Return the memory limits in bytes that deploy/ sets for a controller."""
    kubernetes = (DEPLOY / "kubernetes/controller/deployment.yaml").read_text(encoding="utf-8")
    systemd = (DEPLOY / "systemd/reconciler.service").read_text(encoding="utf-8")
    matches = [re.search(r"limits: .*memory: (\d+)Gi", kubernetes), re.search(r"MemoryMax=(\d+)G", systemd)]
    return [int(match[1]) * GIB for match in matches if match]


def read_process_memory(process: subprocess.Popen[str], name: str) -> int:
    """Return a memory value of a process in bytes (proc(5))."""
    status = Path(f"/proc/{process.pid}/status").read_text(encoding="ascii")
    match = re.search(rf"{name}:\s+(\d+) kB", status)
    assert match
    return int(match[1]) * 1024


def test_response_memory_is_below_the_pod_limits() -> None:
    """Three caches and the buffers of every connection take at most half of the smallest memory limit."""
    buffers = MAX_CONNECTIONS * 3 * 64 * 1024
    assert len(read_memory_limits()) == 2
    assert 3 * MAX_BYTES + buffers <= min(read_memory_limits()) / 2


@pytest.mark.parametrize("path", ["/api/v1/report", "/", "/?q=export-{}", "/metrics"])
def test_slow_readers_of_a_large_page_take_little_memory(path: str) -> None:
    """Ten readers that stop after the head of a large response take less than a tenth of the memory of the pod."""
    command = (sys.executable, "-m", "support.serve_large_page", "5000")
    with subprocess.Popen(
        command, cwd=REPOSITORY / "tests", stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout
        port = int(process.stdout.readline().rpartition(":")[2])
        baseline = read_process_memory(process, "VmRSS")
        with ExitStack() as stack:  # closed before the server stops, which would otherwise wait for the readers
            for number in range(10):
                reader = stack.enter_context(socket.create_connection(("127.0.0.1", port), timeout=60))
                reader.sendall(f"GET {path.format(number)} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
                assert reader.recv(12) == b"HTTP/1.1 200"
            growth = read_process_memory(process, "VmHWM") - baseline
        process.communicate()
    assert growth < min(read_memory_limits()) / 10
