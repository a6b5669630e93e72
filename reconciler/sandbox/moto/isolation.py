"""Isolate the process from real AWS while the sandbox runs: no credentials are needed, and no request leaves."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from botocore.awsrequest import AWSPreparedRequest, AWSRequest, AWSResponse
from botocore.exceptions import HTTPClientError
from botocore.httpsession import URLLib3Session
from moto.core.models import botocore_stubber

_LOOPBACK = {"localhost", "127.0.0.1", "::1"}
_REGION = "us-east-1"


class LeavingSandboxError(HTTPClientError):
    """A request to an address outside this machine, which the sandbox did not send."""

    fmt = "the sandbox blocks requests that leave this machine, and cannot answer this one: {url}"


@contextmanager
def isolate() -> Iterator[None]:
    """Send requests only to moto and to loopback, and hide every AWS variable of the environment except the Region.

    moto also answers sessions that were created earlier. Its own hook reaches only sessions created after its import.
    """
    original_send = URLLib3Session.send

    def send(session: URLLib3Session, request: AWSRequest | AWSPreparedRequest) -> AWSResponse:
        assert isinstance(request, AWSPreparedRequest)
        answer = botocore_stubber("before-send", request)
        if answer is not None:
            return answer
        if urlsplit(request.url).hostname in _LOOPBACK:
            return original_send(session, request)
        raise LeavingSandboxError(url=request.url)

    URLLib3Session.send = send  # type: ignore[method-assign, assignment]
    try:
        with _hide_aws_environment():
            yield
    finally:
        URLLib3Session.send = original_send  # type: ignore[method-assign]


@contextmanager
def _hide_aws_environment() -> Iterator[None]:
    environment = os.environ  # noqa: TID251 - moto's mock sets it too; every variable is restored here
    saved_variables = {name: value for name, value in environment.items() if name.startswith("AWS_")}
    region = saved_variables.get("AWS_REGION") or saved_variables.get("AWS_DEFAULT_REGION") or _REGION
    _remove_aws_variables(environment)
    environment |= {
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_CONFIG_FILE": os.devnull,
        "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    try:
        yield
    finally:
        _remove_aws_variables(environment)
        environment |= saved_variables


def _remove_aws_variables(environment: "os._Environ[str]") -> None:
    for name in [name for name in environment if name.startswith("AWS_")]:
        del environment[name]
