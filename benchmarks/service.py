"""Answer the AWS calls of this program from memory: AppIntegrations and STS in every account, and the objects of S3.

Signatures, parameters and quotas are not checked: `reconcile sandbox` does that. This service is made to be fast.
"""

from __future__ import annotations

import hashlib
import json
import re
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias
from urllib.parse import parse_qs, unquote

Answer: TypeAlias = tuple[int, Mapping[str, str], bytes]
"""Status, headers and body."""

DEFAULT_ACCOUNT = "123456789012"
"""The account of every access key that AssumeRole did not return."""
_SCOPE = re.compile(r"Credential=([^/,\s]+)/[^/,\s]+/([^/,\s]+)/([^/,\s]+)/")
_ASSUMED_KEY = re.compile(r"ASIA(\d{12})BNCH")
_ROLE_ACCOUNT = re.compile(r"arn:[^:]+:iam::(\d{12}):role/(?:.*/)?([^/]+)")
_PATH = re.compile(r"/dataIntegrations(?:/([^/]+)/associations(?:/([^/]+))?)?")
_JSON, _XML = {"Content-Type": "application/json"}, {"Content-Type": "text/xml"}
_OPERATIONS = {
    ("GET", 0): "ListDataIntegrations",
    ("GET", 1): "ListDataIntegrationAssociations",
    ("POST", 1): "CreateDataIntegrationAssociation",
    ("PATCH", 2): "UpdateDataIntegrationAssociation",
}
"""The operation of each method and number of labels in the path (service model appintegrations/2020-07-29)."""
_STORED = ("ClientId", "DestinationURI", "ExecutionConfiguration")
MAX_PAGE = 50
"""Maximum items of a page."""


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request. The names of the headers are in lower case."""

    method: str
    target: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Limits:
    """The rate limit of AppIntegrations in each account and Region. Without `rate` there is none.

    `retry_after` is the value of Retry-After in a throttled answer, in seconds.
    """

    rate: float | None = None
    burst: int = 5
    retry_after: int | None = None


@dataclass(slots=True)
class _Place:
    """The AppIntegrations of one account and Region."""

    account: str
    region: str
    tokens: float
    updated_at: float
    associations: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    """The associations of a data integration, by its ARN, in the order of their creation."""
    ids_by_token: dict[tuple[str, str], str] = field(default_factory=dict)
    listing: bytes = b""


class Service:
    """The answers to all requests, and the number of calls by account and operation."""

    def __init__(
        self, integrations: int = 20, limits: Limits | None = None, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._integrations, self._limits, self._monotonic = integrations, limits or Limits(), monotonic
        self._places: dict[tuple[str, str], _Place] = {}
        self._objects: dict[str, tuple[str, bytes]] = {}
        self._last_id = 0
        self._calls: Counter[tuple[str, str]] = Counter()
        self._throttled: Counter[tuple[str, str]] = Counter()

    def answer(self, request: Request) -> Answer:
        """Return the answer to a request."""
        if request.target == "/counts":
            return self._answer_counts(request.method)
        scope = _SCOPE.search(request.headers.get("authorization", ""))
        key, region, service = scope.groups() if scope else ("", "us-east-1", "")
        assumed = _ASSUMED_KEY.match(key)
        account = assumed[1] if assumed else DEFAULT_ACCOUNT
        if service == "sts":
            return self._answer_sts(account, request.body)
        if service == "s3":
            return self._answer_s3(account, request)
        return self._answer_app_integrations(account, region, request)

    def _answer_counts(self, method: str) -> Answer:
        """Return the calls and the throttled calls, by account and operation. DELETE also sets them to zero."""
        document: dict[str, dict[str, dict[str, int]]] = {"calls": {}, "throttled": {}}
        for name, counter in (("calls", self._calls), ("throttled", self._throttled)):
            for (account, operation), count in sorted(counter.items()):
                document[name].setdefault(account, {})[operation] = count
        if method == "DELETE":
            self._calls.clear()
            self._throttled.clear()
        return 200, _JSON, json.dumps(document).encode()

    def _answer_sts(self, account: str, body: bytes) -> Answer:
        form = {name: values[0] for name, values in parse_qs(body.decode()).items()}
        operation = form.get("Action", "")
        self._calls[account, operation] += 1
        if operation == "GetCallerIdentity":
            result = (
                f"<Arn>arn:aws:iam::{account}:user/bench</Arn><UserId>AIDABENCH</UserId><Account>{account}</Account>"
            )
        elif operation == "AssumeRole" and (role := _ROLE_ACCOUNT.fullmatch(form.get("RoleArn", ""))):
            session = form.get("RoleSessionName", "bench")
            result = (
                f"<Credentials><AccessKeyId>ASIA{role[1]}BNCH</AccessKeyId><SecretAccessKey>bench-{role[1]}"
                f"</SecretAccessKey><SessionToken>bench-token-{role[1]}</SessionToken>"
                "<Expiration>2099-12-31T00:00:00Z</Expiration></Credentials><AssumedRoleUser>"
                f"<AssumedRoleId>AROABENCH:{session}</AssumedRoleId>"
                f"<Arn>arn:aws:sts::{role[1]}:assumed-role/{role[2]}/{session}</Arn></AssumedRoleUser>"
            )
        else:
            error = f"<Type>Sender</Type><Code>InvalidAction</Code><Message>not known here: {operation}</Message>"
            return 400, _XML, f"<ErrorResponse><Error>{error}</Error></ErrorResponse>".encode()
        names = ("xmlns", "https://sts.amazonaws.com/doc/2011-06-15/")
        text = f'<{operation}Response {names[0]}="{names[1]}"><{operation}Result>{result}</{operation}Result>'
        return 200, _XML, f"{text}</{operation}Response>".encode()

    def _answer_s3(self, account: str, request: Request) -> Answer:
        """Read or replace an object. The conditions are those of S3: If-None-Match: * and If-Match: ETag."""
        path = unquote(request.target.partition("?")[0])
        self._calls[account, f"s3:{request.method}"] += 1
        etag, text = self._objects.get(path, ("", b""))
        if request.method in {"GET", "HEAD"}:
            if not etag:
                return _refuse_s3(404, "NoSuchKey")
            return 200, {"Content-Type": "application/json", "ETag": etag}, text
        if request.method != "PUT":
            return _refuse_s3(405, "MethodNotAllowed")
        expected = request.headers.get("if-match")
        if expected and not etag:
            return _refuse_s3(404, "NoSuchKey")
        if (expected and expected != etag) or (etag and request.headers.get("if-none-match") == "*"):
            return _refuse_s3(412, "PreconditionFailed")
        etag = f'"{hashlib.sha256(request.body).hexdigest()[:32]}"'
        self._objects[path] = etag, request.body
        return 200, {"ETag": etag}, b""

    def _answer_app_integrations(self, account: str, region: str, request: Request) -> Answer:
        path, _, query = request.target.partition("?")
        match = _PATH.fullmatch(path)
        labels = [unquote(each) for each in match.groups() if each] if match else []
        operation = _OPERATIONS.get((request.method, len(labels))) if match else None
        if not operation:
            return _refuse(404, "UnknownOperationException", f"not known here: {request.method} {path}")
        place = self._find_place(account, region)
        self._calls[account, operation] += 1
        if not self._take_token(place):
            self._throttled[account, operation] += 1
            return _refuse(429, "ThrottlingException", "Rate exceeded", self._limits.retry_after)
        if operation == "ListDataIntegrations":
            return 200, _JSON, place.listing
        arn = self._find_integration(place, labels[0])
        if not arn:
            return _refuse(404, "ResourceNotFoundException", f"no data integration {labels[0]}")
        associations = place.associations.setdefault(arn, [])
        if operation == "ListDataIntegrationAssociations":
            return 200, _JSON, _build_page(associations, query)
        parameters = json.loads(request.body)
        if operation == "CreateDataIntegrationAssociation":
            return 200, _JSON, self._create(place, arn, parameters)
        for association in associations:
            if association["DataIntegrationAssociationArn"].endswith(f"/{labels[1].rpartition('/')[2]}"):
                association["ExecutionConfiguration"] = parameters["ExecutionConfiguration"]
                return 200, _JSON, b"{}"
        return _refuse(404, "ResourceNotFoundException", f"no association {labels[1]}")

    def _find_place(self, account: str, region: str) -> _Place:
        place = self._places.get((account, region))
        if place is None:
            place = _Place(account, region, self._limits.burst, self._monotonic())
            items = [
                {
                    "Arn": _format_arn(place, number),
                    "Name": f"source-{number:02}",
                    "SourceURI": "Salesforce://AppFlow/crm",
                }
                for number in range(self._integrations)
            ]
            place.listing = json.dumps({"DataIntegrations": items}).encode()
            self._places[account, region] = place
        return place

    def _take_token(self, place: _Place) -> bool:
        """Take a token of the account and Region. Return False if there is none."""
        if self._limits.rate is None:
            return True
        now = self._monotonic()
        place.tokens = min(self._limits.burst, place.tokens + (now - place.updated_at) * self._limits.rate)
        place.updated_at = now
        if place.tokens < 1:
            return False
        place.tokens -= 1
        return True

    def _find_integration(self, place: _Place, identifier: str) -> str | None:
        """Return the ARN of the data integration with a name, UUID or ARN."""
        number = identifier[-2:]
        if not number.isdecimal() or int(number) >= self._integrations:
            return None
        arn = _format_arn(place, int(number))
        return arn if identifier in {arn, arn.rpartition("/")[2], f"source-{number}"} else None

    def _create(self, place: _Place, arn: str, parameters: Mapping[str, Any]) -> bytes:
        """Create an association, or find the one that the same ClientToken created."""
        token = arn, str(parameters.get("ClientToken"))
        if token not in place.ids_by_token:
            self._last_id += 1
            new_id = place.ids_by_token[token] = f"00000000-0000-4000-9000-{self._last_id:012}"
            integration_id = arn.rpartition("/")[2]
            name = f"{arn.partition(':data-integration/')[0]}:data-integration-association/{integration_id}/{new_id}"
            association = {name: parameters[name] for name in _STORED if name in parameters}
            place.associations[arn].append(
                {"DataIntegrationAssociationArn": name, "DataIntegrationArn": arn, **association}
            )
        document = {"DataIntegrationAssociationId": place.ids_by_token[token], "DataIntegrationArn": arn}
        return json.dumps(document).encode()


def _format_arn(place: _Place, number: int) -> str:
    uuid = f"00000000-0000-4000-8000-{number:012}"
    return f"arn:aws:app-integrations:{place.region}:{place.account}:data-integration/{uuid}"


def _build_page(associations: list[dict[str, Any]], query: str) -> bytes:
    """Return one page of associations. The token of the next page is the number of the items before it."""
    if not associations:
        return b'{"DataIntegrationAssociations":[]}'
    parameters = parse_qs(query)
    start = int(parameters.get("nextToken", ["0"])[0])
    end = start + min(int(parameters.get("maxResults", [MAX_PAGE])[0]), MAX_PAGE)
    page: dict[str, Any] = {"DataIntegrationAssociations": associations[start:end]}
    if end < len(associations):
        page["NextToken"] = str(end)
    return json.dumps(page).encode()


def _refuse(status: int, code: str, message: str, retry_after: int | None = None) -> Answer:
    headers = {**_JSON, "x-amzn-ErrorType": code}
    if retry_after is not None:
        headers["Retry-After"] = str(retry_after)
    return status, headers, json.dumps({"Message": message}).encode()


def _refuse_s3(status: int, code: str) -> Answer:
    return status, _XML, f"<Error><Code>{code}</Code><Message>{code}</Message></Error>".encode()
