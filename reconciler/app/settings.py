"""Settings from environment variables, apart from those of command-line options."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

_FALSE_VALUES = frozenset(("", "0", "false", "no"))
_CI_SERVICES = ("TF_BUILD", "JENKINS_URL", "TEAMCITY_VERSION", "CODEBUILD_BUILD_ID", "BITBUCKET_BUILD_NUMBER")
"""Variables of CI services that do not set CI: Azure Pipelines, Jenkins, TeamCity, CodeBuild and Bitbucket."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings from environment variables, without the RECONCILER_* variables of command-line options.

    `environment` holds every variable, for child processes and for checks of the variables themselves. `is_own_hook` is
    true in the hooks of this project. `is_git_hook` is also true where git sets GIT_DIR: in other hooks, and in aliases
    that a person runs.
    """

    environment: Mapping[str, str] = field(repr=False, compare=False)
    is_ci: bool
    is_container: bool
    is_own_hook: bool
    is_git_hook: bool
    is_color_disabled: bool
    is_dumb_terminal: bool
    is_debug: bool
    step_summary: str | None
    aws_region: str | None
    webhook_secret: str | None = field(repr=False)
    webhook_secret_file: str | None
    notify_urls: str | None = field(repr=False)
    notify_urls_file: str | None

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Settings:
        """Return the settings in the given environment variables (NO_COLOR: no-color.org)."""
        return cls(
            environment=environment,
            is_ci=_is_ci(environment),
            is_container=environment.get("RECONCILER_CONTAINER", "").strip().lower() not in _FALSE_VALUES,
            is_own_hook=bool(environment.get("RECONCILER_GIT_HOOK")),
            is_git_hook=bool(environment.get("GIT_DIR") or environment.get("RECONCILER_GIT_HOOK")),
            is_color_disabled=bool(environment.get("NO_COLOR")),
            is_dumb_terminal=environment.get("TERM", "") in {"", "dumb"},
            is_debug=environment.get("RECONCILER_DEBUG", "") not in {"", "0"},
            step_summary=environment.get("GITHUB_STEP_SUMMARY") or None,
            aws_region=environment.get("AWS_REGION") or None,
            webhook_secret=environment.get("RECONCILER_WEBHOOK_SECRET") or None,
            webhook_secret_file=environment.get("RECONCILER_WEBHOOK_SECRET_FILE") or None,
            notify_urls=environment.get("RECONCILER_NOTIFY_URLS") or None,
            notify_urls_file=environment.get("RECONCILER_NOTIFY_URLS_FILE") or None,
        )

    def is_single_run(self, *, is_terminal: bool) -> bool:
        """Tell whether nothing starts a later run, because a person or a push started this one."""
        return (is_terminal or self.is_git_hook) and not self.is_ci and not self.is_container

    @property
    def can_show_colors(self) -> bool:
        """True unless NO_COLOR is set or the terminal cannot show colours."""
        return not self.is_color_disabled and not self.is_dumb_terminal


def _is_ci(environment: Mapping[str, str]) -> bool:
    """Tell whether the process runs in a CI job. Most CI services set CI; the others set a variable of their own."""
    value = environment.get("CI", "").strip().lower()
    return value not in _FALSE_VALUES or any(environment.get(name) for name in _CI_SERVICES)
