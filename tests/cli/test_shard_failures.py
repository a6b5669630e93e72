"""Shards that are killed, paused, cut off or renumbered create nothing twice, and in the end everything once.

Real processes call a sandbox that ignores every ClientToken, so that only two things protect: the journal, and AWS's
refusal of a request that was signed more than five minutes ago. The journals are in a bucket whose conditional writes
never race. Each process has a proxy, through which the test acts at a known request, and the clock of a machine, which
the test advances where an operator would wait.
"""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

import pytest
from support.conditional_bucket import ConditionalBucket, is_s3
from support.machine_clock import MachineClock
from support.program import EXPORT, CompletedRun, Process, Program
from support.proxy import FaultProxy, Request, build_error

from reconciler.core.shards import choose_shard
from reconciler.sandbox import Behaviour, SandboxServer

ACCOUNT = "123456789012"
REGIONS = ("us-east-1", "us-east-2", "us-west-2", "eu-west-1")
NAMES = ("july", "august", "september")
OPTIONS = ("--state", ConditionalBucket.url, "--new-state", "--max-creates-total", "100")
CREATE = "CreateDataIntegrationAssociation"
TARGET = """\
apiVersion: appintegrations.reconciler/v1
kind: Target
metadata: {name: NAME}
spec: {Region: NAME, AccountId: "123456789012"}
"""
MINUTE, LEASE, SETTLE = 60, 5 * 60, 15 * 60
EXPIRY = 5 * 60
"""Seconds after its signature from which AWS refuses a request (AWS General Reference, "Signature Version 4")."""


def read_signing_time(request: Request) -> float:
    """Return the time at which a request was signed, in seconds since the epoch."""
    return datetime.strptime(request.headers["X-Amz-Date"], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()


class Shard:
    """A process of a shard behind its proxy. `at_create` is called once, after AWS carried out its first Create.

    `region` is that of this Create. With `is_cut_off`, no request of the process reaches S3.
    """

    def __init__(self, fleet: Fleet, at_create: Callable[[Shard], None] = lambda _: None) -> None:
        self.is_cut_off, self.region = False, ""
        self.process: Process
        self._at_create, self._fleet = at_create, fleet
        self._has_started, self._has_acted = Event(), Event()
        self.proxy = FaultProxy(fleet.server.url, self._answer, self._handle_create)

    def start(self, program: Program, *arguments: str, env: dict[str, str]) -> None:
        """Start the process."""
        self.process = program.start(*arguments, env=env)
        self._has_started.set()

    def stop(self) -> None:
        """Stop the process, as a machine that is suspended."""
        self.process.send_signal(signal.SIGSTOP)
        stat = Path(f"/proc/{self.process.pid}/stat")
        while stat.read_text().rpartition(")")[2].split()[0] != "T":
            time.sleep(0.001)

    def wait_for_create(self) -> None:
        """Return when `at_create` has been called."""
        assert self._has_acted.wait(60)

    def resume(self) -> None:
        """Resume the stopped process."""
        self.process.send_signal(signal.SIGCONT)

    def end(self) -> CompletedRun:
        """Return the result of the process when it has ended."""
        out, err = self.process.communicate(timeout=60)
        assert "Traceback" not in err
        return CompletedRun(self.process.returncode, out, err)

    def _answer(self, request: Request) -> bytes | None:
        self._has_started.wait()
        if is_s3(request):
            return b"" if self.is_cut_off else self._fleet.bucket.answer(request)
        is_expired = request.operation == CREATE and abs(self._fleet.aws_time - read_signing_time(request)) > EXPIRY
        return build_error(403, "InvalidSignatureException", "Signature expired") if is_expired else None

    def _handle_create(self, request: Request) -> bytes | None:
        if request.operation == CREATE and not self.region:
            self.region = request.headers["Authorization"].split("/")[2]
            self._at_create(self)
            self._has_acted.set()
        return None


class Fleet:
    """Four targets with three manifests each, the sandbox, the bucket, and two machines that may run shards."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._stack = stack
        self.folder, self.bucket = folder, ConditionalBucket()
        self.clock, self.other_clock = MachineClock(folder / "clock"), MachineClock(folder / "other-clock")
        self._aws_clock = MachineClock(folder / "aws-clock")
        behaviour = Behaviour(tokens="ignored", associations_per_integration=500, job_seconds=0)
        self.server = stack.enter_context(SandboxServer(behaviour=behaviour, clock=self._aws_clock.read))
        program = Program(folder)
        program.add(*REGIONS, text=TARGET)
        program.add(*NAMES, text=EXPORT.replace("spec:", 'targets: ["*"]\nspec:'))

    @property
    def aws_time(self) -> float:
        """The time of AWS, in seconds since the epoch."""
        return self._aws_clock.read()

    def start(
        self, shard: str, *options: str, at_create: Callable[[Shard], None] = lambda _: None, is_elsewhere: bool = False
    ) -> Shard:
        """Start a process of a shard, on the other machine if `is_elsewhere`."""
        process = Shard(self, at_create)
        self._stack.enter_context(process.proxy)
        clock = self.other_clock if is_elsewhere else self.clock
        environment = {"RECONCILER_SHARD": shard, "AWS_MAX_ATTEMPTS": "1", **clock.environment}
        arguments = (*OPTIONS, *(options or ("--lock-timeout", "0s")))
        process.start(Program(self.folder, process.proxy.url), *arguments, env=environment)
        self._stack.enter_context(process.process)
        self._stack.callback(process.process.kill)
        return process

    def run(self, *shards: str, is_elsewhere: bool = False) -> list[int]:
        """Run shards at the same time, each to its end, and return their exit codes."""
        return [each.end().code for each in [self.start(shard, is_elsewhere=is_elsewhere) for shard in shards]]

    def advance(self, seconds: float) -> None:
        """Let time pass on every machine and in AWS."""
        for each in (self.clock, self.other_clock, self._aws_clock):
            each.advance(seconds)

    def count_creates(self) -> Counter[tuple[str, str]]:
        """Return how often AWS carried out the Create of each association, by Region and name."""
        services = {region: self.server.sandbox.get_service(ACCOUNT, region) for region in REGIONS}
        return Counter(
            (region, str(each.request["DestinationURI"]).rpartition("/")[2])
            for region, service in services.items()
            for each in tuple(service.state.associations.values())
        )

    def converge(self, *shards: str) -> None:
        """Run shards every hour until all succeed, and check that every association was created exactly once."""
        for _ in range(4):
            self.advance(60 * MINUTE)
            if not any(self.run(*shards)) and len(self.count_creates()) == len(REGIONS) * len(NAMES):
                break
        else:
            pytest.fail("the shards do not converge")
        self.check_creates()
        assert self.count_creates().keys() == {(region, name) for region in REGIONS for name in NAMES}
        assert all(self.bucket.read(region)["lease"] is None for region in REGIONS)

    def check_creates(self) -> None:
        """Check that no association was created twice."""
        assert [key for key, count in self.count_creates().items() if count > 1] == []


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    """Return a fleet. Its processes are killed at the end."""
    with ExitStack() as stack:
        yield Fleet(tmp_path, stack)


def list_regions(number: int, count: int) -> set[str]:
    """Return the Regions of a shard."""
    return {region for region in REGIONS if choose_shard(ACCOUNT, region, count) == number}


def test_the_regions_are_shared() -> None:
    """Each of two shards has targets, and a third shard takes some of them."""
    assert all(list_regions(number, 2) for number in range(2))
    assert list_regions(1, 2) & list_regions(2, 3)
    assert list_regions(1, 2) | list_regions(0, 2) == set(REGIONS)


def test_killed_shard_is_restarted_and_creates_nothing_twice(fleet: Fleet) -> None:
    """After a SIGKILL between two Creates, the other shard is unaffected, and the restarted shard completes its own."""
    killed = fleet.start("0/2", at_create=lambda shard: os.kill(shard.process.pid, signal.SIGKILL))
    other = fleet.start("1/2")
    assert killed.end().code == -signal.SIGKILL
    assert other.end().code == 0
    assert {region for region, _ in fleet.count_creates()} >= list_regions(1, 2)
    fleet.run("0/2")  # Kubernetes restarts it at once: the lease of the dead process is still valid
    fleet.advance(LEASE + MINUTE)
    fleet.run("0/2")
    fleet.check_creates()
    fleet.converge("0/2", "1/2")


def test_paused_shard_that_resumes_after_its_lease_creates_nothing(fleet: Fleet) -> None:
    """A process that is stopped beyond its lease, and replaced meanwhile, creates nothing after it resumes.

    If it was stopped between the signature of a Create and its sending, AWS refuses this Create.
    """
    paused = fleet.start("0/2", at_create=Shard.stop)
    paused.wait_for_create()
    fleet.run("1/2")
    fleet.advance(LEASE + MINUTE)
    fleet.run("0/2", is_elsewhere=True)
    fleet.advance(SETTLE)
    fleet.run("0/2", is_elsewhere=True)
    before = fleet.count_creates()
    paused.resume()
    assert paused.end().code == 1
    assert fleet.count_creates() == before
    fleet.converge("0/2", "1/2")


def test_paused_shard_without_a_replacement_continues(fleet: Fleet) -> None:
    """A process that is stopped beyond its lease and not replaced leaves the rest to a later run."""
    paused = fleet.start("0/2", at_create=Shard.stop)
    paused.wait_for_create()
    fleet.advance(LEASE + MINUTE)
    paused.resume()
    paused.end()
    fleet.check_creates()
    fleet.converge("0/2", "1/2")


def test_shard_that_is_cut_off_from_its_journal_stops_to_create(fleet: Fleet) -> None:
    """A process that cannot reach S3 after its first Create sends no other one, and its replacement finds the first."""

    def cut_off(shard: Shard) -> None:
        shard.is_cut_off = True

    lonely = fleet.start("0/2", at_create=cut_off)
    assert lonely.end().code == 1
    counts = fleet.count_creates()
    assert sum(counts.values()) <= len(list_regions(0, 2)), "each target sends at most the Create that was under way"
    fleet.advance(LEASE + MINUTE)
    fleet.run("0/2", is_elsewhere=True)
    fleet.check_creates()
    fleet.converge("0/2", "1/2")


@pytest.mark.parametrize("ahead", [4 * MINUTE, -4 * MINUTE])
def test_clocks_four_minutes_apart_do_not_let_two_processes_create(fleet: Fleet, ahead: float) -> None:
    """A replacement whose clock is four minutes off may take the lease early or late, and nothing is created twice."""
    fleet.other_clock.advance(ahead)
    paused = fleet.start("0/2", at_create=Shard.stop)
    paused.wait_for_create()
    fleet.advance(1.5 * MINUTE)
    replacement = fleet.start("0/2", is_elsewhere=True)
    assert replacement.end().code in {0, 1}
    has_taken = fleet.bucket.read(paused.region)["lease"] is None
    assert has_taken == (ahead > 0), "only a clock that is ahead sees the lease as expired"
    paused.resume()
    paused.end()
    fleet.check_creates()
    fleet.advance(LEASE)
    fleet.run("0/2", is_elsewhere=True)
    fleet.check_creates()
    fleet.converge("0/2", "1/2")


def test_changing_the_number_of_shards_creates_nothing_twice(fleet: Fleet) -> None:
    """While a process of two shards is between two Creates, three shards start: both hold the targets that move."""
    may_continue = Event()

    def wait(_: Shard) -> None:
        may_continue.wait()

    old = fleet.start("1/2", at_create=wait)
    while not fleet.count_creates():
        time.sleep(0.001)
    new = [fleet.start(f"{number}/3", "--lock-timeout", "30s") for number in range(3)]
    assert [new[number].end().code for number in (0, 1)] == [0, 0]
    may_continue.set()
    assert old.end().code in {0, 1}
    assert new[2].end().code in {0, 1}
    moved = list_regions(1, 2) & list_regions(2, 3)
    assert {region for region, _ in fleet.count_creates()} >= moved
    fleet.check_creates()
    fleet.converge("0/3", "1/3", "2/3")
