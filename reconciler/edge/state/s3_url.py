"""Parse the S3 URL of a state location."""

from __future__ import annotations

from reconciler.core.aws.bucket_name import BUCKET_NAME_RULE, is_bucket_name


def parse_s3_url(url: str) -> tuple[str, str]:
    """Return the bucket and the prefix of `s3://bucket/prefix`. The prefix may be "". Raises ValueError."""
    if not url.startswith("s3://"):
        raise ValueError(f"{url!r} is not an S3 URL: write s3://bucket/prefix")
    if not url.isprintable() or set(url) & set(" ?#"):
        raise ValueError(f"{url!r} contains a query, a fragment or a blank: write s3://bucket/prefix")
    bucket, _, path = url.removeprefix("s3://").partition("/")
    if not is_bucket_name(bucket):
        raise ValueError(f"{url!r} has the bucket {bucket!r}, which is not a valid bucket name: {BUCKET_NAME_RULE}")
    prefix = path.removesuffix("/")
    if path and not {"", ".", ".."}.isdisjoint(prefix.split("/")):
        raise ValueError(f"{url!r} has an empty part, or a part '.' or '..': write s3://bucket/prefix")
    return bucket, prefix
