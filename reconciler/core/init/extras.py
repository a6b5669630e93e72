"""Files around a first export that are written on request: a CI job, a pre-commit entry, a Kubernetes overlay."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from reconciler.core.init.texts import EXAMPLE_REGION, UNKNOWN_ACCOUNT

_TEMPLATE_ACCOUNT = "123456789012"
"""The account in the templates. Their Region is the example Region."""
_CONTROLLER_FILES = (
    "overlay/kustomization.yaml",
    "common/kustomization.yaml",
    "common/networkpolicy.yaml",
    "common/serviceaccount.yaml",
    "common/settings.yaml",
    "controller/deployment.yaml",
    "controller/kustomization.yaml",
    "controller/networkpolicy.yaml",
    "controller/service.yaml",
)
_PRE_COMMIT_HEADER = """\
# Validates the staged manifests before each commit. `pre-commit install` turns it on in a clone.
# The hook runs the `reconcile` on PATH.
repos:
  - repo: local
    hooks:
"""


class Extra(StrEnum):
    """Files that are written only on request."""

    GITHUB = "github"
    GITLAB = "gitlab"
    PRE_COMMIT = "pre-commit"
    KUBERNETES = "kubernetes"

    @property
    def option(self) -> str:
        """The option of the command line that asks for these files."""
        return f"--ci {self.value}" if self in {Extra.GITHUB, Extra.GITLAB} else f"--{self.value}"

    @property
    def needs_repository_root(self) -> bool:
        """True if the files have an effect only in the top folder of a repository."""
        return self is not Extra.KUBERNETES

    @property
    def templates(self) -> Mapping[str, str]:
        """The path of the template of each file, by the path of the file. The file to edit is the first one."""
        return _TEMPLATES[self]

    @property
    def remaining_step(self) -> str:
        """The step that remains for a person, about the first file."""
        if self is Extra.PRE_COMMIT:
            return "run `pre-commit install` in each clone"
        return "its first lines say what to set"


_TEMPLATES: Mapping[Extra, Mapping[str, str]] = {
    Extra.GITHUB: {".github/workflows/reconcile.yml": "deploy/github/workflow.yml"},
    Extra.GITLAB: {".gitlab-ci.yml": "deploy/gitlab/reconciler.gitlab-ci.yml"},
    Extra.PRE_COMMIT: {".pre-commit-config.yaml": ".pre-commit-hooks.yaml"},
    Extra.KUBERNETES: {f"kubernetes/{name}": f"deploy/kubernetes/{name}" for name in _CONTROLLER_FILES},
}


def build_extra_text(extra: Extra, template: str, account: str | None, region: str | None) -> str:
    """Return the text of a file: its template, with the account and the Region of the first export."""
    if extra is Extra.PRE_COMMIT:
        return _PRE_COMMIT_HEADER + _build_local_hook(template)
    text = template.replace(_TEMPLATE_ACCOUNT, account or UNKNOWN_ACCOUNT)
    return text.replace(EXAMPLE_REGION, region or EXAMPLE_REGION)


def _build_local_hook(hooks: str) -> str:
    """Return the published hooks, without their comments at the start, as hooks that use the installed program."""
    lines = hooks[hooks.index("- id:") :].replace("language: python", "language: system").splitlines()
    return "".join(f"{'':6}{line}\n" for line in lines)
