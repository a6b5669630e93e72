"""The reads of `reconcile doctor` over real HTTP: they are few, cannot write, and interpret each answer correctly."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
from support.aws_sessions import MODELS, connect, create_pace
from support.bucket import Bucket
from support.fakes import FakeClock
from support.proxy import FaultProxy, Request, build_error

from reconciler.core.doctor.checks import DatedAnswer, Identity
from reconciler.core.doctor.exports import Key
from reconciler.core.doctor.reach import Encryption, IntegrationDetails
from reconciler.core.errors import AccessDenied, CloudError, Unauthenticated, Unreachable
from reconciler.core.model import Target
from reconciler.edge.aws import ConnectionSettings, TargetSession
from reconciler.edge.aws.connection import create_ambient_client, resolve_region
from reconciler.edge.aws.probe import (
    Probe,
    StsListener,
    get_library_versions,
    has_appintegrations,
    has_create_operation,
)
from reconciler.edge.aws.responses import ArnScope
from reconciler.sandbox import Behaviour, SandboxServer

ACCOUNT, REGION = "123456789012", "us-east-1"
TARGET = Target("prod", REGION, ACCOUNT)
DATE = "Sun, 01 Nov 2026 12:00:00 GMT"


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    """Return a running sandbox with a high quota of data integrations."""
    with SandboxServer(behaviour=Behaviour(integrations=500)) as running_server:
        yield running_server


@pytest.fixture
def proxy(server: SandboxServer, monkeypatch: pytest.MonkeyPatch) -> Iterator[FaultProxy]:
    """Return a recording proxy to the sandbox, with botocore retries disabled."""
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    with FaultProxy(server.url) as running_proxy:
        yield running_proxy


def open_session(
    proxy: FaultProxy, target: Target = TARGET, listener: Callable[[Any], None] = lambda _: None
) -> TargetSession:
    """Return a session of a target, connected through the recording proxy."""
    return connect(target, ConnectionSettings("0", endpoint_url=proxy.url, has_dummy_credentials=True), listener)


@pytest.fixture
def probe(proxy: FaultProxy) -> Probe:
    """Return the probe of a target, and clear the requests that its creation made."""
    new_probe = open_session(proxy).create_probe(create_pace())
    proxy.requests.clear()
    return new_probe


def create_client(service: Any, server: SandboxServer, region: str = REGION) -> Any:
    """Return a plain boto3 client that prepares the sandbox."""
    return boto3.client(service, region, endpoint_url=server.url, aws_access_key_id="x", aws_secret_access_key="x")


def build_xml_response(status: int, body: str, date: str = DATE) -> bytes:
    """Return an answer of S3 or STS."""
    return (
        f"HTTP/1.1 {status} X\r\nx-amz-request-id: r\r\nDate: {date}\r\nContent-Type: text/xml\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n{body}"
    ).encode()


def list_bucket_reads(probe: Probe) -> tuple[Callable[[str], Any], ...]:
    """Return the reads of the settings of a bucket."""
    return (
        probe.find_bucket_region,
        probe.find_bucket_encryption,
        probe.find_bucket_policy,
        probe.find_bucket_ownership,
    )


def build_s3_error(code: str, status: int = 403) -> bytes:
    """Return an error of S3."""
    return build_xml_response(
        status, f"<Error><Code>{code}</Code><Message>no</Message><RequestId>r</RequestId></Error>"
    )


def test_probe_clients_cannot_write(server: SandboxServer) -> None:
    """Calls that could write fail before they are sent: for AppIntegrations, export buckets, keys and journals."""
    integrations, buckets = create_client("appintegrations", server), create_client("s3", server)
    keys = create_client("kms", server)
    Probe(integrations, buckets, keys, ArnScope("aws", "us-east-1", "123456789012"))
    journals = create_ambient_client(
        "s3", ConnectionSettings("0", endpoint_url=server.url, has_dummy_credentials=True), MODELS, is_read_only=True
    )
    for write in (
        lambda: journals.put_object(Bucket="b", Key="k", Body=b""),
        lambda: buckets.put_object(Bucket="b", Key="k", Body=b""),
        lambda: buckets.delete_bucket(Bucket="b"),
        lambda: buckets.create_bucket(Bucket="b"),
        lambda: buckets.put_bucket_policy(Bucket="b", Policy="{}"),
        lambda: keys.put_key_policy(KeyId="k", Policy="{}"),
        lambda: keys.generate_data_key(KeyId="k"),
        lambda: keys.create_grant(KeyId="k", GranteePrincipal="p", Operations=["Decrypt"]),
        lambda: integrations.create_data_integration_association(
            DataIntegrationIdentifier="profiles-export", DestinationURI="s3://b"
        ),
        lambda: integrations.delete_data_integration(DataIntegrationIdentifier="profiles-export"),
    ):
        with pytest.raises(AssertionError, match="was called on a read-only client"):
            write()  # type: ignore[no-untyped-call]


def test_data_integrations_are_listed_page_by_page(probe: Probe, server: SandboxServer, proxy: FaultProxy) -> None:
    """All pages of data integrations are listed, and the access check lists at most one association."""
    for number in range(47):  # the sandbox already has four
        create_client("appintegrations", server).create_data_integration(
            Name=f"i{number}",
            KmsKey="k",
            SourceURI="s3://corp/a",
            ScheduleConfig={"ScheduleExpression": "rate(1 hour)"},
        )
    integrations = probe.list_integrations()
    assert len(integrations) == 51
    probe.check_associations_access(integrations[0].arn)
    assert proxy.counts == {"ListDataIntegrations": 2, "ListDataIntegrationAssociation": 1}
    assert parse_qs(urlsplit(proxy.requests[-1].path).query) == {"maxResults": ["1"]}


def test_list_errors_have_types(probe: Probe, server: SandboxServer, proxy: FaultProxy) -> None:
    """A denied List and a connection without an answer raise different error types."""
    server.sandbox.set_behaviour(Behaviour(list_denied="profiles-export"))
    arn = next(each.arn for each in probe.list_integrations() if each.name == "profiles-export")
    with pytest.raises(AccessDenied, match=r"^ListDataIntegrationAssociations: AccessDeniedException"):
        probe.check_associations_access(arn)
    proxy.before_request = lambda _: build_error(403, "AccessDeniedException")
    with pytest.raises(AccessDenied, match=r"^ListDataIntegrations: AccessDeniedException: because"):
        probe.list_integrations()
    proxy.before_request = lambda _: b""
    with pytest.raises(Unreachable):
        probe.list_integrations()


def test_bucket_location_is_read_from_s3(probe: Probe, server: SandboxServer) -> None:
    """The Region of a bucket is its LocationConstraint, and us-east-1 if it has none."""
    Bucket(server.url)
    create_client("s3", server, "eu-west-2").create_bucket(
        Bucket="abroad", CreateBucketConfiguration={"LocationConstraint": "eu-west-2"}
    )
    assert probe.find_bucket_region("journals") == "us-east-1"
    assert probe.find_bucket_region("abroad") == "eu-west-2"
    assert probe.find_bucket_region("nowhere-to-be-found") is None


@pytest.mark.parametrize(("location", "region"), [("EU", "eu-west-1"), ("", "us-east-1"), ("eu-west-1", "eu-west-1")])
def test_legacy_region_names_are_translated(probe: Probe, proxy: FaultProxy, location: str, region: str) -> None:
    """Old names of a LocationConstraint become Region names (S3 API Reference, "GetBucketLocation")."""
    proxy.before_request = lambda _: build_xml_response(200, f"<LocationConstraint>{location}</LocationConstraint>")
    assert probe.find_bucket_region("b-1") == region


def test_default_bucket_encryption_is_read(probe: Probe, server: SandboxServer) -> None:
    """The default encryption of a bucket is SSE-KMS with its key, or None if it has none."""
    Bucket(server.url)
    rule = {"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "aws:kms", "KMSMasterKeyID": "key"}}
    s3 = create_client("s3", server)
    s3.put_bucket_encryption(Bucket="journals", ServerSideEncryptionConfiguration={"Rules": [rule]})
    assert probe.find_bucket_encryption("journals") == Encryption("aws:kms", "key")
    s3.delete_bucket_encryption(Bucket="journals")
    assert probe.find_bucket_encryption("journals") is None


def test_encryption_rule_without_a_default_is_none(probe: Probe, proxy: FaultProxy) -> None:
    """A rule that only configures bucket keys is no default encryption."""
    rule = "<Rule><BucketKeyEnabled>true</BucketKeyEnabled></Rule>"
    proxy.before_request = lambda _: build_xml_response(
        200, f"<ServerSideEncryptionConfiguration>{rule}</ServerSideEncryptionConfiguration>"
    )
    assert probe.find_bucket_encryption("b-1") is None


def test_key_and_objects_of_a_data_integration_are_read(probe: Probe) -> None:
    """GetDataIntegration returns the key and the ObjectConfiguration, which may be missing."""
    integrations = {each.name: each.arn for each in probe.list_integrations()}
    details = probe.get_integration(integrations["profiles-export"])
    assert details.key == f"arn:aws:kms:{REGION}:{ACCOUNT}:key/5eed0000-0000-4000-8000-000000000000"
    assert details.source == "AmazonConnect://AppIntegrations"
    assert details.objects["CustomerProfiles"]["objectType"] == ["_profile"]
    assert probe.get_integration(integrations["crm-accounts"]).objects == {}


def test_answer_without_a_key_is_read(probe: Probe, proxy: FaultProxy) -> None:
    """A data integration without a KmsKey has the key None."""
    proxy.before_request = lambda _: build_json_response('{"Name": "x"}')
    assert probe.get_integration("arn") == IntegrationDetails(None, {})


def build_json_response(body: str, status: int = 200) -> bytes:
    """Return an answer of AppIntegrations or KMS."""
    head = f"HTTP/1.1 {status} X\r\nx-amzn-RequestId: r\r\nContent-Type: application/json\r\nConnection: close\r\n"
    return f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()


def test_keys_are_read_from_kms(probe: Probe, server: SandboxServer, proxy: FaultProxy) -> None:
    """A key is found by its ARN, id or alias, with its policy. A missing key is None."""
    kms = create_client("kms", server)
    metadata = kms.create_key(Policy='{"Statement": []}')["KeyMetadata"]
    kms.create_alias(AliasName=f"alias/{metadata['KeyId']}", TargetKeyId=metadata["KeyId"])
    key = Key(metadata["Arn"], "Enabled", "SYMMETRIC_DEFAULT", is_managed_by_aws=False)
    for key_id in (key.arn, metadata["KeyId"], f"alias/{metadata['KeyId']}"):
        assert probe.find_key(key_id) == key
    assert probe.get_key_policy(key.arn) == '{"Statement": []}'
    kms.disable_key(KeyId=metadata["KeyId"])
    disabled = probe.find_key(key.arn)
    assert disabled
    assert disabled.state == "Disabled"
    assert probe.find_key(key.arn.replace("key/", "key/0")) is None
    proxy.before_request = lambda _: build_json_response('{"KeyMetadata": {"Arn": "a", "KeyManager": "AWS"}}')
    assert probe.find_key("k") == Key("a", "", None, is_managed_by_aws=True)


def test_kms_errors_have_types(probe: Probe, proxy: FaultProxy) -> None:
    """A denied call to KMS and an unusable answer raise different error types. A proxy proves no missing key."""
    for read_key in (probe.find_key, probe.get_key_policy):
        proxy.before_request = lambda _: build_json_response(
            '{"__type": "AccessDeniedException", "Message": "because"}', 400
        )
        with pytest.raises(AccessDenied, match="of k-1: AccessDeniedException: because"):
            read_key("k-1")
        proxy.before_request = lambda _: build_json_response("{}")
        with pytest.raises(CloudError, match="AWS's answer lacks"):
            read_key("k-1")
        missing = build_json_response('{"__type": "NotFoundException"}', 400).replace(b"x-amzn-RequestId", b"x-other")
        proxy.before_request = lambda _, missing=missing: missing  # type: ignore[misc]
        with pytest.raises(Unreachable, match="the answer is not from AWS"):
            read_key("k-1")


def test_bucket_policy_and_ownership_are_read(probe: Probe, server: SandboxServer) -> None:
    """The policy and the object ownership of a bucket are read, and None stands for a missing one."""
    s3 = create_client("s3", server)
    s3.create_bucket(Bucket="policies")
    assert probe.find_bucket_policy("policies") is None
    assert probe.find_bucket_ownership("policies") is None
    s3.put_bucket_policy(Bucket="policies", Policy='{"Statement": []}')
    rule = {"ObjectOwnership": "BucketOwnerEnforced"}
    s3.put_bucket_ownership_controls(Bucket="policies", OwnershipControls={"Rules": [rule]})
    assert probe.find_bucket_policy("policies") == '{"Statement": []}'
    assert probe.find_bucket_ownership("policies") == "BucketOwnerEnforced"


@pytest.mark.parametrize(
    ("code", "status", "error"),
    [("AccessDenied", 403, AccessDenied), ("InvalidBucketName", 400, CloudError), ("InternalError", 500, Unreachable)],
)
def test_s3_errors_have_types(probe: Probe, proxy: FaultProxy, code: str, status: int, error: type[CloudError]) -> None:
    """An error of S3 has the same type for each setting of a bucket."""
    proxy.before_request = lambda _: build_s3_error(code, status)
    for read_setting in list_bucket_reads(probe):
        with pytest.raises(error, match=f"of b-1: {code}: no"):
            read_setting("b-1")


def test_invalid_bucket_name_is_not_requested(probe: Probe, proxy: FaultProxy) -> None:
    """An invalid bucket name is an error without a request, and does not count as an unreachable network."""
    for read_setting in list_bucket_reads(probe):
        with pytest.raises(CloudError, match="is not a valid bucket name") as error_info:
            read_setting("not a\tbucket!")
        assert type(error_info.value) is CloudError
    assert proxy.requests == []


def test_sts_identity_and_date_are_recorded(proxy: FaultProxy) -> None:
    """The listener records the identity, the Date header, and the times before and after the call."""
    clock = FakeClock()
    listener, sent_at = StsListener(clock), clock.now()
    assert (listener.identity, listener.answer) == (None, None)

    def advance_clock(_: Request) -> None:
        clock.advance(seconds=3)

    proxy.before_request = advance_clock
    open_session(proxy, listener=listener)
    assert listener.identity == Identity(f"arn:aws:sts::{ACCOUNT}:user/moto", ACCOUNT)
    assert listener.answer
    assert listener.answer.date
    assert (listener.answer.before, listener.answer.after) == (sent_at, sent_at + timedelta(seconds=3))


def test_date_of_an_sts_error_is_recorded(proxy: FaultProxy) -> None:
    """The Date header of an error is recorded, because a wrong clock makes STS reject each call."""
    clock = FakeClock()
    listener = StsListener(clock)
    error = "<Error><Code>SignatureDoesNotMatch</Code><Message>expired</Message></Error>"
    body = f"<ErrorResponse>{error}<RequestId>r</RequestId></ErrorResponse>"
    proxy.before_request = lambda _: build_xml_response(403, body)
    with pytest.raises(Unauthenticated):
        open_session(proxy, listener=listener)
    assert (listener.identity, listener.answer) == (None, DatedAnswer(DATE, clock.now(), clock.now()))


def test_unreachable_sts_records_nothing(proxy: FaultProxy) -> None:
    """If STS is unreachable, no identity and no Date header are recorded."""
    listener = StsListener(FakeClock())
    proxy.before_request = lambda _: b""
    with pytest.raises(Unreachable):
        open_session(proxy, listener=listener)
    assert (listener.identity, listener.answer) == (None, None)


def test_assumed_role_is_the_recorded_identity(proxy: FaultProxy) -> None:
    """With a RoleArn, the recorded identity is that of the role. No further call is needed."""
    listener = StsListener(FakeClock())
    open_session(proxy, Target("prod", REGION, None, f"arn:aws:iam::{ACCOUNT}:role/reader"), listener)
    assert proxy.counts == {"STS": 1}
    assert listener.identity
    assert ":assumed-role/reader/" in listener.identity.arn


def test_local_facts_need_no_call(proxy: FaultProxy, monkeypatch: pytest.MonkeyPatch) -> None:
    """Library versions, operations and Regions are known without a call, even with a missing profile."""
    monkeypatch.setenv("AWS_PROFILE", "no-such-profile")
    assert get_library_versions().keys() == {"boto3", "botocore"}
    assert has_create_operation()
    assert has_appintegrations("us-east-1")
    assert not has_appintegrations("eu-west-1")
    settings = ConnectionSettings("0", region="eu-west-2", endpoint_url=proxy.url, has_dummy_credentials=True)
    assert resolve_region(Target("x"), settings, MODELS) == "eu-west-2"
    assert resolve_region(TARGET, settings, MODELS) == REGION
    with pytest.raises(Unauthenticated, match="no-such-profile"):
        resolve_region(TARGET, ConnectionSettings("0"), MODELS)
    assert proxy.requests == []
