"""Settings: secrets from the environment are never shown."""

from __future__ import annotations

import pytest

from reconciler.app.settings import Settings


def test_settings_show_no_secret() -> None:
    """Settings show no secret in a traceback or a failed assertion."""
    environment = {"RECONCILER_WEBHOOK_SECRET": "hunter2", "RECONCILER_NOTIFY_URLS": "json://hunter2@host.invalid"}
    settings = Settings.from_environment(environment)
    assert settings.webhook_secret == "hunter2"
    assert "hunter2" not in repr(settings)


@pytest.mark.parametrize(
    ("environment", "is_terminal", "is_single"),
    [
        ({}, True, True),
        ({}, False, False),
        ({"GIT_DIR": "."}, False, True),
        ({"RECONCILER_GIT_HOOK": "post-receive"}, False, True),
        ({"CI": "true"}, True, False),
        ({"CI": "true", "GIT_DIR": "."}, False, False),
        ({"RECONCILER_CONTAINER": "1"}, True, False),
    ],
)
def test_run_of_a_person_or_a_push_is_single(
    environment: dict[str, str], *, is_terminal: bool, is_single: bool
) -> None:
    """Nothing starts a later run on a terminal or in a git hook. A CI job and a container may have a schedule."""
    assert Settings.from_environment(environment).is_single_run(is_terminal=is_terminal) is is_single
