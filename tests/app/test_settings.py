"""Settings: secrets from the environment are never shown."""

from __future__ import annotations

from reconciler.app.settings import Settings


def test_settings_show_no_secret() -> None:
    """Settings show no secret in a traceback or a failed assertion."""
    environment = {"RECONCILER_WEBHOOK_SECRET": "hunter2", "RECONCILER_NOTIFY_URLS": "json://hunter2@host.invalid"}
    settings = Settings.from_environment(environment)
    assert settings.webhook_secret == "hunter2"
    assert "hunter2" not in repr(settings)
