"""Compare a dry run of twenty manifests with a bare script that makes the same calls, and with the AWS CLI."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks import inputs
from benchmarks.measure import RECONCILE, Figure, build_environment, measure_cost, measure_in_turn
from benchmarks.running import run_server

_COUNT = 20
_HERE = Path(__file__).parent
_CLI = "awscli>=1.46,<2"


def measure_figures(folder: Path, pairs: int) -> Iterator[Figure]:
    """Yield time, processor time and peak memory of a dry run in which every association is in sync."""
    inputs.write(folder, _COUNT)
    with run_server() as url:
        measure_cost((RECONCILE, "--endpoint-url", url), folder)
        dry_run = (RECONCILE, "--dry-run", "--endpoint-url", url)
        _expect_in_sync(dry_run, folder)
        both = measure_in_turn(dry_run, (sys.executable, str(_HERE / "bare.py"), url, inputs.REGION), folder, pairs)
        yield both.measure_wall_time("--dry-run, time", 1.25)
        yield both.measure_cpu_time("--dry-run, processor time")
        yield both.measure_peak_memory("--dry-run, peak memory", 1.5)
        if cli := _install_cli(folder / "cli"):
            listing = (cli, "appintegrations", "list-data-integrations", "--endpoint-url", url)
            both = measure_in_turn(dry_run, listing, folder, pairs, folder / "cli")
            yield both.measure_wall_time("--dry-run, time ÷ aws list", 0.9)


def _install_cli(folder: Path) -> str | None:
    """Install version 1 of the AWS CLI in an environment of its own, and give it credentials. Return its path.

    Return None if it cannot be installed, for example without a package index.
    """
    try:
        subprocess.run((sys.executable, "-m", "venv", str(folder)), check=True)
        pip = (str(folder / "bin" / "pip"), "install", "--quiet", "--disable-pip-version-check", _CLI)
        subprocess.run(pip, check=True, capture_output=True)
    except subprocess.CalledProcessError as error:
        print(f"dry-run: no comparison with the AWS CLI, because {_CLI} cannot be installed: {error}", file=sys.stderr)
        return None
    (folder / ".aws").mkdir()
    settings = {"aws_access_key_id": "sandbox", "aws_secret_access_key": "sandbox", "region": inputs.REGION}
    lines = ("[default]", *(f"{name} = {value}" for name, value in settings.items()))
    (folder / ".aws" / "config").write_text("\n".join(lines), encoding="utf-8")
    return str(folder / "bin" / "aws")


def _expect_in_sync(dry_run: tuple[str, ...], folder: Path) -> None:
    """Raise RuntimeError if the dry run does not find every association in sync."""
    command = (*dry_run, "--output", "json", "--detailed-exitcode")
    ran = subprocess.run(command, cwd=folder, env=build_environment(folder), capture_output=True, check=True)
    summary = json.loads(ran.stdout)["summary"]
    if summary["inSync"] != _COUNT:
        raise RuntimeError(f"the dry run did not find {_COUNT} associations in sync: {summary}")
