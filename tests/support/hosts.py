"""A machine of a CI job or of a git server: a folder, its repositories, and the environment of its processes."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.metadata import distribution
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Host:
    """A test's folder, and the environment of its processes: that of a CI job, without a user's settings."""

    folder: Path
    environment: dict[str, str]
    program: Path
    """What scripts start as `reconcile`: the program, forked off a process that has imported it."""

    @property
    def temporary_files(self) -> list[Path]:
        """The files that processes left in the folder for temporary files."""
        return list((self.folder / "temporary").iterdir())

    def run_git(self, folder: Path, *arguments: str) -> str:
        """Run git in a folder, and return its output. Raises CalledProcessError."""
        process = subprocess.run(
            ["git", *arguments], cwd=folder, env=self.environment, check=True, capture_output=True, text=True
        )
        return process.stdout


def create_repository(host: Host, name: str) -> Path:
    """Create a repository with a work tree, and return its folder."""
    host.run_git(host.folder, "init", "--quiet", "--initial-branch=main", name)
    return host.folder / name


def commit(host: Host, folder: Path, files: dict[str, str]) -> str:
    """Commit files, given by name, with every other change of the work tree, and return the revision."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content, encoding="utf-8")
    host.run_git(folder, "add", "--all")
    host.run_git(folder, "commit", "--quiet", "--allow-empty", "--message", "Change manifests")
    return host.run_git(folder, "rev-parse", "HEAD").strip()


def find_registry_variables() -> dict[str, str]:
    """Return the variables that lead package managers to the registries and caches of this machine.

    pip compiles no module that it installs, because each installed program runs only once.
    """
    cache = subprocess.run([sys.executable, "-m", "pip", "cache", "dir"], check=False, capture_output=True, text=True)
    names = ("PIP_", "UV_", "NPM_CONFIG_", "npm_config_", "SSL_CERT_", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY")
    variables = {name: value for name, value in os.environ.items() if name.upper().startswith(names)}  # noqa: TID251 - the settings of this machine
    return (
        {"PIP_COMPILE": "no"} | ({"PIP_CACHE_DIR": cache.stdout.strip()} if cache.returncode == 0 else {}) | variables
    )


def build_pip_variables() -> dict[str, str]:
    """Return the variables with which pip installs the program alone and uses the dependencies of these tests."""
    folder = str(distribution("boto3").locate_file(""))
    return {"PIP_NO_DEPS": "1", "PIP_NO_BUILD_ISOLATION": "0", "PYTHONPATH": folder}


def check_shell(*scripts: Path) -> None:
    """Assert that scripts are executable and valid, and have no finding of shellcheck if that is installed."""
    for script in scripts:
        assert script.stat().st_mode & 0o111 == 0o111, script
        shell = re.match(r"#!(/bin/sh|/usr/bin/env bash)\n", script.read_text(encoding="utf-8"))
        assert shell, script
        subprocess.run([shell[1].split("/")[-1].split()[-1], "-n", script], check=True)
    shellcheck = shutil.which("shellcheck")
    if shellcheck:
        subprocess.run([shellcheck, *scripts], check=True)
