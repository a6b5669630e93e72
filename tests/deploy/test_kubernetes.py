"""The files for Kubernetes are valid, satisfy the restricted profile, and match the options of the program."""

from __future__ import annotations

import re
import subprocess
from copy import deepcopy
from datetime import timedelta
from pathlib import Path
from textwrap import dedent
from typing import Any

import kubernetes_validate
import pytest
import yaml
from support.kustomize import (
    KUBERNETES,
    collect_variables,
    find_pod_template,
    find_workload,
    read_folder,
    run_kustomize,
    select_kind,
    write_overlay,
)
from support.pods import check_restricted_profile, check_settings, parse_arguments
from support.program import SCRIPT

from reconciler import __version__
from reconciler.core.controller.controller_status import ControllerStatus
from reconciler.core.manifests.files import REQUIRED_MEMORY_BYTES
from reconciler.web.app import Views, build_application
from reconciler.web.webhooks import Webhooks

VERSION = kubernetes_validate.latest_version()
SHARDED = {"sharded-controller": "controller", "sharded-cronjob": "cronjob"}
"""The folders of several processes, each with that of the single process."""
BASES = ["controller", "cronjob", *SHARDED]
VARIANTS = [*((base,) for base in BASES), ("folder",), *((base, "git-ssh") for base in BASES)]


def read_documents(folder: str) -> list[dict[str, Any]]:
    """Return the documents in the files of a folder."""
    return list(read_folder(KUBERNETES / folder))


@pytest.fixture
def variant(request: pytest.FixtureRequest, tmp_path: Path) -> list[dict[str, Any]]:
    """Return the documents that kustomize builds from a folder with components."""
    base, *components = request.param
    return run_kustomize(write_overlay(tmp_path, base, *components))


variants = pytest.mark.parametrize("variant", VARIANTS, indirect=True, ids="+".join)


@pytest.mark.parametrize("base", BASES)
def test_every_document_is_valid(base: str) -> None:
    """Every document matches the Kubernetes schemas, without unknown members."""
    for document in read_documents(base):
        kubernetes_validate.validate(document, VERSION, strict=True)


@variants
def test_every_document_is_valid_as_kustomize_builds_it(variant: list[dict[str, Any]]) -> None:
    """Every document that kustomize builds matches the Kubernetes schemas."""
    for document in variant:
        kubernetes_validate.validate(document, VERSION, strict=True)


def test_validation_detects_an_unknown_member() -> None:
    """The validation of the two tests above rejects an unknown member."""
    pod = deepcopy(find_pod_template(read_documents("controller")))
    pod["spec"]["containers"][0]["readOnlyRootFileSystem"] = True
    with pytest.raises(kubernetes_validate.ValidationError, match="readOnlyRootFileSystem"):
        kubernetes_validate.validate({"apiVersion": "v1", "kind": "Pod", "spec": pod["spec"]}, VERSION, strict=True)


@pytest.mark.parametrize("base", BASES)
def test_pods_satisfy_the_restricted_profile(base: str) -> None:
    """The pods run in a namespace that enforces the restricted profile."""
    check_restricted_profile(find_pod_template(read_documents(base)))


@variants
def test_patched_pods_satisfy_the_restricted_profile(variant: list[dict[str, Any]]) -> None:
    """The pods that kustomize builds also satisfy the restricted profile."""
    check_restricted_profile(find_pod_template(variant))


@pytest.mark.parametrize("base", BASES)
def test_a_pod_has_memory_for_the_largest_revision(base: str) -> None:
    """The memory limit of a pod is enough for the largest revision that the program reads."""
    (container,) = find_pod_template(read_documents(base))["spec"]["containers"]
    limit = container["resources"]["limits"]["memory"]
    assert int(limit.removesuffix("Gi")) << 30 >= REQUIRED_MEMORY_BYTES


@pytest.mark.parametrize("base", BASES)
def test_selectors_find_their_pods(base: str) -> None:
    """The selectors of Deployment, Service and network policies match the labels of the pod."""
    documents = read_documents(base)
    labels = find_pod_template(documents)["metadata"]["labels"].items()
    selectors = [each["spec"]["podSelector"]["matchLabels"] for each in select_kind(documents, "NetworkPolicy")]
    workloads = [*select_kind(documents, "Deployment"), *select_kind(documents, "StatefulSet")]
    selectors += [each["spec"]["selector"]["matchLabels"] for each in workloads]
    selectors += [each["spec"]["selector"] for each in select_kind(documents, "Service")]
    assert len(selectors) == {"controller": 4, "cronjob": 1}[SHARDED.get(base, base)]
    assert all(selector.items() <= labels for selector in selectors)


@pytest.mark.parametrize("base", ["controller", "sharded-controller"])
def test_probes_use_paths_and_ports_that_exist(base: str) -> None:
    """Probes, Service and network policy use the port of the program, and the probes use its paths."""
    documents = read_documents(base)
    (container,) = find_pod_template(documents)["spec"]["containers"]
    (port,) = container["ports"]
    context = parse_arguments(documents)
    assert context.params["listen"].port == port["containerPort"]

    def fail() -> ControllerStatus:
        raise AssertionError

    views = Views(fail, lambda: ("", b""), timedelta(), lambda: True, lambda: False)
    hooks = Webhooks(lambda: None, None, lambda: None, lambda: None, lambda *_: None)
    paths = {getattr(route, "path", None) for route in build_application(views, hooks).routes}
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert container[probe]["httpGet"]["port"] == port["name"]
        assert container[probe]["httpGet"]["path"] in paths
    (service,) = select_kind(documents, "Service")
    assert [each["targetPort"] for each in service["spec"]["ports"]] == [port["name"]]
    (ingress,) = (rule for each in select_kind(documents, "NetworkPolicy") for rule in each["spec"].get("ingress", ()))
    assert [each["port"] for each in ingress["ports"]] == [port["name"]]


@pytest.mark.parametrize("base", BASES)
def test_settings_are_options_of_the_program(base: str) -> None:
    """The program accepts the arguments and variables of its containers."""
    check_settings(read_documents(base))


@variants
def test_patched_settings_are_options_of_the_program(variant: list[dict[str, Any]]) -> None:
    """The program accepts the settings that kustomize builds. Only the ssh component names a key and known hosts."""
    check_settings(variant)
    git_variables = {name.removeprefix("RECONCILER_GIT_") for name in collect_variables(variant) if "_GIT_" in name}
    repository = set() if "profiles-export-2026-10.yaml" in str(variant) else {"URL", "REF", "PATH"}
    access = {"SSH_KEY", "KNOWN_HOSTS"} if "ssh-privatekey" in str(variant) else set()
    assert git_variables == repository | access


def test_commented_settings_are_options_of_the_controller() -> None:
    """The commented-out settings are valid once they are uncommented."""
    documents = read_documents("controller")
    (settings,) = select_kind(documents, "ConfigMap")
    text = (KUBERNETES / "common" / "settings.yaml").read_text(encoding="utf-8")
    examples = dict(re.findall(r"^  # (RECONCILER_\w+): (\S+)$", text, re.MULTILINE))
    assert "RECONCILER_MANIFEST_URL" in examples
    settings["data"] |= examples
    check_settings(documents)


def test_readme_patch_opens_the_mail_port(tmp_path: Path) -> None:
    """The patch in the README opens the mail port, and changes nothing else."""
    text = (KUBERNETES / "README.md").read_text(encoding="utf-8")
    (patch,) = (each for each in list_patches(text) if "NetworkPolicy" in each)
    before = run_kustomize(write_overlay(tmp_path, "controller"))
    file = tmp_path / "kustomization.yaml"
    document = yaml.safe_load(file.read_text(encoding="utf-8")) | {"patches": yaml.safe_load(dedent(patch))}
    file.write_text(yaml.safe_dump(document), encoding="utf-8")
    after = run_kustomize(tmp_path)
    (policy,) = (each for each in before if each["kind"] == "NetworkPolicy" and "egress" in each["spec"])
    policy["spec"]["egress"].append({"ports": [{"protocol": "TCP", "port": 587}]})
    assert after == before


def test_secrets_are_mounted_where_the_program_reads_them() -> None:
    """The secret of the webhooks is mounted where the program reads it."""
    documents = read_documents("controller")
    template = find_pod_template(documents)["spec"]
    file = Path(collect_variables(documents)["RECONCILER_WEBHOOK_SECRET_FILE"])
    (mount,) = (each for each in template["containers"][0]["volumeMounts"] if each["mountPath"] == str(file.parent))
    (volume,) = (each for each in template["volumes"] if each["name"] == mount["name"])
    assert "secret" in volume


def test_termination_grace_exceeds_the_shutdown_timeout() -> None:
    """Kubernetes waits longer than --shutdown-timeout before it kills the pod."""
    documents = read_documents("controller")
    assert (
        find_pod_template(documents)["spec"]["terminationGracePeriodSeconds"]
        >= parse_arguments(documents).params["shutdown_timeout"].total_seconds() + 10
    )


def test_pods_do_not_overlap_and_jobs_are_not_retried() -> None:
    """The Deployment never has two pods, and a Job neither overlaps with another one nor restarts a pod."""
    (deployment,) = select_kind(read_documents("controller"), "Deployment")
    assert deployment["spec"]["replicas"] == 1
    assert deployment["spec"]["strategy"] == {"type": "Recreate"}
    for base, limit in (("cronjob", "backoffLimit"), ("sharded-cronjob", "backoffLimitPerIndex")):
        (cronjob,) = select_kind(read_documents(base), "CronJob")
        assert cronjob["spec"]["concurrencyPolicy"] == "Forbid"
        assert cronjob["spec"]["startingDeadlineSeconds"] > 10, "the CronJob controller checks only every ten seconds"
        assert cronjob["spec"]["jobTemplate"]["spec"][limit] == 0
        assert find_pod_template([cronjob])["spec"]["restartPolicy"] == "Never"


def count_pods(documents: list[dict[str, Any]]) -> set[int]:
    """Return the numbers of pods that a StatefulSet or an Indexed Job names."""
    spec = find_workload(documents)["spec"]
    if "replicas" in spec:
        return {spec["replicas"]}
    job = spec["jobTemplate"]["spec"]
    assert job["completionMode"] == "Indexed"
    return {job["completions"], job["parallelism"]}


@pytest.mark.parametrize("base", SHARDED)
def test_each_shard_has_a_pod(base: str) -> None:
    """There are as many pods as shards, and the number of a pod is that of its shard."""
    documents = read_documents(base)
    shard = parse_arguments(documents).params["shard"]
    assert shard.number == 0
    assert count_pods(documents) == {shard.count}


@pytest.mark.parametrize(("base", "single"), SHARDED.items())
def test_pods_of_shards_are_those_of_a_single_process(base: str, single: str) -> None:
    """A pod of a shard differs from that of a single process only in the variables of the shard."""
    template = find_pod_template(read_documents(base))
    (container,) = template["spec"]["containers"]
    own = [each for each in container["env"] if each["name"] not in {"RECONCILER_SHARD", "RECONCILER_POD_INDEX"}]
    container.update(env=own)
    if not own:
        del container["env"]
    assert template == find_pod_template(read_documents(single))


def test_pods_of_a_stateful_set_start_independently_and_have_addresses() -> None:
    """A pod that is not ready holds up no other one, and the headless Service gives each pod an address."""
    documents = read_documents("sharded-controller")
    (stateful_set,) = select_kind(documents, "StatefulSet")
    assert stateful_set["spec"]["podManagementPolicy"] == "Parallel"
    (service,) = select_kind(documents, "Service")
    assert service["metadata"]["name"] == stateful_set["spec"]["serviceName"]
    assert service["spec"]["clusterIP"] == "None"


def test_readme_patch_changes_the_number_of_shards(tmp_path: Path) -> None:
    """The patch in the README changes the number of pods and of shards, and nothing else."""
    text = (KUBERNETES / "README.md").read_text(encoding="utf-8")
    (patch,) = (each for each in list_patches(text) if "StatefulSet" in each)
    before = run_kustomize(write_overlay(tmp_path, "sharded-controller"))
    file = tmp_path / "kustomization.yaml"
    file.write_text(file.read_text(encoding="utf-8") + dedent(patch), encoding="utf-8")
    after = run_kustomize(tmp_path)
    assert count_pods(after) == {16}
    assert parse_arguments(after).params["shard"].count == 16
    find_workload(before)["spec"]["replicas"] = 16
    (variable,) = (each for each in get_container(before)["env"] if each["name"] == "RECONCILER_SHARD")
    variable["value"] = "auto/16"
    get_container(after)["env"].sort(key=lambda each: str(each["name"]))
    get_container(before)["env"].sort(key=lambda each: str(each["name"]))
    assert after == before


def get_container(documents: list[dict[str, Any]]) -> dict[str, Any]:
    """Return the container of the single pod template."""
    container: dict[str, Any] = find_pod_template(documents)["spec"]["containers"][0]
    return container


def list_patches(text: str) -> list[str]:
    """Return the patches in the lists of the README."""
    return re.findall(r"^  ```yaml\n(.*?)^  ```$", text, re.DOTALL | re.MULTILINE)


@pytest.mark.parametrize("base", BASES)
def test_image_tag_is_the_program_version(base: str) -> None:
    """The image tag is the version of the program in this checkout."""
    kustomization = yaml.safe_load((KUBERNETES / base / "kustomization.yaml").read_text(encoding="utf-8"))
    (image,) = kustomization["images"]
    (container,) = find_pod_template(read_documents(base))["spec"]["containers"]
    assert container["image"] == image["name"]
    assert image["newTag"] == __version__


def test_example_config_map_is_readable_as_mounted(tmp_path: Path) -> None:
    """The program reads the example through the symbolic links that the kubelet creates for a ConfigMap."""
    kustomization = yaml.safe_load((KUBERNETES / "folder" / "kustomization.yaml").read_text(encoding="utf-8"))
    (generator,) = kustomization["configMapGenerator"]
    folder = tmp_path / "manifests"
    (folder / "..2026").mkdir(parents=True)
    (folder / "..data").symlink_to("..2026")
    for name in generator["files"]:
        (folder / "..2026" / name).write_text((KUBERNETES / "folder" / name).read_text(encoding="utf-8"))
        (folder / name).symlink_to(f"..data/{name}")
    result = subprocess.run([SCRIPT, "validate"], cwd=tmp_path, check=False, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert result.stdout == "1 manifest, 1 target: valid\n"


def test_readme_shows_the_overlay() -> None:
    """The overlay in the README is the one that `reconcile init` writes, except that it reads the base from git."""
    example = re.search(r"```yaml\n(apiVersion: kustomize.*?)```", (KUBERNETES / "README.md").read_text(), re.DOTALL)
    assert example
    overlay = yaml.safe_load((KUBERNETES / "overlay" / "kustomization.yaml").read_text())
    shown = yaml.safe_load(example[1])
    assert shown.pop("resources")[0].partition("?")[0].endswith(f"/{overlay.pop('resources')[0].removeprefix('../')}")
    assert shown == overlay
