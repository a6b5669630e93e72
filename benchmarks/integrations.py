"""Replace the data integrations of a sandbox by those named: `integrations.py URL REGION NAME…`."""

from __future__ import annotations

import sys

import boto3


def main(url: str, region: str, names: list[str]) -> None:
    """Delete the data integrations of a sandbox, and create one for each name."""
    client = boto3.client(
        "appintegrations",
        endpoint_url=url,
        region_name=region,
        aws_access_key_id="sandbox",
        aws_secret_access_key="sandbox",  # noqa: S106 - not a secret
    )
    for found in client.list_data_integrations()["DataIntegrations"]:
        client.delete_data_integration(DataIntegrationIdentifier=found["Arn"])
    key = f"arn:aws:kms:{region}:123456789012:key/00000000-0000-4000-8000-000000000000"
    for name in names:
        client.create_data_integration(Name=name, KmsKey=key, SourceURI="Salesforce://AppFlow/crm")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])
