"""One simulation: first a time with faults, then a time without faults in which each decision must become stable."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import partial

from simulation.aws import Cloud
from simulation.controller import Controller, Decisions, Environment
from simulation.git import Git
from simulation.history import History
from simulation.invariants import Checker
from simulation.outsiders import Outsiders
from simulation.randomness import create_random
from simulation.scenario import HOUR, FaultRates, draw_scenario
from simulation.schedule import Process, Schedule
from simulation.store import SharedStore

ROUNDS = 7
"""Number of runs of each controller after the faults in which each decision must become stable."""
_ROUND_INTERVAL = 5 * HOUR


@dataclass(frozen=True, slots=True)
class Outcome:
    """Outcome of a seed: (invariant, text) of each violation, the history, and the events that it reached."""

    seed: int
    violations: tuple[tuple[str, str], ...]
    history: str
    event_counts: Counter[str]


def simulate(seed: int) -> Outcome:
    """Run the simulation of a seed."""
    scenario = draw_scenario(seed)
    schedule = Schedule(scenario.start.timestamp())
    history = History(lambda: schedule.now, schedule.now)
    checker = Checker(scenario, schedule, history)
    cloud = Cloud(scenario, schedule, history, checker)
    store = SharedStore(scenario, schedule, history, checker)
    git = Git(scenario, cloud, history)
    for each in (checker, checker.exports):
        each.cloud, each.store, each.git = cloud, store, git
    environment = Environment(scenario, schedule, history, checker, cloud, store, git)
    history.add_line("scenario", str(scenario))
    git.record_first_revision()
    controllers = [Controller(environment, settings) for settings in scenario.controllers]
    _schedule_faults(environment, controllers)
    _schedule_convergence(environment, controllers)
    schedule.run()
    return Outcome(seed, tuple(checker.violations), str(history), history.event_counts)


def _schedule_faults(environment: Environment, controllers: list[Controller]) -> None:
    """Schedule the controllers, the changes by people, and the faults of AWS and the store."""
    scenario, schedule, start = environment.scenario, environment.schedule, environment.scenario.start.timestamp()
    random, outsiders = (
        create_random(scenario.seed, "times"),
        Outsiders(scenario, environment.cloud, environment.git, environment.history),
    )
    for controller in controllers:
        controller.start(start + random.uniform(0, min(60, scenario.horizon)))
    for count, event in (
        (scenario.edit_count, environment.git.commit_edit),
        (scenario.outside_change_count, outsiders.make_change),
        (scenario.loss_count, lambda: _damage_journal(environment, random.random())),
        (scenario.dry_run_count, lambda: _start_dry_run(environment, controllers[0])),
    ):
        for _ in range(count):
            schedule.add_event(start + random.uniform(0, scenario.horizon), event)


def _damage_journal(environment: Environment, share: float) -> None:
    if share < 0.5:
        environment.store.lose()
    else:
        environment.store.restore(environment.store.random)


def _start_dry_run(environment: Environment, controller: Controller) -> None:
    environment.schedule.start_process(
        "dry-run", environment.schedule.now, controller.process_faults, controller.preview
    )


def _schedule_convergence(environment: Environment, controllers: list[Controller]) -> None:
    """Schedule the runs without faults: each controller runs at the head of git, hours apart."""
    start = environment.scenario.start.timestamp() + environment.scenario.horizon
    rounds: dict[str, list[Decisions]] = {controller.settings.name: [] for controller in controllers}

    def end_faults() -> None:
        environment.cloud.has_faults = environment.store.has_faults = False
        environment.cloud.change_behaviour(access_denied=False, throttle_rate=None)
        for controller in controllers:
            controller.process_faults.rates = FaultRates()
        environment.history.add_line("scenario", "the faults are over")

    def start_run(controller: Controller) -> None:
        def run_once(process: Process) -> None:
            decisions = controller.run_once(process)
            if decisions is None:
                environment.checker.report_violation("converges", f"{controller.settings.name} fails without faults")
            else:
                rounds[controller.settings.name].append(decisions)

        environment.schedule.start_process(
            controller.settings.name, environment.schedule.now, controller.process_faults, run_once
        )

    environment.schedule.add_event(start, end_faults)
    for number in range(1, ROUNDS + 1):
        for index, controller in enumerate(controllers):
            environment.schedule.add_event(
                start + number * _ROUND_INTERVAL + index * HOUR, partial(start_run, controller)
            )

    def check_convergence() -> None:
        environment.checker.exports.check_end(environment.schedule.now - 2 * _ROUND_INTERVAL)
        for controller in controllers:
            environment.checker.check_convergence(rounds[controller.settings.name], controller.settings.name)

    environment.schedule.add_event(start + (ROUNDS + 2) * _ROUND_INTERVAL, check_convergence)
