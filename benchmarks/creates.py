"""Compare the time of a hundred creates at the default pace with that of the calls that must be made."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from benchmarks import fleets, inputs
from benchmarks.measure import RECONCILE, Figure, measure_cost
from benchmarks.running import count_calls, run_server

_CREATES = 100
_LOOK_AFTER = inputs.INTEGRATIONS
_NEEDED = fleets.CALLS + _CREATES + _LOOK_AFTER
"""The calls that must be made.

- Every data integration is listed before the first write: the checks for duplicates and running exports need it.
- Each create is a call.
- The integrations with writes are listed after the last write. The run records which associations AWS already shows:
  a later run could see only the end of an export that was short.

A second look before the writes is not in it.
"""
_MINIMUM = (_NEEDED - fleets.BURST) / fleets.RATE
_TARGET = inputs.TARGET.replace("1000", str(fleets.RATE)).replace("Burst: 100", f"Burst: {fleets.BURST}")


def measure_figures(folder: Path, pairs: int) -> Iterator[Figure]:
    """Yield the time, and the throttled calls on a server with the same bucket."""
    inputs.write(folder, _CREATES)
    (folder / "manifests" / "target.yaml").write_text(_TARGET, encoding="utf-8")
    times, calls, throttled = [], [], []
    for number in range(pairs):
        with run_server("--rate", str(fleets.RATE), "--burst", str(fleets.BURST)) as url:
            options = ("--new-state", "--max-creates-total", str(_CREATES), "--state", f"state-{number}")
            times.append(measure_cost((RECONCILE, "--endpoint-url", url, *options), folder).wall)
            counts = count_calls(url)
        calls.append(sum(counts["calls"][inputs.ACCOUNT].values()))
        throttled.append(sum(sum(each.values()) for each in counts["throttled"].values()))
    yield Figure(f"{_CREATES} creates at the default pace", "s", tuple(times), (_MINIMUM,) * pairs, 1.05)
    yield Figure(f"{_CREATES} creates, throttled calls", "", tuple(throttled), tuple(calls), 0, is_absolute=True)
