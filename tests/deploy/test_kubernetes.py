"""What is for Kubernetes is valid there, as safe as the restricted profile asks, and fits the program."""

from __future__ import annotations

import re
import subprocess
from copy import deepcopy
from datetime import timedelta
from pathlib import Path
from textwrap import dedent
from typing import Any

import click
import kubernetes_validate
import pytest
import yaml
from click.core import ParameterSource
from deploy.conftest import RECONCILE
from deploy.kustomize import KUBERNETES, built, environment, gathered, of_kind, overlay, pod

from reconciler import __version__
from reconciler.cli.group import app
from reconciler.core.controller.status import ControllerStatus
from reconciler.core.manifests.files import REQUIRED_MEMORY_BYTES
from reconciler.settings import Settings
from reconciler.web.app import Views, build_application
from reconciler.web.webhooks import Webhooks

VERSION = kubernetes_validate.latest_version()
BASES = ["controller", "cronjob"]
VARIANTS = [("controller",), ("cronjob",), ("folder",), ("controller", "git-ssh"), ("cronjob", "git-ssh")]


def documents(folder: str) -> list[dict[str, Any]]:
    """Return what stands in the files of one of our folders."""
    return list(gathered(KUBERNETES / folder))


@pytest.fixture
def variant(request: pytest.FixtureRequest, tmp_path: Path) -> list[dict[str, Any]]:
    """Return what kustomize makes of one of our folders, with components."""
    base, *components = request.param
    return built(overlay(tmp_path, base, *components))


variants = pytest.mark.parametrize("variant", VARIANTS, indirect=True, ids="+".join)


@pytest.mark.parametrize("base", BASES)
def test_every_document_is_valid(base: str) -> None:
    """By the schemas of Kubernetes, strictly: no member that it does not know."""
    for document in documents(base):
        kubernetes_validate.validate(document, VERSION, strict=True)


@variants
def test_every_document_is_valid_as_kustomize_builds_it(variant: list[dict[str, Any]]) -> None:
    """Patches, components and generators included."""
    for document in variant:
        kubernetes_validate.validate(document, VERSION, strict=True)


def test_validation_detects_an_unknown_member() -> None:
    """The two tests above find what is wrong."""
    wrong = deepcopy(pod(documents("controller")))
    wrong["spec"]["containers"][0]["readOnlyRootFileSystem"] = True
    with pytest.raises(kubernetes_validate.ValidationError, match="readOnlyRootFileSystem"):
        kubernetes_validate.validate({"apiVersion": "v1", "kind": "Pod", "spec": wrong["spec"]}, VERSION, strict=True)


def restricted(template: dict[str, Any]) -> None:
    """Hold a pod against the restricted profile (kubernetes.io, "Pod Security Standards"), and somewhat more."""
    spec = template["spec"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["runAsUser"] == 10001
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not {"hostNetwork", "hostPID", "hostIPC", "initContainers", "ephemeralContainers"} & spec.keys()
    allowed = {"configMap", "emptyDir", "secret"}
    assert all(volume.keys() - {"name"} <= allowed for volume in spec["volumes"])
    assert spec["automountServiceAccountToken"] is False
    assert spec["enableServiceLinks"] is False, "they are variables, and might be taken for options"
    for container in spec["containers"]:
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert all("hostPort" not in port for port in container.get("ports", ()))
        assert container["resources"].keys() == {"requests", "limits"}
        assert {"name": "tmp", "mountPath": "/tmp"} in container["volumeMounts"]  # noqa: S108 - git's, of the pod alone


@pytest.mark.parametrize("base", BASES)
def test_pods_satisfy_the_restricted_profile(base: str) -> None:
    """So they run in a namespace that enforces it."""
    restricted(pod(documents(base)))


@variants
def test_patched_pods_satisfy_the_restricted_profile(variant: list[dict[str, Any]]) -> None:
    """Also as kustomize builds them."""
    restricted(pod(variant))


@pytest.mark.parametrize("base", BASES)
def test_a_pod_has_memory_for_the_largest_revision(base: str) -> None:
    """What is read of one revision is bounded, and what that takes at most is known."""
    (container,) = pod(documents(base))["spec"]["containers"]
    most = container["resources"]["limits"]["memory"]
    assert int(most.removesuffix("Gi")) << 30 >= REQUIRED_MEMORY_BYTES


@pytest.mark.parametrize("base", BASES)
def test_selectors_find_their_pods(base: str) -> None:
    """Those of the Deployment, the Service and the network policies."""
    found = documents(base)
    labels = pod(found)["metadata"]["labels"].items()
    selectors = [each["spec"]["podSelector"]["matchLabels"] for each in of_kind(found, "NetworkPolicy")]
    selectors += [each["spec"]["selector"]["matchLabels"] for each in of_kind(found, "Deployment")]
    selectors += [each["spec"]["selector"] for each in of_kind(found, "Service")]
    assert len(selectors) == {"controller": 4, "cronjob": 1}[base]
    assert all(selector.items() <= labels for selector in selectors)


def test_probes_use_paths_and_ports_that_exist() -> None:
    """Probes, Service and network policy name a path that there is, at the port that is listened on."""
    found = documents("controller")
    (container,) = pod(found)["spec"]["containers"]
    (port,) = container["ports"]
    context = parsed(found)
    assert context.params["listen"].port == port["containerPort"]

    def nobody() -> ControllerStatus:
        raise AssertionError

    views = Views(nobody, lambda: ("", b""), timedelta(), lambda: True, lambda: False)
    hooks = Webhooks(lambda: None, None, lambda: None, lambda: None, lambda *_: None)
    paths = {getattr(route, "path", None) for route in build_application(views, hooks).routes}
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert container[probe]["httpGet"]["port"] == port["name"]
        assert container[probe]["httpGet"]["path"] in paths
    (service,) = of_kind(found, "Service")
    assert [each["targetPort"] for each in service["spec"]["ports"]] == [port["name"]]
    (ingress,) = (rule for each in of_kind(found, "NetworkPolicy") for rule in each["spec"].get("ingress", ()))
    assert [each["port"] for each in ingress["ports"]] == [port["name"]]


def parsed(found: list[dict[str, Any]]) -> click.Context:
    """Read the arguments and variables of a container as the program does."""
    (container,) = pod(found)["spec"]["containers"]
    name, *arguments = container["args"]
    command = app.get_command(click.Context(app), name)
    assert command
    with pytest.MonkeyPatch.context() as patch:
        for variable, value in environment(found).items():
            patch.setenv(variable, value)
        return command.make_context(name, list(arguments))


def settings_are_options(found: list[dict[str, Any]]) -> None:
    """Every variable of ours is one that the program knows, and says something that it takes."""
    context, variables = parsed(found), environment(found)
    options = {str(parameter.envvar): parameter for parameter in context.command.params}
    ours = {name for name in variables if name.startswith("RECONCILER_")}
    around = {name for name in ours - options.keys() if Settings.of({name: "1"}) != Settings.of({})}
    assert ours - options.keys() - around == set()
    for name in ours - around:
        source = context.get_parameter_source(str(options[name].name))
        assert source is ParameterSource.ENVIRONMENT, name
    assert context.params["state"].startswith("s3://"), "nothing else outlives a pod"


@pytest.mark.parametrize("base", BASES)
def test_settings_are_options_of_the_program(base: str) -> None:
    """And the arguments are, too."""
    settings_are_options(documents(base))


@variants
def test_patched_settings_are_options_of_the_program(variant: list[dict[str, Any]]) -> None:
    """Also as kustomize builds them; from a folder there is no setting of git, which the program would refuse."""
    settings_are_options(variant)
    ours = environment(variant)
    of_git = {name for name in ours if name.startswith("RECONCILER_GIT_")}
    assert len(of_git) == (0 if "profiles-export-2026-10.yaml" in str(variant) else 3)


def test_commented_settings_are_options_of_the_controller() -> None:
    """Whoever takes the sign away has a setting that is taken."""
    found = documents("controller")
    (settings,) = of_kind(found, "ConfigMap")
    text = (KUBERNETES / "common" / "settings.yaml").read_text(encoding="utf-8")
    more = dict(re.findall(r"^  # (RECONCILER_\w+): (\S+)$", text, re.MULTILINE))
    assert "RECONCILER_MANIFEST_URL" in more
    settings["data"] |= more
    settings_are_options(found)


def test_readme_patch_opens_the_mail_port(tmp_path: Path) -> None:
    """It opens one port more, and nothing else changes."""
    text = (KUBERNETES / "README.md").read_text(encoding="utf-8")
    (patch,) = re.findall(r"^  ```yaml\n(.*?)^  ```$", text, re.DOTALL | re.MULTILINE)
    before = built(overlay(tmp_path, "controller"))
    file = tmp_path / "kustomization.yaml"
    document = yaml.safe_load(file.read_text(encoding="utf-8")) | {"patches": yaml.safe_load(dedent(patch))}
    file.write_text(yaml.safe_dump(document), encoding="utf-8")
    after = built(tmp_path)
    (policy,) = (each for each in before if each["kind"] == "NetworkPolicy" and "egress" in each["spec"])
    policy["spec"]["egress"].append({"ports": [{"protocol": "TCP", "port": 587}]})
    assert after == before


def test_secrets_are_mounted_where_the_program_reads_them() -> None:
    """The file of the webhooks' secret lies in the volume of a Secret."""
    found = documents("controller")
    template = pod(found)["spec"]
    file = Path(environment(found)["RECONCILER_WEBHOOK_SECRET_FILE"])
    (mount,) = (each for each in template["containers"][0]["volumeMounts"] if each["mountPath"] == str(file.parent))
    (volume,) = (each for each in template["volumes"] if each["name"] == mount["name"])
    assert "secret" in volume


def test_termination_grace_exceeds_the_shutdown_timeout() -> None:
    """What is under way is finished and remembered first."""
    found = documents("controller")
    assert (
        pod(found)["spec"]["terminationGracePeriodSeconds"]
        >= parsed(found).params["shutdown_timeout"].total_seconds() + 10
    )


def test_pods_do_not_overlap_and_jobs_are_not_retried() -> None:
    """The Deployment has one pod and never two; a Job neither overlaps with another nor starts anew."""
    (deployment,) = of_kind(documents("controller"), "Deployment")
    assert deployment["spec"]["replicas"] == 1
    assert deployment["spec"]["strategy"] == {"type": "Recreate"}
    (cronjob,) = of_kind(documents("cronjob"), "CronJob")
    assert cronjob["spec"]["concurrencyPolicy"] == "Forbid"
    assert cronjob["spec"]["startingDeadlineSeconds"] > 10, "less is never met: the controller looks every ten seconds"
    assert cronjob["spec"]["jobTemplate"]["spec"]["backoffLimit"] == 0
    assert pod([cronjob])["spec"]["restartPolicy"] == "Never"


@pytest.mark.parametrize("base", BASES)
def test_image_tag_is_the_program_version(base: str) -> None:
    """What is deployed from a checkout is the program of that checkout."""
    kustomization = yaml.safe_load((KUBERNETES / base / "kustomization.yaml").read_text(encoding="utf-8"))
    (image,) = kustomization["images"]
    (container,) = pod(documents(base))["spec"]["containers"]
    assert container["image"] == image["name"]
    assert image["newTag"] == __version__


def test_example_config_map_is_readable_as_mounted(tmp_path: Path) -> None:
    """Through the links by which the kubelet replaces all files of a ConfigMap at once."""
    kustomization = yaml.safe_load((KUBERNETES / "folder" / "kustomization.yaml").read_text(encoding="utf-8"))
    (generator,) = kustomization["configMapGenerator"]
    mounted = tmp_path / "manifests"
    (mounted / "..2026").mkdir(parents=True)
    (mounted / "..data").symlink_to("..2026")
    for name in generator["files"]:
        (mounted / "..2026" / name).write_text((KUBERNETES / "folder" / name).read_text(encoding="utf-8"))
        (mounted / name).symlink_to(f"..data/{name}")
    done = subprocess.run([RECONCILE, "validate"], cwd=tmp_path, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "1 manifest, 1 target: valid\n"
