"""Run the program as a user does: the installed script, in its own folder and environment."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support import forked

SCRIPT = Path(sys.executable).with_name("reconcile")
TARGET = """\
apiVersion: appintegrations.reconciler/v1
kind: Target
metadata: {name: NAME}
"""
EXPORT = """\
apiVersion: appintegrations.reconciler/v1
kind: DataIntegrationAssociation
metadata: {name: NAME}
spec:
  DataIntegrationIdentifier: profiles-export
  ObjectConfiguration: {CustomerProfiles: {domainName: [my-domain], objectType: [_profile]}}
  DestinationURI: s3://corp-exports/NAME
  ExecutionConfiguration:
    ExecutionMode: ON_DEMAND
    OnDemandConfiguration: {StartTime: 2026-10-01T00:00:00Z, EndTime: 2026-11-01T00:00:00Z}
"""


def terminate(process: subprocess.Popen[str], number: signal.Signals = signal.SIGTERM) -> None:
    """Send a signal, and return when the program has received it.

    It then no longer catches the signal (proc(5), SigCgt).
    """
    process.send_signal(number)
    status = Path(f"/proc/{process.pid}/status")
    while int(status.read_text().partition("SigCgt:")[2].split()[0], 16) & 1 << number - 1:
        time.sleep(0.001)


def environment(**changes: str) -> dict[str, str]:
    """Return a minimal environment: no AWS settings, no home, no CI."""
    return {"PATH": os.defpath, "HOME": "/nonexistent", "AWS_EC2_METADATA_DISABLED": "true", **changes}


@dataclass(frozen=True, slots=True)
class Done:
    """A finished process."""

    code: int
    out: str
    err: str

    @property
    def report(self) -> Any:
        """The JSON report on standard output."""
        return json.loads(self.out)

    @property
    def logs(self) -> list[Any]:
        """The log lines on standard error."""
        return [json.loads(line) for line in self.err.splitlines() if line.startswith("{")]

    def events(self, name: str) -> list[Any]:
        """Return the log lines of one event."""
        return [line for line in self.logs if line["event"] == name]

    @property
    def decisions(self) -> dict[str, str]:
        """The decisions of the report, by manifest name."""
        return {each["name"]: each["decision"] for target in self.report["targets"] for each in target["associations"]}


@dataclass(frozen=True, slots=True)
class Program:
    """The program in a folder with a `manifests` folder, with the endpoint of a sandbox."""

    folder: Path
    endpoint: str | None = None

    def add(self, *names: str, text: str = EXPORT, **replaced: str) -> None:
        """Write a manifest for each name. `replaced` replaces words in the text."""
        (self.folder / "manifests").mkdir(exist_ok=True)
        for name in names:
            content = text.replace("NAME", name)
            for old, new in replaced.items():
                content = content.replace(old, new)
            (self.folder / "manifests" / f"{name}.yaml").write_text(content)

    def arguments(self, *arguments: str) -> list[str]:
        """Return a command line. Commands that call AWS get the endpoint and a Region."""
        command = list(arguments)
        calls = self.endpoint and command[:1] not in (["health"], ["validate"], ["schema"])
        aimed = ["--endpoint-url", str(self.endpoint), "--region", "us-east-1"] if calls else []
        at = 1 if command and not command[0].startswith("-") else 0
        return [str(SCRIPT), *command[:at], *aimed, *command[at:]]

    def run(self, *arguments: str, stdin: str = "", env: Mapping[str, str] | None = None) -> Done:
        """Run the program to its end."""
        command, given = self.arguments(*arguments), environment(**(env or {}))
        if any(name.startswith("PYTHON") for name in given):  # Python reads these variables when it starts
            done = subprocess.run(
                command,
                cwd=self.folder,
                env=given,
                input=stdin.encode(),
                capture_output=True,
                check=False,
                timeout=60,
            )
        else:
            done = forked.run(command, self.folder, given, stdin.encode(), seconds=60)
        return Done(done.returncode, done.stdout.decode(), done.stderr.decode())

    def start(self, *arguments: str, env: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """Start the program, and return its process."""
        return subprocess.Popen(
            self.arguments(*arguments),
            cwd=self.folder, env=environment(**(env or {})), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    def on_terminal(self, *arguments: str, env: Mapping[str, str] | None = None, answer: str | None = None) -> str:
        """Run the program on a terminal, and return its output.

        With an `answer`, a person types it. Otherwise standard input is empty.
        """
        main, side = pty.openpty()
        process = subprocess.Popen(
            self.arguments(*arguments),
            cwd=self.folder, env=environment(TERM="xterm-256color", **(env or {})),
            stdin=subprocess.DEVNULL if answer is None else side, stdout=side, stderr=side,
        )  # fmt: skip
        os.close(side)
        os.write(main, (answer or "").encode())
        shown = b""
        while True:
            try:
                part = os.read(main, 65536)
            except OSError:  # the error of Linux if the other side is closed
                break
            if not part:
                break
            shown += part
        os.close(main)
        process.wait(timeout=60)
        return shown.decode()
