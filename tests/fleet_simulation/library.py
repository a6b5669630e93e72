"""The steps of each kind of run, from real runs. Targets that are alike take the same steps."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from threading import Lock

from fleet_simulation.scripts import MANIFESTS, Phase, RealTarget, Script

from reconciler.core.plan.create_bound import CreateBound

_OTHER_TARGET = "t"
_RUNS = {Phase.COUNT: 2, Phase.CREATE: 1, Phase.STEADY: 3}
"""The number of runs in each phase that are played. Later runs of the phase take the steps of the last one."""


@dataclass(frozen=True, slots=True)
class RunKind:
    """What the steps of a run depend on: its phase, its number in the phase, and whether its first look was slow."""

    phase: Phase
    number: int
    is_old: bool


class Library:
    """The scripts of all kinds of runs.

    `run_count` and `cpu_seconds` are those of the real runs. Raises AssertionError if two targets differ.
    """

    def __init__(self) -> None:
        self.scripts: dict[RunKind, Script] = {}
        self.run_count, self.cpu_seconds = 0, 0.0

    def play(self, number: int) -> None:
        """Play the runs of a target with the real code, and compare their steps with those of other targets."""
        for is_old in (False, True):
            target = RealTarget(number)
            for kind, script in _play(target, is_old=is_old):
                assert self.scripts.setdefault(kind, script) == script, (number, kind)
                self.run_count += 1
            self.cpu_seconds += target.cpu_seconds

    def get(self, phase: Phase, number: int, *, is_old: bool) -> Script:
        """Return the script of a run."""
        return self.scripts[RunKind(phase, min(number, _RUNS[phase] - 1), is_old)]


def _play(target: RealTarget, *, is_old: bool) -> Iterator[tuple[RunKind, Script]]:
    """Yield the scripts of a target that creates one association as soon as another target has been counted."""
    name = target.target.name
    bound = CreateBound({name: len(MANIFESTS), _OTHER_TARGET: len(MANIFESTS)}, len(MANIFESTS), Lock())
    for phase, count in _RUNS.items():
        if phase is Phase.CREATE:
            bound.record_count(_OTHER_TARGET, 0)
        for number in range(count):
            yield RunKind(phase, number, is_old), target.run(bound, is_old=is_old)
