"""The calls of all targets share some threads: each waits for its bucket, and none for another account."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from queue import Queue
from typing import Any

import pytest

from reconciler.core.errors import StopRequested
from reconciler.core.pace.failure import Failure
from reconciler.edge.call_queue import CallQueue, QueuePace
from reconciler.edge.clock import SystemClock

TRANSIENT, THROTTLED, PERMANENT = ConnectionError("cut"), TimeoutError("slow down"), ValueError("wrong")
UNAVAILABLE = OSError("come back in a minute")
FAILURES: dict[Exception, Failure] = {
    TRANSIENT: Failure(is_throttled=False),
    THROTTLED: Failure(is_throttled=True),
    UNAVAILABLE: Failure(is_throttled=False, retry_after=60.0),
}
WAIT = 10.0
"""Seconds after which a test gives up."""


class Queues:
    """A queue, the paces of its accounts, and a stop."""

    def __init__(self, max_workers: int = 64) -> None:
        self.stop = threading.Event()
        self.waits: list[float] = []
        self.queue = CallQueue(SystemClock(), self.stop.is_set, FAILURES.get, lambda: 0.0, max_workers)

    def open(self, account: str = "a", rate: float = 1000, burst: int = 1000) -> QueuePace:
        """Return the pace of an account."""
        return self.queue.open_pace((account, "r"), rate, burst, self.waits.append)


@pytest.fixture
def queues() -> Iterator[Queues]:
    """Return a queue whose threads end after the test."""
    queues = Queues()
    yield queues
    queues.stop.set()


def send(pace: QueuePace, call: Callable[[], Any], max_attempts: int = 3) -> Queue[Any]:
    """Send a call, and return the queue that gets its answer."""
    answers: Queue[Any] = Queue()
    pace.send(call, answers.put, max_attempts)
    return answers


class Script:
    """A call with given results, one for each attempt."""

    def __init__(self, *results: Any) -> None:
        self.results = list(results)

    def __call__(self) -> Any:
        """Return the next result, or raise it."""
        result = self.results.pop(0)
        if isinstance(result, Exception):
            raise result
        return result


def test_answer_and_error_reach_the_sender(queues: Queues) -> None:
    """The sender gets the answer, or the error of a call that must not be repeated."""
    assert send(queues.open(), Script(7)).get(timeout=WAIT) == 7
    assert send(queues.open(), Script(PERMANENT, 7)).get(timeout=WAIT) is PERMANENT


@pytest.mark.parametrize("error", [TRANSIENT, THROTTLED])
def test_failure_that_may_pass_is_repeated_up_to_the_limit(queues: Queues, error: Exception) -> None:
    """A call is repeated up to its number of attempts, and then its sender gets the last error."""
    script = Script(error, error, 7, 8)
    assert send(queues.open(), script).get(timeout=WAIT) == 7
    script = Script(error, error, error, 8)
    assert send(queues.open(), script).get(timeout=WAIT) is error
    assert script.results == [8]


def test_throttled_account_slows_down_and_recovers(queues: Queues) -> None:
    """A throttled call lowers the rate of its account and Region alone. Successful calls raise it again."""
    throttled, other = queues.open("a"), queues.open("b")
    send(throttled, Script(THROTTLED), 1).get(timeout=WAIT)
    assert (throttled.rate, other.rate) == (500, 1000)
    throttled.record(THROTTLED)
    assert throttled.rate == 250
    for _ in range(20):
        send(throttled, Script(1)).get(timeout=WAIT)
    throttled.record(None)
    assert throttled.rate == 1000


def test_rate_is_zero_while_aws_asked_for_a_pause(queues: Queues) -> None:
    """After Retry-After, the rate is 0, also if AWS did not throttle, and no call is sent."""
    pace = queues.open()
    pace.record(UNAVAILABLE)
    assert pace.rate == 0
    waiting = send(pace, Script(1))
    queues.stop.set()
    assert isinstance(waiting.get(timeout=WAIT), StopRequested)


def test_bucket_outlives_a_run(queues: Queues) -> None:
    """A second run of an account and Region continues with its bucket, so runs in a row stay within the limit."""
    first = queues.open(rate=0.01, burst=1)
    assert send(first, Script(1)).get(timeout=WAIT) == 1
    second = queues.open(rate=0.01, burst=1)
    waiting = send(second, Script(2))
    queues.stop.set()
    assert isinstance(waiting.get(timeout=WAIT), StopRequested)


def test_slow_account_does_not_delay_another() -> None:
    """With one thread, an account whose calls wait for its bucket leaves the thread to another account."""
    queues = Queues(max_workers=1)
    slow, fast = queues.open("slow", 0.01, 1), queues.open("fast")
    send(slow, Script(1)).get(timeout=WAIT)
    waiting = send(slow, Script(2))
    assert [send(fast, Script(number)).get(timeout=WAIT) for number in range(50)] == list(range(50))
    assert waiting.empty()
    queues.stop.set()
    assert isinstance(waiting.get(timeout=WAIT), StopRequested)


def test_waiting_calls_need_no_thread(queues: Queues) -> None:
    """A thousand accounts with waiting calls need only the threads of the calls under way, and one that keeps time."""
    threads_of_other_queues = set(threading.enumerate())  # they end some seconds after their last call
    paces = [queues.open(f"{number}", 0.001, 1) for number in range(1000)]
    first_answers = [send(pace, Script(1)) for pace in paces]
    for each in first_answers:
        each.get(timeout=WAIT)
    waiting = [send(pace, Script(2)) for pace in paces]
    threads = [each for each in set(threading.enumerate()) - threads_of_other_queues if each.name == "calls"]
    assert len(threads) <= 64
    queues.stop.set()
    assert all(isinstance(each.get(timeout=WAIT), StopRequested) for each in waiting)


def test_at_most_the_given_number_of_calls_is_under_way() -> None:
    """However many calls are ready, only as many as there are threads are under way."""
    queues = Queues(max_workers=3)
    lock, active, most = threading.Lock(), [0], [0]
    release = threading.Event()

    def call() -> None:
        with lock:
            active[0] += 1
            most[0] = max(most[0], active[0])
        release.wait(WAIT)
        with lock:
            active[0] -= 1

    answers = [send(queues.open(f"{number}"), call) for number in range(20)]
    release.set()
    for each in answers:
        each.get(timeout=WAIT)
    assert 1 <= most[0] <= 3
    queues.stop.set()


def test_turn_is_given_when_the_bucket_allows_a_call(queues: Queues) -> None:
    """`wait` returns at once while the bucket has tokens. After a stop, it raises StopRequested."""
    pace = queues.open(rate=0.01, burst=1)
    pace.wait()
    threading.Timer(0.05, queues.stop.set).start()
    with pytest.raises(StopRequested):
        pace.wait()


def test_each_attempt_reports_its_wait(queues: Queues) -> None:
    """The time that each attempt waited is reported once."""
    send(queues.open(), Script(TRANSIENT, 1)).get(timeout=WAIT)
    queues.open().wait()
    assert len(queues.waits) == 3
    assert all(wait >= 0 for wait in queues.waits)


def test_call_that_comes_while_the_last_thread_gives_up_waiting_is_sent(
    queues: Queues, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call that is queued at the moment at which the only idle thread times out is not left in the queue."""
    is_idle = threading.Event()
    wait = threading.Condition.wait

    def time_out(condition: threading.Condition, timeout: float | None = None) -> bool:
        if threading.current_thread().name != "calls":
            return wait(condition, timeout)
        is_idle.set()  # the sender waits for the lock, which is released below
        wait(condition, timeout)
        return False

    monkeypatch.setattr(threading.Condition, "wait", time_out)
    pace = queues.open()
    assert send(pace, Script(1)).get(timeout=WAIT) == 1
    assert is_idle.wait(WAIT)
    assert send(pace, Script(2)).get(timeout=WAIT) == 2


def test_thread_that_cannot_be_started_does_not_lose_a_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """If the system permits no further thread, the existing ones make the calls. Without any, the sender is told."""
    queues = Queues()
    pace = queues.open()
    started = threading.Event()
    first = send(pace, lambda: started.wait(WAIT))
    start = threading.Thread.start

    def refuse(thread: threading.Thread) -> None:
        if thread.name == "calls":
            raise RuntimeError("can't start new thread")
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", refuse)
    second = send(pace, Script(2))
    started.set()
    assert (first.get(timeout=WAIT), second.get(timeout=WAIT)) == (True, 2)
    with pytest.raises(RuntimeError, match="new thread"):
        send(Queues().open(), Script(1))
    queues.stop.set()
