"""Parse the S3 URL of a state location."""

from __future__ import annotations

import re


def parse_s3_url(url: str) -> tuple[str, str]:
    """Return the bucket and the prefix of `s3://bucket/prefix`. The prefix may be "". Raises ValueError."""
    if not url.startswith("s3://"):
        raise ValueError(f"{url!r} is not an S3 URL: write s3://bucket/prefix")
    if not url.isprintable() or set(url) & set(" ?#"):
        raise ValueError(f"{url!r} contains a query, a fragment or a blank: write s3://bucket/prefix")
    bucket, _, path = url.removeprefix("s3://").partition("/")
    # https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html
    if not re.fullmatch(r"(?!.*\.\.)(?!(\d+\.){3}\d+$)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", bucket):
        raise ValueError(
            f"{url!r} has the bucket {bucket!r}, which is not a valid bucket name: use 3 to 63 lower-case letters, "
            "digits, hyphens and single dots, with a letter or digit at both ends"
        )
    prefix = path.removesuffix("/")
    if path and not {"", ".", ".."}.isdisjoint(prefix.split("/")):
        raise ValueError(f"{url!r} has an empty part, or a part '.' or '..': write s3://bucket/prefix")
    return bucket, prefix
