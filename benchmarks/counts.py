"""Count the work of each scenario, and print the counts as JSON: `counts.py FOLDER`.

Start it with PYTHONHASHSEED=0, because the order in sets changes the counts.
"""

from __future__ import annotations

import gc
import json
import sys
import threading
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from statistics import median_low
from types import FrameType
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))  # a script finds only modules of its own folder
sys.path.insert(1, str(Path(__file__).parents[1] / "tests"))  # for support.builders

from benchmarks.scenarios import Aws, build_scenarios

_REPETITIONS = 3
"""Number of times that blocks are counted. They vary a little, because idle threads end."""


def count_instructions(action: Callable[[], object]) -> int:
    """Return the number of instructions of Python's interpreter that an action executes in all threads."""
    count = 0

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        nonlocal count
        if event == "opcode":
            count += 1
        elif event == "call":
            frame.f_trace_opcodes, frame.f_trace_lines = True, False
        return trace

    previous = sys.gettrace()
    threading.settrace(trace)
    sys.settrace(trace)
    try:
        action()
    finally:
        sys.settrace(previous)
        threading.settrace(previous)
    return count


def count_blocks(action: Callable[[], object]) -> int:
    """Return the number of blocks of memory that stay allocated with the result, before a garbage collection."""
    gc.collect()
    before = sys.getallocatedblocks()
    result = action()
    after = sys.getallocatedblocks()
    del result
    return after - before


def measure_peak(action: Callable[[], object]) -> int:
    """Return the most memory that an action has allocated at one time, in kB."""
    gc.collect()
    tracemalloc.start()
    action()
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak // 1000


def count_all(folder: Path) -> dict[str, dict[str, int]]:
    """Return the counts of each scenario. A scenario runs once before, to import modules and to fill caches."""
    aws = Aws()
    counts = {}
    for name, action in build_scenarios(folder, aws).items():
        action()
        aws.take_counts()
        instructions = count_instructions(action)
        counts[name] = {
            "instructions": instructions,
            **{kind: count for kind, count in aws.take_counts().items() if count},
            "blocks": median_low(count_blocks(action) for _ in range(_REPETITIONS)),
            "kB": measure_peak(action),
        }
    return counts


if __name__ == "__main__":
    gc.disable()
    print(json.dumps(count_all(Path(sys.argv[1]))))
