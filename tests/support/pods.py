"""Pods of Kubernetes: what each must satisfy, whether kustomize or Helm writes it."""

from __future__ import annotations

from typing import Any

import click
import pytest
from click.core import ParameterSource
from support.kustomize import collect_variables, find_pod_template

from reconciler.app.settings import Settings
from reconciler.cli.group import app
from reconciler.core.shards import INDEX_VARIABLES


def check_restricted_profile(template: dict[str, Any]) -> None:
    """Assert that a pod satisfies the restricted profile (kubernetes.io, "Pod Security Standards") and more rules."""
    spec = template["spec"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] == 10001
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not {"hostNetwork", "hostPID", "hostIPC", "initContainers", "ephemeralContainers"} & spec.keys()
    volume_types = {"configMap", "emptyDir", "secret"}
    assert all(volume.keys() - {"name"} <= volume_types for volume in spec["volumes"])
    assert spec["automountServiceAccountToken"] is False
    assert spec["enableServiceLinks"] is False, "service links set variables that the program could read as options"
    for container in spec["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert all("hostPort" not in port for port in container.get("ports", ()))
        assert container["resources"].keys() == {"requests", "limits"}
        assert {"name": "tmp", "mountPath": "/tmp"} in container["volumeMounts"]  # noqa: S108 - private to the pod, for git


def parse_arguments(documents: list[dict[str, Any]]) -> click.Context:
    """Parse the arguments and variables of a container like the program."""
    (container,) = find_pod_template(documents)["spec"]["containers"]
    name, *arguments = container["args"]
    command = app.get_command(click.Context(app), name)
    assert command
    with pytest.MonkeyPatch.context() as patch:
        for variable, value in collect_variables(documents).items():
            patch.setenv(variable, value)
        return command.make_context(name, list(arguments))


def check_settings(documents: list[dict[str, Any]]) -> None:
    """Assert that the program knows and accepts every variable of the container."""
    context, variables = parse_arguments(documents), collect_variables(documents)
    options = {str(parameter.envvar): parameter for parameter in context.command.params}
    names = {name for name in variables if name.startswith("RECONCILER_")}
    setting_names = {
        name
        for name in names - options.keys()
        if Settings.from_environment({name: "1"}) != Settings.from_environment({}) or name in INDEX_VARIABLES
    }
    assert names - options.keys() - setting_names == set()
    for name in names - setting_names:
        source = context.get_parameter_source(str(options[name].name))
        assert source is ParameterSource.ENVIRONMENT, name
    assert context.params["state"].startswith("s3://"), "only a journal in S3 outlives the pod"
