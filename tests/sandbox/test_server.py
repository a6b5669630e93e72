"""A sandbox over HTTP survives restarts, is atomic, writes no log, and is isolated from other sandboxes."""

import signal
import socket
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from support.paths import REPOSITORY

from reconciler.sandbox import Behaviour, DataFileError, SandboxServer, serve

if TYPE_CHECKING:
    from mypy_boto3_appintegrations import AppIntegrationsServiceClient

KEYS: dict[str, Any] = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing", "region_name": "us-east-1"}
ONE_ATTEMPT = Config(retries={"total_max_attempts": 1, "mode": "standard"}, max_pool_connections=32)


@contextmanager
def open_client(server: SandboxServer) -> Iterator["AppIntegrationsServiceClient"]:
    """Yield a client of this server."""
    client = boto3.client("appintegrations", endpoint_url=server.url, config=ONE_ATTEMPT, **KEYS)
    with closing(client):
        yield client


def create_association(client: "AppIntegrationsServiceClient", **members: Any) -> str:
    """Create an association of profiles-export and return its id."""
    created = client.create_data_integration_association(DataIntegrationIdentifier="profiles-export", **members)
    return created["DataIntegrationAssociationId"]


def list_ids(client: "AppIntegrationsServiceClient") -> list[str]:
    """Return the ids of the associations of profiles-export."""
    response = client.list_data_integration_associations(DataIntegrationIdentifier="profiles-export")
    return [each["DataIntegrationAssociationArn"][-36:] for each in response["DataIntegrationAssociations"]]


@pytest.fixture
def fast_thread_switches() -> Iterator[None]:
    """Make threads switch a thousand times more often, so that race conditions show."""
    old_interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(old_interval)


@pytest.mark.usefixtures("fast_thread_switches")
def test_concurrent_creates_with_one_token_make_one_association(server: SandboxServer) -> None:
    """Concurrent Creates with one token create one association and return the same answer."""
    with open_client(server) as client, ThreadPoolExecutor(16) as pool:
        ids = set(pool.map(lambda _: create_association(client, ClientToken="t"), range(64)))
        assert list_ids(client) == list(ids)
    assert len(server.sandbox.executed_writes) == 1


@pytest.mark.usefixtures("fast_thread_switches")
def test_concurrent_creates_do_not_exceed_the_quota(server: SandboxServer) -> None:
    """Of 32 concurrent Creates, the quota accepts ten and refuses the others."""

    def try_create(_: int) -> bool:
        try:
            create_association(client)
        except client.exceptions.ResourceQuotaExceededException:
            return False
        return True

    with open_client(server) as client, ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(try_create, range(32))) == 10
        assert len(list_ids(client)) == 10


def test_restarted_server_keeps_its_data(tmp_path: Path) -> None:
    """Associations and tokens survive a restart, and clients reach the new server on the same port."""
    data = tmp_path / "sandbox.json"
    with SandboxServer(data=data) as first:
        port = urlsplit(first.url).port
        with open_client(first) as client:
            association_id = create_association(client, ClientToken="t")
            first.stop()
            with SandboxServer(data=data, port=port or 0) as second:
                assert list_ids(client) == [association_id]
                assert create_association(client, ClientToken="t") == association_id
                assert len(second.sandbox.executed_writes) == 1


def test_killed_server_loses_nothing_that_it_answered(tmp_path: Path) -> None:
    """Every answered Create is in the data file, even if the server is killed."""
    data = tmp_path / "sandbox.json"
    program = (
        "import sys, threading; from pathlib import Path; from reconciler.sandbox import Behaviour, serve;"
        "serve('127.0.0.1', 0, data=Path(sys.argv[1]), behaviour=Behaviour(),"
        " announce=lambda line: print(line.split()[3], flush=True), stop=threading.Event())"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(data)], stdout=subprocess.PIPE, text=True, cwd=REPOSITORY
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        client = boto3.client("appintegrations", endpoint_url=url, config=ONE_ATTEMPT, **KEYS)
        with closing(client):
            ids = [create_association(client) for _ in range(5)]
        process.send_signal(signal.SIGKILL)
    with SandboxServer(data=data) as server, open_client(server) as client:
        assert list_ids(client) == ids


def test_server_without_a_file_stores_nothing() -> None:
    """A server without a data file starts with the initial data integrations only."""
    with SandboxServer() as first, open_client(first) as client:
        create_association(client)
    with SandboxServer() as second, open_client(second) as client:
        assert list_ids(client) == []


def test_servers_are_isolated() -> None:
    """Each server has its own AppIntegrations and its own behaviour."""
    with SandboxServer() as first, SandboxServer(behaviour=Behaviour(explicit_deny=True)) as second:
        with open_client(first) as client:
            create_association(client)
        with open_client(second) as client:
            assert list_ids(client) == []
            with pytest.raises(client.exceptions.AccessDeniedException, match="explicit deny"):
                create_association(client)


def test_port_in_use_is_reported(server: SandboxServer) -> None:
    """A port that is in use raises an OSError that names the address and what to do."""
    port = urlsplit(server.url).port or 0
    with pytest.raises(OSError, match=f"cannot listen on 127.0.0.1:{port}: .*choose another port"):
        SandboxServer(port=port).start()


def test_failed_start_frees_the_file(server: SandboxServer, tmp_path: Path) -> None:
    """A server that cannot listen releases its data file."""
    data, port = tmp_path / "sandbox.json", urlsplit(server.url).port or 0
    with pytest.raises(OSError, match="cannot listen"):
        SandboxServer(port=port, data=data).start()
    SandboxServer(data=data).stop()


def test_corrupt_file_is_reported_before_listening(tmp_path: Path) -> None:
    """A server with an invalid data file fails before it listens."""
    data = tmp_path / "sandbox.json"
    data.write_text("{", encoding="utf-8")
    with pytest.raises(DataFileError):
        SandboxServer(data=data)


def test_stopped_server_has_no_url() -> None:
    """A server that is not running has no URL."""
    server = SandboxServer()
    with pytest.raises(RuntimeError):
        _ = server.url
    server.stop()


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")
def test_server_listens_on_ipv6() -> None:
    """A server listens on an IPv6 address."""
    with SandboxServer(host="::1") as server, open_client(server) as client:
        assert server.url.startswith("http://[::1]:")
        assert list_ids(client) == []


def test_serve_announces_its_url_once_and_stops_on_request(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """`serve` announces address, state and changed switches in one line, prints nothing, and stops on request."""
    stop, is_listening = threading.Event(), threading.Event()
    lines: list[str] = []

    def announce(line: str) -> None:
        lines.append(line)
        is_listening.set()

    data = tmp_path / "sandbox.json"
    arguments = {"data": data, "behaviour": Behaviour(list_lag=30), "announce": announce, "stop": stop}
    thread = threading.Thread(target=serve, args=("127.0.0.1", 0), kwargs=arguments)
    thread.start()
    assert is_listening.wait(30)
    url = lines[0].split()[3]
    with closing(boto3.client("sts", endpoint_url=url, **KEYS)) as sts:
        assert sts.get_caller_identity()["Account"] == "123456789012"
    stop.set()
    thread.join(30)
    assert lines == [f"AppIntegrations sandbox at {url} (account 123456789012, data in {data}, list_lag=30)"]
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("service", ["appintegrations", "sts"])
def test_answers_have_the_date_of_the_sandbox_alone(server: SandboxServer, service: str) -> None:
    """Over HTTP, the only Date header of an answer is the time of the sandbox, for AppIntegrations and the others."""
    dates: list[str | None] = []
    with closing(boto3.client(service, endpoint_url=server.url, **KEYS)) as client:  # type: ignore[call-overload]
        client.meta.events.register(
            "after-call", lambda http_response, **_: dates.append(http_response.headers.get("Date"))
        )
        (client.list_data_integrations if service == "appintegrations" else client.get_caller_identity)()
    assert dates == ["Fri, 15 Jan 2027 08:00:00 GMT"]


def test_moto_s_reset_resets_the_sandbox(server: SandboxServer) -> None:
    """A POST to moto's reset URL resets the sandbox too."""
    with open_client(server) as client:
        create_association(client)
        request = urllib.request.Request(f"{server.url}/moto-api/reset", method="POST")  # loopback
        with urllib.request.urlopen(request) as response:  # loopback
            assert response.status == 200
        assert list_ids(client) == []


@pytest.mark.usefixtures("fast_thread_switches")
def test_one_of_several_conditional_s3_writers_wins(server: SandboxServer) -> None:
    """Of several concurrent conditional writes to S3, exactly one succeeds."""

    def try_write(round_and_writer: tuple[int, int]) -> int:
        round_, writer = round_and_writer
        try:
            s3.put_object(Bucket="leases", Key=str(round_), Body=str(writer).encode(), IfNoneMatch="*")
        except ClientError:
            return 0
        return 1

    config = Config(retries={"total_max_attempts": 1, "mode": "standard"}, max_pool_connections=16)
    with (
        closing(boto3.client("s3", endpoint_url=server.url, config=config, **KEYS)) as s3,
        ThreadPoolExecutor(8) as pool,
    ):
        s3.create_bucket(Bucket="leases")
        for round_ in range(5):
            assert sum(pool.map(try_write, [(round_, writer) for writer in range(8)])) == 1
