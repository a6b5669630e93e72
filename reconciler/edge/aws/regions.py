"""Validate Region names: botocore accepts several spellings of a Region, and each would get its own journal entries."""

from __future__ import annotations

from functools import cache
from typing import Any

from botocore.loaders import Loader

from reconciler import redaction
from reconciler.core.aws import regions
from reconciler.core.errors import CloudError


@cache
def load_patterns() -> tuple[str, ...]:
    """Return each partition's pattern for Regions. It matches Regions that botocore does not list yet."""
    partitions: Any = Loader().load_data("partitions")
    return tuple(partition["regionRegex"] for partition in partitions["partitions"])


def find_problem(name: str) -> str | None:
    """Return what is wrong with a Region's name and the correct form, or None."""
    return regions.find_problem(name, load_patterns())


def check_region(name: str | None) -> None:
    """Reject a given name that is not a Region. Raises CloudError."""
    if name is not None and (problem := find_problem(name)):
        raise CloudError(
            f"{redaction.redact(problem)} (a Target, --region, AWS_REGION, AWS_DEFAULT_REGION or the profile says so)"
        )
