"""Run the real helm, offline. Tests that need it are skipped if it is missing."""

from __future__ import annotations

import platform
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.paths import DEPLOY, REPOSITORY

CHART = DEPLOY / "helm"
EXAMPLE = CHART / "example.yaml"
_UNPACKED = REPOSITORY / "build" / "helm" / "helm"


def run_helm(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Run helm. Skip the test if helm is neither installed nor unpacked for this machine."""
    helm: str | Path | None = shutil.which("helm")
    if not helm and _UNPACKED.exists() and (platform.system(), platform.machine()) == ("Linux", "x86_64"):
        helm = _UNPACKED
    if not helm:
        pytest.skip("helm is not installed (`make build/helm/helm` unpacks it)")
    return subprocess.run([helm, *arguments], check=False, capture_output=True, text=True)


def render_chart(name: str, *options: str | Path, values: Path = EXAMPLE) -> list[dict[str, Any]]:
    """Return the documents of a release with the example values or other ones, as Helm renders them."""
    result = run_helm("template", name, CHART, "--namespace", "exports", "--values", values, *options)
    assert result.returncode == 0, result.stderr
    return [document for document in yaml.safe_load_all(result.stdout) if document]
