"""Read the partitions of AWS from botocore's data, without importing botocore."""

from __future__ import annotations

import json
from functools import cache
from importlib.util import find_spec
from pathlib import Path


@cache
def read_region_patterns() -> tuple[str, ...]:
    """Return the regular expression for the Regions of each partition. They also match future Regions."""
    package = find_spec("botocore")
    assert package is not None
    assert package.submodule_search_locations
    text = (Path(package.submodule_search_locations[0]) / "data" / "partitions.json").read_text(encoding="utf-8")
    return tuple(partition["regionRegex"] for partition in json.loads(text)["partitions"])
