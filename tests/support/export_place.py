"""Everything around a bulk export, as AWS's guide asks for it: key, bucket and data integration in a sandbox."""

from __future__ import annotations

import json
from typing import Any

import boto3
from support.bucket import ACCOUNT, REGION

from reconciler.core.doctor.guide import Place, build_encryption, build_policy
from reconciler.edge.guide import parse_guide
from reconciler.edge.templates import read_template

GUIDE, PLACE = parse_guide(read_template("deploy/cloudformation/export.yaml")), Place("aws", REGION, ACCOUNT)


def create_client(service: Any, endpoint: str) -> Any:
    """Return a client that prepares the sandbox."""
    return boto3.client(service, REGION, endpoint_url=endpoint, aws_access_key_id="x", aws_secret_access_key="x")


class ExportPlace:
    """A key, a bucket, and the data integration `profiles-export` with that key instead of the one of the sandbox."""

    bucket, integration = "corp-exports", "profiles-export"

    def __init__(self, endpoint: str) -> None:
        self.s3, self.kms = create_client("s3", endpoint), create_client("kms", endpoint)
        self.key: str = self.kms.create_key()["KeyMetadata"]["Arn"]
        self.put_key_policy(GUIDE.build_key_statement(PLACE))
        self.s3.create_bucket(Bucket=self.bucket)
        self.s3.put_bucket_encryption(Bucket=self.bucket, ServerSideEncryptionConfiguration=build_encryption(self.key))
        self.put_bucket_policy(GUIDE.build_bucket_statement(PLACE, self.bucket))
        self.s3.put_bucket_ownership_controls(Bucket=self.bucket, OwnershipControls=GUIDE.build_ownership())
        self.appintegrations = create_client("appintegrations", endpoint)
        self.arn = self.replace_integration()

    def replace_integration(self) -> str:
        """Replace the data integration of the sandbox by one with the key, and return its ARN."""
        self.appintegrations.delete_data_integration(DataIntegrationIdentifier=self.integration)
        arn: str = self.appintegrations.create_data_integration(
            Name=self.integration,
            KmsKey=self.key,
            SourceURI="AmazonConnect://AppIntegrations",
            ObjectConfiguration=GUIDE.build_objects(),
        )["Arn"]
        return arn

    def put_key_policy(self, *statements: Any) -> None:
        """Replace the policy of the key."""
        account = {
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT}:root"},
            "Action": "kms:*",
            "Resource": "*",
        }
        policy = {"Version": "2012-10-17", "Statement": [account, *statements]}
        self.kms.put_key_policy(KeyId=self.key, PolicyName="default", Policy=json.dumps(policy))

    def put_bucket_policy(self, *statements: Any) -> None:
        """Replace the policy of the bucket. A policy without statements is removed."""
        if not statements:
            self.s3.delete_bucket_policy(Bucket=self.bucket)
            return
        policy: Any = build_policy(statements[0])
        policy["Statement"] += statements[1:]
        self.s3.put_bucket_policy(Bucket=self.bucket, Policy=json.dumps(policy))
