"""Names of Regions: one valid spelling for each Region."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import botocore
import pytest

from reconciler.core.aws.regions import find_region_problem

PARTITIONS: Any = json.loads((Path(botocore.__file__).parent / "data" / "partitions.json").read_text())
PATTERNS = tuple(each["regionRegex"] for each in PARTITIONS["partitions"])
LISTED_REGIONS = sorted(name for each in PARTITIONS["partitions"] for name in each["regions"] if "global" not in name)


@pytest.mark.parametrize("name", [*LISTED_REGIONS, "eu-north-7", "us-gov-south-1", "ap-southeast-10"])
def test_region_matching_its_partition_pattern_is_accepted(name: str) -> None:
    """A Region that matches a partition is valid, even if botocore does not list it yet."""
    assert find_region_problem(name, PATTERNS) is None


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("fips-us-east-1", "write us-east-1, and set AWS_USE_FIPS_ENDPOINT=true to use FIPS endpoints"),
        ("us-east-1-fips", "write us-east-1, and set AWS_USE_FIPS_ENDPOINT=true to use FIPS endpoints"),
        ("FIPS-us-gov-west-1", "write us-gov-west-1, and set AWS_USE_FIPS_ENDPOINT=true to use FIPS endpoints"),
        ("fips-aws-global", "write its Region, and set AWS_USE_FIPS_ENDPOINT=true to use FIPS endpoints"),
        ("us-fips-1", "write its Region, and set AWS_USE_FIPS_ENDPOINT=true to use FIPS endpoints"),
        ("US-EAST-1", "write us-east-1"),
        ("us-EAST-1", "write us-east-1"),
        (" us-east-1", "write us-east-1"),
        ("us-east-1\n", "write us-east-1"),
        ('"us-east-1"', "write us-east-1"),
        ("us-east-01", "write a code such as us-east-1"),
        ("us-east-\uff11", "write a code such as us-east-1"),
        ("us_east_1", "write a code such as us-east-1"),
        ("us-east-1a", "write a code such as us-east-1"),
        ("aws-global", "write a code such as us-east-1"),
        ("xx-east-1", "write a code such as us-east-1"),
        ("us-" + "e" * 80 + "-1", "write a code such as us-east-1"),
        ("", "write a code such as us-east-1"),
    ],
)
def test_alias_of_a_region_is_rejected(name: str, remedy: str) -> None:
    """Other spellings are rejected, because each would have a journal of its own."""
    assert find_region_problem(name, PATTERNS) == f"{name[:63]!r} is not a Region: {remedy}"
