"""Tests for notification messages: the problem, its place, the advice, and no chat markup."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.builders import NOW
from support.paths import REPOSITORY

from reconciler.core.notifications.changes import Notification, Summary
from reconciler.core.notifications.finding import Finding
from reconciler.core.notifications.state import Condition
from reconciler.core.shards import Shard
from reconciler.render.notification import build_change_message, build_summary_message

TARGET_LABEL = "prod 123456789012 us-east-1"
RECOVERIES = {
    Condition.TARGET_FAILED: "no longer failed",
    Condition.UNLISTED: "every data integration was listed again",
    Condition.REFUSED: "no longer rejected",
    Condition.UNANSWERED: "the result of its call is known",
    Condition.EXPORT_FAILED: "no longer failed in its last export",
    Condition.WINDOW_OVERDUE: "no window is overdue any more",
}


def build_notification(
    condition: Condition, name: str = "export", message: str = "because", ended_condition: Condition | None = None
) -> Notification:
    """Return a notification about an association."""
    return Notification(Finding(TARGET_LABEL, condition, name, f"{name}.yaml:1", "arn:aws:x", message), ended_condition)


def test_message_title_counts_and_each_remedy_is_given_once() -> None:
    """A message counts its notifications in the title, gives each advice once, and lists the most severe first."""
    message = build_change_message(
        (
            build_notification(Condition.WELL, "c", ended_condition=Condition.LOST),
            build_notification(Condition.DRIFTED, "a"),
            build_notification(Condition.LOST, "d", ended_condition=Condition.DRIFTED),
            build_notification(Condition.DRIFTED, "b"),
        )
    )
    assert message.title == "reconcile: 1 lost, 2 drifted, 1 recovered"
    assert message.severity == "warning"
    lost, d, drifted, a, b, recovered, c = message.body.splitlines()
    assert lost.startswith("lost: List no longer shows")
    assert d == f"- d in {TARGET_LABEL}, d.yaml:1, arn:aws:x: because"
    assert drifted.startswith("drifted: ")
    assert (a[:3], b[:3], recovered) == ("- a", "- b", "recovered:")
    assert c == f"- c in {TARGET_LABEL}, c.yaml:1, arn:aws:x: no longer lost"


@pytest.mark.parametrize(
    ("conditions", "severity"),
    [
        ((Condition.DRIFTED, Condition.FAILED), "failure"),
        ((Condition.DRIFTED, Condition.WELL), "warning"),
        ((Condition.WELL,), "success"),
    ],
)
def test_message_has_the_severity_of_its_most_severe_change(conditions: tuple[Condition, ...], severity: str) -> None:
    """A message has the severity of its most severe notification, and a recovery alone is a success."""
    assert (
        build_change_message(
            tuple(build_notification(each, ended_condition=Condition.LOST) for each in conditions)
        ).severity
        == severity
    )


def test_target_and_source_problems_are_named() -> None:
    """A problem of a target or of the source is listed under the name of the target or as "the manifests"."""
    failure = Notification(Finding(TARGET_LABEL, Condition.TARGET_FAILED, message="denied"))
    recovery = Notification(Finding("", Condition.WELL), Condition.REFUSED)
    body = build_change_message((failure, recovery)).body.splitlines()
    assert body[1] == f"- {TARGET_LABEL}: denied"
    assert body[3] == "- the manifests: no longer rejected"


def test_completed_export_is_good_news_and_an_unconfirmed_one_a_warning() -> None:
    """Events are listed with their message: a completed export as a success, and an unconfirmed one as a warning."""
    completed = build_notification(Condition.EXPORT_COMPLETED, "a", "the export of September ended by noon")
    unconfirmed = build_notification(Condition.EXPORT_UNCONFIRMED, "b", "List still shows August")
    message = build_change_message((completed,))
    assert (message.title, message.severity) == ("reconcile: 1 export completed", "success")
    heading, line = message.body.splitlines()
    assert heading == "export completed:"
    assert line.endswith(": the export of September ended by noon")
    message = build_change_message((completed, unconfirmed))
    assert (message.title, message.severity) == ("reconcile: 1 export unconfirmed, 1 export completed", "warning")
    assert message.body.startswith("export unconfirmed: List does not confirm the export: ")
    assert "List still shows August" in message.body


@pytest.mark.parametrize("condition", [each for each in Condition if each.is_wrong])
def test_every_condition_has_a_remedy_and_a_recovery_text(condition: Condition) -> None:
    """Each condition has advice when it begins and a text when it ends."""
    assert build_change_message((build_notification(condition),)).body.startswith(f"{condition}: ")
    body = build_change_message((build_notification(Condition.WELL, ended_condition=condition),)).body
    assert body.endswith(f": {RECOVERIES.get(condition, f'no longer {condition}')}")


@pytest.mark.parametrize(
    ("count", "condition", "title"),
    [
        (1, Condition.EXPORT_COMPLETED, "1 export completed"),
        (2, Condition.EXPORT_COMPLETED, "2 exports completed"),
        (2, Condition.EXPORT_FAILED, "2 exports failed"),
        (2, Condition.TARGET_FAILED, "2 targets failed"),
        (2, Condition.WINDOW_OVERDUE, "2 windows overdue"),
        (2, Condition.UNANSWERED, "2 calls unanswered"),
        (2, Condition.UNLISTED, "2 not listed"),
    ],
)
def test_title_has_the_plural_of_what_it_counts(count: int, condition: Condition, title: str) -> None:
    """A label that begins with a noun has the plural of this noun after a larger number."""
    notifications = tuple(build_notification(condition, f"n{number}") for number in range(count))
    assert build_change_message(notifications).title == f"reconcile: {title}"


def test_call_without_an_answer_is_not_called_failed() -> None:
    """AWS may have carried out such a call, so the message does not say that a later run tries again."""
    message = build_change_message((build_notification(Condition.UNANSWERED),))
    assert (message.title, message.severity) == ("reconcile: 1 call unanswered", "failure")
    assert message.body.startswith("call unanswered: AWS may have carried it out: do not repeat it by hand; ")


def test_advice_about_drift_warns_of_a_second_export() -> None:
    """The message names the page with the steps, because an update of the association exports the data again."""
    body = build_change_message((build_notification(Condition.DRIFTED),)).body
    (page,) = re.findall(r"docs/\S+\.md", body)
    assert (REPOSITORY / page).exists()
    assert "an update exports the data again" in body


def test_long_notification_is_shortened_and_counted() -> None:
    """A message lists twenty notifications, counts the others, and shortens a long reason."""
    message = build_change_message(
        tuple(build_notification(Condition.LOST, f"n{number}", "x" * 5000) for number in range(123))
    )
    assert message.title == "reconcile: 123 lost"
    assert message.body.splitlines()[-1] == "and 103 more"
    assert len(message.body) < 20 * 510 + 200


@given(st.text())
def test_texts_cannot_inject_chat_markup(text: str) -> None:
    """A reason stays on one line and cannot contain mentions, links or markup."""
    hostile = f"{text}<!channel> @here [x](http://evil) ::error::\n\x1b[2J"
    body = build_change_message((build_notification(Condition.LOST, message=hostile),)).body
    assert len(body.splitlines()) == 2
    assert all(char.isprintable() for char in body.replace("\n", ""))
    assert not any(each in body for each in ("<", ">", "@", "](", "`"))


@pytest.mark.parametrize(
    "text",
    [
        "s3://corp-* is not among AllowedDestinations of target 'prod' (s3://corp-exports/*, s3://a_b/?/*/~x)",
        '/ExecutionConfiguration/OnDemandConfiguration/EndTime is {x} [y] #1 | 50% = $z ^ \\ "q" Tür → 7',
        "::1 refuses the connection",
        "##[ is no pattern",
    ],
)
def test_harmless_characters_are_not_escaped(text: str) -> None:
    """A pattern is shown as it is written in git, because emphasis and workflow commands do no harm in a chat."""
    body = build_change_message((build_notification(Condition.BLOCKED, message=text),)).body
    assert body.endswith(f": {text}")


def test_denied_user_is_not_named() -> None:
    """The name of a person in an ARN from AWS is removed, and the role is kept."""
    text = (
        "User: arn:aws:sts::123456789012:assumed-role/Admin/jane.doe@corp.com is not authorized; "
        "arn:aws:iam::123456789012:user/jane too"
    )
    body = build_change_message((build_notification(Condition.FAILED, message=text),)).body
    assert "jane" not in body
    assert "assumed-role/Admin/… is not authorized" in body


def test_summary_title_counts_problems() -> None:
    """A summary counts and lists open problems, overdue targets and waiting associations."""
    summary = Summary(NOW, (), 0, (), 3, 2)
    message = build_summary_message(summary)
    assert (message.title, message.severity) == ("reconcile: no problems", "info")
    assert message.body == "3 associations in 2 targets, as of 2026-11-01 12:00Z."
    overdue_targets = (("east", NOW - timedelta(days=2)), ("west", None))
    message = build_summary_message(Summary(NOW, (build_notification(Condition.DRIFTED),), 2, overdue_targets, 1, 3))
    assert (message.title, message.severity) == ("reconcile: 1 problem, 2 targets not reconciled, 2 waiting", "warning")
    assert "- east was last reconciled at 2026-10-30 12:00Z" in message.body
    assert "- west was last reconciled before the controller started, or never" in message.body
    assert "drifted: " in message.body
    assert build_summary_message(Summary(NOW, (), 2, (), 1, 1)).severity == "info"
    message = build_summary_message(replace(summary, is_source_unread=True, source_read_at=NOW - timedelta(days=2)))
    assert (message.title, message.severity) == ("reconcile: manifests out of date", "warning")
    assert "The manifests were last read at 2026-10-30 12:00Z. Newer revisions are not active." in message.body
    unread_message = build_summary_message(replace(summary, is_source_unread=True))
    assert "last read before the controller started, or never" in unread_message.body
    assert build_summary_message(Summary(NOW, (), 0, (), 0, 0)).title == "reconcile: no targets"


@pytest.mark.parametrize(
    ("summary", "title"),
    [
        (Summary(NOW, (), 0, (), 1, 1, unmanaged_count=1), "no problems, 1 unmanaged association"),
        (Summary(NOW, (), 3, (), 1, 1, unmanaged_count=2), "3 waiting, 2 unmanaged associations"),
    ],
)
def test_summary_counts_unmanaged_associations(summary: Summary, title: str) -> None:
    """The title counts them after everything else, and the text says what to do about them."""
    message = build_summary_message(summary)
    assert (message.title, message.severity) == (f"reconcile: {title}", "info")
    assert "Unmanaged associations have no manifest. To write manifests for them, " in message.body


@pytest.mark.parametrize("condition", [each for each in Condition if each.is_wrong])
def test_advice_says_where_the_reason_stands(condition: Condition) -> None:
    """Advice about the reason is in whole sentences after the label, and says that each line ends with the reason."""
    heading, line = build_change_message((build_notification(condition, message="because"),)).body.splitlines()
    assert "reason" not in heading or ("Each line ends with the reason" in heading and heading.count(":") == 1)
    assert line.endswith(": because")


def test_messages_of_a_shard_name_it() -> None:
    """The title of each message names the shard. A shard without targets reports no problem."""
    shard = Shard(1, 4)
    message = build_summary_message(Summary(NOW, (), 0, (), 0, 0, may_be_empty=True), shard)
    assert (message.title, message.severity) == ("reconcile shard 1/4: no problems", "info")
    assert build_summary_message(Summary(NOW, (), 2, (), 1, 1), shard).title == "reconcile shard 1/4: 2 waiting"
    changes = build_change_message((build_notification(Condition.DRIFTED),), shard)
    assert changes.title == "reconcile shard 1/4: 1 drifted"
