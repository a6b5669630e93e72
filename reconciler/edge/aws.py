"""Amazon AppIntegrations and STS through boto3: a client that only reads, and one that writes once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import boto3
import botocore.session
from botocore.config import Config
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    CredentialRetrievalError,
    EndpointConnectionError,
    NoCredentialsError,
    NoRegionError,
    ParamValidationError,
    PartialCredentialsError,
    ProfileNotFound,
    ProxyConnectionError,
    SSOError,
    SSOTokenLoadError,
    TokenRetrievalError,
)
from botocore.loaders import Loader

from reconciler.core.errors import (
    CloudError,
    Denied,
    Throttled,
    Unauthenticated,
    Unreachable,
    WrongAccount,
)
from reconciler.core.model import Execution, Integration, Live, Observation, Spec, Target, Unobserved
from reconciler.core.outcome import Answer, Created, NotSent, Refused, Unknown
from reconciler.core.request import normalise

if TYPE_CHECKING:
    from mypy_boto3_appintegrations import AppIntegrationsServiceClient

_CONCURRENCY = 8
_PAGE = 50  # the largest that the service model allows
_THROTTLES = frozenset(("ThrottlingException", "Throttling", "TooManyRequestsException", "RequestLimitExceeded"))
_BAD_CREDENTIALS = frozenset(
    (
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidClientTokenId",
        "UnrecognizedClientException",
        "InvalidSignatureException",
        "SignatureDoesNotMatch",
        "InvalidAccessKeyId",
    )
)
_NO_CREDENTIALS = (
    NoCredentialsError,
    PartialCredentialsError,
    CredentialRetrievalError,
    ProfileNotFound,
    SSOError,
    SSOTokenLoadError,
    TokenRetrievalError,
)
_NEVER_LEFT = (
    *_NO_CREDENTIALS,
    ConnectTimeoutError,
    EndpointConnectionError,
    ParamValidationError,
    ProxyConnectionError,
)


@dataclass(frozen=True, slots=True)
class Connection:
    """How to reach AWS, as the command line and the environment say. `dummy` is for sandboxes: no real credentials."""

    version: str
    region: str | None = None
    profile: str | None = None
    endpoint_url: str | None = None
    dummy: bool = False


class Aws:
    """One target's session: whose it is, and clients on demand. Raises CloudError."""

    def __init__(self, target: Target, connection: Connection, pace: Callable[[], None], loader: Loader) -> None:
        self._endpoint_url = connection.endpoint_url
        self._agent = f"appintegrations-reconciler/{connection.version}"
        self._pace = pace
        with _translated("reading the AWS configuration"):
            self._session = _session(target, connection, loader)
            if target.role_arn:
                self._session = self._assume(target, connection, loader)
        if not self._session.region_name:
            raise CloudError("no Region: declare a Target, or give --region or AWS_REGION")
        self.region = self._session.region_name
        self.account = self._identify(target)

    def reader(self) -> Reader:
        """Return the calls that change nothing, retried by botocore as often as AWS_MAX_ATTEMPTS says."""
        client = self._client(
            Config(retries={"mode": "standard"}, max_pool_connections=_CONCURRENCY)
        )
        client.meta.events.register("before-call.appintegrations", _refuse_writes)
        return Reader(client)

    def writer(self) -> Writer:
        """Return the calls that change AWS, each sent once: botocore would repeat a Create by itself."""
        return Writer(self._client(Config(retries={"mode": "standard", "total_max_attempts": 1})))

    def _client(self, config: Config) -> AppIntegrationsServiceClient:
        config = config.merge(Config(user_agent_extra=self._agent, connect_timeout=10, read_timeout=60))
        with _translated("making a client"):
            client = self._session.client("appintegrations", endpoint_url=self._endpoint_url, config=config)
        client.meta.events.register("before-send.appintegrations", lambda **_: self._pace())
        return client

    def _identify(self, target: Target) -> str:
        with _translated("GetCallerIdentity"):
            account = self._sts(self._session).get_caller_identity()["Account"]
        if target.account and account != target.account:
            raise WrongAccount(
                f"the credentials belong to account {account}, and target {target.name!r} declares {target.account}: "
                "nothing was read or written"
            )
        return str(account)

    def _assume(self, target: Target, connection: Connection, loader: Loader) -> boto3.Session:
        assert target.role_arn
        extra = {"ExternalId": target.external_id} if target.external_id else {}
        with _translated(f"AssumeRole of {target.role_arn}"):
            answer = self._sts(self._session).assume_role(
                RoleArn=target.role_arn, RoleSessionName=target.session_name, **extra
            )
        keys = answer["Credentials"]
        return _session(
            target,
            connection,
            loader,
            aws_access_key_id=keys["AccessKeyId"],
            aws_secret_access_key=keys["SecretAccessKey"],
            aws_session_token=keys["SessionToken"],
        )

    def _sts(self, session: boto3.Session) -> Any:
        config = Config(user_agent_extra=self._agent, retries={"mode": "standard"}, connect_timeout=10, read_timeout=30)
        return session.client("sts", endpoint_url=self._endpoint_url, config=config)


class Reader:
    """AppIntegrations through List calls only."""

    def __init__(self, client: AppIntegrationsServiceClient) -> None:
        self._client = client

    def observe(self, progress: Callable[[str, int, int], None]) -> Observation:
        """Return all data integrations and the associations of each. Raises CloudError if the former fail."""
        with _translated("ListDataIntegrations"):
            pages = self._client.get_paginator("list_data_integrations").paginate(PaginationConfig={"PageSize": _PAGE})
            integrations = tuple(
                Integration(item["Arn"], item["Name"], item.get("SourceURI"))
                for page in pages
                for item in page["DataIntegrations"]
            )
        arns = list(dict.fromkeys(integration.arn for integration in integrations))
        return Observation(integrations, self._list(arns, progress))

    def associations(self, integration_arns: Iterable[str]) -> Mapping[str, tuple[Live, ...] | Unobserved]:
        """Return the associations of some data integrations, by the integration's ARN."""
        return self._list(list(integration_arns), lambda *_: None)

    def _list(
        self, arns: list[str], progress: Callable[[str, int, int], None]
    ) -> Mapping[str, tuple[Live, ...] | Unobserved]:
        listed: dict[str, tuple[Live, ...] | Unobserved] = {}
        progress("observing", 0, len(arns))
        with ThreadPoolExecutor(_CONCURRENCY) as pool:
            for arn, lives in zip(arns, pool.map(self._list_one, arns), strict=True):
                listed[arn] = lives
                progress("observing", len(listed), len(arns))
        return listed

    def _list_one(self, arn: str) -> tuple[Live, ...] | Unobserved:
        """Return the associations of one data integration, or why they are not known: never a part of them."""
        try:
            with _translated("ListDataIntegrationAssociations"):
                pages = self._client.get_paginator("list_data_integration_associations").paginate(
                    DataIntegrationIdentifier=arn, PaginationConfig={"PageSize": _PAGE}
                )
                lives = {live.arn: live for page in pages for live in map(_live, page["DataIntegrationAssociations"])}
        except CloudError as error:
            return Unobserved(str(error))
        return tuple(lives.values())


class Writer:
    """The calls that change AWS."""

    def __init__(self, client: AppIntegrationsServiceClient) -> None:
        self._client = client

    def create(self, request: Spec, token: str) -> Answer:
        """Send one CreateDataIntegrationAssociation, once, and say what became of it."""
        call: Any = self._client.create_data_integration_association
        try:
            answer = call(**request, ClientToken=token)
        except ClientError as error:
            return _answer(error)
        except _NEVER_LEFT as error:
            return NotSent(_line(error))
        except BotoCoreError as error:
            return Unknown(_line(error))
        if association_id := answer.get("DataIntegrationAssociationId"):
            return Created(association_id)
        return Unknown("AWS answered without an association id")


def _session(target: Target, connection: Connection, loader: Loader, **keys: str) -> boto3.Session:
    session = botocore.session.Session(profile=None if connection.dummy else connection.profile)
    session.register_component("data_loader", loader)  # parsed service models are shared between targets
    if connection.dummy and not keys:
        keys = {"aws_access_key_id": "sandbox", "aws_secret_access_key": "sandbox"}
    return boto3.Session(botocore_session=session, region_name=target.region or connection.region, **keys)


def _live(item: Any) -> Live:
    execution = item.get("LastExecutionStatus")
    shown = {key: item[key] for key in ("ClientId", "DestinationURI", "ExecutionConfiguration") if key in item}
    return Live(
        arn=item["DataIntegrationAssociationArn"],
        spec=normalise({"DataIntegrationIdentifier": item["DataIntegrationArn"], **shown}),
        last_execution=Execution(execution.get("ExecutionStatus", ""), execution.get("StatusMessage"))
        if execution
        else None,
    )


def _answer(error: ClientError) -> Answer:
    """Sort a refused Create: nothing was done, it did not get as far, or nobody knows."""
    code, status = error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
    if code in _THROTTLES:
        return NotSent(_line(error))
    if status >= 500:  # noqa: PLR2004 - a fault of AWS, after which anything may have happened
        return Unknown(_line(error))
    # "explicit deny" in the text is the only sign that a resource policy refuses for good (docs/limits.md)
    return Refused(_line(error), final="explicit deny" in error.response["Error"].get("Message", ""))


class _translated:  # noqa: N801 - reads as the statement that it is
    """Turn botocore's errors into ours, by type, with the operation and AWS's request id."""

    def __init__(self, doing: str) -> None:
        self._doing = doing

    def __enter__(self) -> None:
        return None

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        said = f"{self._doing}: {_line(error)}" if error else ""
        match error:
            case ClientError():
                raise _by_code(error)(said) from error
            case NoRegionError():
                raise CloudError("no Region: declare a Target, or give --region or AWS_REGION") from error
            case BotoCoreError() if isinstance(error, _NO_CREDENTIALS):
                raise Unauthenticated(said) from error
            case BotoCoreError():
                raise Unreachable(said) from error
            case KeyError():
                raise CloudError(f"{self._doing}: AWS's answer lacks {error}") from error
            case _:
                return


def _by_code(error: ClientError) -> type[CloudError]:
    code, status = error.response["Error"]["Code"], error.response["ResponseMetadata"]["HTTPStatusCode"]
    if code in _THROTTLES:
        return Throttled
    if code in _BAD_CREDENTIALS:
        return Unauthenticated
    if code.startswith("AccessDenied"):
        return Denied
    return Unreachable if status >= 500 else CloudError  # noqa: PLR2004 - a fault of AWS


def _line(error: BaseException) -> str:
    """Return an error as one line, with what AWS's support would ask for."""
    if not isinstance(error, ClientError):
        return " ".join(str(error).split())
    said = error.response["Error"]
    request = error.response["ResponseMetadata"].get("RequestId")
    text = f"{said.get('Code', 'an error')}: {said.get('Message') or 'without a message'}"
    return " ".join(text.split()) + (f" (request {request})" if request else "")


def _refuse_writes(model: Any, **_: object) -> None:
    if not model.name.startswith("List"):
        raise AssertionError(f"{model.name} through the reading client")


def shared_loader() -> Loader:
    """Return a loader of service models for all sessions of a process: 6 instead of 78 ms for each after the first."""
    loader: Loader = botocore.session.Session().get_component("data_loader")
    return loader
