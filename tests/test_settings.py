"""What the environment says is read once, and its secrets are shown nowhere."""

from __future__ import annotations

from reconciler.settings import Settings


def test_settings_show_no_secret() -> None:
    """Also in a traceback that shows values, or an assertion that failed."""
    given = {"RECONCILER_WEBHOOK_SECRET": "hunter2", "RECONCILER_NOTIFY_URLS": "json://hunter2@host.invalid"}
    settings = Settings.of(given)
    assert settings.webhook_secret == "hunter2"
    assert "hunter2" not in repr(settings)
