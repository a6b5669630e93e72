"""Read the facts that `reconcile doctor` checks from AWS and botocore, without writes."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import boto3
import botocore
import botocore.session
from botocore.exceptions import ClientError, ParamValidationError

from reconciler import redaction
from reconciler.core.aws.verdict import get_code_and_status, is_from_aws
from reconciler.core.doctor.checks import DatedAnswer, Identity
from reconciler.core.doctor.exports import Key
from reconciler.core.doctor.reach import Encryption, IntegrationDetails
from reconciler.core.errors import CloudError
from reconciler.core.model import Integration
from reconciler.core.ports import Clock
from reconciler.edge.aws import responses
from reconciler.edge.aws.errors import get_answer, require_aws, translate_errors
from reconciler.edge.aws.listings import run_now
from reconciler.edge.aws.pagination import read_pages, require_shape
from reconciler.edge.aws.read_only import make_read_only
from reconciler.edge.aws.responses import ArnScope, is_clean, parse_integration

if TYPE_CHECKING:
    from mypy_boto3_appintegrations import AppIntegrationsServiceClient

_SERVICE, _CREATE = "appintegrations", "CreateDataIntegrationAssociation"
_KEY_READS = ("DescribeKey", "GetKeyPolicy")
_NO_PROFILE = {"profile": (None, None, None, None)}  # no profile is read: botocore's own data needs none
# GetBucketLocation has its own names for two Regions (S3 API Reference, "GetBucketLocation").
_LOCATIONS = {None: "us-east-1", "": "us-east-1", "EU": "eu-west-1"}


class Probe:
    """Read-only clients of one target: AppIntegrations, and the buckets and keys of exports.

    The methods raise CloudError.
    """

    def __init__(self, integrations: AppIntegrationsServiceClient, buckets: Any, keys: Any, scope: ArnScope) -> None:
        for client in (integrations, buckets):
            make_read_only(client)
        make_read_only(keys, _KEY_READS)
        integrations.meta.events.register("before-parse.appintegrations", require_shape)
        self._integrations, self._buckets, self._keys, self._scope = integrations, buckets, keys, scope

    def list_integrations(self) -> tuple[Integration, ...]:
        """Return the data integrations."""
        with translate_errors("ListDataIntegrations"):
            pages = run_now(read_pages(self._integrations.list_data_integrations, "DataIntegrations"))
            return tuple(parse_integration(item, self._scope) for page in pages for item in page["DataIntegrations"])

    def get_integration(self, integration_arn: str) -> IntegrationDetails:
        """Return the key, the ObjectConfiguration and the source of a data integration."""
        with translate_errors("GetDataIntegration"):
            answer = self._integrations.get_data_integration(Identifier=integration_arn)
            require_aws(answer)
            objects = json.loads(redaction.redact(json.dumps(answer.get("ObjectConfiguration") or {})))
            key, source = answer.get("KmsKey"), answer.get("SourceURI")
            return IntegrationDetails(
                redaction.redact(key) if is_clean(key) else None,
                objects,
                redaction.redact(source) if is_clean(source) else "",
            )

    def check_associations_access(self, integration_arn: str) -> None:
        """Check the permission to list the associations of a data integration, by listing at most one."""
        with translate_errors("ListDataIntegrationAssociations"):
            answer = self._integrations.list_data_integration_associations(
                DataIntegrationIdentifier=integration_arn, MaxResults=1
            )
            require_aws(answer)

    def find_key(self, key_id: str) -> Key | None:
        """Return a key by its ARN, id or alias, or None if it does not exist."""
        with translate_errors(f"DescribeKey of {key_id}"):
            answer = _read_or_none(self._keys.describe_key, "NotFoundException", KeyId=key_id)
            if answer is None:
                return None
            key = answer["KeyMetadata"]
            arn, state, spec = (redaction.redact(str(key.get(name) or "")) for name in ("Arn", "KeyState", "KeySpec"))
            return Key(arn, state, spec or None, is_managed_by_aws=key.get("KeyManager") == "AWS")

    def get_key_policy(self, key_arn: str) -> str:
        """Return the policy of a key."""
        with translate_errors(f"GetKeyPolicy of {key_arn}"):
            answer = self._keys.get_key_policy(KeyId=key_arn, PolicyName="default")
            require_aws(answer)
            return redaction.redact(answer["Policy"])

    def find_bucket_region(self, bucket: str) -> str | None:
        """Return the Region of a bucket, or None if the bucket does not exist."""
        with _translate_bucket_errors("GetBucketLocation", bucket):
            answer = _read_or_none(self._buckets.get_bucket_location, "NoSuchBucket", Bucket=bucket)
            if answer is None:
                return None
            region: str | None = answer.get("LocationConstraint")
            return _LOCATIONS.get(region, redaction.redact(region or ""))

    def find_bucket_encryption(self, bucket: str) -> Encryption | None:
        """Return the default encryption of a bucket, or None if it has none."""
        code = "ServerSideEncryptionConfigurationNotFoundError"
        with _translate_bucket_errors("GetBucketEncryption", bucket):
            answer = _read_or_none(self._buckets.get_bucket_encryption, code, Bucket=bucket)
            rules = answer["ServerSideEncryptionConfiguration"]["Rules"] if answer else ()
            member = "ApplyServerSideEncryptionByDefault"
            default = next((rule[member] for rule in rules if member in rule), None)
            if default is None:
                return None
            key = default.get("KMSMasterKeyID")
            return Encryption(redaction.redact(default["SSEAlgorithm"]), key and redaction.redact(key))

    def find_bucket_policy(self, bucket: str) -> str | None:
        """Return the policy of a bucket, or None if it has none."""
        with _translate_bucket_errors("GetBucketPolicy", bucket):
            answer = _read_or_none(self._buckets.get_bucket_policy, "NoSuchBucketPolicy", Bucket=bucket)
            return redaction.redact(answer["Policy"]) if answer else None

    def find_bucket_ownership(self, bucket: str) -> str | None:
        """Return the object ownership of a bucket, or None if it has no ownership controls."""
        code = "OwnershipControlsNotFoundError"
        with _translate_bucket_errors("GetBucketOwnershipControls", bucket):
            answer = _read_or_none(self._buckets.get_bucket_ownership_controls, code, Bucket=bucket)
            rules = answer["OwnershipControls"]["Rules"] if answer else ()
            return next((redaction.redact(rule["ObjectOwnership"]) for rule in rules), None)


class StsListener:
    """A listener that records the identity and the Date header in answers of STS, even if the session then fails.

    Call it with each client of STS.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._sent_at = clock.now()
        self.identity: Identity | None = None
        self.answer: DatedAnswer | None = None

    def __call__(self, client: Any) -> None:
        """Register with a client of STS."""
        client.meta.events.register("before-send.sts", self._record_sending_time)
        client.meta.events.register("response-received.sts", self._record_answer)

    def _record_sending_time(self, **_: object) -> None:
        self._sent_at = self._clock.now()

    def _record_answer(self, response_dict: Any, parsed_response: Any, **_: object) -> None:
        if response_dict is None:  # the call got no answer
            return
        self.answer = DatedAnswer(response_dict["headers"].get("Date"), self._sent_at, self._clock.now())
        answer = parsed_response or {}
        if {"Arn", "Account"} <= answer.keys():
            self.identity = Identity(*(redaction.redact(answer[member]) for member in ("Arn", "Account")))
        elif role := answer.get("AssumedRoleUser"):
            arn = redaction.redact(role["Arn"])
            self.identity = Identity(arn, responses.parse_role_account(arn))


def get_library_versions() -> dict[str, str]:
    """Return the versions of boto3 and botocore by their names."""
    return {"boto3": boto3.__version__, "botocore": botocore.__version__}


def has_create_operation() -> bool:
    """Return whether botocore's service model has CreateDataIntegrationAssociation. Raises CloudError."""
    with translate_errors("reading botocore's models"):
        return _CREATE in botocore.session.Session(session_vars=_NO_PROFILE).get_service_model(_SERVICE).operation_names


def has_appintegrations(region: str) -> bool:
    """Return whether botocore lists AppIntegrations as available in a Region. Raises CloudError."""
    with translate_errors("reading botocore's endpoints"):
        session = botocore.session.Session(session_vars=_NO_PROFILE)
        partitions = session.get_available_partitions()
        return any(region in session.get_available_regions(_SERVICE, partition) for partition in partitions)


@contextmanager
def _translate_bucket_errors(operation: str, bucket: str) -> Iterator[None]:
    with translate_errors(f"{operation} of {bucket}"):
        try:
            yield
        except ParamValidationError as error:  # the name is invalid, and nothing was sent
            raise CloudError(f"{bucket!r} is not a valid bucket name") from error


def _read_or_none(call: Callable[..., Any], absence: str, **parameters: str) -> Any:
    """Return the answer to a read, or None if AWS refused it with the error code `absence`.

    Raises Unreachable if the answer is not from AWS, and botocore's errors.
    """
    try:
        answer = call(**parameters)
    except ClientError as error:
        if is_from_aws(get_answer(error)) and get_code_and_status(get_answer(error))[0] == absence:
            return None
        raise
    require_aws(answer)
    return answer
