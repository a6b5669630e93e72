"""The Helm chart is valid, refuses wrong values, and says the same as the kustomize base."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml
from support.helm import CHART, EXAMPLE, render_chart, run_helm
from support.kustomize import find_pod_template, run_kustomize, select_kind, write_overlay
from support.paths import REPOSITORY
from support.pods import check_restricted_profile, check_settings

NAME = "appintegrations-reconciler"
CHART_FILE = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
OLDEST = CHART_FILE["kubeVersion"].removeprefix(">=").removesuffix("-0")
NEWEST = kubernetes_validate.latest_version()
ADDED_BY_HELM = {
    "app.kubernetes.io/instance",
    "app.kubernetes.io/managed-by",
    "app.kubernetes.io/version",
    "helm.sh/chart",
}
CRONJOB, GIT_SSH = ("--set", "mode=cronjob"), ("--set", "gitSsh.enabled=true")
WEBHOOK = ("--set", "webhook.enabled=true")
EVERYTHING = {
    "affinity": {"nodeAffinity": {}},
    "fullnameOverride": "exports",
    "gitSsh": {"enabled": True},
    "image": {"digest": f"sha256:{0:064}", "pullPolicy": "Always"},
    "imagePullSecrets": [{"name": "registry"}],
    "manifestsConfigMap": "manifests",
    "networkPolicy": {"egress": [{"ports": [{"protocol": "TCP", "port": 587}]}]},
    "nodeSelector": {"kubernetes.io/arch": "arm64"},
    "podAnnotations": {"prometheus.io/scrape": "true"},
    "podLabels": {"team": "contact-centre"},
    "priorityClassName": "important",
    "secrets": {"git": "git-key", "settings": "logins", "webhook": "hooks"},
    "service": {"port": 8080},
    "serviceAccount": {
        "annotations": {"team": "contact-centre"},
        "name": "exporter",
        "roleArn": "arn:aws:iam::123456789012:role/exporter",
    },
    "settings": {"AWS_REGION": "us-east-1", "RECONCILER_STATE": "s3://corp-state/reconciler"},
    "tolerations": [{"key": "spot", "operator": "Exists"}],
    "webhook": {"enabled": True},
}


@pytest.fixture
def everything(tmp_path: Path) -> Path:
    """Return a file with another value for each member of the chart, except the mode."""
    path = tmp_path / "values.yaml"
    path.write_text(yaml.safe_dump(EVERYTHING), encoding="utf-8")
    return path


def test_chart_passes_the_linter_of_helm() -> None:
    """`helm lint --strict` accepts the chart with the example values."""
    result = run_helm("lint", "--strict", CHART, "--values", EXAMPLE)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("mode", ["controller", "cronjob"])
@pytest.mark.parametrize("is_complete", [False, True])
def test_rendered_documents_are_valid_and_restricted(mode: str, is_complete: bool, everything: Path) -> None:
    """Each document matches the oldest and newest Kubernetes schemas, and the pod satisfies the restricted profile."""
    documents = render_chart(NAME, "--set", f"mode={mode}", values=everything if is_complete else EXAMPLE)
    for document in documents:
        for version in (OLDEST, NEWEST):
            kubernetes_validate.validate(document, version, strict=True)
    check_restricted_profile(find_pod_template(documents))
    check_settings(documents)


def test_support_page_names_the_schemas() -> None:
    """The page on support names the oldest and the newest version of Kubernetes whose schemas the chart matches."""
    page = (REPOSITORY / "docs" / "reference" / "support.md").read_text(encoding="utf-8")
    oldest, newest = (version.rpartition(".")[0] for version in (OLDEST, NEWEST))
    assert f"| schemas of {oldest} to {newest}, without a cluster | every cluster from {oldest} on |" in page


def test_every_value_reaches_the_documents(everything: Path) -> None:
    """Names, image, secrets, scheduling and network rules of the values are in the documents."""
    documents = render_chart(NAME, values=everything)
    template = find_pod_template(documents)
    spec = template["spec"]
    (container,) = spec["containers"]
    assert container["image"] == f"registry.example.com/{NAME}@sha256:{0:064}"
    assert container["imagePullPolicy"] == "Always"
    assert container["envFrom"][1]["secretRef"]["name"] == "logins"
    for member in ("affinity", "imagePullSecrets", "nodeSelector", "priorityClassName", "tolerations"):
        assert spec[member] == EVERYTHING[member]
    assert spec["serviceAccountName"] == "exporter"
    volumes = {volume["name"]: volume for volume in spec["volumes"]}
    assert volumes["git"]["secret"]["secretName"] == "git-key"
    assert volumes["webhook"]["secret"]["secretName"] == "hooks"
    assert volumes["manifests"]["configMap"]["name"] == "manifests"
    assert {mount["name"] for mount in container["volumeMounts"]} == volumes.keys()
    assert template["metadata"]["labels"]["team"] == "contact-centre"
    assert template["metadata"]["annotations"]["prometheus.io/scrape"] == "true"
    (account,) = select_kind(documents, "ServiceAccount")
    assert account["metadata"]["annotations"].keys() == {"eks.amazonaws.com/role-arn", "team"}
    (service,) = select_kind(documents, "Service")
    assert (service["metadata"]["name"], service["spec"]["ports"][0]["port"]) == ("exports", 8080)
    (policy,) = (each for each in select_kind(documents, "NetworkPolicy") if "egress" in each["spec"])
    assert policy["spec"]["egress"][-1] == {"ports": [{"protocol": "TCP", "port": 587}]}


def remove_additions(tree: Any) -> Any:
    """Return a tree without what only Helm adds, with its lists of named members in order."""
    if isinstance(tree, list):
        members = [remove_additions(each) for each in tree]
        has_names = all(isinstance(each, dict) and "name" in each for each in members)
        return sorted(members, key=lambda each: str(each["name"])) if has_names else members
    if isinstance(tree, dict):
        return {key: remove_additions(value) for key, value in tree.items() if key not in ADDED_BY_HELM}
    return tree


def normalise(documents: list[dict[str, Any]]) -> dict[tuple[str, str], Any]:
    """Return documents by kind and name, without labels of the document, and without the checksum of the settings."""
    result = {}
    for document in documents:
        document["metadata"].pop("labels", None)
        if document["kind"] == "Deployment":
            document["spec"]["template"]["metadata"].pop("annotations", None)
        result[document["kind"], document["metadata"]["name"]] = remove_additions(document)
    return result


@pytest.mark.parametrize(
    ("folders", "options"),
    [
        (["controller"], WEBHOOK),
        (["cronjob"], CRONJOB),
        (["controller", "git-ssh"], [*WEBHOOK, *GIT_SSH]),
        (["cronjob", "git-ssh"], [*CRONJOB, *GIT_SSH]),
    ],
    ids=["controller", "cronjob", "controller+git-ssh", "cronjob+git-ssh"],
)
def test_chart_and_kustomize_base_say_the_same(folders: list[str], options: list[str], tmp_path: Path) -> None:
    """With the example values, the chart renders what kustomize builds, except labels and checksum of Helm."""
    chart = normalise(render_chart(NAME, *options))
    base = normalise(run_kustomize(write_overlay(tmp_path, *folders)))
    assert chart == base


def test_selectors_tell_two_releases_apart() -> None:
    """Deployment, Service and network policies of a release select its own pod, and not that of another release."""
    first, second = render_chart("staging"), render_chart("production")
    labels = [find_pod_template(documents)["metadata"]["labels"].items() for documents in (first, second)]
    selectors = [each["spec"]["podSelector"]["matchLabels"] for each in select_kind(first, "NetworkPolicy")]
    selectors += [each["spec"]["selector"]["matchLabels"] for each in select_kind(first, "Deployment")]
    selectors += [each["spec"]["selector"] for each in select_kind(first, "Service")]
    assert len(selectors) == 4
    assert all(selector.items() <= labels[0] for selector in selectors)
    assert not any(selector.items() <= labels[1] for selector in selectors)
    names = [{(each["kind"], each["metadata"]["name"]) for each in documents} for documents in (first, second)]
    assert names[0].isdisjoint(names[1])


def test_changed_settings_replace_the_pod() -> None:
    """A changed setting changes the pod, which reads its settings only at its start. A new release does not."""
    pods = [
        find_pod_template(render_chart(NAME, "--set-string", f"settings.RECONCILER_GIT_PATH={path}"))["metadata"]
        for path in ("manifests", "exports")
    ]
    assert pods[0]["annotations"] != pods[1]["annotations"]
    assert pods[0] == find_pod_template(render_chart(NAME))["metadata"]


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ("mode=daemon", "at '/mode': value must be one of 'controller', 'cronjob'"),
        ("settings.RECONCILER_STATE=/var/lib/reconciler", "at '/settings/RECONCILER_STATE'"),
        ("settings.RECONCILER_STATE=null", "at '/settings/RECONCILER_STATE': got null, want string"),
        ("settings.reconciler_mode=create", "invalid propertyName 'reconciler_mode'"),
        ("image.digest=latest", "at '/image/digest'"),
        ("image.name=reconciler", "additional properties 'name' not allowed"),
        ("schedule=every day", "at '/schedule'"),
        ("schedule=every day at 5 pm", "at '/schedule'"),
        ("schedule=0 6 * * MON-FRI", None),
        ("schedule=@daily", None),
        ("settings.RECONCILER_LISTEN=:9090", "settings.RECONCILER_LISTEN has no effect"),
        ("settings.RECONCILER_SHUTDOWN_TIMEOUT=1m", "settings.RECONCILER_SHUTDOWN_TIMEOUT has no effect"),
        ("manifestsConfigMap=manifests", "manifestsConfigMap would be ignored, because settings.RECONCILER_GIT_URL is"),
        ("replicas=2", "additional properties 'replicas' not allowed"),
        ("serviceAccount.roleArn=reconciler", "at '/serviceAccount/roleArn'"),
        ("networkPolicy.from=null", "networkPolicy.from is empty, which would admit everybody: name a peer"),
        (
            "settings.RECONCILER_NOTIFY_URLS=slack://token",
            f"settings.RECONCILER_NOTIFY_URLS is a secret: put it into the Secret {NAME}",
        ),
        (
            "settings.RECONCILER_GIT_URL=https://user:token@git.example.com/exports.git",
            f"settings.RECONCILER_GIT_URL contains a login: put it into the Secret {NAME}",
        ),
        ("settings.AWS_SESSION_TOKEN=token", f"settings.AWS_SESSION_TOKEN is a secret: put it into the Secret {NAME}"),
        ("settings.RECONCILER_GIT_TOKEN_FILE=/etc/reconciler/token", None),
        ("settings.RECONCILER_GIT_URL=ssh://git@git.example.com/exports.git", None),
    ],
)
def test_wrong_values_are_refused(option: str, message: str | None) -> None:
    """A wrong, unknown or secret value is refused, and the message names it."""
    result = run_helm("template", NAME, CHART, "--values", EXAMPLE, "--set", option)
    assert (result.returncode == 0) == (message is None), result.stderr
    assert (message or "") in result.stderr
    assert "token@" not in result.stderr
    assert "slack:" not in result.stderr


def list_members(tree: dict[str, Any], prefix: str = "") -> set[str]:
    """Return the paths of the members of a schema that has descriptions, down to maps of any names."""
    paths = set()
    for name, inner in tree.get("properties", {}).items():
        assert inner["description"].endswith("."), f"{prefix}{name}"
        is_closed = inner.get("additionalProperties") is False
        paths |= list_members(inner, f"{prefix}{name}.") if is_closed else {f"{prefix}{name}"}
    return paths


def test_values_and_schema_have_the_same_members() -> None:
    """values.yaml has each member of the schema, which has a description for each."""
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    values = yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))
    members = list_members(schema) - {"global"}
    closed = {member.partition(".")[0] for member in members if "." in member}
    assert members == {
        path
        for name, value in values.items()
        for path in ([f"{name}.{inner}" for inner in value] if name in closed else [name])
    }


@pytest.mark.parametrize(
    ("options", "phrase"),
    [
        ([], "the first run is refused"),
        (["--set-string", "settings.RECONCILER_NEW_STATE=*"], "remove this setting"),
        ([*CRONJOB], "The CronJob exporter"),
    ],
)
def test_notes_say_what_the_first_run_needs(options: list[str], phrase: str) -> None:
    """After an installation, Helm shows how to allow a new journal, and to remove that setting afterwards."""
    settings = ["--dry-run=client", "--values", str(EXAMPLE), "--set", "fullnameOverride=exporter"]
    result = run_helm("install", NAME, CHART, *settings, *options)
    assert result.returncode == 0, result.stderr
    notes = result.stdout.partition("NOTES:")[2]
    assert phrase in notes
    assert f"helm upgrade {NAME} CHART --namespace default --values YOUR-VALUES" in notes
    assert "the Secret exporter exists" in notes


def test_package_names_the_published_image_by_its_digest(tmp_path: Path) -> None:
    """`make chart` packages a chart whose image is the one that was published, and leaves this checkout unchanged."""
    run_helm("version")
    for name in ("Makefile", "deploy/helm"):
        source, target = REPOSITORY / name, tmp_path / name
        target.parent.mkdir(exist_ok=True)
        shutil.copytree(source, target) if source.is_dir() else shutil.copy(source, target)
    digest = f"sha256:{7:064}"
    helm = shutil.which("helm") or str(REPOSITORY / "build" / "helm" / "helm")
    command = ["make", "chart", f"IMAGE=ghcr.io/example/{NAME}", f"DIGEST={digest}", f"HELM={helm}"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    (package,) = (tmp_path / "build" / "chart").glob("*.tgz")
    values = tmp_path / "build" / "chart" / "source" / "example.yaml"
    result = run_helm("template", NAME, package, "--values", values)
    (container,) = find_pod_template([each for each in yaml.safe_load_all(result.stdout) if each])["spec"]["containers"]
    assert container["image"] == f"ghcr.io/example/{NAME}@{digest}"
