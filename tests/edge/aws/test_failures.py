"""The errors of calls say whether the same call may succeed later, and whether the account has to slow down."""

from __future__ import annotations

from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError, ParamValidationError, ReadTimeoutError
from support.aws_sessions import connect, create_pace
from support.proxy import FaultProxy, Request, build_error

from reconciler.core.model import Target
from reconciler.core.pace.failure import Failure
from reconciler.edge.aws import ConnectionSettings, judge_failure
from reconciler.sandbox import SandboxServer

AT_NOON, BEFORE_NOON = "Fri, 31 Dec 2027 12:00:00 GMT", "Fri, 31 Dec 2027 11:58:30 GMT"


def build_client_error(status: int, code: str, headers: Any = None) -> ClientError:
    """Return an error of AWS."""
    metadata: Any = {"HTTPStatusCode": status, "HTTPHeaders": {} if headers is None else headers}
    return ClientError({"Error": {"Code": code}, "ResponseMetadata": metadata}, "List")


@pytest.mark.parametrize(
    ("error", "failure"),
    [
        (EndpointConnectionError(endpoint_url="x"), Failure(is_throttled=False)),
        (ReadTimeoutError(endpoint_url="x"), Failure(is_throttled=False)),
        (build_client_error(500, "InternalServiceError"), Failure(is_throttled=False)),
        (build_client_error(400, "RequestTimeout"), Failure(is_throttled=False)),
        (build_client_error(400, "ThrottlingException"), Failure(is_throttled=True)),
        (build_client_error(429, "X", {"retry-after": "7"}), Failure(is_throttled=True, retry_after=7.0)),
        (build_client_error(429, "X", {"retry-after": "Fri, 31 Dec 2027 23:59:59 GMT"}), Failure(is_throttled=True)),
        (
            build_client_error(429, "X", {"retry-after": AT_NOON, "date": BEFORE_NOON}),
            Failure(is_throttled=True, retry_after=90.0),
        ),
        (build_client_error(429, "X", {"retry-after": "soon", "date": BEFORE_NOON}), Failure(is_throttled=True)),
        (build_client_error(503, "X", {"retry-after": "7"}), Failure(is_throttled=False, retry_after=7.0)),
        (build_client_error(403, "X", {"retry-after": "7"}), None),
        (build_client_error(429, "X", {"retry-after": 7}), Failure(is_throttled=True)),
        (build_client_error(429, "X", "no headers"), Failure(is_throttled=True)),
        (build_client_error(429, "ResourceQuotaExceededException"), None),
        (build_client_error(403, "AccessDeniedException"), None),
        (ParamValidationError(report="x"), None),
        (ValueError("x"), None),
    ],
)
def test_failure_is_judged_by_its_code_and_status(error: Exception, failure: Failure | None) -> None:
    """A failed connection, 5xx and throttling are repeated, as in the standard mode of the SDKs. Others are final."""
    assert judge_failure(error) == failure


@pytest.mark.parametrize(("attempts", "call_count"), [("1", 1), ("4", 4), (None, 3)])
def test_list_is_tried_as_often_as_the_environment_says(
    monkeypatch: pytest.MonkeyPatch, attempts: str | None, call_count: int
) -> None:
    """AWS_MAX_ATTEMPTS limits the attempts of a List. Without it, there are three."""
    if attempts:
        monkeypatch.setenv("AWS_MAX_ATTEMPTS", attempts)

    def fail(request: Request) -> bytes | None:
        return build_error(500, "InternalServiceError") if request.operation == "ListDataIntegrations" else None

    with SandboxServer() as server, FaultProxy(server.url, before_request=fail) as proxy:
        connection = ConnectionSettings("0", endpoint_url=proxy.url, has_dummy_credentials=True)
        session = connect(Target("prod", "us-east-1"), connection)
        with pytest.raises(Exception, match="InternalServiceError"):
            session.create_reader(create_pace()).observe(lambda *_: None)
        assert proxy.counts["ListDataIntegrations"] == call_count
