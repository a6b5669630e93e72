"""Read the resources of a process from the kernel (proc(5))."""

from __future__ import annotations

from pathlib import Path

from soak.bounds import Sample

_KIB = 1024


def read_sample(pid: int, temporary: Path, runs: int) -> Sample:
    """Return the resources that a process uses now."""
    process = Path(f"/proc/{pid}")
    status = _read_numbers(process / "status")
    return Sample(
        runs=runs,
        resident=status["VmRSS"] * _KIB,
        anonymous=status["RssAnon"] * _KIB,
        descriptors=_count_entries(process / "fd"),
        threads=status["Threads"],
        files=_count_entries(temporary),
    )


def _read_numbers(file: Path) -> dict[str, int]:
    """Return the numbers in a file with lines like `VmRSS:  1716 kB`."""
    lines = (line.replace(":", " ").split() for line in file.read_text().splitlines())
    return {words[0]: int(words[1]) for words in lines if len(words) > 1 and words[1].isdigit()}


def _count_entries(folder: Path) -> int:
    return sum(1 for _ in folder.iterdir())
