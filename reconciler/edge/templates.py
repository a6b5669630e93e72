"""Read the files of `deploy/` that the program needs as templates. A wheel contains them."""

from __future__ import annotations

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path


def read_template(path: str) -> str:
    """Return the text of a template by its path in the repository."""
    folder: Traversable = files("reconciler")
    if not (folder / "deploy").is_dir():  # in a checkout, the templates are not inside the package
        folder = Path(__file__).parents[2]
    return (folder / path).read_text(encoding="utf-8")
