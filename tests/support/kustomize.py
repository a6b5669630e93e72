"""Read the folders for kustomize, as files and, if kustomize is installed, as kustomize builds them."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from support.paths import REPOSITORY

KUBERNETES = REPOSITORY / "deploy" / "kubernetes"
PODS = {
    "Deployment": ("spec", "template"),
    "StatefulSet": ("spec", "template"),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
}
FIELDS = {"metadata.labels['apps.kubernetes.io/pod-index']": "0"}
"""The fields of a pod that a variable may have, with their values in the first pod."""


def read_folder(folder: Path) -> Iterator[dict[str, Any]]:
    """Yield the documents of a kustomization from their files, without patches and replacements."""
    kustomization = yaml.safe_load((folder / "kustomization.yaml").read_text(encoding="utf-8"))
    for name in kustomization["resources"]:
        path = folder / name
        if path.is_dir():
            yield from read_folder(path)
        else:
            yield from yaml.safe_load_all(path.read_text(encoding="utf-8"))


def build_with_kustomize(folder: Path) -> str:
    """Return the output of kustomize for a folder. Skip the test if kustomize is missing."""
    kustomize, kubectl = shutil.which("kustomize"), shutil.which("kubectl")
    if not kustomize and not kubectl:
        pytest.skip("neither kustomize nor kubectl is installed")
    command = [kustomize, "build"] if kustomize else [str(kubectl), "kustomize"]
    process = subprocess.run([*command, folder], check=False, capture_output=True, text=True)
    assert process.returncode == 0, process.stderr
    return process.stdout


def run_kustomize(folder: Path) -> list[dict[str, Any]]:
    """Return the documents that kustomize builds from a folder. Skip the test if kustomize is missing."""
    return list(yaml.safe_load_all(build_with_kustomize(folder)))


def write_overlay(folder: Path, base: str, *components: str) -> Path:
    """Write a kustomization on top of a base and components, and return its folder."""
    relative = Path(os.path.relpath(KUBERNETES.resolve(), folder.resolve()))
    document = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [str(relative / base)],
        "components": [str(relative / each) for each in components],
    }
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
    return folder


def select_kind(documents: list[dict[str, Any]], kind: str) -> list[dict[str, Any]]:
    """Return the documents of a kind."""
    return [document for document in documents if document["kind"] == kind]


def find_workload(documents: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the single document that has a pod template."""
    (workload,) = (document for document in documents if document["kind"] in PODS)
    return workload


def find_pod_template(documents: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the single pod template, with its metadata."""
    workload = find_workload(documents)
    template: dict[str, Any] = workload
    for step in PODS[workload["kind"]]:
        template = template[step]
    return template


def collect_variables(documents: list[dict[str, Any]]) -> dict[str, str]:
    """Return the variables of the single container, from its ConfigMaps and its own list. Secrets are not included.

    In a pod of an Indexed Job, they include the one that Kubernetes adds.
    """
    (container,) = find_pod_template(documents)["spec"]["containers"]
    maps = {document["metadata"]["name"]: document["data"] for document in select_kind(documents, "ConfigMap")}
    variables: dict[str, str] = {}
    for source in container.get("envFrom", ()):
        if "configMapRef" in source:
            variables |= maps[source["configMapRef"]["name"]]
        else:
            assert source["secretRef"]["optional"] is True
    job = find_workload(documents)["spec"].get("jobTemplate", {}).get("spec", {})
    variables |= {"JOB_COMPLETION_INDEX": "0"} if job.get("completionMode") == "Indexed" else {}
    for each in container.get("env", ()):
        variables[each["name"]] = (
            each["value"] if "value" in each else FIELDS[each["valueFrom"]["fieldRef"]["fieldPath"]]
        )
    return variables
