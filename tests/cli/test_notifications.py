"""`reconcile controller` sends notifications: a real process, a real receiver, and changes in the sandbox."""

from __future__ import annotations

import json
import signal
import socket
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from support.bucket import Bucket
from support.controller import ControllerProcess, run_controller
from support.program import Process, Program
from support.receivers import ChatServer

from reconciler.sandbox import Behaviour, ManualClock, SandboxServer

DAILY = """\
apiVersion: appintegrations.reconciler/v1
kind: DataIntegrationAssociation
metadata: {name: NAME}
policy: {mode: create-and-update}
window: {every: day, first: 2026-10-01, last: LAST, backfill: 2026-10-02}
spec:
  DataIntegrationIdentifier: profiles-export
  DestinationURI: s3://corp-exports/NAME
"""


@pytest.fixture
def chat() -> Iterator[ChatServer]:
    """Return a receiver that stores the messages."""
    with ChatServer().serve() as server:
        yield server


def run_with_receivers(
    program: Program, urls: str, *arguments: str, variable: str = "RECONCILER_NOTIFY_URLS"
) -> AbstractContextManager[ControllerProcess]:
    """Run a controller with receivers."""
    return run_controller(program, *arguments, env={variable: urls})


def create_client(url: str) -> Any:
    """Return a client of the sandbox, as a person has who works without the program."""
    return boto3.client(
        "appintegrations", endpoint_url=url, region_name="us-east-1",
        aws_access_key_id="x", aws_secret_access_key="x",
    )  # fmt: skip


def create_by_hand(url: str, name: str) -> None:
    """Create an association in AWS, without the program."""
    create_client(url).create_data_integration_association(
        DataIntegrationIdentifier="profiles-export", DestinationURI=f"s3://by-hand/{name}"
    )


def change_association(server: SandboxServer, name: str) -> None:
    """Change the association of a manifest in AWS, without the program."""
    client = create_client(server.url)
    response = client.list_data_integration_associations(DataIntegrationIdentifier="profiles-export")
    (association,) = [
        each for each in response["DataIntegrationAssociations"] if each["DestinationURI"].endswith(f"/{name}")
    ]
    window = {"StartTime": "1788220800000", "EndTime": "1790812800000"}
    client.update_data_integration_association(
        DataIntegrationIdentifier="profiles-export",
        DataIntegrationAssociationIdentifier=association["DataIntegrationAssociationArn"].rpartition("/")[2],
        ExecutionConfiguration={"ExecutionMode": "ON_DEMAND", "OnDemandConfiguration": window},
    )


def test_drift_is_notified_once_across_a_restart(program: Program, server: SandboxServer, chat: ChatServer) -> None:
    """A drift is notified once, also after a restart, and no URL is in the log or in the notification state."""
    program.add("october", "november")
    with run_with_receivers(program, chat.url) as first_controller:
        assert chat.wait_for_message()["title"] == "reconcile: 2 created"
        assert chat.wait_for_message()["title"] == "reconcile: no problems"
        change_association(server, "october")
        message = chat.wait_for_message()
        assert (message["title"], message["type"]) == ("reconcile: 1 drifted", "warning")
        assert "- october in default 123456789012 us-east-1, manifests/october.yaml:" in message["message"]
        assert ", arn:aws:app-integrations:us-east-1:123456789012:" in message["message"]
        assert "/ExecutionConfiguration/OnDemandConfiguration/EndTime" in message["message"]
    with run_with_receivers(program, chat.url) as second_controller:
        change_association(server, "november")
        message = chat.wait_for_message()
        assert message["title"] == "reconcile: 1 drifted"
        assert "november" in message["message"]
        assert "october" not in message["message"]
    assert chat.messages.empty()
    state = (program.folder / ".reconciler" / "sandbox" / "notifications.json").read_text()
    outputs = [text for each in (first_controller, second_controller) for text in (json.dumps(each.log), each.output)]
    for text in (*outputs, state):
        assert "hunter2" not in text
        assert "s3cret" not in text


@contextmanager
def start_exports(folder: Path, *settings: str) -> Iterator[tuple[Program, ManualClock]]:
    """Yield a program with an export of daily windows, and the clock of its sandbox, where a job runs for an hour."""
    clock = ManualClock(datetime(2026, 11, 20, tzinfo=UTC).timestamp())
    behaviour = Behaviour.parse(["job_seconds=1h", *settings])
    with SandboxServer(clock=clock, behaviour=behaviour) as server:
        program = Program(folder, server.url)
        program.add("daily", text=DAILY, LAST="2026-10-01")
        yield program, clock


def test_each_completed_export_is_notified_once(tmp_path: Path, chat: ChatServer) -> None:
    """Exports of recurring windows and a one-off one are notified and logged, also if no controller ran meanwhile."""
    with start_exports(tmp_path) as (program, clock):
        program.add("october")
        options = ("--settle-time", "0s")
        urls = f"completions,summary={chat.url}"
        with run_with_receivers(program, urls, *options) as first_controller:
            assert chat.wait_for_message()["title"] == "reconcile: no problems"
            clock.advance(7200)
            message = chat.wait_for_message()
            assert (message["title"], message["type"]) == ("reconcile: 2 exports completed", "success")
            place, event = "default 123456789012 us-east-1", "ended by 2026-11-20 02:00Z"
            # A run that was under way when the clock was advanced has the earlier time.
            assert message["message"].replace("20 00:00Z", "20 02:00Z").splitlines() == [
                "export completed:",
                f"- daily in {place}: the export of 2026-10-01 to 2026-10-02 {event}",
                f"- october in {place}: the export of 2026-10-01 00:00Z to 2026-11-01 00:00Z {event}",
            ]
            program.add("daily", text=DAILY, LAST="2026-10-02")
            first_controller.wait_for_event("association updated")
        entries = [each for each in first_controller.log if each["event"] == "export completed"]
        assert [(each["association"], each["end"]) for each in entries] == [
            ("daily", "2026-10-02T00:00:00+00:00"),
            ("october", "2026-11-01T00:00:00+00:00"),
        ]
        clock.advance(7200)
        with run_with_receivers(program, urls, *options) as second_controller:
            message = chat.wait_for_message()
            assert message["title"] == "reconcile: 1 export completed"
            assert "the export of 2026-10-02 to 2026-10-03 ended by 2026-11-20 04:00Z" in message["message"]
        assert second_controller.events.count("export completed") == 1
        with run_with_receivers(program, urls, *options) as third_controller:
            third_controller.wait_for_event("run finished")
        assert "export completed" not in third_controller.events
    assert chat.messages.empty()


def test_export_that_list_does_not_confirm_is_a_warning(tmp_path: Path, chat: ChatServer) -> None:
    """If List never shows an Update whose job ended, receivers are told once to compare it with the console."""
    with (
        start_exports(tmp_path, "updates_shown=false") as (program, clock),
        run_with_receivers(program, f"problems,completions,summary={chat.url}", "--settle-time", "1s") as controller,
    ):
        assert chat.wait_for_message()["title"] == "reconcile: no problems"
        clock.advance(7200)
        assert chat.wait_for_message()["title"] == "reconcile: 1 export completed"
        program.add("daily", text=DAILY, LAST="2026-10-02")
        controller.wait_for_event("run finished", settling=1)
        clock.advance(7200)
        message = chat.wait_for_message()
        assert (message["title"], message["type"]) == ("reconcile: 1 export unconfirmed", "warning")
        text = message["message"].replace("20 02:00Z", "20 04:00Z")  # as above
        assert "the export of 2026-10-02 to 2026-10-03 ended by 2026-11-20 04:00Z; AWS accepted" in text


def test_association_that_somebody_created_or_no_manifest_covers_is_notified(
    program: Program, server: SandboxServer, chat: ChatServer
) -> None:
    """What is unmanaged at first is only counted in the summary. A later one or a removed manifest is news once."""
    program.add("october", "november")
    create_by_hand(server.url, "earlier")
    urls = f"unmanaged,summary={chat.url}"
    with run_with_receivers(program, urls) as first_controller:
        assert chat.wait_for_message()["title"] == "reconcile: no problems, 1 unmanaged association"
        create_by_hand(server.url, "later")
        message = chat.wait_for_message()
        assert (message["title"], message["type"]) == ("reconcile: 1 unmanaged", "warning")
        heading, line = message["message"].splitlines()
        assert "run reconcile export --unmanaged" in heading
        assert line.startswith("- s3://by-hand/later in default 123456789012 us-east-1, arn:aws:app-integrations:")
        assert line.endswith(": it belongs to the data integration profiles-export")
        (program.folder / "manifests" / "october.yaml").unlink()
        message = chat.wait_for_message()
        assert message["title"] == "reconcile: 1 unmanaged"
        assert "- october in default 123456789012" in message["message"]
        assert "its manifest was removed or no longer selects this target" in message["message"]
    entries = [each for each in first_controller.log if each["event"] == "unmanaged association appeared"]
    assert [(each["name"], each["level"]) for each in entries] == [
        ("s3://by-hand/later", "warning"),
        ("october", "warning"),
    ]
    create_by_hand(server.url, "while-no-controller-runs")
    with run_with_receivers(program, urls) as second_controller:
        assert "s3://by-hand/while-no-controller-runs" in chat.wait_for_message()["message"]
        second_controller.wait_for_event("run finished")
    assert chat.messages.empty()


def test_each_receiver_gets_the_kinds_that_its_tags_name(tmp_path: Path, chat: ChatServer) -> None:
    """Creates, updates and failed exports reach different receivers, and a restart repeats none of them."""
    with (
        start_exports(tmp_path, "job_outcome=FAILED") as (program, clock),
        ChatServer().serve() as pager,
    ):
        program.add("october")
        options = ("--settle-time", "0s", "--summary-interval", "0s")
        urls = f"writes={chat.url} problems={pager.url}"
        with run_with_receivers(program, urls, *options) as controller:
            message = chat.wait_for_message()
            assert (message["title"], message["type"]) == ("reconcile: 2 created", "success")
            place = "default 123456789012 us-east-1"
            heading, line, _ = message["message"].splitlines()
            assert heading == "created:"
            assert line.startswith(f"- daily in {place}, manifests/daily.yaml:")
            assert line.endswith(": its export of 2026-10-01 to 2026-10-02 was started")
            clock.advance(7200)
            message = pager.wait_for_message()
            assert (message["title"], message["type"]) == ("reconcile: 2 exports failed", "failure")
            assert "the destination refused" not in message["message"]
            assert message["message"].count("correct the cause") == 2
            program.add("daily", text=DAILY, LAST="2026-10-02")
            message = chat.wait_for_message()
            assert message["title"] == "reconcile: 1 updated"
            assert "daily" in message["message"]
        failures = [each for each in controller.log if each["event"] == "export failed"]
        assert [(each["association"], each["level"]) for each in failures] == [("daily", "error"), ("october", "error")]
        with run_with_receivers(program, urls, *options) as second_controller:
            second_controller.wait_for_event("run finished")
        assert pager.messages.empty()
    assert chat.messages.empty()


def test_overdue_window_is_notified_and_logged_once(tmp_path: Path, chat: ChatServer) -> None:
    """A window that --mode forbids is overdue, because it has been due for more than a day."""
    with start_exports(tmp_path) as (program, clock):
        options = ("--settle-time", "0s")
        assert program.run("run", "--new-state", *options).code == 0
        clock.advance(7200)
        program.add("daily", text=DAILY, LAST="2026-10-02")
        with run_with_receivers(program, f"problems={chat.url}", *options, "--mode", "create") as controller:
            message = chat.wait_for_message()
            assert (message["title"], message["type"]) == ("reconcile: 1 window overdue", "warning")
            assert "- daily in default" in message["message"]
            controller.wait_for_event("window overdue", association="daily")
            controller.wait_for_event("run finished")
        assert controller.events.count("window overdue") == 1
    assert chat.messages.empty()


@pytest.mark.parametrize("options", [(), ("--dry-run",)])
def test_first_start_logs_no_warning(program: Program, chat: ChatServer, options: tuple[str, ...]) -> None:
    """The first start logs no warning about the missing journal and notification state."""
    program.add("october")
    with run_with_receivers(program, chat.url, "--listen", "127.0.0.1:0", *options) as controller:
        assert chat.wait_for_message()
    assert {entry["level"] for entry in controller.log} == {"info"}


def test_unreachable_receiver_delays_no_run_and_no_shutdown(program: Program, chat: ChatServer) -> None:
    """A failed notification is logged, delays nothing, and is sent after the next start."""
    chat.is_down = True
    program.add("october")
    with run_with_receivers(program, chat.url) as controller:
        assert chat.rejected_messages.get(timeout=60)
    assert controller.events.count("run finished") > 1
    failures = [each for each in controller.log if each["event"] == "notification not delivered"]
    assert failures[0]["receiver"] == "json 1"
    assert failures[0]["retrySeconds"] == 10
    chat.is_down = False
    with run_with_receivers(program, chat.url):
        assert chat.wait_for_message()["title"] == "reconcile: 1 created"
        assert chat.wait_for_message()["title"] == "reconcile: no problems"


def test_hanging_receiver_does_not_delay_shutdown(program: Program) -> None:
    """A receiver that never responds does not delay the shutdown."""
    program.add("october")
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"json://127.0.0.1:{server.getsockname()[1]}?rto=600"
        process = program.start("controller", "--interval", "1s", env={"RECONCILER_NOTIFY_URLS": url})
        with server.accept()[0] as connection:
            assert connection.recv(1)
            process.send_signal(signal.SIGTERM)
            _, log = process.communicate(timeout=30)
    assert process.returncode == 0
    assert "controller stopped" in log


def test_rejected_revision_and_its_recovery_are_notified(program: Program, chat: ChatServer) -> None:
    """A rejected revision and its recovery are notified, and `--summary-interval 0s` sends no summary."""
    program.add("october", text="kind: [")
    urls = program.folder / "urls"
    urls.write_text(f"\nproblems={chat.url}\n")
    with run_with_receivers(program, str(urls), "--summary-interval", "0s", variable="RECONCILER_NOTIFY_URLS_FILE"):
        message = chat.wait_for_message()
        assert message["title"] == "reconcile: 1 revision rejected"
        assert "october.yaml:2:1" in message["message"]
        program.add("october")
        assert chat.wait_for_message()["title"] == "reconcile: 1 recovered"
    assert chat.messages.empty()


def test_notification_state_is_stored_beside_the_journal_in_s3(
    program: Program, server: SandboxServer, chat: ChatServer, bucket: Bucket
) -> None:
    """A controller on another machine reads from S3 which notifications were sent."""
    program.add("october")
    with run_with_receivers(program, chat.url, "--state", bucket.url, "--new-state"):
        assert chat.wait_for_message()["title"] == "reconcile: 1 created"
        assert chat.wait_for_message()["title"] == "reconcile: no problems"
    assert "prod/sandbox/notifications.json" in bucket.keys
    with run_with_receivers(program, chat.url, "--state", bucket.url) as controller:
        change_association(server, "october")
        assert chat.wait_for_message()["title"] == "reconcile: 1 drifted"
    assert chat.messages.empty()
    assert "notification state not saved" not in controller.events


def test_dry_run_notifies_and_writes_nothing(program: Program, chat: ChatServer) -> None:
    """A dry run sends notifications, and stores no notification state."""
    program.add("october")
    with run_with_receivers(program, chat.url, "--dry-run"):
        assert chat.wait_for_message()["title"] == "reconcile: 1 waiting"
    assert not (program.folder / ".reconciler").exists()


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"URLS": "json://127.0.0.1 slack://hunter2"}, "RECONCILER_NOTIFY_URLS: URL 2 (slack://…) is not a"),
        (
            {"URLS": "foo"},
            "URL 1 (without a scheme) is not a valid URL for apprise: write one such as jsons://HOST/PATH",
        ),
        ({"URLS": " "}, "RECONCILER_NOTIFY_URLS has no receivers"),
        ({"URLS_FILE": "/nonexistent"}, "RECONCILER_NOTIFY_URLS_FILE /nonexistent: the file cannot be read: No such"),
        ({"URLS": "json://a", "URLS_FILE": "/nonexistent"}, "are both set: unset one"),
    ],
)
def test_invalid_receivers_are_rejected_at_start(program: Program, variables: dict[str, str], message: str) -> None:
    """The error for invalid receivers names the variable and the position, and not the URL."""
    result = program.run("controller", env={f"RECONCILER_NOTIFY_{name}": value for name, value in variables.items()})
    assert result.code == 64
    assert message in result.err
    assert "hunter2" not in result.err


def test_missing_notify_extra_is_a_one_line_error(program: Program, tmp_path: Path) -> None:
    """A missing Apprise is reported in one line that says how to install it."""
    (tmp_path / "hidden" / "apprise").mkdir(parents=True)
    (tmp_path / "hidden" / "apprise" / "__init__.py").write_text("raise ImportError")
    env = {"RECONCILER_NOTIFY_URLS": "json://a", "PYTHONPATH": str(tmp_path / "hidden")}
    result = program.run("controller", env=env)
    assert result.code == 1
    assert "pip install '.[notify]' in a checkout" in result.err


def test_apprise_is_not_imported_without_receivers(program: Program) -> None:
    """Apprise, which takes 50 MB of memory, is not imported without receivers."""
    program.add("october")
    process: Process = program.start("controller", env={"PYTHONVERBOSE": "1"})
    assert process.stderr
    for line in process.stderr:
        if "run finished" in line:
            break
        assert "import 'apprise" not in line
    process.kill()
    process.communicate()
