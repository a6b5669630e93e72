"""Make the same AWS calls as a dry run, without the rest of the program: `bare.py URL REGION [THREADS]`."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

import boto3
from botocore.config import Config

_THREADS = 8
_PAGE = 50


def main(url: str, region: str, threads: int = _THREADS) -> None:
    """List the data integrations of an account, and the associations of each, in threads."""
    session = boto3.Session(
        aws_access_key_id="sandbox",
        aws_secret_access_key="sandbox",  # noqa: S106 - not a secret
        region_name=region,
    )
    retries = Config(retries={"mode": "standard", "max_attempts": 5}, max_pool_connections=threads)
    account = session.client("sts", endpoint_url=url, config=retries).get_caller_identity()["Account"]
    client = session.client("appintegrations", endpoint_url=url, config=retries)
    arns = [
        integration["Arn"]
        for page in client.get_paginator("list_data_integrations").paginate(PaginationConfig={"PageSize": _PAGE})
        for integration in page["DataIntegrations"]
    ]

    def count_associations(arn: str) -> int:
        pages = client.get_paginator("list_data_integration_associations").paginate(
            DataIntegrationIdentifier=arn, PaginationConfig={"PageSize": _PAGE}
        )
        return sum(len(page["DataIntegrationAssociations"]) for page in pages)

    with ThreadPoolExecutor(threads) as pool:
        association_count = sum(pool.map(count_associations, arns))
    print(f"{account}: {len(arns)} data integrations, {association_count} associations")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:]))
