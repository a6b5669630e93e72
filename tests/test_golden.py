"""Golden files: documents that other machines and later versions read stay the same to the byte.

After a deliberate change, rewrite them with `pytest tests/test_golden.py --rewrite-golden`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from support import reports, statuses
from support.builders import ON_DEMAND, context, journal, live, manifest, observation, record, rules
from support.fakes import FakeClock, FakeCloud, FakeJournal, WriterWithAnswers

from reconciler.core.apply.outcome import Created, NotSent, Refused, Unknown
from reconciler.core.model import Json, Manifest, Mode, Policy, Target
from reconciler.core.plan.compute import compute_plan
from reconciler.core.plan.review import compute_digest, format_write_line
from reconciler.core.run_context import Run
from reconciler.render.formats import json as json_report
from reconciler.run import reconcile
from reconciler.web.api import stream_json
from reconciler.web.page.page import Process

GOLDEN = Path(__file__).parent / "golden"
UPDATING = Policy(mode=Mode.CREATE_AND_UPDATE)
LATER = {**ON_DEMAND, "OnDemandConfiguration": {"StartTime": "1790812800000", "EndTime": "1793500000000"}}


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Iterator[list[tuple[str, str]]]:
    """Collect pairs of file name and expected content."""
    pairs: list[tuple[str, str]] = []
    yield pairs
    assert pairs
    for name, text in pairs:
        if request.config.getoption("--rewrite-golden"):
            (GOLDEN / name).write_text(text)
        assert text == (GOLDEN / name).read_text(), name


def test_journal_documents_are_unchanged(golden: list[tuple[str, str]]) -> None:
    """The documents of a journal stay the same: intents, answers, an update, a loss, an adoption and an orphan."""
    clock = FakeClock()
    cloud, fake_journal = FakeCloud(clock), FakeJournal(clock)
    aws = WriterWithAnswers(cloud, [])
    texts: list[str] = []

    def keep_text() -> None:
        assert fake_journal.store.stored_text
        texts.append(fake_journal.store.stored_text.text)

    fake_journal.store.after_put = keep_text

    def run_once(manifests: Sequence[Manifest]) -> None:
        task = Run(Target("prod"), manifests, context(clock, Mode.CREATE_AND_UPDATE))
        reconcile(task, cloud, fake_journal.reader, fake_journal.create_writers(aws))
        clock.advance(minutes=20)

    def build_export(name: str, **changes: Json) -> Manifest:
        return manifest(name, UPDATING, DestinationURI=f"s3://corp-exports/{name}", **changes)

    a, b, c, d = (build_export(name) for name in "abcd")
    aws.answers = [NotSent("busy"), Refused("the bucket is not there"), Unknown("time-out")]
    run_once([a, b, c])
    run_once([a, b, c])
    aws.answers = [Unknown("time-out")]
    run_once([a, b, build_export("c", ExecutionConfiguration=LATER)])
    run_once([a, b, build_export("c", ExecutionConfiguration=LATER)])
    (integration, *_) = (
        each.arn for each in cloud.observe(lambda *_: None).integrations if each.name == "profiles-export"
    )
    answer = cloud.create({**d.spec, "DataIntegrationIdentifier": integration}, "somebody else's", clock.now())
    assert isinstance(answer, Created)
    cloud.service.remove_association(next(iter(cloud.service.state.associations)))
    run_once([b, build_export("c", ExecutionConfiguration=LATER), d])
    run_once([b, build_export("c", ExecutionConfiguration=LATER), d])
    golden.append(("journals.jsonl", "".join(text if text.endswith("\n") else f"{text}\n" for text in texts)))


def test_reviewed_plan_lines_and_digest_are_unchanged(golden: list[tuple[str, str]]) -> None:
    """The canonical lines and the digest of a plan stay the same across versions."""
    manifests = [
        manifest("new", UPDATING, ClientId="new"),
        manifest("changed", UPDATING, ExecutionConfiguration=LATER),
    ]
    plan = compute_plan(
        manifests,
        observation(live()),
        journal(replace(record("changed"), request=record().request)),
        rules(Mode.CREATE_AND_UPDATE),
    )
    lines = [format_write_line(write) for write in plan.reviewed_writes]
    assert len(lines) == 2
    golden.append(("plan.txt", "\n".join([*lines, compute_digest(lines), ""])))


def test_json_report_is_unchanged(golden: list[tuple[str, str]]) -> None:
    """The JSON report stays the same."""
    golden.append(("report.json", json_report.render(reports.build_full_report())))


def test_controller_status_document_is_unchanged(golden: list[tuple[str, str]]) -> None:
    """The document of /api/v1/report stays the same."""
    status, process = (
        statuses.build_status_with_open_differences(),
        Process(is_scheduler_running=True, is_stopping=False, stuck_after=timedelta(hours=1)),
    )
    golden.append(
        ("controller.json", "".join(stream_json(replace(status, finished_runs=status.finished_runs[:3]), process)))
    )
