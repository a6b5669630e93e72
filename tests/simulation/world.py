"""One simulation: first a time with faults, then a time without faults in which each decision must become stable."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import partial

from simulation.aws import Cloud
from simulation.controller import Board, Controller, Decided
from simulation.dice import dice
from simulation.git import Git
from simulation.history import START, History
from simulation.invariants import Checker
from simulation.meddling import Others
from simulation.scenario import HOUR, Faults, draw
from simulation.schedule import Process, Schedule
from simulation.store import Shelf

ROUNDS = 7
"""Number of runs of each controller after the faults in which each decision must become stable."""
_PAUSE = 5 * HOUR


@dataclass(frozen=True, slots=True)
class Outcome:
    """Outcome of a seed: (invariant, text) of each violation, the history, and the events that it reached."""

    seed: int
    violations: tuple[tuple[str, str], ...]
    history: str
    reached: Counter[str]


def simulate(seed: int) -> Outcome:
    """Run the simulation of a seed."""
    scenario = draw(seed)
    schedule = Schedule(START.timestamp())
    history = History(lambda: schedule.now)
    checker = Checker(scenario, schedule, history)
    cloud = Cloud(scenario, schedule, history, checker)
    shelf = Shelf(scenario, schedule, history, checker)
    git = Git(scenario, cloud, history)
    checker.cloud, checker.shelf, checker.git = cloud, shelf, git
    board = Board(scenario, schedule, history, checker, cloud, shelf, git)
    history.tell("scenario", str(scenario))
    git.tell()
    controllers = [Controller(board, who) for who in scenario.controllers]
    _rough_time(board, controllers)
    _quiet_time(board, controllers)
    schedule.run()
    return Outcome(seed, tuple(checker.violations), str(history), history.reached)


def _rough_time(board: Board, controllers: list[Controller]) -> None:
    """Schedule the controllers, the changes by people, and the faults of AWS and the store."""
    scenario, schedule, start = board.scenario, board.schedule, START.timestamp()
    random, others = dice(scenario.seed, "times"), Others(scenario, board.cloud, board.git, board.history)
    for controller in controllers:
        controller.begin(start + random.uniform(0, min(60, scenario.horizon)))
    for count, event in (
        (scenario.edits, board.git.edit),
        (scenario.meddling, others.meddle),
        (scenario.losses, lambda: _lose(board, random.random())),
        (scenario.dry_runs, lambda: _look(board, controllers[0])),
    ):
        for _ in range(count):
            schedule.at(start + random.uniform(0, scenario.horizon), event)


def _lose(board: Board, which: float) -> None:
    if which < 0.5:
        board.shelf.lose()
    else:
        board.shelf.restore(board.shelf.random)


def _look(board: Board, controller: Controller) -> None:
    board.schedule.spawn("dry-run", board.schedule.now, controller.luck, controller.preview)


def _quiet_time(board: Board, controllers: list[Controller]) -> None:
    """Schedule the runs without faults: each controller runs at the head of git, hours apart."""
    start = START.timestamp() + board.scenario.horizon
    rounds: dict[str, list[Decided]] = {controller.who.name: [] for controller in controllers}

    def calm() -> None:
        board.cloud.rough = board.shelf.rough = False
        board.cloud.behave(access_denied=False, throttle_rate=None)
        for controller in controllers:
            controller.luck.faults = Faults()
        board.history.tell("scenario", "the faults are over")

    def turn(controller: Controller) -> None:
        def run(process: Process) -> None:
            decided = controller.once(process)
            if decided is None:
                board.checker.violate("converges", f"{controller.who.name} fails without faults")
            else:
                rounds[controller.who.name].append(decided)

        board.schedule.spawn(controller.who.name, board.schedule.now, controller.luck, run)

    board.schedule.at(start, calm)
    for number in range(1, ROUNDS + 1):
        for index, controller in enumerate(controllers):
            board.schedule.at(start + number * _PAUSE + index * HOUR, partial(turn, controller))

    def rest() -> None:
        for controller in controllers:
            board.checker.converged(rounds[controller.who.name], controller.who.name)

    board.schedule.at(start + (ROUNDS + 2) * _PAUSE, rest)
