"""Mutants: the simulation catches each deliberate mistake."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from simulation.invariants import INVARIANTS
from simulation.mutate import Mutant, read_mutants

_TESTS = Path(__file__).parents[1]
_SEEDS = 1000
"""Maximum number of seeds to simulate for a mistake. Most mistakes are found within the first fifty."""


@pytest.mark.parametrize("mutant", read_mutants(), ids=lambda mutant: mutant.name)
def test_each_mutant_is_caught(mutant: Mutant, tmp_path: Path) -> None:
    """A package with this one mistake violates an invariant that the mutant names."""
    assert mutant.invariants <= INVARIANTS.keys()
    mutant.write_package(tmp_path)
    path = os.pathsep.join((str(_TESTS), str(tmp_path)))
    result = subprocess.run(
        [
            sys.executable,
            "-m",
            "simulation",
            "--seeds",
            f"{mutant.first_seed}-{mutant.first_seed + _SEEDS - 1}",
            "--brief",
        ],
        cwd=tmp_path,
        env={"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    violations = set(re.findall(r"^seed \d+ violates ([a-z-]+):", result.stdout, re.MULTILINE))
    assert result.returncode == 1, f"{mutant.name} is not caught in {_SEEDS} seeds: {result.stdout}{result.stderr}"
    assert violations & mutant.invariants, f"{mutant.effect}: {result.stdout}{result.stderr}"
