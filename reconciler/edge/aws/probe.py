"""What `reconcile doctor` asks of AWS: reads alone, each of them once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import boto3
import botocore
import botocore.session
from botocore.exceptions import ClientError, ParamValidationError

from reconciler import redaction
from reconciler.core.aws.verdict import code_of, is_refusal
from reconciler.core.doctor.checks import Dated, Identity
from reconciler.core.doctor.reach import Encryption
from reconciler.core.errors import CloudError
from reconciler.core.model import Integration
from reconciler.core.ports import Clock
from reconciler.edge.aws.errors import answer_of, require_aws, translated
from reconciler.edge.aws.pagination import read_pages, require_shape
from reconciler.edge.aws.read_only import only_reads
from reconciler.edge.aws.responses import ArnScope, integration

if TYPE_CHECKING:
    from mypy_boto3_appintegrations import AppIntegrationsServiceClient

_SERVICE, _CREATE = "appintegrations", "CreateDataIntegrationAssociation"
_NO_PROFILE = {"profile": (None, None, None, None)}  # what botocore holds in itself is the same for all
# GetBucketLocation names two Regions otherwise than everybody else (S3 API Reference, "GetBucketLocation")
_LOCATIONS = {None: "us-east-1", "": "us-east-1", "EU": "eu-west-1"}


class Probe:
    """AppIntegrations and the buckets that are exported to, in one target, through reads alone. Raises CloudError."""

    def __init__(self, integrations: AppIntegrationsServiceClient, buckets: Any, scope: ArnScope) -> None:
        for client in (integrations, buckets):
            only_reads(client)
        integrations.meta.events.register("before-parse.appintegrations", require_shape)
        self._integrations, self._buckets, self._scope = integrations, buckets, scope

    def integrations(self) -> tuple[Integration, ...]:
        """Return all data integrations."""
        with translated("ListDataIntegrations"):
            pages = read_pages(self._integrations.list_data_integrations, "DataIntegrations")
            return tuple(integration(item, self._scope) for page in pages for item in page)

    def objects(self, integration_arn: str) -> tuple[str, ...]:
        """Return the keys of a data integration's own ObjectConfiguration, none where it has none."""
        with translated("GetDataIntegration"):
            answer = self._integrations.get_data_integration(Identifier=integration_arn)
            require_aws(answer)
            return tuple(answer.get("ObjectConfiguration") or {})

    def try_associations(self, integration_arn: str) -> None:
        """List at most one association of a data integration, to see whether that is allowed."""
        with translated("ListDataIntegrationAssociations"):
            answer = self._integrations.list_data_integration_associations(
                DataIntegrationIdentifier=integration_arn, MaxResults=1
            )
            require_aws(answer)

    def location(self, bucket: str) -> str | None:
        """Return the Region of a bucket, None where there is no such bucket."""
        with _asking("GetBucketLocation", bucket):
            try:
                answer = self._buckets.get_bucket_location(Bucket=bucket)
            except ClientError as error:
                if is_refusal(answer_of(error)) and code_of(answer_of(error))[0] == "NoSuchBucket":
                    return None
                raise
            require_aws(answer)
            named: str | None = answer.get("LocationConstraint")
            return _LOCATIONS.get(named, redaction.redact(named or ""))

    def encryption(self, bucket: str) -> Encryption | None:
        """Return the default encryption of a bucket, None where it has none."""
        with _asking("GetBucketEncryption", bucket):
            try:
                answer = self._buckets.get_bucket_encryption(Bucket=bucket)
            except ClientError as error:
                if (
                    is_refusal(answer_of(error))
                    and code_of(answer_of(error))[0] == "ServerSideEncryptionConfigurationNotFoundError"
                ):
                    return None
                raise
            require_aws(answer)
            rules = answer["ServerSideEncryptionConfiguration"]["Rules"]
            member = "ApplyServerSideEncryptionByDefault"
            default = next((rule[member] for rule in rules if member in rule), None)
            if default is None:
                return None
            key = default.get("KMSMasterKeyID")
            return Encryption(redaction.redact(default["SSEAlgorithm"]), key and redaction.redact(key))


class Ear:
    """Listens to the clients of STS, so that what they were told is known also where no session came of it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._sent = clock.now()
        self.identity: Identity | None = None
        self.answer: Dated | None = None

    def __call__(self, client: Any) -> None:
        """Listen to a client."""
        client.meta.events.register("before-send.sts", self._sending)
        client.meta.events.register("response-received.sts", self._received)

    def _sending(self, **_: object) -> None:
        self._sent = self._clock.now()

    def _received(self, response_dict: Any, parsed_response: Any, **_: object) -> None:
        if response_dict is None:  # no answer came
            return
        self.answer = Dated(response_dict["headers"].get("Date"), self._sent, self._clock.now())
        if parsed_response and {"Arn", "Account"} <= parsed_response.keys():
            self.identity = Identity(*(redaction.redact(parsed_response[member]) for member in ("Arn", "Account")))


def libraries() -> dict[str, str]:
    """Return the versions of what speaks with AWS, by name."""
    return {"boto3": boto3.__version__, "botocore": botocore.__version__}


def knows_create() -> bool:
    """Tell whether botocore's model has the operation that this program is for. Raises CloudError."""
    with translated("reading botocore's models"):
        return _CREATE in botocore.session.Session(session_vars=_NO_PROFILE).get_service_model(_SERVICE).operation_names


def has_appintegrations(region: str) -> bool:
    """Tell whether botocore lists AppIntegrations in a Region. Raises CloudError."""
    with translated("reading botocore's endpoints"):
        session = botocore.session.Session(session_vars=_NO_PROFILE)
        partitions = session.get_available_partitions()
        return any(region in session.get_available_regions(_SERVICE, partition) for partition in partitions)


@contextmanager
def _asking(operation: str, bucket: str) -> Iterator[None]:
    with translated(f"{operation} of {bucket}"):
        try:
            yield
        except ParamValidationError as error:  # of the name, before anything is sent
            raise CloudError(f"{bucket!r} is no name of a bucket") from error
