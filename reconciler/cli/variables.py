"""Reject misspelled names of safety variables, which would otherwise be ignored silently."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from reconciler.core.suggestions import is_near

_PREFIX = "RECONCILER_"
_MAX_DISTANCE = 2
GUARD_VARIABLES = frozenset(
    _PREFIX + name
    for name in (
        "CONTAINER", "DETAILED_EXITCODE", "DRY_RUN", "ENDPOINT_URL", "EXPECT_PLAN", "FAIL_ON", "FILE",
        "GIT_KNOWN_HOSTS", "GIT_PATH", "GIT_REF", "GIT_URL", "GIT_VERIFY_KEY", "LOCK_TIMEOUT", "MAX_CREATES",
        "MAX_CREATES_TOTAL", "MODE", "NEW_STATE", "PROFILE", "REGION", "SANDBOX", "SANDBOX_SET", "SANDBOX_TIME",
        "SELECTOR", "SETTLE_TIME", "STATE", "STRICT", "TARGET", "WEBHOOK_SECRET", "WEBHOOK_SECRET_FILE",
    )
)  # fmt: skip
"""Safety variables. Without such a variable, a run may write more, write elsewhere, or lose its journal."""
OTHER_VARIABLES = frozenset(
    _PREFIX + name
    for name in (
        "DEBUG", "GIT_SSH_KEY", "GIT_TOKEN_FILE", "GIT_USERNAME", "INTERVAL", "LISTEN", "MANIFEST_URL",
        "MIN_EVENT_INTERVAL", "NOTIFY_URLS", "NOTIFY_URLS_FILE", "OUTPUT", "POLL_INTERVAL", "REVISION",
        "SHUTDOWN_TIMEOUT", "STUCK_AFTER", "SUMMARY_INTERVAL", "UNTIL", "YES",
        "APPLY_ROLE_ARN", "ID_TOKEN", "IMAGE", "PLAN_ROLE_ARN", "SOURCE",
    )
)  # fmt: skip
"""Other variables of the program and of its job templates. Kubernetes may set more, such as RECONCILER_PORT."""


def list_variable_problems(environment: Mapping[str, str]) -> Iterator[str]:
    """Yield an error for each misspelled safety variable, and for each empty endpoint that boto3 would ignore."""
    for name in sorted(environment):
        if suggestion := _suggest_guard(name):
            yield f"unknown variable {name}: write {suggestion}, or unset it"
        if name.startswith("AWS_ENDPOINT_URL") and not environment[name].strip():
            yield f"{name} is set but empty, so AWS itself would be called: give it a value, or unset it"


def _suggest_guard(name: str) -> str | None:
    """Return the safety variable that an unknown name resembles, or None."""
    if name in GUARD_VARIABLES | OTHER_VARIABLES or not is_near(name[: len(_PREFIX)].upper(), _PREFIX, _MAX_DISTANCE):
        return None
    plain = name.upper()
    bare = plain.replace("_", "")
    for guard in sorted(GUARD_VARIABLES):
        if is_near(plain, guard, _MAX_DISTANCE) or is_near(bare, guard.replace("_", ""), _MAX_DISTANCE):
            return guard
    return None
