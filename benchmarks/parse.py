"""Parse the YAML files below a folder and discard the result: `parse.py FOLDER`."""

from __future__ import annotations

import sys
from pathlib import Path

import yaml


def main(folder: str) -> None:
    """Parse with PyYAML's fastest loader, and print the number of documents."""
    documents = [yaml.load(path.read_bytes(), yaml.CSafeLoader) for path in sorted(Path(folder).rglob("*.yaml"))]
    print(f"{len(documents)} documents")


if __name__ == "__main__":
    main(sys.argv[1])
