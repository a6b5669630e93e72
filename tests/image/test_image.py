"""The image is built, and run as docs/operations.md says: not as root, and on a read-only file system."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from image.conftest import BASE, TOLD
from image.engine import HOST, Engine
from support.program import EXPORT
from support.repository import GIT, Repository, make

from reconciler.sandbox import SandboxServer


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    """Return a running sandbox."""
    with SandboxServer() as running:
        yield running


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """Return a repository with one association."""
    made = make(tmp_path / "repository", GIT)
    made.commit({"manifests/october.yaml": EXPORT.replace("NAME", "october")})
    return made


def settings(server: SandboxServer, **others: str) -> dict[str, str]:
    """Return what a container is told by its environment."""
    told = {"ENDPOINT_URL": server.url, "REGION": "us-east-1", "GIT_URL": "/srv/repository"}
    return {f"RECONCILER_{name}": value for name, value in {**told, **others}.items()}


def mounted(**folders: Path) -> tuple[str, ...]:
    """Mount folders, and give them to the container's user; what is there of the sandbox is on the host's network."""
    places = {"repository": "/srv/repository", "state": "/var/lib/reconciler"}
    for folder in folders.values():
        folder.mkdir(exist_ok=True)
    return (HOST, *(f"--volume={folder}:{places[name]}:U" for name, folder in folders.items()))


def told(**variables: str) -> tuple[str, ...]:
    """Tell a container something by its environment."""
    return tuple(f"--env={name}={value}" for name, value in variables.items())


def until(container: subprocess.Popen[str], event: str) -> list[Any]:
    """Read a container's log up to an event."""
    assert container.stdout
    log = []
    for line in container.stdout:
        assert line.startswith("{"), line
        log.append(json.loads(line))
        if log[-1]["event"] == event:
            return log
    raise AssertionError(f"the log ended without {event!r}: {log}")


def inside(docker: Engine, image: str, script: str, *options: str) -> str:
    """Run a script of the shell in a container, and give what it prints."""
    done = docker.run(image, "-c", script, options=("--entrypoint=sh", *options))
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_image_has_labels_and_start_commands(docker: Engine, image: str) -> None:
    """The labels of OCI, and how it is started, asked and stopped."""
    found = docker.config(image)
    label = "org.opencontainers.image."
    labels = {name.removeprefix(label): value for name, value in found["Labels"].items() if name.startswith(label)}
    assert {name.upper(): labels.get(name.lower()) for name in TOLD} == TOLD
    assert labels["base.name"] == BASE
    assert labels["licenses"] == "Apache-2.0"
    assert {"title", "description"} <= labels.keys()
    config = found["Config"]
    assert (config["Entrypoint"], config["Cmd"]) == (["tini", "--", "reconcile"], ["controller"])
    assert not any(each.startswith("RECONCILER_STATE=") for each in config["Env"]), "it would count as a choice"
    assert (config["User"], config["StopSignal"]) == ("10001:10001", "SIGTERM")
    assert found["Healthcheck"]["Test"] == ["CMD", "reconcile", "health"]


def test_image_contains_the_required_programs(docker: Engine, image: str) -> None:
    """git, ssh, what checks signatures, and process 1."""
    found = inside(
        docker, image, "for each in git ssh gpg tini reconcile; do command -v $each; done; reconcile --version"
    )
    assert len(found.splitlines()) == 6


def test_image_contains_compiled_bytecode(docker: Engine, image: str) -> None:
    """The program, its libraries and Python's own are compiled: nobody can write what Python compiles later."""
    uncompiled = (
        "import importlib.util as u, pathlib, sysconfig as s;"
        "found = [f for name in ('purelib', 'stdlib') for f in pathlib.Path(s.get_path(name)).rglob('*.py')];"
        "files = [f for f in found if not {'test', 'tests'} & set(f.parts)];"
        "print(len(files), *(f for f in files if not pathlib.Path(u.cache_from_source(str(f))).exists()))"
    )
    files, *without = inside(docker, image, f'python3 -c "{uncompiled}"').split()
    assert int(files) > 1000
    assert without == []


def test_image_contains_no_build_or_install_tools(docker: Engine, image: str) -> None:
    """No pip, nor what could make one; no compiler; and no tool of the tests. The base has had all but the last."""
    found = inside(docker, image, "for each in cc gcc c++ g++ ld make; do command -v $each; done; true")
    assert found == ""
    installers = " -o ".join(
        f"-name '{name}'" for name in ("pip", "pip[0-9.-]*", "ensurepip", "setuptools*", "python-wheels", "idle[0-9.]*")
    )
    assert inside(docker, image, f"find / -xdev {installers} 2>/dev/null || true", "--user=0") == ""
    absent = (
        "import importlib.util as u;"
        "print([m for m in ('pip', 'setuptools', 'hatchling', 'moto', 'pytest') if u.find_spec(m)])"
    )
    assert inside(docker, image, f'python3 -c "{absent}"') == "[]\n"


def test_image_contains_no_setuid_programs(docker: Engine, image: str) -> None:
    """No program runs as its owner or group, even where that is not forbidden from outside. The base has some."""
    base, made = (
        inside(docker, each, "find / -xdev -type f -perm /6000 2>/dev/null || true", "--user=0")
        for each in (BASE, image)
    )
    assert "/usr/bin/su\n" in base
    assert made == ""


@pytest.mark.parametrize("root", ["--read-only", "--read-only=false"])
def test_image_is_writable_only_in_tmp_and_state(docker: Engine, image: str, root: str) -> None:
    """The user is no root and has no capability; only /tmp and the state take files, on whatever root file system."""
    user, capabilities, *writable = inside(
        docker,
        image,
        "id -u; grep CapEff /proc/self/status; touch /tmp/x /var/lib/reconciler/x; "
        "find / -xdev ! -type l -writable ! -perm -1000 2>/dev/null; true",
        root,
    ).splitlines()
    assert user == "10001"
    assert int(capabilities.split()[1], 16) == 0
    assert writable == ["/var/lib/reconciler"]


def test_dry_run_in_the_image_writes_nothing(
    docker: Engine, image: str, server: SandboxServer, repository: Repository, tmp_path: Path
) -> None:
    """The one-shot: the same image with another command, and its exit code."""
    options = (
        *mounted(repository=repository.folder, state=tmp_path / "state"),
        *told(**settings(server, NEW_STATE="*")),
    )
    done = docker.run(image, "--dry-run", "--detailed-exitcode", "-o", "json", options=options)
    assert done.returncode == 2, done.stderr
    (target,) = json.loads(done.stdout)["targets"]
    assert [each["decision"] for each in target["associations"]] == ["create"]
    assert server.sandbox.executed_writes == ()


def test_ci_job_in_the_image_needs_a_lasting_state(
    docker: Engine, image: str, server: SandboxServer, repository: Repository, tmp_path: Path
) -> None:
    """In CI the image's own folder does not count: a state has to be named, and what is named is used."""
    options = (*mounted(repository=repository.folder, state=tmp_path / "state"), *told(CI="true", **settings(server)))
    refused = docker.run(image, "run", options=options)
    assert refused.returncode == 64
    assert "needs a journal that lasts" in refused.stderr
    assert server.sandbox.executed_writes == ()
    named = (*options, *told(RECONCILER_STATE="/var/lib/reconciler/ci", RECONCILER_NEW_STATE="*"))
    assert docker.run(image, "run", options=named).returncode == 0
    assert [path.name for path in (tmp_path / "state").iterdir()] == ["ci"]


def test_repository_of_another_user_can_be_trusted_by_variables(
    docker: Engine, image: str, server: SandboxServer, repository: Repository
) -> None:
    """By variables, since the user has no configuration that could be written."""
    options = (HOST, f"--volume={repository.folder}:/srv/repository:ro", *told(**settings(server)))
    refused = docker.run(image, "--dry-run", options=options)
    assert refused.returncode == 1
    assert "safe.directory /srv/repository" in refused.stderr
    trust = told(GIT_CONFIG_COUNT="1", GIT_CONFIG_KEY_0="safe.directory", GIT_CONFIG_VALUE_0="/srv/repository")
    done = docker.run(image, "--dry-run", "--new-state", options=(*options, *trust))
    assert done.returncode == 0, done.stderr


def test_image_health_check_finds_its_controller(docker: Engine, image: str) -> None:
    """As both are without any setting: on port 8080 of a network of its own, with no manifests yet."""
    with docker.running(image, "alone", options=("--network=none",), env={}) as container:
        listening = until(container, "listening")[-1]
        assert listening["url"].endswith(":8080")
        docker.podman("healthcheck", "run", "alone")


def test_controller_in_the_image_creates_once_and_stops_on_sigterm(
    docker: Engine, image: str, server: SandboxServer, repository: Repository, tmp_path: Path
) -> None:
    """It follows git, answers its health check, and SIGTERM ends it with 0; another one finds what it remembered."""
    options = mounted(repository=repository.folder, state=tmp_path / "state")
    env = settings(server, LISTEN="127.0.0.1:0", INTERVAL="1s")
    assert "--new-state once" in docker.run(image, "run", options=(*options, *told(**settings(server)))).stdout
    for made, new in ((1, {"NEW_STATE": "*"}), (0, {})):
        given = {**env, **settings(server, **new)}
        with docker.running(image, "controller", options=options, env=given) as container:
            log = until(container, "run finished")
            assert log[-1]["create"] == made
            address = next(line["url"] for line in log if line["event"] == "listening").removeprefix("http://")
            _, *check = docker.config(image)["Healthcheck"]["Test"]
            assert docker.podman("exec", f"--env=RECONCILER_LISTEN={address}", "controller", *check) == "ok\n"
            assert "october" in docker.podman("exec", "controller", "reconcile", "status"), "the same journal"
            docker.podman("kill", "--signal=TERM", "controller")
            rest = container.communicate(timeout=60)[0]
            assert container.returncode == 0, rest
            assert json.loads(rest.splitlines()[-1])["event"] == "controller stopped"
    assert len(server.sandbox.executed_writes) == 1
