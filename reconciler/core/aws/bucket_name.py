"""Names of S3 buckets."""

from __future__ import annotations

import re

_NAME = re.compile(r"(?!.*\.\.)(?!(\d+\.){3}\d+$)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
BUCKET_NAME_RULE = (
    "use 3 to 63 lower-case letters, digits, hyphens and single dots, with a letter or digit at both ends"
)


def is_bucket_name(name: str) -> bool:
    """Tell whether a new bucket may have this name (Amazon S3 user guide, "General purpose bucket naming rules")."""
    return _NAME.fullmatch(name) is not None
