"""Read the environment of this process. No other module reads it: each is given the values that it needs."""

from __future__ import annotations

import os
from collections.abc import Mapping
from functools import cache

from reconciler.app.settings import Settings

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


@cache
def read_settings() -> Settings:
    """Return the settings of this process. The environment is read on the first call only."""
    return Settings.from_environment(read_environment())


def read_environment() -> Mapping[str, str]:
    """Return the environment of this process, for checks of variables and for child processes."""
    return os.environ  # noqa: TID251 - this is the place


def remove_foreign_variables() -> None:
    """Remove variables from this process that its libraries would obey, although they are meant for other programs.

    Call this function before importing the libraries, because some read their variables on import. Variables for AWS,
    proxies, certificates, terminals, locales and Python stay.
    """
    for name in tuple(os.environ):  # noqa: TID251 - this is the place
        if name in _FOREIGN_VARIABLES or name.upper().startswith(_FOREIGN_PREFIXES):
            del os.environ[name]  # noqa: TID251 - this is the place
