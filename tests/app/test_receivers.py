"""Receivers of notifications come from a setting or a file, and each scope has its own notification state."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from reconciler.app.config import RunConfig
from reconciler.app.notifications import compute_scope
from reconciler.app.receivers import ReceiverList
from reconciler.app.settings import Settings


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
def test_changed_receiver_file_takes_effect_without_a_restart(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A changed file of receivers applies at once, and an invalid or missing file leaves the previous receivers."""
    file = tmp_path / "urls"
    file.write_text("json://hunter2")
    receivers = ReceiverList(Settings.from_environment({"RECONCILER_NOTIFY_URLS_FILE": str(file)}))
    first_receivers = receivers()
    assert receivers() is first_receivers
    file.write_text("json://hunter2 slack://hunter2")
    assert receivers() is first_receivers
    file.unlink()
    assert receivers() is first_receivers
    file.write_text("xml://hunter2\njson://hunter3")
    assert [each.name for each in receivers()] == ["xml 1", "json 1"]
    output = capsys.readouterr()
    assert "hunter" not in output.out + output.err
    assert "URL 2 (slack://…)" in output.out + output.err


@pytest.mark.filterwarnings("ignore:'imghdr' is deprecated:DeprecationWarning")
@pytest.mark.parametrize("content", ["\ufeffjson://host", "\ufeff\r\njson://host\r\n", " json://host\n"])
def test_byte_order_mark_before_urls_is_ignored(tmp_path: Path, content: str) -> None:
    """A byte order mark and line ends around the URLs are ignored."""
    file = tmp_path / "urls"
    file.write_text(content, encoding="utf-8")
    for variables in ({"RECONCILER_NOTIFY_URLS_FILE": str(file)}, {"RECONCILER_NOTIFY_URLS": content}):
        assert [each.name for each in ReceiverList(Settings.from_environment(variables))()] == ["json 1"]


def test_each_source_and_target_set_has_its_own_notification_state() -> None:
    """Controllers with different manifests or targets do not share their notification state."""
    choices = RunConfig(Settings.from_environment({}), (), None, None, None, sandbox=False, state=None)
    scopes = {
        compute_scope(choices, ("manifests/",)),
        compute_scope(choices, ("others/",)),
        compute_scope(replace(choices, targets=("a", "b")), ("manifests/",)),
    }
    assert len(scopes) == 3
    assert compute_scope(replace(choices, targets=("b", "a")), ("manifests/",)) in scopes
