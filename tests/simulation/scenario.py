"""Scenario of one seed: the behaviour of AWS, the controllers, and the frequency of faults."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

from simulation.dice import chance, dice

from reconciler.sandbox.service.behaviour import Behaviour

MINUTE, HOUR = 60.0, 3600.0


@dataclass(frozen=True, slots=True)
class Faults:
    """Probability of each kind of fault at each opportunity."""

    write: float = 0.0
    list: float = 0.0
    put: float = 0.0
    load: float = 0.0
    kill: float = 0.0
    stop: float = 0.0
    sigterm: float = 0.0


@dataclass(frozen=True, slots=True)
class Who:
    """One controller: the error of its clock, the interval of its runs, and how many revisions it is behind git."""

    name: str
    skew: float
    interval: float
    behind: int
    host: str


@dataclass(frozen=True, slots=True)
class Scenario:
    """Parameters of one simulation. Times are in seconds.

    `page` is the number of items on a page of List. With `by_offset`, pages are cut by position: an item that is added
    or removed between two pages shifts the rest. Otherwise pages are cut after the last item seen. With `replicas`,
    each page comes from another replica of List, whose lag is at most Behaviour.list_lag. `updates` allows Updates in
    runs. With `churn`, people change only ExecutionConfigurations. `respelt` is the way in which List spells keys
    differently. `hides` is the time for which List leaves out every second association; it then shows the association
    for at least as long. 0 hides none.
    """

    seed: int
    behaviour: Behaviour
    faults: Faults
    controllers: tuple[Who, ...]
    settle: float
    horizon: float
    page: int
    by_offset: bool
    replicas: bool
    local: bool
    manifests: int
    integrations: int
    edits: int
    meddling: int
    losses: int
    dry_runs: int
    updates: bool
    churn: bool = False
    respelt: str = ""
    hides: float = 0.0


def draw(seed: int) -> Scenario:
    """Return the scenario of a seed."""
    random = dice(seed, "scenario")
    scenario = _draw(seed, random)
    theme = random.random()
    if theme < 0.3:
        return _plain(scenario, random)
    scenario = _churning(scenario, random) if theme < 0.45 else scenario
    return _strange(scenario, dice(seed, "strange"))


def _strange(scenario: Scenario, random: Random) -> Scenario:
    """Return the scenario, for some seeds with an AWS that respells keys or hides associations."""
    theme = random.random()
    if theme < 0.12:
        return replace(scenario, respelt=random.choice(("slash", "scheme", "client", "no destination")))
    if theme < 0.2:
        return replace(scenario, hides=random.choice((20 * MINUTE, HOUR)))
    return scenario


def _plain(scenario: Scenario, random: Random) -> Scenario:
    """Return a scenario without changes by people, for lost answers and retries of Creates."""
    lag = random.choice((2 * MINUTE, 5 * MINUTE, 8 * MINUTE))
    behaviour = replace(scenario.behaviour, list_lag=lag, list_forgets=None, one_association_per_integration=False)
    interval = random.choice((30 * MINUTE, 30 * MINUTE, 2 * HOUR))
    return replace(
        scenario,
        behaviour=behaviour,
        faults=replace(scenario.faults, list=0.0, put=0.0, load=0.0),
        controllers=tuple(replace(who, interval=interval, behind=0) for who in scenario.controllers),
        settle=15 * MINUTE,
        horizon=random.randint(4, 7) * interval,
        manifests=4,
        edits=0,
        meddling=0,
        losses=0,
        dry_runs=0,
    )


def _churning(scenario: Scenario, random: Random) -> Scenario:
    """Return a scenario with many changes of ExecutionConfiguration, for Updates."""
    interval = random.choice((10 * MINUTE, 20 * MINUTE, 30 * MINUTE))
    return replace(
        scenario,
        behaviour=replace(scenario.behaviour, list_forgets=None, list_lag=20.0),
        faults=replace(scenario.faults, list=0.0, load=0.0),
        controllers=tuple(replace(who, interval=interval) for who in scenario.controllers),
        settle=15 * MINUTE,
        horizon=8 * interval,
        edits=random.choice((2, 4, 8)),
        meddling=0,
        losses=0,
        updates=True,
        churn=True,
    )


def _draw(seed: int, random: Random) -> Scenario:
    local = chance(random, 0.15)
    runs = random.randint(6, 14)
    interval = random.choice((2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 20 * MINUTE, 30 * MINUTE, 30 * MINUTE, 2 * HOUR))
    careless = chance(random, 0.2)
    settle = random.choice((MINUTE, 5 * MINUTE)) if careless else 15 * MINUTE
    return Scenario(
        seed=seed,
        behaviour=_behaviour(random),
        faults=_faults(random),
        controllers=_controllers(random, interval, local=local),
        settle=settle,
        horizon=runs * interval,
        page=random.choice((1, 2, 2)),
        by_offset=chance(random, 0.5),
        replicas=chance(random, 0.4),
        local=local,
        manifests=random.randint(1, 4),
        integrations=random.randint(1, 2),
        edits=random.choice((0, 0, 3, 6, 9)),
        meddling=random.choice((0, 1, 2, 4)),
        losses=random.choice((0, 0, 0, 1, 2)),
        dry_runs=random.choice((0, 1, 3)),
        updates=chance(random, 0.6),
    )


def _behaviour(random: Random) -> Behaviour:
    ignored = chance(random, 0.6)
    return Behaviour(
        tokens="ignored" if ignored else random.choice(("honoured", "refuse-mismatch")),
        token_lifetime=random.choice((5 * MINUTE, HOUR, 8 * HOUR, 36 * HOUR)),
        list_lag=random.choice((0.0, 20.0, 2 * MINUTE, 5 * MINUTE, 8 * MINUTE, 10 * MINUTE)),
        update_lag=random.choice((0.0, 0.0, MINUTE, 10 * MINUTE)),
        list_forgets=random.choice((None, None, None, None, 10 * MINUTE, 2 * HOUR)),
        one_association_per_integration=chance(random, 0.06),
        throttle_rate=random.choice((None, None, 2.0)),
        job_seconds=random.choice((10.0, HOUR)),
    )


def _faults(random: Random) -> Faults:
    if chance(random, 0.1):
        return Faults()
    rough = random.choice((0.3, 1.0, 1.0, 1.5))
    return Faults(
        write=min(0.9, rough * random.choice((0.2, 0.4, 0.6))),
        list=rough * random.choice((0.0, 0.02, 0.1)),
        put=rough * random.choice((0.0, 0.05, 0.2)),
        load=rough * random.choice((0.0, 0.01, 0.05)),
        kill=rough * random.choice((0.0, 0.03, 0.1)),
        stop=rough * random.choice((0.0, 0.03, 0.1)),
        sigterm=random.choice((0.0, 0.02)),
    )


def _controllers(random: Random, interval: float, *, local: bool) -> tuple[Who, ...]:
    """Return one to four controllers. Those of a local journal share one machine and its clock."""
    count = random.choice((1, 2, 2, 3, 3, 4))
    apart = 0.0 if local else random.choice((0.0, 5.0, MINUTE, 4 * MINUTE))
    shared = random.uniform(-4 * MINUTE, 4 * MINUTE) if local else 0.0
    stale = chance(random, 0.3)
    return tuple(
        Who(
            name=f"controller-{number}",
            skew=shared + random.uniform(-apart, apart),
            interval=interval,
            behind=random.randint(0, 2) if stale and number > 1 else 0,
            host="host" if local else f"host-{number}",
        )
        for number in range(1, count + 1)
    )
