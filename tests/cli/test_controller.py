"""`reconcile controller` as a process: it repeats runs, survives invalid revisions, and stops on a signal."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import signal
import socket
import subprocess
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

import pytest
from support.bucket import Bucket
from support.controller import run_controller, watch_controller
from support.http_servers import request_page
from support.program import EXPORT, TARGET, Process, Program, create_environment, terminate
from support.proxy import FaultProxy, Request

from reconciler.edge.scheduler import MAX_CONCURRENT_JOBS
from reconciler.sandbox import SandboxServer


def test_controller_repeats_runs_and_creates_once(program: Program, server: SandboxServer) -> None:
    """The first run creates, later runs find the association in sync, and SIGTERM ends the controller with exit 0."""
    program.add("october")
    with run_controller(program) as controller:
        assert controller.wait_for_event("run finished")["create"] == 1
        assert controller.wait_for_event("run finished")["inSync"] == 1
        assert controller.wait_for_event("run finished")["inSync"] == 1
    assert controller.process.returncode == 0
    assert len(server.sandbox.executed_writes) == 1


def test_invalid_revision_leaves_the_previous_one_active(program: Program, server: SandboxServer) -> None:
    """An invalid revision is reported with file and line, and the previous revision stays active until a valid one."""
    program.add("october")
    with run_controller(program) as controller:
        controller.wait_for_event("run finished")
        program.add("november", text="kind: [")
        assert "november.yaml:2:1" in controller.wait_for_event("manifest invalid")["problem"]
        assert controller.wait_for_event("revision rejected")["previousRevisionActive"] is True
        assert controller.wait_for_event("run finished")["inSync"] == 1
        program.add("november")
        assert controller.wait_for_event("revision activated")["manifests"] == 2
        while (finished := controller.wait_for_event("run finished"))["create"] == 0:
            pass
        assert finished["inSync"] == 1
    assert len(server.sandbox.executed_writes) == 2


def test_controller_waits_for_a_first_valid_revision(program: Program) -> None:
    """A controller that starts with an invalid revision creates nothing until a valid one arrives."""
    program.add("october", text="kind: [")
    with run_controller(program) as controller:
        assert controller.wait_for_event("revision rejected")["previousRevisionActive"] is False
        program.add("october", text=EXPORT)
        assert controller.wait_for_event("run finished")["create"] == 1


def test_sigterm_lets_the_current_call_finish(program: Program, server: SandboxServer) -> None:
    """After SIGTERM, the current Create is recorded, the next is not sent, and the exit code is 0."""
    program.add("a", "b")
    processes: list[Process] = []

    def stop(request: Request) -> None:
        if request.operation == "CreateDataIntegrationAssociation":
            terminate(processes[0])

    with FaultProxy(server.url, before_request=stop) as proxy:
        proxied_program = Program(program.folder, proxy.url)
        process = proxied_program.start("controller", "--interval", "1s")
        processes.append(process)
        process.communicate(timeout=60)
    assert process.returncode == 0
    assert len(server.sandbox.executed_writes) == 1
    assert program.run("-o", "json").decisions == {"a": "in-sync", "b": "create"}


@pytest.mark.parametrize(("command", "code"), [(("controller",), 0), ((), 128 + signal.SIGTERM)])
def test_stop_does_not_wait_for_the_rate_limit(
    program: Program, server: SandboxServer, command: tuple[str, ...], code: int
) -> None:
    """A run that waits for the rate limit ends within the shutdown timeout.

    A controller then logs neither an error nor a finished run, because the target was listed only in part.
    """
    program.add(
        "slow",
        text=TARGET + "spec: {Region: us-east-1, AccountId: '123456789012', RequestsPerSecond: 0.01, Burst: 1}\n",
    )
    program.add("october")
    list_request = threading.Event()

    def record_list(request: Request) -> None:
        if request.operation == "ListDataIntegrations":
            list_request.set()

    with FaultProxy(server.url, before_request=record_list) as proxy:
        process = Program(program.folder, proxy.url).start(*command)
        assert list_request.wait(30)
        terminate(process)
        _, log = process.communicate(timeout=20)
    assert process.returncode == code
    if not code:
        assert not {"error", "warning"} & {json.loads(line)["level"] for line in log.splitlines()}
        assert "run finished" not in log
    assert server.sandbox.executed_writes == ()


def test_hanging_call_is_aborted_after_the_shutdown_timeout(program: Program) -> None:
    """After the shutdown timeout, the controller logs the target of the hanging call, and exits with 1."""
    program.add("october")
    with socket.create_server(("127.0.0.1", 0)) as silent_server:
        hanging_program = Program(program.folder, f"http://127.0.0.1:{silent_server.getsockname()[1]}")
        process = hanging_program.start("controller", "--shutdown-timeout", "1s")
        with silent_server.accept()[0]:
            terminate(process)
            _, log = process.communicate(timeout=30)
    assert process.returncode == 1
    last = json.loads(log.splitlines()[-1])
    assert (last["event"], last["targets"]) == ("shutdown timed out", ["default"])


def test_stuck_run_is_logged_and_fails_liveness(program: Program) -> None:
    """A stuck run is logged with its id, and /healthz fails with the name of its target."""
    program.add("october")
    with socket.create_server(("127.0.0.1", 0)) as silent_server:
        hanging_program = Program(program.folder, f"http://127.0.0.1:{silent_server.getsockname()[1]}")
        arguments = ("--listen", "127.0.0.1:0", "--stuck-after", "2s", "--shutdown-timeout", "1s")
        with run_controller(hanging_program, *arguments, code=1) as controller:
            url = controller.wait_for_event("listening")["url"]
            with silent_server.accept()[0]:
                assert request_page(f"{url}/healthz") == (200, "ok\n")
                event = controller.wait_for_event("run stuck")
                code, message = request_page(f"{url}/healthz")
    assert re.fullmatch("[0-9a-f-]{36}", event["run"])
    assert (event["target"], event["revision"], code) == ("default", None, 503)
    assert "default" in message


def test_hanging_targets_delay_neither_git_nor_probes_nor_shutdown(program: Program) -> None:
    """While more targets hang than may run, new revisions become active, and the log counts the targets that wait."""
    for number in range(MAX_CONCURRENT_JOBS + 8):
        spec = f"spec: {{Region: us-east-1, AccountId: '{number:012}'}}\n"
        program.add(f"hanging-{number}", text=TARGET + spec)
    with socket.create_server(("127.0.0.1", 0), backlog=100) as silent_server:
        hanging_program = Program(program.folder, f"http://127.0.0.1:{silent_server.getsockname()[1]}")
        arguments = ("--interval", "5m", "--shutdown-timeout", "2s", "--listen", "127.0.0.1:0")
        with run_controller(hanging_program, *arguments, code=1) as controller:
            url = controller.wait_for_event("listening")["url"]
            controller.wait_for_event("revision activated")
            event = controller.wait_for_event("runs waiting")
            assert 0 < event["targets"] <= 8  # targets become due one after the other
            assert event["maxConcurrent"] == MAX_CONCURRENT_JOBS
            position = len(controller.log)
            for number in range(3):
                program.add(f"later-{number}", text=EXPORT + "target: hanging-0\n")
                assert controller.wait_for_event("revision activated")["manifests"] == number + 1
            assert request_page(f"{url}/healthz") == (200, "ok\n")
    assert controller.log[-1]["event"] == "shutdown timed out"
    entries = controller.log[position:-1]
    assert not [each for each in entries if each["level"] != "info" and each["event"] != "manifest warning"]


def test_manifest_warning_is_logged_once_per_revision(program: Program) -> None:
    """Warnings about manifests, and the warning that there are no manifests, are logged once for each revision."""
    (program.folder / "manifests").mkdir()
    with run_controller(program) as controller:
        assert controller.wait_for_event("no manifests")["files"] == ["manifests/"]
        controller.wait_for_event("run finished")
        program.add("october", text=EXPORT + "policy: {onLoss: recreate}\n")
        assert controller.wait_for_event("revision activated")["manifests"] == 1
        events = list[str]()
        while events.count("run finished") < 3:
            entry = controller.wait_for_entry()
            assert entry
            events.append(entry["event"])
        assert events.count("manifest warning") == 1
        program.add("november")
        assert "october.yaml" in controller.wait_for_event("manifest warning")["warning"]


@pytest.mark.parametrize("names", [("east",), ("east", "west")])
def test_target_option_limits_the_controller_to_its_targets(
    program: Program, server: SandboxServer, names: tuple[str, ...]
) -> None:
    """With --target, only the named targets run, and the other targets cause no failure."""
    for target, region in (("east", "us-east-1"), ("west", "us-west-2"), ("north", "eu-north-1")):
        program.add(target, text=f"{TARGET}spec: {{AccountId: '123456789012', Region: {region}}}\n")
        program.add(f"{target}-october", text=f"{EXPORT}target: {target}\n")
    options = [word for target in names for word in ("--target", target)]
    with run_controller(program, *options) as controller:
        runs = [controller.wait_for_event("run finished") for _ in range(4)]
        assert {run["target"] for run in runs} == set(names)
        assert all(run["failed"] == run["blocked"] == 0 for run in runs)
    assert len(server.sandbox.executed_writes) == len(names)


def test_undeclared_target_rejects_the_revision(program: Program) -> None:
    """A revision that does not declare the target of --target is rejected. The next revision may declare it."""
    program.add("october")
    with run_controller(program, "--target", "prod") as controller:
        assert "--target 'prod' is not declared" in controller.wait_for_event("revision rejected")["error"]
        program.add("prod", text=f"{TARGET}spec: {{AccountId: '123456789012', Region: us-east-1}}\n")
        assert controller.wait_for_event("revision activated")
        assert controller.wait_for_event("run finished")["target"] == "prod"


def test_controller_in_dry_run_writes_nothing(program: Program, server: SandboxServer) -> None:
    """A controller with RECONCILER_DRY_RUN writes neither to AWS nor to the journal."""
    program.add("october")
    with run_controller(program, env={"RECONCILER_DRY_RUN": "1"}) as controller:
        assert controller.wait_for_event("controller started")["dryRun"] is True
        finished = controller.wait_for_event("run finished")
        assert (finished["create"], finished["dryRun"]) == (1, True)
        assert controller.wait_for_event("run finished")["create"] == 1
    assert server.sandbox.executed_writes == ()
    assert not (program.folder / ".reconciler").exists()


def test_controller_does_not_accept_a_reviewed_plan(program: Program, server: SandboxServer) -> None:
    """A controller rejects RECONCILER_EXPECT_PLAN, because it also applies later plans without a review."""
    program.add("october")
    result = program.run("controller", env={"RECONCILER_EXPECT_PLAN": "sha256:" + "0" * 64})
    assert (result.code, server.sandbox.executed_writes) == (64, ())
    assert "RECONCILER_EXPECT_PLAN is for a single run" in result.err


def test_sighup_runs_all_targets_at_once(program: Program) -> None:
    """SIGHUP starts a run of every target, even if git has not changed and the interval is long."""
    program.add("october")
    with run_controller(program, "--interval", "1h", "--poll-interval", "1h") as controller:
        assert controller.wait_for_event("run finished")["create"] == 1
        controller.process.send_signal(signal.SIGHUP)
        assert controller.wait_for_event("run requested")["by"] == "SIGHUP"
        assert controller.wait_for_event("run finished")["inSync"] == 1
    assert controller.process.returncode == 0


def test_failing_target_does_not_delay_the_others(program: Program, server: SandboxServer) -> None:
    """A target with the wrong account fails alone, and the other target runs at its interval."""
    for name, account, region in (("good", "123456789012", "us-east-1"), ("wrong", "999999999999", "us-west-2")):
        spec = f"spec: {{Region: {region}, AccountId: '{account}', RequestsPerSecond: 100, Burst: 100}}\n"
        program.add(name, text=TARGET + spec)
    program.add("october", text=EXPORT + "target: good\n")
    with run_controller(program) as controller:
        finished = [controller.wait_for_event("run finished") for _ in range(4)]
    runs = [(each["target"], each["failed"], each["create"] + each["inSync"]) for each in finished]
    assert runs.count(("good", 0, 1)) >= 2
    assert ("wrong", 0, 0) in runs
    assert len(server.sandbox.executed_writes) == 1


def send_webhook(url: str) -> int:
    """Send a webhook that requests a run of every target, and return the status of the response."""
    proof = hmac.new(b"secret", b"", hashlib.sha256).hexdigest()
    headers = {"X-Signature-256": f"sha256={proof}"}
    return request_page(f"{url}/hooks/generic", b"", headers)[0]


@pytest.mark.parametrize(
    "name",
    [
        "PROMETHEUS_MULTIPROC_DIR", "prometheus_multiproc_dir", "SSLKEYLOGFILE", "WEB_CONCURRENCY",
        "BOTOCORE_EXPERIMENTAL__PLUGINS", "TZ",
    ],
)  # fmt: skip
@pytest.mark.parametrize("has_folder", [False, True])
def test_environment_variables_of_libraries_are_ignored(program: Program, name: str, *, has_folder: bool) -> None:
    """Environment variables of libraries neither stop a controller nor let it write files."""
    program.add("october")
    folder = program.folder / "others"
    if has_folder:
        folder.mkdir()
    value = str(folder / "file" if name == "SSLKEYLOGFILE" else folder)
    with run_controller(program, "--listen", "127.0.0.1:0", env={name: value}) as controller:
        url = controller.wait_for_event("listening")["url"]
        assert controller.wait_for_event("run finished")["result"] == "succeeded"
        assert "reconciler_runs_total" in request_page(f"{url}/metrics")[1]
    assert (list(folder.iterdir()) if has_folder else folder.exists()) in ([], False)


def test_controller_serves_probes_metrics_page_and_webhook(program: Program) -> None:
    """A controller serves probes, metrics, the page, its JSON, and a webhook that starts a run."""
    program.add("october")
    arguments = ("--interval", "1h", "--poll-interval", "1h", "--listen", "127.0.0.1:0")
    with run_controller(program, *arguments, env={"RECONCILER_WEBHOOK_SECRET": "secret"}) as controller:
        url = controller.wait_for_event("listening")["url"]
        controller.wait_for_event("run finished")
        assert request_page(f"{url}/healthz") == (200, "ok\n")
        assert request_page(f"{url}/readyz") == (200, "ok\n")
        assert send_webhook(url) == 202
        assert controller.wait_for_event("run finished")["inSync"] == 1
        _, metrics = request_page(f"{url}/metrics")
        for line in (
            'reconciler_runs_total{result="succeeded",target="default"} 2.0',
            'reconciler_writes_total{operation="create",result="created",target="default"} 1.0',
            'reconciler_aws_calls_total{code="",operation="ListDataIntegrations",service="appintegrations"} 2.0',
            'reconciler_associations{decision="inSync",target="default"} 1.0',
            'reconciler_lease_held{target="default"} 0.0',
            'reconciler_webhooks_total{result="accepted",sender="generic"} 1.0',
            "reconciler_revision_rejected 0.0",
        ):
            assert f"{line}\n" in metrics
        _, page = request_page(url)
        assert re.search(r"<th[^>]*>.{0,80}october", page, re.DOTALL)
        assert "manifests/october.yaml:1" in page.replace("<wbr>", "")
        (target,) = json.loads(request_page(f"{url}/api/v1/report")[1])["targets"]
        (association,) = target["report"]["targets"][0]["associations"]
        assert (association["name"], association["decision"]) == ("october", "in-sync")


def test_idle_connections_leave_descriptors_for_runs(program: Program) -> None:
    """With a limit of 100 descriptors and 400 idle connections, runs and probes succeed without a warning."""
    program.add("october")
    command = program.build_command(
        "controller", "--interval", "1s", "--poll-interval", "1s", "--listen", "127.0.0.1:0"
    )
    process = subprocess.Popen(
        ("sh", "-c", 'ulimit -n 100 && exec "$@"', "sh", *command), cwd=program.folder, env=create_environment(),
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    with watch_controller(process) as controller, ExitStack() as stack:
        url = controller.wait_for_event("listening")["url"]
        address = ("127.0.0.1", int(url.rpartition(":")[2]))
        for _ in range(400):
            stack.enter_context(socket.create_connection(address, timeout=60))
        assert request_page(f"{url}/healthz") == (200, "ok\n")
        assert [controller.wait_for_event("run finished")["result"] for _ in range(3)] == ["succeeded"] * 3
        controller.stop()
        assert {entry["level"] for entry in controller.log} == {"info"}


def test_burst_of_webhooks_causes_at_most_two_runs(program: Program) -> None:
    """A thousand webhooks are accepted, and start at most two runs within --min-event-interval."""
    program.add("october")
    arguments = ("--interval", "1h", "--poll-interval", "1h", "--min-event-interval", "10m", "--listen", "127.0.0.1:0")
    with run_controller(program, *arguments, env={"RECONCILER_WEBHOOK_SECRET": "secret"}) as controller:
        url = controller.wait_for_event("listening")["url"]
        controller.wait_for_event("run finished")
        with ThreadPoolExecutor(8) as pool:
            statuses = Counter(pool.map(lambda _: send_webhook(url), range(1000)))
        controller.wait_for_event("run finished")
    assert statuses == {202: 1000}
    assert controller.events.count("run finished") <= 3  # the first run, and those of the webhooks


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("--listen", "nowhere"), 64, "'nowhere' is not an address: write HOST:PORT"),
        (("--listen", "127.0.0.1:99999"), 64, "the port 99999 is out of range: it must be from 0 to 65535"),
        (("--listen", ":65536"), 64, "the port 65536 is out of range: it must be from 0 to 65535"),
        (("--listen", "[::1]:1234567"), 64, "the port 1234567 is out of range: it must be from 0 to 65535"),
        (("--listen", ":-1"), 64, "':-1' is not an address: write HOST:PORT"),
        (("--listen", "127.0.0.1:BUSY"), 1, "Address already in use: choose another address with --listen"),
        (("--listen", "198.51.100.7:80"), 1, "Cannot assign requested address"),
        (("--listen", "no..host:80"), 1, "unknown host"),
        (("-f", "-"), 64, "standard input can only be read once"),
    ],
)
def test_unusable_listen_address_is_a_one_line_error(
    program: Program, server: SandboxServer, arguments: tuple[str, ...], code: int, message: str
) -> None:
    """An unusable option of the controller is reported in one line before AWS is called."""
    program.add("october")
    busy_port = server.url.rpartition(":")[2]
    result = program.run("controller", *(each.replace("BUSY", busy_port) for each in arguments))
    assert (result.code, server.sandbox.executed_writes) == (code, ())
    assert message in result.err
    assert "Traceback" not in result.err


@pytest.mark.parametrize(
    ("file", "secret", "message"),
    [
        (
            "/nonexistent",
            None,
            "SECRET_FILE /nonexistent: the file cannot be read: No such file or directory: correct the path",
        ),
        ("/dev/null", "x", "are both set: unset one"),
        (None, " \t", "RECONCILER_WEBHOOK_SECRET is blank"),
        (None, "\ufeff \n", "RECONCILER_WEBHOOK_SECRET is blank"),
        (None, "two\nlines", "RECONCILER_WEBHOOK_SECRET contains a line break or another control character"),
        (None, "bell\a", "RECONCILER_WEBHOOK_SECRET contains a line break or another control character"),
        (None, "new\n", "RECONCILER_WEBHOOK_SECRET starts or ends with a line break"),
        (None, " new", "RECONCILER_WEBHOOK_SECRET starts or ends with a blank"),
        (None, "\ufeffnew", "RECONCILER_WEBHOOK_SECRET contains a byte order mark"),
    ],
)
def test_unusable_webhook_secret_is_a_one_line_error(
    program: Program, file: str | None, secret: str | None, message: str
) -> None:
    """A controller does not start with an unreadable, blank or malformed webhook secret."""
    program.add("october")
    variables = {"RECONCILER_WEBHOOK_SECRET_FILE": file, "RECONCILER_WEBHOOK_SECRET": secret}
    result = program.run("controller", env={name: value for name, value in variables.items() if value})
    assert (result.code, len(result.err.strip().splitlines()) <= 4) == (64, True)
    assert message in result.err


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b"\xef\xbb\xbf\r\n", "is empty"),
        ("secret".encode("utf-16"), "is not UTF-8 text"),
        (b"\xff", "is not UTF-8 text"),
        (b"a\nb", "has several lines, or a control character"),
        (b"a\0b", "has several lines, or a control character"),
    ],
)
def test_secret_file_without_a_secret_is_rejected(program: Program, content: bytes, problem: str) -> None:
    """The error for an unusable secret file names the variable, the file and the one problem, and not the content."""
    program.add("october")
    (program.folder / "secret").write_bytes(content)
    result = program.run("controller", env={"RECONCILER_WEBHOOK_SECRET_FILE": "secret"})
    assert result.code == 64
    assert f"RECONCILER_WEBHOOK_SECRET_FILE secret: the file {problem}: " in result.err


def test_changed_webhook_secret_takes_effect_without_a_restart(program: Program) -> None:
    """The secret file is read for each webhook, so a new secret applies at once.

    Line ends, blanks and a byte order mark around the secret are ignored.
    """
    program.add("october")
    secret = program.folder / "secret"
    secret.write_text("old\n")
    arguments = ("--interval", "1h", "--poll-interval", "1h", "--listen", "127.0.0.1:0")
    with run_controller(program, *arguments, env={"RECONCILER_WEBHOOK_SECRET_FILE": str(secret)}) as controller:
        url = controller.wait_for_event("listening")["url"]
        statuses = []
        for content in (b"new\n", b"\xef\xbb\xbfnew\r\n", b"\xef\xbb\xbfnew", b" new\t\n\n"):
            secret.write_bytes(content)
            statuses += [send_gitlab_push(f"{url}/hooks/gitlab", token) for token in ("old", "new")]
    assert statuses == [401, 202] * 4


def send_gitlab_push(url: str, token: str) -> int:
    """Send a push event of GitLab, and return the status of the response."""
    return request_page(url, b'{"ref": "x"}', {"X-Gitlab-Token": token, "X-Gitlab-Event": "Push Hook"})[0]


@pytest.mark.parametrize("options", [(), ("--state", Bucket.url, "--new-state")])
def test_runs_on_the_page_survive_a_restart(program: Program, bucket: Bucket, options: tuple[str, ...]) -> None:
    """A restarted controller shows the runs of the previous process. They are kept beside the journal, also in S3."""
    program.add("october")
    documents = []
    for _ in range(2):
        with run_controller(program, "--interval", "1h", "--listen", "127.0.0.1:0", *options) as controller:
            url = controller.wait_for_event("listening")["url"]
            controller.wait_for_event("run finished")
            documents.append(json.loads(request_page(f"{url}/api/v1/report")[1]))
        assert controller.process.returncode == 0
        assert "run history not saved" not in controller.events
    first, second = ([run["id"] for run in document["runs"]] for document in documents)
    assert len(first) == 1
    assert second[0] == first[0]
    assert len(second) == 2
    assert any("/runs" in key for key in bucket.keys) == bool(options)
