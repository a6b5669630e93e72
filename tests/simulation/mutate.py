"""Mutants: copies of the package with one deliberate mistake each. A good simulation finds every mistake."""

from __future__ import annotations

import shutil
import tomllib
from dataclasses import dataclass
from importlib.util import cache_from_source
from pathlib import Path

import reconciler

FOLDER = Path(__file__).parent / "mutants"
PACKAGE = Path(reconciler.__file__).parent


@dataclass(frozen=True, slots=True)
class Mutant:
    """One mistake: its effect, the invariants that may catch it, and the (old text, new text) of each edit.

    The old text of an edit occurs exactly once in the package, in any module. `first_seed` is the first seed to
    simulate: a rare mistake is found sooner near a seed that shows it.
    """

    name: str
    effect: str
    invariants: frozenset[str]
    edits: tuple[tuple[str, str], ...]
    first_seed: int

    def write_package(self, folder: Path) -> None:
        """Copy the package with the mistake into a folder. Raises ValueError if the mutant no longer fits.

        The copy includes the compiled modules, except for those of the mistake: compiling all takes longer than most
        simulations.
        """
        shutil.copytree(PACKAGE, folder / PACKAGE.name)
        texts = {path: path.read_text(encoding="utf-8") for path in (folder / PACKAGE.name).rglob("*.py")}
        for old, new in self.edits:
            paths = [path for path, text in texts.items() for _ in range(text.count(old))]
            if len(paths) != 1:
                count = f"the package has the old text {len(paths)} times instead of once"
                raise ValueError(f"the mutant {self.name} does not fit: {count}: {old!r}")
            texts[paths[0]] = texts[paths[0]].replace(old, new)
            paths[0].write_text(texts[paths[0]], encoding="utf-8")
            Path(cache_from_source(paths[0])).unlink(missing_ok=True)


def read_mutants() -> tuple[Mutant, ...]:
    """Return the mutants, sorted by name."""
    return tuple(map(_read, sorted(FOLDER.glob("*.toml"))))


def _read(path: Path) -> Mutant:
    document = tomllib.loads(path.read_text(encoding="utf-8"))
    edits = tuple((edit["old"], edit["new"]) for edit in document["edits"])
    return Mutant(path.stem, document["breaks"], frozenset(document["violates"]), edits, document.get("first", 0))
