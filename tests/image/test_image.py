"""Image: built and run as docs/operations.md describes, without root and on a read-only file system."""

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
from support.repository import GIT, Repository, create_repository

from reconciler.sandbox import SandboxServer


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    """Yield a running sandbox."""
    with SandboxServer() as running:
        yield running


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """Return a repository with one association."""
    made = create_repository(tmp_path / "repository", GIT)
    made.commit({"manifests/october.yaml": EXPORT.replace("NAME", "october")})
    return made


def settings(server: SandboxServer, **others: str) -> dict[str, str]:
    """Return the environment variables of a container."""
    told = {"ENDPOINT_URL": server.url, "REGION": "us-east-1", "GIT_URL": "/srv/repository"}
    return {f"RECONCILER_{name}": value for name, value in {**told, **others}.items()}


def mounted(**folders: Path) -> tuple[str, ...]:
    """Return the options that mount folders for the user of the container, on the network of the host."""
    places = {"repository": "/srv/repository", "state": "/var/lib/reconciler"}
    for folder in folders.values():
        folder.mkdir(exist_ok=True)
    return (HOST, *(f"--volume={folder}:{places[name]}:U" for name, folder in folders.items()))


def told(**variables: str) -> tuple[str, ...]:
    """Return the options that set environment variables in a container."""
    return tuple(f"--env={name}={value}" for name, value in variables.items())


def until(container: subprocess.Popen[str], event: str) -> list[Any]:
    """Return the log of a container up to an event."""
    assert container.stdout
    log = []
    for line in container.stdout:
        assert line.startswith("{"), line
        log.append(json.loads(line))
        if log[-1]["event"] == event:
            return log
    raise AssertionError(f"the log ended without {event!r}: {log}")


def inside(docker: Engine, image: str, script: str, *options: str) -> str:
    """Run a shell script in a container, and return its output."""
    done = docker.run(image, "-c", script, options=("--entrypoint=sh", *options))
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_image_has_labels_and_start_commands(docker: Engine, image: str) -> None:
    """The image has the labels of OCI, a start command, a health check and a stop signal."""
    found = docker.config(image)
    label = "org.opencontainers.image."
    labels = {name.removeprefix(label): value for name, value in found["Labels"].items() if name.startswith(label)}
    assert {name.upper(): labels.get(name.lower()) for name in TOLD} == TOLD
    assert labels["base.name"] == BASE
    assert labels["licenses"] == "Apache-2.0"
    assert {"title", "description"} <= labels.keys()
    config = found["Config"]
    assert (config["Entrypoint"], config["Cmd"]) == (["tini", "--", "reconcile"], ["controller"])
    assert not any(each.startswith("RECONCILER_STATE=") for each in config["Env"]), "it would count as a chosen state"
    assert (config["User"], config["StopSignal"]) == ("10001:10001", "SIGTERM")
    assert found["Healthcheck"]["Test"] == ["CMD", "reconcile", "health"]


def test_image_contains_the_required_programs(docker: Engine, image: str) -> None:
    """The image contains git, ssh, gpg, tini and the program."""
    found = inside(
        docker, image, "for each in git ssh gpg tini reconcile; do command -v $each; done; reconcile --version"
    )
    assert len(found.splitlines()) == 6


def test_image_contains_compiled_bytecode(docker: Engine, image: str) -> None:
    """The program, its libraries and the library of Python are compiled: nothing can be compiled at run time."""
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
    """The image contains no pip, no compiler and no tools of the tests."""
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
    """The image contains no setuid or setgid programs, although its base does."""
    base, made = (
        inside(docker, each, "find / -xdev -type f -perm /6000 2>/dev/null || true", "--user=0")
        for each in (BASE, image)
    )
    assert "/usr/bin/su\n" in base
    assert made == ""


@pytest.mark.parametrize("root", ["--read-only", "--read-only=false"])
def test_image_is_writable_only_in_tmp_and_state(docker: Engine, image: str, root: str) -> None:
    """The user is not root, has no capabilities, and can write only in /tmp and the state folder."""
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
    """The image makes a dry run with another command, and the exit code is that of the program."""
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
    """A CI job must name its state. The default folder of the image is rejected."""
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
    """Environment variables can mark the repository of another user as safe, without a configuration file."""
    options = (HOST, f"--volume={repository.folder}:/srv/repository:ro", *told(**settings(server)))
    refused = docker.run(image, "--dry-run", options=options)
    assert refused.returncode == 1
    assert "safe.directory /srv/repository" in refused.stderr
    trust = told(GIT_CONFIG_COUNT="1", GIT_CONFIG_KEY_0="safe.directory", GIT_CONFIG_VALUE_0="/srv/repository")
    done = docker.run(image, "--dry-run", "--new-state", options=(*options, *trust))
    assert done.returncode == 0, done.stderr


def test_image_health_check_finds_its_controller(docker: Engine, image: str) -> None:
    """The health check finds the controller with the default settings, even without manifests."""
    with docker.running(image, "alone", options=("--network=none",), env={}) as container:
        listening = until(container, "listening")[-1]
        assert listening["url"].endswith(":8080")
        docker.podman("healthcheck", "run", "alone")


def test_controller_in_the_image_creates_once_and_stops_on_sigterm(
    docker: Engine, image: str, server: SandboxServer, repository: Repository, tmp_path: Path
) -> None:
    """A controller creates once, is healthy, and exits with 0 on SIGTERM. The next one uses the same journal."""
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
