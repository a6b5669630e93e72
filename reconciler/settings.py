"""Read settings from environment variables, once. Other modules read the options of the command line."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

_FALSE_VALUES = frozenset(("", "0", "false", "no"))
_CI_SERVICES = ("TF_BUILD", "JENKINS_URL", "TEAMCITY_VERSION", "CODEBUILD_BUILD_ID", "BITBUCKET_BUILD_NUMBER")
"""Variables of CI services that do not set CI: Azure Pipelines, Jenkins, TeamCity, CodeBuild and Bitbucket."""
_FOREIGN_PREFIXES = ("PROMETHEUS_", "APPRISE_", "OAUTHLIB_", "MOTO_", "WERKZEUG_", "FLASK_")
"""Prefixes of library variables that are meant for other programs. One of them makes metrics go to a folder."""
_FOREIGN_VARIABLES = frozenset(
    (
        "BOTOCORE_EXPERIMENTAL__PLUGINS",  # makes botocore import any module
        "BOTO_EXPERIMENTAL__ADD_PROXY_HOST_HEADER",
        "FORWARDED_ALLOW_IPS",  # configures a uvicorn server
        "INITIAL_NO_AUTH_ACTION_COUNT",  # used by tests with moto, like the TEST_ variables below
        "SSLKEYLOGFILE",  # writes the keys of all connections to a file; calls fail if the file is not writable
        "TEST_PROXY_MODE",
        "TEST_SERVER_MODE",
        "WEB_CONCURRENCY",  # configures a uvicorn server
    )
)


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings from environment variables, without the RECONCILER_* variables of command-line options."""

    is_ci: bool
    is_container: bool
    no_color: bool
    is_dumb_terminal: bool
    debug: bool
    step_summary: str | None
    aws_region: str | None
    webhook_secret: str | None = field(repr=False)
    webhook_secret_file: str | None
    notify_urls: str | None = field(repr=False)
    notify_urls_file: str | None

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Settings:
        """Return the settings in the given environment variables (NO_COLOR: no-color.org)."""
        return cls(
            is_ci=_is_ci(environment),
            is_container=environment.get("RECONCILER_CONTAINER", "").strip().lower() not in _FALSE_VALUES,
            no_color=bool(environment.get("NO_COLOR")),
            is_dumb_terminal=environment.get("TERM", "") in {"", "dumb"},
            debug=environment.get("RECONCILER_DEBUG", "") not in {"", "0"},
            step_summary=environment.get("GITHUB_STEP_SUMMARY") or None,
            aws_region=environment.get("AWS_REGION") or None,
            webhook_secret=environment.get("RECONCILER_WEBHOOK_SECRET") or None,
            webhook_secret_file=environment.get("RECONCILER_WEBHOOK_SECRET_FILE") or None,
            notify_urls=environment.get("RECONCILER_NOTIFY_URLS") or None,
            notify_urls_file=environment.get("RECONCILER_NOTIFY_URLS_FILE") or None,
        )


def _is_ci(environment: Mapping[str, str]) -> bool:
    """Tell whether the process runs in a CI job. Most CI services set CI; the others set a variable of their own."""
    value = environment.get("CI", "").strip().lower()
    return value not in _FALSE_VALUES or any(environment.get(name) for name in _CI_SERVICES)


@cache
def read() -> Settings:
    """Return the settings of this process, read on the first call."""
    return Settings.of(os.environ)  # noqa: TID251 - this is the place


def read_environment() -> Mapping[str, str]:
    """Return the environment of this process, for its child processes."""
    return os.environ  # noqa: TID251 - this is the place


def remove_foreign_variables() -> None:
    """Remove variables from this process that its libraries would obey, although they are meant for other programs.

    Call this function before importing the libraries, because some read their variables on import. Variables for AWS,
    proxies, certificates, terminals, locales and Python stay.
    """
    for name in tuple(os.environ):  # noqa: TID251 - this is the place
        if name in _FOREIGN_VARIABLES or name.upper().startswith(_FOREIGN_PREFIXES):
            del os.environ[name]  # noqa: TID251 - this is the place
