"""The services that issue credentials, on loopback: STS, IAM Identity Center, and the metadata of machines."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, unquote

from support.http_servers import QuietHandler, create_server, serve
from support.proxy import Request, build_error

ACCOUNT, ROLE = "123456789012", "arn:aws:iam::123456789012:role/reconciler"
BASE_KEYS_ID, BASE_SECRET = "AKIABASE00000000", "base-secret-for-tests-of-the-tests"
SSO_URL, SSO_ROLE = "https://corp.awsapps.example/start", "ReconcilerRole"


@dataclass(frozen=True, slots=True)
class Keys:
    """Temporary credentials that a service issued."""

    id: str
    secret: str = field(repr=False)
    token: str = field(repr=False)
    expires_at: datetime

    @property
    def expiration(self) -> str:
        """The expiry in the format of AWS."""
        return self.expires_at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")

    @property
    def signer(self) -> tuple[str, str]:
        """The access key id and the session token of the requests that are signed with these keys."""
        return self.id, self.token


Answer = tuple[int, str]
"""Status and body of an answer."""


@dataclass(slots=True)
class CredentialServices:
    """The services. Each call that succeeds issues new keys, which are valid for `lifetime`.

    A service checks what its caller has to prove: `web_identity` is the valid token of a service account, `sso_token`
    the valid access token of a signed-in person, and `container_token` the token that a pod or task has to send.
    `faults` has the answer of a service that is out of order, by its name.
    """

    lifetime: timedelta = timedelta(hours=6)
    web_identity: str = "web-identity-token-of-the-tests"
    sso_token: str = "sso-access-token-of-the-tests"
    container_token: str = "container-token-of-the-tests"
    faults: dict[str, Answer] = field(default_factory=dict)
    issued: list[Keys] = field(default_factory=list)
    _number: int = 0
    url: str = ""
    _calls: Counter[str] = field(default_factory=Counter)
    _callers: list[str] = field(default_factory=list)

    @property
    def calls(self) -> Mapping[str, int]:
        """The number of calls that issued keys or named the caller, by operation."""
        return dict(self._calls)

    @property
    def assumed_by(self) -> list[str]:
        """The access key ids of the callers of AssumeRole."""
        return self._callers

    @property
    def environment(self) -> dict[str, str]:
        """The variables that send calls to these services."""
        return {
            "AWS_REGION": "us-east-1",
            "AWS_ENDPOINT_URL_STS": f"{self.url}/sts",
            "AWS_ENDPOINT_URL_SSO": f"{self.url}/sso",
            "AWS_ENDPOINT_URL_SSO_OIDC": f"{self.url}/oidc",
        }

    def revoke(self) -> None:
        """Accept no keys that were issued before."""
        self.issued.clear()

    def answer(self, request: Request) -> Answer:
        """Return the answer of a service to a request."""
        service, _, path = request.path.lstrip("/").partition("/")
        if service in self.faults:
            return self.faults[service]
        services: dict[str, Callable[[Request, str], Answer]] = {
            "sts": self._answer_sts,
            "sso": self._answer_sso,
            "oidc": self._answer_oidc,
            "imds": self._answer_imds,
            "container": self._answer_container,
        }
        return services[service](request, path)

    def issue(self, source: str) -> Keys:
        """Issue new keys."""
        self._calls[source] += 1
        self._number += 1
        name = f"ASIA{source.upper()}{self._number:04}"
        expires_at = datetime.now(UTC) + self.lifetime  # noqa: TID251 - a service has its own clock
        keys = Keys(name, f"secret-of-{name}-of-the-tests", f"token-of-{name}-of-the-tests", expires_at)
        self.issued.append(keys)
        return keys

    def refuse_invalid_keys(self, request: Request) -> bytes | None:
        """Answer like AWS if the keys of a request are unknown or have expired; otherwise return None."""
        refusal = self._find_refusal(request)
        return build_error(403, *refusal) if refusal else None

    def _find_refusal(self, request: Request) -> tuple[str, str] | None:
        expiries = {keys.signer: keys.expires_at for keys in self.issued}
        expiries[BASE_KEYS_ID, ""] = datetime.max.replace(tzinfo=UTC)
        expires_at = expiries.get(find_signer(request))
        if expires_at is None:
            return "UnrecognizedClientException", "The security token included in the request is invalid"
        has_expired = expires_at <= datetime.now(UTC)  # noqa: TID251 - as above
        return (
            ("ExpiredTokenException", "The security token included in the request is expired") if has_expired else None
        )

    def _answer_sts(self, request: Request, _: str) -> Answer:
        form = {name: values[0] for name, values in parse_qs(request.body.decode()).items()}
        operation = form["Action"]
        if operation == "AssumeRoleWithWebIdentity":
            if form["WebIdentityToken"] != self.web_identity:
                return build_refusal(
                    400, "InvalidIdentityToken", "Couldn't retrieve verification key from your provider"
                )
            return _build_sts_answer(operation, _format_sts_keys(self.issue("webidentity")))
        if refusal := self._find_refusal(request):
            return build_refusal(403, *refusal)
        caller = find_signer(request)
        if operation == "AssumeRole":
            if form["RoleArn"].endswith("/forbidden"):
                text = f"User: {caller[0]} is not authorized to perform: sts:AssumeRole on resource: {form['RoleArn']}"
                return build_refusal(403, "AccessDenied", text)
            self._callers.append(caller[0])
            return _build_sts_answer(operation, _format_sts_keys(self.issue("role")))
        self._calls[operation] += 1
        identity = f"<Arn>{ROLE}</Arn><UserId>x</UserId><Account>{ACCOUNT}</Account>"
        return _build_sts_answer(operation, identity)

    def _answer_sso(self, request: Request, _: str) -> Answer:
        if request.headers.get("x-amz-sso_bearer_token") != self.sso_token:
            return 401, '{"__type": "UnauthorizedException", "message": "Session token not found or invalid"}'
        if f"role_name={SSO_ROLE}" not in request.path:
            return 403, '{"__type": "ForbiddenException", "message": "No access"}'
        keys = self.issue("sso")
        milliseconds = int(keys.expires_at.timestamp() * 1000)
        role = {"accessKeyId": keys.id, "secretAccessKey": keys.secret, "sessionToken": keys.token}
        return 200, json.dumps({"roleCredentials": {**role, "expiration": milliseconds}})

    def _answer_oidc(self, request: Request, _: str) -> Answer:
        if json.loads(request.body).get("refreshToken") != "valid-refresh-token":
            return 400, '{"__type": "InvalidGrantException", "error": "invalid_grant"}'
        self._calls["token"] += 1
        return 200, json.dumps({"accessToken": self.sso_token, "expiresIn": 3600})

    def _answer_imds(self, request: Request, path: str) -> Answer:
        if request.method == "PUT" and path == "latest/api/token":
            return 200, "metadata-session-token"
        if request.headers.get("x-aws-ec2-metadata-token") != "metadata-session-token":
            return 401, "Unauthorized"
        if not path.endswith("/instance-role"):
            return 200, "instance-role"
        return 200, json.dumps({"Code": "Success", **_format_metadata_keys(self.issue("instance"))})

    def _answer_container(self, request: Request, _: str) -> Answer:
        if request.headers.get("Authorization", "") != self.container_token:
            return 403, "Unauthorized"
        return 200, json.dumps(_format_metadata_keys(self.issue("container")))


def _format_metadata_keys(keys: Keys) -> dict[str, str]:
    return {
        "AccessKeyId": keys.id,
        "SecretAccessKey": keys.secret,
        "Token": keys.token,
        "Expiration": keys.expiration,
    }


def _format_sts_keys(keys: Keys) -> str:
    members = f"<AccessKeyId>{keys.id}</AccessKeyId><SecretAccessKey>{keys.secret}</SecretAccessKey>"
    members += f"<SessionToken>{keys.token}</SessionToken><Expiration>{keys.expiration}</Expiration>"
    arn = f"{ROLE.replace(':iam:', ':sts:').replace(':role/', ':assumed-role/')}/session"
    user = f"<AssumedRoleUser><Arn>{arn}</Arn><AssumedRoleId>x:y</AssumedRoleId></AssumedRoleUser>"
    return f"<Credentials>{members}</Credentials>{user}"


def _build_sts_answer(operation: str, result: str) -> Answer:
    metadata = "<ResponseMetadata><RequestId>req-sts</RequestId></ResponseMetadata>"
    return 200, f"<{operation}Response><{operation}Result>{result}</{operation}Result>{metadata}</{operation}Response>"


def build_refusal(status: int, code: str, message: str) -> Answer:
    """Return an error of STS."""
    error = f"<Error><Type>Sender</Type><Code>{code}</Code><Message>{message}</Message></Error>"
    return status, f"<ErrorResponse>{error}<RequestId>req-sts</RequestId></ErrorResponse>"


def find_signer(request: Request) -> tuple[str, str]:
    """Return the access key id and the session token (or "") of a signed request."""
    headers = {name.lower(): value for name, value in request.headers.items()}
    match = re.search(r"Credential=([^/]+)/", headers.get("authorization", ""))
    return match.group(1) if match else "", headers.get("x-amz-security-token", "")


def list_signers(requests: Iterable[Request]) -> list[tuple[str, str]]:
    """Return each signer of the requests once, in the order of their first requests."""
    return list(dict.fromkeys(map(find_signer, requests)))


@contextmanager
def serve_credentials(**settings: Any) -> Iterator[CredentialServices]:
    """Serve the services on one port of loopback during the block."""
    services = CredentialServices(**settings)

    class Handler(QuietHandler):
        def handle_any(self) -> None:
            request = Request(self.command, unquote(self.path), dict(self.headers), self.read_body())
            status, text = services.answer(request)
            body = text.encode()
            self.send_response(status)
            self.send_header("x-amzn-RequestId", "req-1")
            self.send_header("Content-Type", "text/xml" if text.startswith("<") else "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_GET = do_POST = do_PUT = handle_any  # noqa: N815 - http.server's names

    server = create_server(Handler)
    services.url = f"http://127.0.0.1:{server.server_port}"
    with serve(server):
        yield services
