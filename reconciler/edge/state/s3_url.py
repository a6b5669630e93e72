"""Reads where in S3 a journal is to be kept."""

from __future__ import annotations

import re


def parse_s3_url(url: str) -> tuple[str, str]:
    """Split `s3://bucket/prefix` into the bucket and the prefix, "" where there is none. Raises ValueError."""
    if not url.startswith("s3://"):
        raise ValueError(f"{url!r} is no place in S3: write s3://bucket/prefix")
    if not url.isprintable() or set(url) & set(" ?#"):
        raise ValueError(f"{url!r} must have no query, no fragment and no blanks: write s3://bucket/prefix")
    bucket, _, path = url.removeprefix("s3://").partition("/")
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
    if not re.fullmatch(r"(?!.*\.\.)(?!(\d+\.){3}\d+$)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", bucket):
        raise ValueError(
            f"{bucket!r} is no name of a bucket: 3 to 63 lower-case letters, digits, hyphens and single dots, "
            "with a letter or a digit at both ends"
        )
    prefix = path.removesuffix("/")
    if path and not {"", ".", ".."}.isdisjoint(prefix.split("/")):
        raise ValueError(f"{url!r} has an empty part, or a dot in place of one: write s3://bucket/prefix")
    return bucket, prefix
