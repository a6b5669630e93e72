"""Completion in the shells themselves, at a terminal: commands, options, and the names of manifests and targets."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest
from support.paths import REPOSITORY
from support.program import SCRIPT, create_environment
from support.terminal import Keys, run_at_terminal

TAB, START_OF_LINE = "\t", "\x01"
SHELLS = {
    "bash": (("bash", "--noprofile", "--rcfile", "FOLDER/.zshrc", "-i"), ""),
    "zsh": (("zsh", "-d", "-i"), "autoload -U compinit && compinit -u -D\n"),
}
LINES = [
    ("reconcile vali", "reconcile validate"),
    ("reconcile status --detai", "reconcile status --detai"),
    ("reconcile --dry", "reconcile --dry-run"),
    ("reconcile explain profiles-b", "reconcile explain profiles-before-october"),
    ("reconcile windows p", "reconcile windows profiles-monthly"),
    ("reconcile --target p", "reconcile --target production"),
    ("reconcile unlock st", "reconcile unlock staging"),
]
"""A line before and after the key Tab, in a folder with the manifests of this repository."""


def build_environment(folder: Path) -> dict[str, str]:
    """Return an environment in which `reconcile` is the program, and zsh reads its settings from a folder."""
    paths = f"{SCRIPT.parent}:/usr/local/bin:/usr/bin:/bin"
    return create_environment(PATH=paths, HOME=str(folder), ZDOTDIR=str(folder), TERM="dumb")


@pytest.mark.parametrize(("line", "completed"), LINES)
@pytest.mark.parametrize("shell", SHELLS)
def test_the_key_tab_completes_a_line(tmp_path: Path, shell: str, line: str, completed: str) -> None:
    """The script of `reconcile completion` completes the line that a person types in bash and zsh."""
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")
    arguments, preparation = SHELLS[shell]
    settings = f'{preparation}PS1="> "\neval "$(reconcile completion {shell})"\necho RE"ADY"\n'
    (tmp_path / ".zshrc").write_text(settings, encoding="utf-8")
    command = [each.replace("FOLDER", str(tmp_path)) for each in arguments]
    keys = Keys(f"{line}{TAB}{START_OF_LINE}echo is \nexit\n", "READY")
    _, screen = run_at_terminal(command, REPOSITORY, build_environment(tmp_path), keys)
    assert f"is {completed}" in [each.strip() for each in screen.replace("\r", "\n").splitlines()], screen


def complete_in_fish(folder: Path, line: str) -> list[str]:
    """Return the words that fish offers for a line, each with its description. Skip the test if fish is missing."""
    if not shutil.which("fish"):
        pytest.skip("fish is not installed")
    script = f'reconcile completion fish | source\ncomplete -C "{line}"\n'
    result = subprocess.run(
        ["fish", "--no-config", "-c", script],
        cwd=REPOSITORY, env=build_environment(folder), capture_output=True, check=True, text=True,
    )  # fmt: skip
    return result.stdout.splitlines()


@pytest.mark.parametrize(("line", "completed"), LINES)
def test_fish_offers_the_completion(tmp_path: Path, line: str, completed: str) -> None:
    """The shell fish offers the same words as the other shells."""
    words = [each.partition("\t")[0] for each in complete_in_fish(tmp_path, line)]
    assert (words or [line.rpartition(" ")[2]]) == [completed.rpartition(" ")[2]]


def test_fish_shows_whole_descriptions(tmp_path: Path) -> None:
    """A description with a comma is not cut."""
    assert complete_in_fish(tmp_path, "reconcile --dry") == ["--dry-run\tShow what a run would do, and write nothing."]
