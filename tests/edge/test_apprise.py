"""Messages reach real receivers through apprise, and the URLs of the receivers stay secret."""

from __future__ import annotations

import logging
import sys
import threading

import pytest
from apprise import AppriseConfig
from support.receivers import ChatServer, MailServer

from reconciler.core.notifications.kinds import Kind
from reconciler.edge.apprise import AppriseMissing, AppriseReceiver, InvalidReceiver, parse_receivers

pytestmark = pytest.mark.filterwarnings(
    "ignore:'imghdr' is deprecated:DeprecationWarning"
)  # apprise tries to import it


def test_a_chat_gets_the_message() -> None:
    """A chat receives title, text and severity over HTTP, and the receiver's name contains no secret of the URL."""
    with ChatServer().serve() as chat:
        (receiver,) = parse_receivers(chat.url)
        assert receiver.send("1 drifted", "drifted: AWS left\n- export Tür 7", "warning")
    assert receiver.name == "json 1"
    message = chat.wait_for_message()
    assert (message["title"], message["message"], message["type"]) == (
        "1 drifted",
        "drifted: AWS left\n- export Tür 7",
        "warning",
    )


def test_a_mail_server_gets_the_message() -> None:
    """A mail goes over SMTP to the recipient in the URL, as plain text in which HTML markup is not interpreted."""
    with MailServer().serve() as server:
        (receiver,) = parse_receivers(server.url)
        assert receiver.send("1 drifted", "- export: <b>bold</b>\n- other", "warning")
        mail = server.wait_for_mail()
    assert "team@example.com" in mail["To"]
    assert mail["Subject"] == "1 drifted"
    assert mail.get_content_type() == "text/plain"
    assert mail.get_content().splitlines() == ["- export: <b>bold</b>", "- other"]


def build_mattermost_url(chat: ChatServer, overflow: str = "") -> str:
    """Return the URL of a chat that accepts at most 4,000 characters in a message (Mattermost)."""
    return f"mmost://127.0.0.1:{chat.port}/s3crets3crets3crets3cret00{overflow}"


def test_message_longer_than_the_service_limit_is_split() -> None:
    """A long message arrives completely, in parts that do not exceed the limit of the service."""
    lines = [f"- export {number}: {'x' * 400}" for number in range(20)]
    with ChatServer().serve() as chat:
        (receiver,) = parse_receivers(build_mattermost_url(chat))
        assert receiver.send("20 drifted", "\n".join(lines), "warning")
        parts = [chat.messages.get_nowait()["text"] for _ in range(chat.messages.qsize())]
    assert len(parts) > 1
    assert max(map(len, parts)) <= 4000
    assert "20 drifted" in parts[0]
    assert [line for part in parts for line in part.splitlines() if line.startswith("- ")] == lines


def test_url_may_request_truncation_of_long_messages() -> None:
    """A URL may ask for one truncated message, for example for a pager that would call a person for each part."""
    with ChatServer().serve() as chat:
        (receiver,) = parse_receivers(build_mattermost_url(chat, "?overflow=truncate"))
        assert receiver.send("20 drifted", "x" * 9000, "warning")
        assert len(chat.wait_for_message()["text"]) <= 4000
        assert chat.messages.empty()


def test_error_or_silence_of_the_receiver_is_no_delivery() -> None:
    """If the receiver answers with an error or not at all, `send` returns False and raises nothing."""
    with ChatServer().serve() as chat:
        chat.is_down = True
        (receiver,) = parse_receivers(chat.url)
        assert not receiver.send("title", "text", "info")
    assert not receiver.send("title", "text", "info")


def test_receivers_of_one_kind_are_numbered() -> None:
    """URLs are separated by blanks or line ends, and receivers of the same kind get numbers."""
    receivers = parse_receivers("json://a json://b\nxml://c\n\tjson://d\n")
    assert [each.name for each in receivers] == ["json 1", "json 2", "xml 1", "json 3"]
    assert parse_receivers(" \n ") == ()


def test_tags_choose_the_kinds_of_a_receiver() -> None:
    """Tags before a URL name its kinds, as in a file of apprise. Without tags, a receiver gets every kind."""
    receivers = parse_receivers("writes,Completions=json://a problems=json://b?x=y json://c?x=y")
    assert [each.kinds for each in receivers] == [
        {Kind.WRITES, Kind.COMPLETIONS},
        {Kind.PROBLEMS},
        frozenset(Kind),
    ]
    assert [each.name for each in receivers] == ["json 1", "json 2", "json 3"]


def test_file_with_tags_is_a_valid_file_of_apprise() -> None:
    """The same lines are a text configuration of apprise, with which `apprise --tag all` sends to each receiver."""
    lines = "writes,completions=json://a\nproblems=json://b\njson://c\n"
    config = AppriseConfig()
    config.add_config(lines, format="text")
    assert [set(each.tags) for each in config.services()] == [{"writes", "completions"}, {"problems"}, set()]
    assert len(parse_receivers(lines)) == 3


@pytest.mark.parametrize(
    "url",
    [
        "https://hooks.slack.com/services/T12345678/B12345678/abcdefghijklmnopqrstuvwx",
        "slack://T12345678/B12345678/abcdefghijklmnopqrstuvwx",
        "workflows://prod-1.westeurope.logic.azure.com/643e69f83c8944/KbOHCyLVqPRQ4CVX",
        "https://prod-1.westeurope.logic.azure.com:443/workflows/643e69/triggers/manual/paths/invoke?sig=KbOHCyLVqPRQ4CVX",
        "mailtos://user:hunter2@smtp.example.com?from=reconcile@example.com&to=team@example.com",
        "sns://AKIAIOSFODNN7EXAMPLE/wJalrXUtnFEMI%2FK7MDENGEXAMPLEKEY/us-east-1/exports",
        "jsons://example.com/path",
    ],
)
def test_documented_urls_are_accepted(url: str) -> None:
    """Each kind of URL in docs/how-to/alerts-in-slack.md gives a receiver."""
    assert len(parse_receivers(url)) == 1


@pytest.mark.parametrize(
    ("urls", "expected"),
    [
        ("json://a slack://hunter2", "URL 2 (slack://…)"),
        ("hunter2", "URL 1 (without a scheme)"),
        ("nonsense://hunter2", "URL 1 (nonsense://…)"),
        ("json://a,json://hunter2", "URL 1 (json://…)"),
        ("json://a hunter2=json://b", "URL 2 (json://…) has an unknown kind before its equals sign: write some of"),
        ("writes,hunter2=json://b", "some of problems, unmanaged, writes, completions, summary, separated by commas"),
        ("writes,hunter2=json://b", "separated by commas without blanks"),
        (
            "problems, writes=json://hunter2",
            "URL 1 (without a scheme) is a kind, or several: write commas without blanks",
        ),
        ("problems ,writes=json://hunter2", "URL 1 (without a scheme) is a kind, or several"),
        ("writes =json://hunter2", "URL 1 (without a scheme) is a kind, or several"),
        ("writes= json://hunter2", "without blanks before the URL, such as problems,unmanaged=jsons://HOST/PATH"),
        ("=json://hunter2", "URL 1 (json://…) has an unknown kind"),
        ("writes=hunter2", "URL 1 (without a scheme) is not a valid URL"),
    ],
)
def test_invalid_url_is_reported_by_number_and_scheme(urls: str, expected: str) -> None:
    """The error shows only the number and the scheme of a URL, because the rest may be a mistyped secret."""
    with pytest.raises(InvalidReceiver) as error:
        parse_receivers(urls)
    assert expected in str(error.value)
    assert "hunter2" not in str(error.value)


@pytest.mark.parametrize(
    "url",
    [
        "mailtos://user:hunter2@smtp.example.com?from=reconcile@example.com&to=a@example.com,b@example.com",
        "slack://T12345678/B12345678/hunter2hunter2hunter2hun/#a/#b",
        "sns://AKIAIOSFODNN7EXAMPLE/hunter2hunter2hunter2hunter2hunter2hunte/us-east-1/one/other",
    ],
)
def test_url_with_several_recipients_is_rejected(url: str) -> None:
    """A URL has one recipient: if one of several failed, each retry would send the message to the others again."""
    with pytest.raises(
        InvalidReceiver, match="has several recipients: write a separate URL for each recipient"
    ) as error:
        parse_receivers(f"json://a {url}")
    assert "hunter2" not in str(error.value)


def test_urls_are_not_logged(caplog: pytest.LogCaptureFixture) -> None:
    """No log level shows the URL of a receiver, even after a failed delivery."""
    caplog.set_level(logging.DEBUG)
    with ChatServer().serve() as chat:
        chat.is_down = True
        (receiver,) = parse_receivers(chat.url)
        assert not receiver.send("title", "text", "info")
    with pytest.raises(InvalidReceiver):
        parse_receivers("slack://hunter2")
    assert "hunter2" not in caplog.text
    assert "s3cret" not in "".join(record.getMessage() for record in caplog.records if record.levelno > logging.DEBUG)
    assert "hunter2" not in repr(receiver)


def test_missing_apprise_is_its_own_error(monkeypatch: pytest.MonkeyPatch) -> None:
    """A missing apprise has its own error, which lets the command name the extra to install."""
    monkeypatch.setitem(sys.modules, "apprise", None)
    with pytest.raises(AppriseMissing):
        parse_receivers("json://a")


class SlowService:
    """A service whose answer waits until the test allows it."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.is_answered = threading.Event()

    def notify(self, body: str, **_: object) -> bool:
        """Record a message, and wait for the answer."""
        self.messages.append(body)
        return self.is_answered.wait(60)


def test_slow_delivery_times_out() -> None:
    """A timeout counts as a failure, and no further message is sent until the slow delivery has ended."""
    service = SlowService()
    receiver = AppriseReceiver("json 1", service, timeout_seconds=0.1)
    assert not receiver.send("title", "first", "info")
    assert not receiver.send("title", "second", "info")
    assert service.messages == ["first"]
    service.is_answered.set()
    while not receiver.send("title", "third", "info"):
        pass
    assert service.messages == ["first", "third"]


class BrokenService:
    """A plugin with a defect: its errors contain the URL."""

    def __init__(self, **_: object) -> None:
        pass

    def add(self, url: str) -> bool:
        """Raise an error that contains the URL."""
        raise RuntimeError(url)

    def notify(self, *_: object, **__: object) -> bool:
        """Raise an error that contains a secret."""
        raise RuntimeError("hunter2")


def test_plugin_error_is_a_failed_delivery_without_its_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of a plugin is a failed delivery, and its text is not shown because it may contain the URL."""
    assert not AppriseReceiver("json 1", BrokenService()).send("title", "text", "info")
    monkeypatch.setattr("apprise.Apprise", BrokenService)
    with pytest.raises(InvalidReceiver) as error:
        parse_receivers("json://hunter2")
    assert "hunter2" not in str(error.value)
    assert error.value.__context__ is None
