"""Work of the program whose counts are the same in each run: no network, no other process, and a fixed input."""

from __future__ import annotations

import io
import itertools
import json
import sys
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from botocore.awsrequest import AWSResponse
from botocore.httpsession import URLLib3Session
from support import reports, statuses
from support.builders import NOW, journal, live, manifest, observation, record, rules

from benchmarks import inputs
from benchmarks.service import Request, Service
from reconciler.cli import run_command
from reconciler.core.plan.compute import compute_plan
from reconciler.render.formats import FORMATS, load_format
from reconciler.web.page.html import stream_page
from reconciler.web.page.page import Process, build_page
from reconciler.web.page.view import View

_COUNT = 200
_ENDPOINT = "http://127.0.0.1:1"
_PROCESS = Process(is_scheduler_running=True, is_stopping=False, stuck_after=timedelta(hours=1))
_WORDS = ("crm", "orders", "tickets", "contacts", "calls")


class _Body(io.BytesIO):
    """The body of an answer, as botocore reads it."""

    def stream(self, **_: object) -> Iterator[bytes]:
        """Yield the body in one piece."""
        yield self.read()


class Aws:
    """AWS in the memory of this process. It answers every boto3 client, and nothing is sent."""

    def __init__(self) -> None:
        self._service, self._numbers = Service(), itertools.count()

        def send(_: URLLib3Session, request: Any) -> AWSResponse:
            return self._answer(request)

        URLLib3Session.send = send  # type: ignore[method-assign, assignment]

    def reset(self) -> None:
        """Forget every association, every object and every call."""
        self._service = Service()

    def take_counts(self) -> dict[str, int]:
        """Return the number of calls since the last time."""
        counts = {"AWS calls": 0, "S3 requests": 0}
        calls = json.loads(self._service.answer(Request("DELETE", "/counts", {}, b""))[2])["calls"]
        for by_operation in calls.values():
            for operation, count in by_operation.items():
                counts["S3 requests" if operation.startswith("s3:") else "AWS calls"] += count
        return counts

    def _answer(self, request: Any) -> AWSResponse:
        url = urlsplit(request.url)
        target = f"{url.path}?{url.query}" if url.query else url.path
        headers = {
            name.lower(): value.decode() if isinstance(value, bytes) else value
            for name, value in request.headers.items()
        }
        body: Any = request.body or b""
        body = body.read() if hasattr(body, "read") else body
        body = body.encode() if isinstance(body, str) else body
        status, answer_headers, answer = self._service.answer(Request(request.method, target, headers, body))
        request_id = f"00000000-0000-4000-a000-{next(self._numbers):012}"
        fields: Any = {**answer_headers, "x-amzn-requestid": request_id, "x-amz-request-id": request_id}
        return AWSResponse(request.url, status, fields, _Body(answer))


def build_scenarios(folder: Path, aws: Aws) -> dict[str, Callable[[], object]]:
    """Return the scenarios by name, and write their input to a folder.

    Those that start threads are the last ones, because an idle thread may end during a later scenario.
    """
    few, many = folder / "few", folder / "many"
    for path, count in ((few, inputs.INTEGRATIONS), (many, _COUNT)):
        path.mkdir()
        inputs.write(path, count)
    options = ("--file", str(few / "manifests"), "--endpoint-url", _ENDPOINT, "--state", "s3://journals/bench")

    def create() -> None:
        aws.reset()
        _run_command(*options, "--new-state")

    manifests = [
        manifest(name, DestinationURI=f"s3://corp/{name}", ClientId=_WORDS[number % len(_WORDS)])
        for number, name in enumerate(_list_names())
    ]
    requests: list[dict[str, Any]] = [
        {"DestinationURI": each.spec["DestinationURI"], "ClientId": each.spec["ClientId"]} for each in manifests
    ]
    associations = [live(f"a{number}", **each) for number, each in enumerate(requests)]
    records = [
        record(each.name, f"a{number}", **request)
        for number, (each, request) in enumerate(zip(manifests, requests, strict=True))
    ]
    decisions = ("in-sync", "create", "blocked", "held")
    report = reports.report(
        *(
            replace(reports.build_drifted_association(name), since=NOW - statuses.HOUR)
            if number % len(_WORDS) == 0
            else reports.association(name, decisions[number % len(decisions)], reason="the window has not ended")
            for number, name in enumerate(_list_names())
        )
    )
    target = statuses.build_target_status(report)
    status = statuses.build_status(target, finished_runs=tuple(statuses.build_finished_runs()))
    return {
        f"plan of {_COUNT} records": lambda: compute_plan(
            manifests, observation(*associations), journal(*records), rules()
        ),
        f"validate {_COUNT} manifests": lambda: _run_command("validate", "--file", str(many / "manifests")),
        f"reports of {_COUNT} associations": lambda: [load_format(name).render(report) for name in FORMATS],
        f"page of {_COUNT} associations": lambda: list(stream_page(build_page(status, View(), _PROCESS))),
        f"run with {inputs.INTEGRATIONS} creates": create,
        f"dry run, {inputs.INTEGRATIONS} data integrations": lambda: _run_command(*options, "--dry-run"),
    }


def _list_names() -> list[str]:
    return [f"{_WORDS[number % len(_WORDS)]}-{number:03}" for number in range(_COUNT)]


def _run_command(*arguments: str) -> None:
    """Run the program in this process. Raises RuntimeError if it fails."""
    output = io.StringIO()
    with redirect_stdout(output), redirect_stderr(output):
        code = run_command(list(arguments))
    sys.excepthook, sys.unraisablehook = sys.__excepthook__, sys.__unraisablehook__
    if code:
        raise RuntimeError(f"reconcile {' '.join(arguments)} ended with {code}: {output.getvalue()[:1000]}")
