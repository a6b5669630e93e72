"""Answer HTTP requests for moto: one route handles every operation and reads the raw URL."""

import json
import re
from email.utils import formatdate
from typing import Any

from botocore.exceptions import ConnectionClosedError
from moto.core.request import Request
from moto.iam.models import get_account_id_from

from reconciler.sandbox.moto.models import get_current_sandbox
from reconciler.sandbox.moto.protocol import build_error_response, parse_request
from reconciler.sandbox.sandbox import Sandbox
from reconciler.sandbox.service.errors import AnswerLostError, ServiceError

SANDBOX = "reconciler.sandbox"
"""The key of the WSGI environment that holds the server's sandbox."""

_SCOPE = re.compile(r"Credential=(?P<key>[^/,\s]{1,200})/[^/,\s]{1,200}/(?P<region>[^/,\s]+)/")
_REGION = "us-east-1"


def handle_request(request: Request, full_url: str, _headers: Any) -> tuple[int, dict[str, str], bytes]:
    """Return status, headers and body for one request."""
    sandbox: Sandbox = request.environ.get(SANDBOX) or get_current_sandbox()
    scope = _SCOPE.search(request.headers.get("Authorization", ""))
    account = get_account_id_from(scope["key"] if scope else "")
    headers = {
        "Content-Type": "application/json",
        "x-amzn-requestid": sandbox.new_id(),
        "Date": formatdate(sandbox.time, usegmt=True),
    }
    try:
        operation, parameters = parse_request(request.method, full_url, request.get_data())
        document = sandbox.call(account, scope["region"] if scope else _REGION, operation, parameters)
    except AnswerLostError as error:
        if error.is_connection_closed and request.from_wsgi_server:
            raise ConnectionResetError from error  # the server then closes the connection without a response
        if error.is_connection_closed:
            raise ConnectionClosedError(endpoint_url=full_url) from error
        return _build_refusal(error, headers)
    except ServiceError as error:
        return _build_refusal(error, headers)
    return 200, headers, json.dumps(document).encode()


def _build_refusal(error: ServiceError, headers: dict[str, str]) -> tuple[int, dict[str, str], bytes]:
    status, error_headers, body = build_error_response(error)
    return status, headers | error_headers, body
