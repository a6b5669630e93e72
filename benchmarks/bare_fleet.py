"""Make the same AWS calls as a run of a fleet, without the rest of the program: `bare_fleet.py URL COUNT [one-client]`.

It has one session, a client of STS, and a client of AppIntegrations for each account. With `one-client`, a single
client of AppIntegrations makes all calls, which shows the memory that boto3 itself needs.
"""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import Any

import boto3
from botocore.config import Config

_CONCURRENCY = 8  # as many targets at once as keep two processors busy
_PAGE = 50
_REGION = "us-east-1"


def main(url: str, count: int, *, has_one_client: bool) -> None:
    """Assume a role in each account, list its data integrations, and the associations of each."""
    session = boto3.Session(
        aws_access_key_id="sandbox",
        aws_secret_access_key="sandbox",  # noqa: S106 - not a secret
        region_name=_REGION,
    )
    config = Config(retries={"mode": "standard", "max_attempts": 5}, max_pool_connections=_CONCURRENCY)
    lock = Lock()  # a session is not safe for threads
    sts: Any = session.client("sts", endpoint_url=url, config=config)
    shared = session.client("appintegrations", endpoint_url=url, config=config)

    def create_client(account: str) -> Any:
        role = f"arn:aws:iam::{account}:role/bench"
        answer = sts.assume_role(RoleArn=role, RoleSessionName="bench")
        if has_one_client:
            return shared
        keys = answer["Credentials"]
        with lock:
            return session.client(
                "appintegrations",
                endpoint_url=url,
                config=config,
                aws_access_key_id=keys["AccessKeyId"],
                aws_secret_access_key=keys["SecretAccessKey"],
                aws_session_token=keys["SessionToken"],
            )

    def count_associations(number: int) -> int:
        client = create_client(f"{number:012}")
        pages = client.get_paginator("list_data_integrations").paginate(PaginationConfig={"PageSize": _PAGE})
        arns = [integration["Arn"] for page in pages for integration in page["DataIntegrations"]]
        found = 0
        for arn in arns:
            lists = client.get_paginator("list_data_integration_associations").paginate(
                DataIntegrationIdentifier=arn, PaginationConfig={"PageSize": _PAGE}
            )
            found += sum(len(page["DataIntegrationAssociations"]) for page in lists)
        if client is not shared:
            client.close()
        return found

    with ThreadPoolExecutor(_CONCURRENCY) as pool:
        print(f"{sum(pool.map(count_associations, range(1, count + 1)))} associations in {count} accounts")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), has_one_client=sys.argv[3:] == ["one-client"])
