"""Run the program in forked processes, which saves the time to import it.

A server process imports the program and forks for each run. The start of Python itself is not tested. As a script, this
module is the server process.
"""

from __future__ import annotations

import atexit
import gc
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import fields
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from tempfile import TemporaryFile
from typing import Any, Self, TextIO, cast

from support.botocore_caches import install_caches
from support.machine_clock import install_clock

import reconciler
from reconciler.cli import main
from reconciler.core.model import Target
from reconciler.edge.aws.region_names import load_region_patterns
from reconciler.edge.manifests.schema import SCHEMA_FILES, get_fast_check

_LONGEST = 1 << 20
_NUMBER_LENGTH = 20
_LAUNCHER = """\
#!{python} -IS
import json, os, signal, socket, sys

with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as server:
    server.connect({address!r})
    request = {{"arguments": sys.argv, "folder": os.getcwd(), "environment": dict(os.environ)}}
    socket.send_fds(server, [json.dumps(request).encode()], [0, 1, 2])
    process = int(server.recv(20))
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda number, _: os.kill(process, number))
    code = int(server.recv(20))
if code < 0:
    signal.signal(-code, signal.SIG_DFL)
    os.kill(os.getpid(), -code)
sys.exit(code)
"""


def run(
    arguments: Sequence[str], folder: Path, environment: Mapping[str, str], stdin: bytes, seconds: float
) -> subprocess.CompletedProcess[bytes]:
    """Run the program to its end. Raises subprocess.TimeoutExpired after killing a process that takes too long."""
    with TemporaryFile() as stdin_file, TemporaryFile() as stdout_file, TemporaryFile() as stderr_file:
        stdin_file.write(stdin)
        stdin_file.seek(0)
        files = [file.fileno() for file in (stdin_file, stdout_file, stderr_file)]
        server, process = _fork(arguments, folder, environment, files)
        with server:
            if not select.select([server], [], [], seconds)[0]:
                os.kill(process, signal.SIGKILL)
                raise subprocess.TimeoutExpired(list(arguments), seconds)
            code = int(server.recv(_NUMBER_LENGTH))
        for file in (stdout_file, stderr_file):
            file.seek(0)
        return subprocess.CompletedProcess(arguments, code, stdout_file.read(), stderr_file.read())


class ForkedProcess:
    """A running program without standard input. It has the part of subprocess.Popen's interface that tests use."""

    def __init__(self, arguments: Sequence[str], folder: Path, environment: Mapping[str, str]) -> None:
        self.args = list(arguments)
        self.returncode: int | Any = None
        self._has_ended = threading.Event()
        self._outputs = ["", ""]
        self._readers: list[threading.Thread] = []
        stdout, stdout_end = os.pipe()
        stderr, stderr_end = os.pipe()
        stdin_end = os.open(os.devnull, os.O_RDONLY)
        ends = [stdin_end, stdout_end, stderr_end]
        self.stdout, self.stderr = os.fdopen(stdout, encoding="utf-8"), os.fdopen(stderr, encoding="utf-8")
        try:
            server, self.pid = _fork(arguments, folder, environment, ends)
        finally:
            for end in ends:
                os.close(end)
        threading.Thread(target=self._wait_for_end, args=(server,), daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stdout.close()
        self.stderr.close()
        self.wait()

    def send_signal(self, number: int) -> None:
        """Send a signal, unless the process is known to have ended."""
        if self.poll() is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """Send SIGKILL."""
        self.send_signal(signal.SIGKILL)

    def poll(self) -> int | None:
        """Return the exit code, or None if the process still runs."""
        return self.returncode

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit code. Raises subprocess.TimeoutExpired."""
        if not self._has_ended.wait(timeout):
            raise subprocess.TimeoutExpired(self.args, timeout or 0)
        return int(self.returncode)

    def communicate(self, timeout: float | None = None) -> tuple[str, str]:
        """Return the outputs of the ended process. Raises subprocess.TimeoutExpired, and may be called again."""
        if not self._readers:
            self._readers = [
                threading.Thread(target=self._read, args=each, daemon=True)
                for each in enumerate((self.stdout, self.stderr))
            ]
            for reader in self._readers:
                reader.start()
        self.wait(timeout)
        for reader in self._readers:
            reader.join()
        return self._outputs[0], self._outputs[1]

    def _wait_for_end(self, server: socket.socket) -> None:
        with server:
            self.returncode = int(server.recv(_NUMBER_LENGTH))
        self._has_ended.set()

    def _read(self, index: int, stream: TextIO) -> None:
        self._outputs[index] = stream.read()
        stream.close()


def _fork(
    arguments: Sequence[str], folder: Path, environment: Mapping[str, str], files: Sequence[int]
) -> tuple[socket.socket, int]:
    """Start the program with three standard streams. Return the socket that tells its exit code, and its process id."""
    request = json.dumps({"arguments": arguments, "folder": str(folder), "environment": dict(environment)}).encode()
    assert len(request) < _LONGEST
    server = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    server.connect(_start_server())
    socket.send_fds(server, [request], files)
    return server, int(server.recv(_NUMBER_LENGTH))


def write_launcher(path: Path) -> Path:
    """Write a script in place of the program. It passes on streams, environment and signals to a forked process."""
    path.write_text(_LAUNCHER.format(python=sys.executable, address=_start_server()), encoding="utf-8")
    path.chmod(0o755)
    return path


@cache
def _start_server() -> str:
    """Start the server process, and return its address. The server ends together with this process."""
    address = f"\0reconcile-{os.getpid()}-{os.urandom(8).hex()}"  # an abstract address, which needs no file (unix(7))
    parent_socket, child_socket = socket.socketpair()
    with child_socket, socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as listener:
        listener.bind(address)
        listener.listen(64)
        files = [listener.fileno(), child_socket.fileno()]
        command = [sys.executable, __file__, *map(str, files)]
        environment = {"PATH": os.defpath, "HOME": "/nonexistent", "PYTHONPATH": str(Path(__file__).parents[1])}
        process = subprocess.Popen(command, pass_fds=files, cwd="/", env=environment)

    @atexit.register
    def end_server() -> None:
        parent_socket.close()
        process.wait()

    return address


def _serve(listener: socket.socket, owner: socket.socket) -> None:
    """Wait for requests, and tell each client how its process ended. Return in the forked process of each request."""
    clients: dict[int, tuple[int, socket.socket]] = {}  # by pidfd, which is readable when the process has ended
    while True:
        sources: list[socket.socket | int] = [listener, owner, *clients]
        ready = select.select(sources, [], [])[0]
        if owner in ready:
            os._exit(0)
        for pidfd in clients.keys() & ready:
            child, client = clients.pop(pidfd)
            code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
            os.close(pidfd)
            with client, suppress(BrokenPipeError):  # the client was killed
                client.send(b"%d" % code)
        if listener not in ready:
            continue
        client, _ = listener.accept()
        message, files, _, _ = socket.recv_fds(client, _LONGEST, 3)
        if not message:  # the client was killed before its request
            client.close()
            continue
        child = os.fork()
        if child == 0:
            break
        for file in files:
            os.close(file)
        clients[os.pidfd_open(child)] = child, client
        with suppress(BrokenPipeError):
            client.send(b"%d" % child)
    for number in (listener.detach(), owner.detach(), client.detach(), *clients):
        os.close(number)
    for _, other_client in clients.values():
        other_client.close()
    request = json.loads(message)
    os.chdir(request["folder"])
    os.environ.clear()  # noqa: TID251 - the environment of a new process
    os.environ.update(request["environment"])  # noqa: TID251 - as above
    install_clock(request["environment"])
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    sys.stdin = _reopen(sys.stdin, "r")
    sys.stdout = _reopen(sys.stdout, "w")
    sys.stderr = _reopen(sys.stderr, "w", buffering=1)
    sys.argv = request["arguments"]


def _run_program() -> None:
    """Run the program, and end the process after its exit handlers.

    Python would then free every object, which copies the pages that the processes share and takes longer than most
    runs.
    """
    code = 1

    @atexit.register  # the last registered handler runs first: this one runs after those of the program
    def end_process() -> None:
        for stream in (sys.stdout, sys.stderr):
            with suppress(OSError):
                stream.flush()
        os._exit(code)

    try:
        main()
    except SystemExit as error:
        code = error.code if isinstance(error.code, int) else code
        raise


def _raise_default_rate() -> None:
    """Raise the default of RequestsPerSecond, for which almost every run with a Create would wait a second.

    The default burst and the limits of Targets stay.
    """
    initialise: Any = Target.__init__
    names = [each.name for each in fields(Target)]
    defaults = dict(zip(reversed(names), reversed(initialise.__defaults__), strict=False))
    defaults["requests_per_second"] = 100.0
    initialise.__defaults__ = tuple(reversed(defaults.values()))


def _reopen(stream: TextIO, mode: str, buffering: int = -1) -> TextIO:
    """Return a new stream for the same descriptor: the old one remembers whether it was a file or a pipe."""
    reopened = open(  # noqa: SIM115 - the stream stays open
        stream.fileno(), mode, buffering, encoding=stream.encoding, errors=stream.errors, closefd=False
    )
    return cast("TextIO", reopened)


if __name__ == "__main__":
    for module in walk_packages(reconciler.__path__, "reconciler."):
        import_module(module.name)
    install_caches()
    _raise_default_rate()
    for kind in SCHEMA_FILES:
        get_fast_check(kind)
    load_region_patterns()
    gc.freeze()  # keeps the garbage collector from copying shared pages
    _serve(*(socket.socket(fileno=int(file)) for file in sys.argv[1:]))
    _run_program()
