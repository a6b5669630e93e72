"""Run a program at a terminal, as a person would."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

CTRL_C, END_OF_INPUT = "\x03", "\x04"
HANG_UP = "close the terminal"
"""What closes the terminal, instead of typing. The program then receives SIGHUP."""


@dataclass(frozen=True, slots=True)
class Keys:
    """What a person types once the terminal shows a prompt. Without a prompt, they type it before the program starts.

    A function runs at that time, and returns what is typed after it. A signal is sent to the program instead.
    """

    text: str | Callable[[], str] | signal.Signals
    prompt: str = ""


def run_at_terminal(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], keys: Keys | None
) -> tuple[int, str]:
    """Run a program at a terminal, and return its exit code and what the terminal shows.

    Without `keys`, its standard input is empty, and not a terminal.
    """
    controlling_side, program_side = pty.openpty()
    leader = [] if keys is None else ["setsid", "--ctty"]  # Ctrl-C then reaches the program
    process = subprocess.Popen(
        [*leader, *command],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL if keys is None else program_side,
        stdout=program_side,
        stderr=program_side,
    )
    os.close(program_side)
    output, waiting_keys = b"", keys
    while True:
        if waiting_keys and waiting_keys.prompt.encode() in output:
            match waiting_keys.text:
                case signal.Signals() as number:
                    process.send_signal(number)
                case text if text == HANG_UP:
                    os.close(controlling_side)
                    return process.wait(timeout=60), output.decode()
                case str() as text:
                    os.write(controlling_side, text.encode())
                case run:
                    os.write(controlling_side, run().encode())
            waiting_keys = None
        try:
            chunk = os.read(controlling_side, 65536)
        except OSError:  # the error of Linux if the other side is closed
            break
        if not chunk:
            break
        output += chunk
    os.close(controlling_side)
    return process.wait(timeout=60), output.decode()
