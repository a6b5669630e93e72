"""Answers HTTP for moto: one route for everything, on the URL as it arrived."""

import json
import re
from typing import Any

from botocore.exceptions import ConnectionClosedError
from moto.core.request import Request
from moto.iam.models import get_account_id_from

from reconciler.sandbox.moto.models import at_hand
from reconciler.sandbox.moto.protocol import read, refusal
from reconciler.sandbox.sandbox import Sandbox
from reconciler.sandbox.service.errors import AnswerLostError, ServiceError

SANDBOX = "reconciler.sandbox"
"""The key under which a server puts its sandbox into the WSGI environment."""

_SCOPE = re.compile(r"Credential=(?P<key>[^/,\s]{1,200})/[^/,\s]{1,200}/(?P<region>[^/,\s]+)/")
_REGION = "us-east-1"


def answer(request: Request, full_url: str, _headers: Any) -> tuple[int, dict[str, str], bytes]:
    """Answer one request with status, headers and body."""
    sandbox: Sandbox = request.environ.get(SANDBOX) or at_hand()
    scope = _SCOPE.search(request.headers.get("Authorization", ""))
    account = get_account_id_from(scope["key"] if scope else "")
    headers = {"Content-Type": "application/json", "x-amzn-requestid": sandbox.new_id()}
    try:
        operation, asked = read(request.method, full_url, request.get_data())
        answered = sandbox.call(account, scope["region"] if scope else _REGION, operation, asked)
    except AnswerLostError as error:
        if error.dropped and request.from_wsgi_server:
            raise ConnectionResetError from error  # the server then closes the connection, answering nothing
        if error.dropped:
            raise ConnectionClosedError(endpoint_url=full_url) from error
        return _refused(error, headers)
    except ServiceError as error:
        return _refused(error, headers)
    return 200, headers, json.dumps(answered).encode()


def _refused(error: ServiceError, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
    status, more, body = refusal(error)
    return status, headers | more, body
