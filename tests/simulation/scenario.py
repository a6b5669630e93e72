"""Scenario of one seed: the behaviour of AWS, the controllers, and the frequency of faults."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from datetime import datetime
from random import Random

from simulation.history import START
from simulation.randomness import create_random, draw_bool
from simulation.recurring import DAY, draw_season
from simulation.siblings import Sibling

from reconciler.core.windows.declaration import WindowDeclaration
from reconciler.sandbox.service.behaviour import Behaviour

MINUTE, HOUR = 60.0, 3600.0


@dataclass(frozen=True, slots=True)
class FaultRates:
    """Probability of each kind of fault at each opportunity."""

    write: float = 0.0
    list: float = 0.0
    put: float = 0.0
    load: float = 0.0
    kill: float = 0.0
    stop: float = 0.0
    sigterm: float = 0.0


@dataclass(frozen=True, slots=True)
class ControllerSettings:
    """One controller: the error of its clock, the interval of its runs, and how many revisions it is behind git."""

    name: str
    skew: float
    interval: float
    revisions_behind: int
    host: str


@dataclass(frozen=True, slots=True)
class Scenario:
    """Parameters of one simulation. Times are in seconds.

    `page` is the number of items on a page of List. If `is_paged_by_offset`, pages are cut by position: an item that
    is added or removed between two pages shifts the rest. Otherwise pages are cut after the last item of the page
    before. With `has_replicas`, each page comes from another replica of List, whose lag is at most
    Behaviour.list_lag. `has_updates` allows Updates in runs. With `has_churn`, people change only
    ExecutionConfigurations. With `has_open_windows`, windows of data end
    during the simulation. `respelling` is the way in which List spells keys differently. `hiding_seconds` is the time
    for which List leaves out every second association; it then shows the association for at least as long. 0 hides
    none. `failure_rate` is the probability that a job fails. With a `declaration`,
    manifests have recurring windows, and the simulation begins at `start`. `Ignore` of the target matches the ARNs that
    end with one of `ignored_digits`. With a `sibling`, another target shares the bound of creates.
    """

    seed: int
    behaviour: Behaviour
    faults: FaultRates
    controllers: tuple[ControllerSettings, ...]
    settle_time: float
    horizon: float
    page: int
    is_paged_by_offset: bool
    has_replicas: bool
    is_local: bool
    manifests: int
    integrations: int
    edit_count: int
    outside_change_count: int
    loss_count: int
    dry_run_count: int
    has_updates: bool
    has_churn: bool = False
    has_open_windows: bool = False
    respelling: str = ""
    hiding_seconds: float = 0.0
    failure_rate: float = 0.0
    start: datetime = START
    declaration: WindowDeclaration | None = None
    ignored_digits: str = ""
    sibling: Sibling | None = None


def draw_scenario(seed: int) -> Scenario:
    """Return the scenario of a seed."""
    scenario, random = _draw_events(seed), create_random(seed, "target")
    sibling = Sibling(random.randint(1, 4), random.randint(0, 1), random.randint(2, 3))
    return replace(
        scenario,
        ignored_digits="01234567" if draw_bool(random, 0.4) else "",
        sibling=sibling if draw_bool(random, 0.1) else None,
    )


def _draw_events(seed: int) -> Scenario:
    """Return the scenario of a seed without the settings of its target."""
    random = create_random(seed, "scenario")
    scenario = _add_jobs(_draw_parameters(seed, random), create_random(seed, "jobs"))
    recurring_random = create_random(seed, "recurring")
    if draw_bool(recurring_random, 0.25):
        return _add_windows(scenario, recurring_random)
    share = random.random()
    if share < 0.3:
        return _remove_changes(scenario, random)
    scenario = _add_churn(scenario, random) if share < 0.45 else scenario
    return _change_listing(scenario, create_random(seed, "strange"))


def _add_jobs(scenario: Scenario, random: Random) -> Scenario:
    """Return the scenario with jobs that fail, a late status, and what an Update during a job does."""
    status_lag = random.choice((0.0, 0.0, MINUTE, 5 * MINUTE))
    return replace(
        scenario,
        behaviour=replace(
            scenario.behaviour,
            status_lag=0.0 if scenario.settle_time < 15 * MINUTE else status_lag,
            update_during_job=random.choice(("run", "refuse", "queue")),
            updates_shown=not draw_bool(random, 0.1),
        ),
        failure_rate=random.choice((0.0, 0.0, 0.2)),
    )


def _scale(faults: FaultRates, factor: float) -> FaultRates:
    return FaultRates(*(getattr(faults, field.name) * factor for field in fields(faults)))


def _add_windows(scenario: Scenario, random: Random) -> Scenario:
    """Return a scenario with recurring windows: days to months, with few runs for each window."""
    season, settle_time = draw_season(random), 15 * MINUTE
    behaviour = replace(
        scenario.behaviour,
        list_lag=min(scenario.behaviour.list_lag, 5 * MINUTE),
        update_lag=random.choice((0.0, 0.0, MINUTE, 10 * MINUTE)),
        status_lag=random.choice((0.0, 0.0, MINUTE, 10 * MINUTE)),
        list_forgets=random.choice((*(None,) * 9, 3 * DAY)),
        one_association_per_integration=False,
        throttle_rate=None,
        job_seconds=random.choice((10.0, 30 * MINUTE, 5 * HOUR)),
    )
    max_skew = 0.0 if scenario.is_local else random.choice((0.0, 5.0, 4 * MINUTE))
    controllers = tuple(
        replace(
            each,
            skew=random.uniform(-max_skew, max_skew),
            interval=season.interval,
            revisions_behind=int(number > 0 and draw_bool(random, 0.5)),
        )
        for number, each in enumerate(scenario.controllers[:2])
    )
    if not scenario.is_local and draw_bool(random, 0.2):
        controllers = (replace(controllers[0], skew=random.choice((-DAY, DAY))), *controllers[1:])
    return replace(
        scenario,
        behaviour=behaviour,
        faults=_scale(scenario.faults, random.choice((0.0, 0.1, 0.1, 0.4))),
        controllers=controllers,
        settle_time=settle_time,
        start=season.start,
        horizon=season.horizon,
        declaration=season.declaration,
        manifests=random.choice((1, 1, 2)),
        integrations=1,
        edit_count=random.choice((0, 0, 1, 3, 6)),
        outside_change_count=random.choice((0, 0, 0, 0, 1)),
        loss_count=random.choice((0, 0, 1)),
        dry_run_count=random.choice((0, 1)),
        failure_rate=random.choice((0.0, 0.0, 0.3)),
        has_updates=True,
    )


def _change_listing(scenario: Scenario, random: Random) -> Scenario:
    """Return the scenario, for some seeds with an AWS that respells keys or hides associations."""
    if draw_bool(create_random(scenario.seed, "open windows"), 0.3):
        scenario = _open_windows(scenario)
    share = random.random()
    if share < 0.12:
        return replace(scenario, respelling=random.choice(("slash", "scheme", "client", "no destination")))
    if share < 0.2:
        return replace(scenario, hiding_seconds=random.choice((20 * MINUTE, HOUR)))
    return scenario


def _open_windows(scenario: Scenario) -> Scenario:
    """Return a scenario whose windows end one after another, with runs so frequent that fast clocks matter."""
    controllers = tuple(replace(each, interval=min(each.interval, 4 * MINUTE)) for each in scenario.controllers)
    return replace(scenario, has_open_windows=True, controllers=controllers, horizon=48 * MINUTE)


def _remove_changes(scenario: Scenario, random: Random) -> Scenario:
    """Return a scenario without changes by people, for lost answers and retries of Creates."""
    lag = random.choice((2 * MINUTE, 5 * MINUTE, 8 * MINUTE))
    behaviour = replace(scenario.behaviour, list_lag=lag, list_forgets=None, one_association_per_integration=False)
    interval = random.choice((30 * MINUTE, 30 * MINUTE, 2 * HOUR))
    return replace(
        scenario,
        behaviour=behaviour,
        faults=replace(scenario.faults, list=0.0, put=0.0, load=0.0),
        controllers=tuple(
            replace(controller, interval=interval, revisions_behind=0) for controller in scenario.controllers
        ),
        settle_time=15 * MINUTE,
        horizon=random.randint(4, 7) * interval,
        manifests=4,
        edit_count=0,
        outside_change_count=0,
        loss_count=0,
        dry_run_count=0,
    )


def _add_churn(scenario: Scenario, random: Random) -> Scenario:
    """Return a scenario with many changes of ExecutionConfiguration, for Updates."""
    interval = random.choice((10 * MINUTE, 20 * MINUTE, 30 * MINUTE))
    return replace(
        scenario,
        behaviour=replace(scenario.behaviour, list_forgets=None, list_lag=20.0),
        faults=replace(scenario.faults, list=0.0, load=0.0),
        controllers=tuple(replace(controller, interval=interval) for controller in scenario.controllers),
        settle_time=15 * MINUTE,
        horizon=8 * interval,
        edit_count=random.choice((2, 4, 8)),
        outside_change_count=0,
        loss_count=0,
        has_updates=True,
        has_churn=True,
    )


def _draw_parameters(seed: int, random: Random) -> Scenario:
    is_local = draw_bool(random, 0.15)
    run_count = random.randint(6, 14)
    interval = random.choice((2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 20 * MINUTE, 30 * MINUTE, 30 * MINUTE, 2 * HOUR))
    has_short_settle_time = draw_bool(random, 0.2)
    settle = random.choice((MINUTE, 5 * MINUTE)) if has_short_settle_time else 15 * MINUTE
    return Scenario(
        seed=seed,
        behaviour=_draw_behaviour(random),
        faults=_draw_fault_rates(random),
        controllers=_draw_controllers(random, interval, is_local=is_local),
        settle_time=settle,
        horizon=run_count * interval,
        page=random.choice((1, 2, 2)),
        is_paged_by_offset=draw_bool(random, 0.5),
        has_replicas=draw_bool(random, 0.4),
        is_local=is_local,
        manifests=random.randint(1, 4),
        integrations=random.randint(1, 2),
        edit_count=random.choice((0, 0, 3, 6, 9)),
        outside_change_count=random.choice((0, 1, 2, 4)),
        loss_count=random.choice((0, 0, 0, 1, 2)),
        dry_run_count=random.choice((0, 1, 3)),
        has_updates=draw_bool(random, 0.6),
    )


def _draw_behaviour(random: Random) -> Behaviour:
    is_ignored = draw_bool(random, 0.6)
    return Behaviour(
        tokens="ignored" if is_ignored else random.choice(("honoured", "refuse-mismatch")),
        token_lifetime=random.choice((5 * MINUTE, HOUR, 8 * HOUR, 36 * HOUR)),
        list_lag=random.choice((0.0, 20.0, 2 * MINUTE, 5 * MINUTE, 8 * MINUTE, 10 * MINUTE)),
        update_lag=random.choice((0.0, MINUTE, 10 * MINUTE, HOUR)),
        list_forgets=random.choice((None, None, None, None, 10 * MINUTE, 2 * HOUR)),
        one_association_per_integration=draw_bool(random, 0.06),
        throttle_rate=random.choice((None, None, 2.0)),
        job_seconds=random.choice((10.0, HOUR)),
    )


def _draw_fault_rates(random: Random) -> FaultRates:
    if draw_bool(random, 0.1):
        return FaultRates()
    factor = random.choice((0.3, 1.0, 1.0, 1.5))
    return FaultRates(
        write=min(0.9, factor * random.choice((0.2, 0.4, 0.6))),
        list=factor * random.choice((0.0, 0.02, 0.1)),
        put=factor * random.choice((0.0, 0.05, 0.2)),
        load=factor * random.choice((0.0, 0.01, 0.05)),
        kill=factor * random.choice((0.0, 0.03, 0.1)),
        stop=factor * random.choice((0.0, 0.03, 0.1)),
        sigterm=random.choice((0.0, 0.02)),
    )


def _draw_controllers(random: Random, interval: float, *, is_local: bool) -> tuple[ControllerSettings, ...]:
    """Return one to four controllers. Those of a local journal share one machine and its clock."""
    count = random.choice((1, 2, 2, 3, 3, 4))
    max_skew = 0.0 if is_local else random.choice((0.0, 5.0, MINUTE, 4 * MINUTE))
    shared_skew = random.uniform(-4 * MINUTE, 4 * MINUTE) if is_local else 0.0
    has_stale_revision = draw_bool(random, 0.3)
    return tuple(
        ControllerSettings(
            name=f"controller-{number}",
            skew=shared_skew + random.uniform(-max_skew, max_skew),
            interval=interval,
            revisions_behind=random.randint(0, 2) if has_stale_revision and number > 1 else 0,
            host="host" if is_local else f"host-{number}",
        )
        for number in range(1, count + 1)
    )
