"""Refuses what is no Region: botocore takes several names of one, and the journal would have as many."""

from __future__ import annotations

from functools import cache
from typing import Any

from botocore.loaders import Loader

from reconciler import redaction
from reconciler.core.aws import regions
from reconciler.core.errors import CloudError


@cache
def load_patterns() -> tuple[str, ...]:
    """Return the regular expression of each partition's Regions, those that botocore does not list yet included."""
    partitions: Any = Loader().load_data("partitions")
    return tuple(partition["regionRegex"] for partition in partitions["partitions"])


def find_problem(name: str) -> str | None:
    """Return what is wrong with the name of a Region and what would be right, None where nothing is."""
    return regions.find_problem(name, load_patterns())


def check_region(name: str | None) -> None:
    """Refuse a name that is given and is no Region's. Raises CloudError."""
    if name is not None and (problem := find_problem(name)):
        raise CloudError(
            f"{redaction.redact(problem)} (a Target, --region, AWS_REGION, AWS_DEFAULT_REGION or the profile says so)"
        )
