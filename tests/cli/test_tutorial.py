"""Tutorial: each command runs at a terminal, and prints what the page shows."""

from __future__ import annotations

import re
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from support.paths import REPOSITORY
from support.program import SCRIPT, create_environment
from support.terminal import CTRL_C, Keys, run_at_terminal

PAGE = REPOSITORY / "docs" / "tutorial.md"
QUESTION = "Type yes: "


def read_commands() -> Iterator[tuple[str, str]]:
    """Yield each command of the page with its output."""
    for block in re.findall(r"```console\n(.*?)```", PAGE.read_text(), re.DOTALL):
        for command in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            line, _, output = command.partition("\n")
            yield line, output


def compile_output(text: str) -> re.Pattern[str]:
    """Return a pattern for an output. In a line, `…` stands for any text. Alone, it stands for any lines."""
    lines = (
        r"(?:.*\n)*?" if line == "…" else "[^\n]*".join(map(re.escape, line.split("…"))) + r"\n"
        for line in text.splitlines()
    )
    return re.compile("".join(lines))


def run_command(line: str, folder: Path) -> str:
    """Run a command at a terminal, and return what the terminal shows."""
    command = line.split()
    if command[0] != "reconcile":
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True).stdout
    keys = Keys("yes\n", QUESTION)
    if command[1] == "controller":
        keys = Keys(lambda: read_page(line) + CTRL_C, "run finished")
    environment = create_environment(TERM="xterm-256color", NO_COLOR="1", COLUMNS="200")
    code, screen = run_at_terminal([str(SCRIPT), *command[1:]], folder, environment, keys)
    assert code == 0, screen
    return screen.replace("\r\n", "\n")


def find_free_port() -> int:
    """Return a port of the loopback interface on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        return port


def read_page(line: str) -> str:
    """Check that the page of the controller shows the export. Return no keys."""
    address = re.search(r"--listen (\S+)", line)
    assert address
    with urllib.request.urlopen(f"http://{address[1]}/", timeout=30) as response:
        assert "2026-11-01 to 2026-12-01" in response.read().decode()
    return ""


def test_tutorial_prints_what_the_page_shows(tmp_path: Path) -> None:
    """From an empty folder, every command of the tutorial succeeds with exactly the output on the page."""
    folder, address = tmp_path, f"127.0.0.1:{find_free_port()}"
    commands = list(read_commands())
    assert len(commands) > 8
    for each in commands:
        line, output = (text.replace("127.0.0.1:8080", address) for text in each)
        if line.startswith("cd "):
            folder /= line.removeprefix("cd ")
            continue
        screen = run_command(line, folder)
        shown = screen.partition("^C")[0]
        assert compile_output(output).fullmatch(shown), f"$ {line}\n{shown}\n--- the page shows:\n{output}"
