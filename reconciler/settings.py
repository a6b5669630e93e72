"""Settings from the environment, read once. Options of the command line are not among them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache

_FALSE_VALUES = frozenset(("", "0", "false", "no"))
_CI_SERVICES = ("TF_BUILD", "JENKINS_URL", "TEAMCITY_VERSION", "CODEBUILD_BUILD_ID", "BITBUCKET_BUILD_NUMBER")
"""Azure Pipelines, Jenkins, TeamCity, CodeBuild, Bitbucket."""
_FOREIGN_PREFIXES = ("PROMETHEUS_", "APPRISE_", "OAUTHLIB_", "MOTO_", "WERKZEUG_", "FLASK_")
"""What variables of libraries begin with that are meant for other programs: one has metrics written to a folder."""
_FOREIGN_VARIABLES = frozenset(
    (
        "BOTOCORE_EXPERIMENTAL__PLUGINS",  # has botocore import any module
        "BOTO_EXPERIMENTAL__ADD_PROXY_HOST_HEADER",
        "FORWARDED_ALLOW_IPS",  # of a server of uvicorn
        "INITIAL_NO_AUTH_ACTION_COUNT",  # of tests with moto, as those that begin with TEST_
        "SSLKEYLOGFILE",  # has the keys of all connections written to a file, and calls fail where that cannot be
        "TEST_PROXY_MODE",
        "TEST_SERVER_MODE",
        "WEB_CONCURRENCY",  # of a server of uvicorn
    )
)


@dataclass(frozen=True, slots=True)
class Settings:
    """What the environment says. Options of the command line have RECONCILER_* variables of their own."""

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
        """Return the settings in a set of environment variables (NO_COLOR: no-color.org)."""
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
    """Tell whether this is a job: most services set CI, and these do not."""
    value = environment.get("CI", "").strip().lower()
    return value not in _FALSE_VALUES or any(environment.get(name) for name in _CI_SERVICES)


@cache
def read() -> Settings:
    """Return the settings of this process, read on the first call."""
    return Settings.of(os.environ)  # noqa: TID251 - this is the place


def read_environment() -> Mapping[str, str]:
    """Return all of it, for programs that are started."""
    return os.environ  # noqa: TID251 - this is the place


def remove_foreign_variables() -> None:
    """Take from the environment of this process what its libraries would heed and is not meant for it.

    It has to be called before they are imported, since some read it then. What AWS, proxies, certificates, terminals,
    locales and Python itself are told that way stays.
    """
    for name in tuple(os.environ):  # noqa: TID251 - this is the place
        if name in _FOREIGN_VARIABLES or name.upper().startswith(_FOREIGN_PREFIXES):
            del os.environ[name]  # noqa: TID251 - this is the place
