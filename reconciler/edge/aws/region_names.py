"""Validate Region names. botocore accepts several spellings of a Region, and each would get its own journal."""

from __future__ import annotations

from functools import cache
from typing import Any

from botocore.loaders import Loader

from reconciler import redaction
from reconciler.core.aws.regions import find_region_problem
from reconciler.core.errors import CloudError


@cache
def load_region_patterns() -> tuple[str, ...]:
    """Return the pattern of Region names for each partition. It also matches Regions that botocore does not list."""
    partitions: Any = Loader().load_data("partitions")
    return tuple(partition["regionRegex"] for partition in partitions["partitions"])


def require_valid_region(name: str | None) -> None:
    """Reject a name that is not a valid Region. None is accepted. Raises CloudError."""
    if name is not None and (problem := find_region_problem(name, load_region_patterns())):
        raise CloudError(
            f"{redaction.redact(problem)} (set in a Target, --region, AWS_REGION, AWS_DEFAULT_REGION or the profile)"
        )
