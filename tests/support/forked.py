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
import socket
import subprocess
import sys
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import import_module
from pathlib import Path
from pkgutil import walk_packages
from tempfile import TemporaryFile

import reconciler
from reconciler.cli import main

_LONGEST = 1 << 20


def run(
    arguments: Sequence[str], folder: Path, environment: Mapping[str, str], stdin: str, seconds: float
) -> subprocess.CompletedProcess[str]:
    """Run the program to its end. Raises subprocess.TimeoutExpired after killing it."""
    request = json.dumps({"arguments": arguments, "folder": str(folder), "environment": dict(environment)}).encode()
    assert len(request) < _LONGEST
    with TemporaryFile() as given, TemporaryFile() as out, TemporaryFile() as err:
        given.write(stdin.encode())
        given.seek(0)
        told, tell = socket.socketpair()
        with told:
            with tell:
                socket.send_fds(_server(), [request], [file.fileno() for file in (given, out, err, tell)])
            pid = int(told.recv(20))
            if not select.select([told], [], [], seconds)[0]:
                os.kill(pid, 9)
                raise subprocess.TimeoutExpired(list(arguments), seconds)
            code = int(told.recv(20))
        for file in (out, err):
            file.seek(0)
        return subprocess.CompletedProcess(arguments, code, out.read().decode(), err.read().decode())


@cache
def _server() -> socket.socket:
    """Start the server process, and return the socket for requests. The process ends when the socket is closed."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        command = [sys.executable, __file__, str(theirs.fileno())]
        process = subprocess.Popen(command, pass_fds=[theirs.fileno()], cwd="/", env={"PATH": os.defpath})

    @atexit.register
    def end() -> None:
        ours.close()
        process.wait()

    return ours


def _serve(requests: socket.socket) -> None:
    """Wait for requests. Return in the forked process of each request."""
    while True:
        message, files, _, _ = socket.recv_fds(requests, _LONGEST, 4)
        if not message:
            os._exit(0)
        if os.fork() == 0:
            break
        for file in files:
            os.close(file)
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    requests.close()
    tell = socket.socket(fileno=files.pop())
    if child := os.fork():
        tell.send(b"%d" % child)
        tell.send(b"%d" % os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
        os._exit(0)
    tell.close()
    request = json.loads(message)
    os.chdir(request["folder"])
    os.environ.clear()  # noqa: TID251 - the environment of a new process
    os.environ.update(request["environment"])  # noqa: TID251
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    sys.argv = request["arguments"]


if __name__ == "__main__":
    for module in walk_packages(reconciler.__path__, "reconciler."):
        import_module(module.name)
    gc.freeze()  # keeps the garbage collector from copying shared pages
    _serve(socket.socket(fileno=int(sys.argv[1])))
    main()
