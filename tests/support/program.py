"""Run the program as a user does: the installed script, in its own folder and environment."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support import forking
from support.terminal import Keys, run_at_terminal

Process = subprocess.Popen[str] | forking.ForkedProcess
"""A running process of the program."""
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


_LOCAL_COMMANDS = {"health", "validate", "render", "schema", "sandbox"}


def terminate(process: Process, number: signal.Signals = signal.SIGTERM) -> None:
    """Send a signal, and return when the program has received it.

    It then no longer catches the signal (proc(5), SigCgt), or it has ended already.
    """
    process.send_signal(number)
    status = Path(f"/proc/{process.pid}/status")
    with suppress(FileNotFoundError, ProcessLookupError):
        while int(status.read_text().partition("SigCgt:")[2].split()[0], 16) & 1 << number - 1:
            time.sleep(0.001)


def create_environment(**changes: str) -> dict[str, str]:
    """Return a minimal environment: no AWS settings, no home, no CI."""
    return {"PATH": os.defpath, "HOME": "/nonexistent", "AWS_EC2_METADATA_DISABLED": "true", **changes}


def _needs_own_python(environment: Mapping[str, str]) -> bool:
    """Return whether a variable is one that Python reads when it starts."""
    return any(name.startswith("PYTHON") for name in environment)


@dataclass(frozen=True, slots=True)
class CompletedRun:
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

    def find_events(self, name: str) -> list[Any]:
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

    def add(self, *names: str, text: str = EXPORT, **replacements: str) -> None:
        """Write a manifest for each name. `replacements` replaces words in the text."""
        (self.folder / "manifests").mkdir(exist_ok=True)
        for name in names:
            manifest = text.replace("NAME", name)
            for old, new in replacements.items():
                manifest = manifest.replace(old, new)
            (self.folder / "manifests" / f"{name}.yaml").write_text(manifest)

    def build_command(self, *arguments: str) -> list[str]:
        """Return a command line. Commands that call AWS get the endpoint and a Region."""
        command = list(arguments)
        is_aws_command = self.endpoint and (command or [""])[0] not in _LOCAL_COMMANDS
        endpoint_options = ["--endpoint-url", str(self.endpoint), "--region", "us-east-1"] if is_aws_command else []
        position = 1 if command and not command[0].startswith("-") else 0
        return [str(SCRIPT), *command[:position], *endpoint_options, *command[position:]]

    def run(self, *arguments: str, stdin: str = "", env: Mapping[str, str] | None = None) -> CompletedRun:
        """Run the program to its end."""
        command, variables = self.build_command(*arguments), create_environment(**(env or {}))
        if _needs_own_python(variables):
            process = subprocess.run(
                command,
                cwd=self.folder,
                env=variables,
                input=stdin.encode(),
                capture_output=True,
                check=False,
                timeout=60,
            )
        else:
            process = forking.run(command, self.folder, variables, stdin.encode(), seconds=60)
        return CompletedRun(process.returncode, process.stdout.decode(), process.stderr.decode())

    def start(self, *arguments: str, env: Mapping[str, str] | None = None) -> Process:
        """Start the program, and return its process."""
        command, variables = self.build_command(*arguments), create_environment(**(env or {}))
        if _needs_own_python(variables):
            return subprocess.Popen(
                command, cwd=self.folder, env=variables, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
        return forking.ForkedProcess(command, self.folder, variables)

    def run_on_terminal(self, *arguments: str, env: Mapping[str, str] | None = None, answer: str | None = None) -> str:
        """Run the program on a terminal, and return its output.

        With an `answer`, a person types it. Otherwise standard input is empty.
        """
        return self.type_on_terminal(*arguments, env=env, keys=None if answer is None else Keys(answer))[1]

    def type_on_terminal(
        self, *arguments: str, env: Mapping[str, str] | None = None, keys: Keys | None
    ) -> tuple[int, str]:
        """Run the program on a terminal on which a person types. Return its exit code and its output."""
        variables = create_environment(TERM="xterm-256color", **(env or {}))
        return run_at_terminal(self.build_command(*arguments), self.folder, variables, keys)
