"""Compare the outcome of a simulation with what arithmetic allows, and show both in a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import add

from fleet_simulation.costs import (
    CALL_CPU,
    GET_PRICE,
    HISTORY_INTERVAL,
    LATENCY,
    PUT_PRICE,
    RUN_CPU,
    SECONDS_PER_MONTH,
)
from fleet_simulation.fleet import Fleet
from fleet_simulation.library import Library
from fleet_simulation.results import Staleness
from fleet_simulation.scripts import Phase, Script
from fleet_simulation.simulate import HOUR, ShardOutcome
from fleet_simulation.workload import build_target

AWS_CALLS = ("assume", "list", "write")
_PACED_CALLS = ("list", "write")


@dataclass(frozen=True, slots=True)
class Minimum:
    """What arithmetic demands: of a run without changes, and until each target has its association.

    `run_cpu` and `first_cpu` are the processor seconds of one target, `run_time` and `first_time` those of its bucket.
    """

    run_calls: int
    first_calls: int
    run_cpu: float
    first_cpu: float
    run_time: float
    first_time: float


def compute_minimum(library: Library) -> Minimum:
    """Return the minimum for a target that is counted in one run and creates in the next one."""
    steady = library.get(Phase.STEADY, 2, is_old=False)
    first = (library.get(Phase.COUNT, 0, is_old=False), library.get(Phase.CREATE, 0, is_old=False))
    return Minimum(
        count_steps([steady], AWS_CALLS),
        count_steps(first, AWS_CALLS),
        _sum_cpu([steady]),
        _sum_cpu(first),
        _compute_pace_time([steady]),
        _compute_pace_time(first),
    )


def count_steps(scripts: Sequence[Script], kinds: Sequence[str]) -> int:
    """Return the number of calls of some kinds in scripts."""
    return sum(step.count for script in scripts for step in script.steps if step.kind in kinds)


def _sum_cpu(scripts: Sequence[Script]) -> float:
    return CALL_CPU * sum(step.count for script in scripts for step in script.steps) + RUN_CPU * len(scripts)


def _compute_pace_time(scripts: Sequence[Script]) -> float:
    """Return the time in which the bucket of a target allows the calls of its runs, one run after the other."""
    target = build_target(0)
    return max(0.0, count_steps(scripts, _PACED_CALLS) - target.burst) / target.requests_per_second + LATENCY


@dataclass(frozen=True, slots=True)
class FleetOutcome:
    """What the shards of a fleet did together."""

    fleet: Fleet
    shards: Sequence[ShardOutcome]
    minimum: Minimum

    @property
    def steps(self) -> Counter[str]:
        """The steps of the hour."""
        return reduce(add, (each.steps for each in self.shards))

    @property
    def first_steps(self) -> Counter[str]:
        """The steps until each target had its association."""
        return reduce(add, (each.first_steps for each in self.shards))

    @property
    def staleness(self) -> Staleness:
        """The staleness of all targets in the hour."""
        return reduce(add, (each.staleness for each in self.shards))

    @property
    def monthly_requests(self) -> tuple[float, float]:
        """The GET and PUT requests to S3 in a month, with those of the history of runs."""
        history = self.fleet.shard_count * SECONDS_PER_MONTH / HISTORY_INTERVAL
        gets, puts = (self.steps[kind] * SECONDS_PER_MONTH / HOUR for kind in ("get", "put"))
        return gets, puts + history

    @property
    def monthly_cost(self) -> float:
        """The price of these requests in USD."""
        gets, puts = self.monthly_requests
        return gets * GET_PRICE + puts * PUT_PRICE

    @property
    def least_calls(self) -> int:
        """The lower bound of the calls to converge. The target that a shard counts last creates in the same run."""
        return self.minimum.first_calls * self.fleet.target_count - self.minimum.run_calls * self.fleet.shard_count

    @property
    def least_convergence(self) -> float:
        """The lower bound of the time to converge: that of a bucket, or of processors that share the work evenly."""
        cpu = self.fleet.target_count * self.minimum.first_cpu / self.fleet.shard_count
        return max(self.minimum.first_time, cpu)

    @property
    def least_staleness(self) -> float:
        """The lower bound of the greatest staleness: the longest interval and a run, or the work of all targets."""
        longest = self.fleet.interval.total_seconds() * 1.1
        cpu = self.fleet.target_count * self.minimum.run_cpu / self.fleet.shard_count
        return max(longest + self.minimum.run_time, cpu)


def count(steps: Counter[str], kinds: Sequence[str]) -> int:
    """Return the number of steps of some kinds."""
    return sum(steps[kind] for kind in kinds)


def _show_staleness(staleness: Staleness) -> str:
    quantiles = (staleness.find_quantile(0.5), staleness.find_quantile(0.99), staleness.most)
    return " / ".join(f"{each:,.0f}" for each in quantiles)


def _show_outage(outcome: FleetOutcome) -> str:
    outage = outcome.shards[0].outage
    return _show_staleness(outage.staleness) if outage else "-"


def _show_requests(outcome: FleetOutcome) -> str:
    gets, puts = outcome.monthly_requests
    return f"{gets / 1e6:.1f} / {puts / 1e6:.2f}"


_ROWS: Sequence[tuple[str, Callable[[FleetOutcome], str]]] = (
    ("shards", lambda each: f"{each.fleet.shard_count}"),
    ("targets of the largest shard", lambda each: f"{max(one.target_count for one in each.shards):,}"),
    ("", lambda _: ""),
    ("first convergence, s", lambda each: f"{max(one.converged_at for one in each.shards):,.0f}"),
    ("  lower bound, s", lambda each: f"{each.least_convergence:,.0f}"),
    ("  calls to AWS", lambda each: f"{count(each.first_steps, AWS_CALLS):,}"),
    ("  lower bound", lambda each: f"{each.least_calls:,}"),
    ("  S3 requests, GET / PUT", lambda each: f"{each.first_steps['get']:,} / {each.first_steps['put']:,}"),
    ("", lambda _: ""),
    ("an hour without changes", lambda _: ""),
    ("  calls to AWS a second", lambda each: f"{count(each.steps, AWS_CALLS) / HOUR:,.0f}"),
    ("  demand at the interval", lambda each: f"{_compute_demand(each):,.0f}"),
    ("  processor, busiest shard", lambda each: f"{max(one.cpu_share for one in each.shards):.0%}"),
    ("  staleness, p50 / p99 / max, s", lambda each: _show_staleness(each.staleness)),
    ("  lower bound of the max, s", lambda each: f"{each.least_staleness:,.0f}"),
    ("  S3, million a month, GET / PUT", _show_requests),
    ("  S3, USD a month", lambda each: f"{each.monthly_cost:,.2f}"),
    ("", lambda _: ""),
    ("shard 0 is dead for 600 s", lambda _: ""),
    ("  its targets", lambda each: f"{each.shards[0].target_count:,}"),
    ("  their staleness, p50 / p99 / max, s", _show_outage),
    (
        "  restart until all are looked at, s",
        lambda each: f"{o.recovery:,.0f}" if (o := each.shards[0].outage) else "-",
    ),
)


def _compute_demand(outcome: FleetOutcome) -> float:
    """Return the calls a second if each run starts at its interval."""
    return outcome.fleet.target_count * outcome.minimum.run_calls / outcome.fleet.interval.total_seconds()


def show(outcomes: Sequence[FleetOutcome]) -> str:
    """Return the table, with one column for each number of shards."""
    rows = [(name, [show_cell(each) for each in outcomes]) for name, show_cell in _ROWS]
    widths = [max(len(cells[index]) for _, cells in rows) for index in range(len(outcomes))]
    name_width = max(len(name) for name, _ in rows)
    lines = (
        "  ".join((name.ljust(name_width), *(cell.rjust(width) for cell, width in zip(cells, widths, strict=True))))
        for name, cells in rows
    )
    return "\n".join(line.rstrip() for line in lines)
