"""Requirements of AWS for a bulk export, from the template `deploy/cloudformation/export.yaml`.

The template follows AWS's guide "Set up bulk export". It is the only place with the statements of the guide.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from reconciler.core.model import Json

GUIDE = 'AWS\'s guide "Set up bulk export"'
SERVICE = "app-integrations.amazonaws.com"
_EXAMPLE_VALUES = {"DomainName": "my-domain", "ObjectType": "_profile"}
_PLACEHOLDER = re.compile(r"\$\{([\w.:]+)\}")


@dataclass(frozen=True, slots=True)
class Place:
    """Partition, Region and account of the data integrations of a target."""

    partition: str
    region: str
    account: str

    @property
    def all_integrations_arn(self) -> str:
        """The ARN of every data integration, for a permission."""
        return f"arn:{self.partition}:app-integrations:{self.region}:{self.account}:data-integration/*"

    def build_bucket_arn(self, bucket: str) -> str:
        """Return the ARN of a bucket."""
        return f"arn:{self.partition}:s3:::{bucket}"


@dataclass(frozen=True, slots=True)
class Guide:
    """Resources of the template, with its intrinsic functions as mappings (`{"Ref": "Key"}`)."""

    resources: Mapping[str, Any]

    def build_key_statement(self, place: Place) -> Mapping[str, Any]:
        """Return the statement of a key policy that lets AppIntegrations use the key."""
        return self._build_statement(self.resources["Key"]["Properties"]["KeyPolicy"], place, "")

    def build_bucket_statement(self, place: Place, bucket: str) -> Mapping[str, Any]:
        """Return the statement of a bucket policy that lets AppIntegrations write exports."""
        return self._build_statement(self.resources["BucketPolicy"]["Properties"]["PolicyDocument"], place, bucket)

    def build_ownership(self) -> Json:
        """Return the ownership controls of a bucket without ACLs."""
        controls: Json = self.resources["Bucket"]["Properties"]["OwnershipControls"]
        return controls

    def build_objects(self) -> Json:
        """Return an ObjectConfiguration with an example of a domain and of an object type."""
        objects: Json = self.resources["DataIntegration"]["Properties"]["ObjectConfiguration"]
        resolved: Json = _resolve(objects, _EXAMPLE_VALUES)
        return resolved

    @staticmethod
    def _build_statement(policy: Mapping[str, Any], place: Place, bucket: str) -> Mapping[str, Any]:
        values = {
            "AWS::Partition": place.partition,
            "AWS::Region": place.region,
            "AWS::AccountId": place.account,
            "Bucket.Arn": place.build_bucket_arn(bucket),
        }
        statement: Any = next(each for each in policy["Statement"] if each["Principal"] == {"Service": SERVICE})
        resolved: Mapping[str, Any] = _resolve(statement, values)
        return resolved


def build_policy(statement: Json) -> Json:
    """Return a policy with one statement."""
    return {"Version": "2012-10-17", "Statement": [statement]}


def build_encryption(key_arn: str) -> Json:
    """Return the default encryption of a bucket with a key, as PutBucketEncryption takes it."""
    default = {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": key_arn}
    return {"Rules": [{"ApplyServerSideEncryptionByDefault": default}]}


def _resolve(node: Any, values: Mapping[str, str]) -> Any:
    """Return a node of the template with the values of its intrinsic functions."""
    match node:
        case {"Ref": name} | {"Fn::GetAtt": name}:
            return values[name]
        case {"Fn::Sub": text}:
            return _PLACEHOLDER.sub(lambda found: values[found[1]], text)
        case Mapping():
            return {key: _resolve(value, values) for key, value in node.items()}
        case list():
            return [_resolve(value, values) for value in node]
        case _:
            return node
