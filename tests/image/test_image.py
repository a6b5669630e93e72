"""Image: built and run as docs/how-to/run-in-a-container.md describes, without root and on a read-only file system."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.container_engine import BASE, BUILD_ARGUMENTS, HOST, Engine
from support.program import EXPORT
from support.repository import GIT, Repository, create_repository

from reconciler.sandbox import SandboxServer


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    """Yield a running sandbox."""
    with SandboxServer() as running_server:
        yield running_server


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """Return a repository with one association."""
    new_repository = create_repository(tmp_path / "repository", GIT)
    new_repository.commit({"manifests/october.yaml": EXPORT.replace("NAME", "october")})
    return new_repository


def build_environment(server: SandboxServer, **changes: str) -> dict[str, str]:
    """Return the environment variables of a container."""
    values = {"ENDPOINT_URL": server.url, "REGION": "us-east-1", "GIT_URL": "/srv/repository"}
    return {f"RECONCILER_{name}": value for name, value in {**values, **changes}.items()}


def build_mount_options(**folders: Path) -> tuple[str, ...]:
    """Return the options that mount folders for the user of the container, on the network of the host."""
    targets = {"repository": "/srv/repository", "state": "/var/lib/reconciler"}
    for folder in folders.values():
        folder.mkdir(exist_ok=True)
    return (HOST, *(f"--volume={folder}:{targets[name]}:U" for name, folder in folders.items()))


def build_env_options(**variables: str) -> tuple[str, ...]:
    """Return the options that set environment variables in a container."""
    return tuple(f"--env={name}={value}" for name, value in variables.items())


def read_log_until(container: subprocess.Popen[str], event: str) -> list[Any]:
    """Return the log of a container up to an event."""
    assert container.stdout
    log = []
    for line in container.stdout:
        assert line.startswith("{"), line
        log.append(json.loads(line))
        if log[-1]["event"] == event:
            return log
    raise AssertionError(f"the log ended without {event!r}: {log}")


def run_in_container(docker: Engine, image: str, script: str, *options: str) -> str:
    """Run a shell script in a container, and return its output."""
    result = docker.run(image, "-c", script, options=("--entrypoint=sh", *options))
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_image_has_labels_and_start_commands(engine: Engine, image: str) -> None:
    """The image has the labels of OCI, a start command, a health check and a stop signal."""
    image_configuration = engine.inspect_image(image)
    label = "org.opencontainers.image."
    labels = {
        name.removeprefix(label): value
        for name, value in image_configuration["Labels"].items()
        if name.startswith(label)
    }
    assert {name.upper(): labels.get(name.lower()) for name in BUILD_ARGUMENTS} == BUILD_ARGUMENTS
    assert labels["base.name"] == BASE
    assert labels["licenses"] == "Apache-2.0"
    assert {"title", "description"} <= labels.keys()
    config = image_configuration["Config"]
    assert (config["Entrypoint"], config["Cmd"]) == (["tini", "--", "reconcile"], ["controller"])
    assert not any(each.startswith("RECONCILER_STATE=") for each in config["Env"]), "it would count as a chosen state"
    assert (config["User"], config["StopSignal"]) == ("10001:10001", "SIGTERM")
    assert image_configuration["Healthcheck"]["Test"] == ["CMD", "reconcile", "health"]


def test_image_contains_the_required_programs(engine: Engine, image: str) -> None:
    """The image contains git, ssh, gpg, tini and the program."""
    output = run_in_container(
        engine, image, "for each in git ssh gpg tini reconcile; do command -v $each; done; reconcile --version"
    )
    assert len(output.splitlines()) == 6


def test_image_contains_compiled_bytecode(engine: Engine, image: str) -> None:
    """The program, its libraries and the library of Python are compiled: nothing can be compiled at run time."""
    script = (
        "import importlib.util as u, pathlib, sysconfig as s;"
        "found = [f for name in ('purelib', 'stdlib') for f in pathlib.Path(s.get_path(name)).rglob('*.py')];"
        "files = [f for f in found if not {'test', 'tests'} & set(f.parts)];"
        "print(len(files), *(f for f in files if not pathlib.Path(u.cache_from_source(str(f))).exists()))"
    )
    file_count, *uncompiled_files = run_in_container(engine, image, f'python3 -c "{script}"').split()
    assert int(file_count) > 1000
    assert uncompiled_files == []


def test_image_contains_no_build_or_install_tools(engine: Engine, image: str) -> None:
    """The image contains no pip, no compiler and no tools of the tests."""
    output = run_in_container(engine, image, "for each in cc gcc c++ g++ ld make; do command -v $each; done; true")
    assert output == ""
    installers = " -o ".join(
        f"-name '{name}'" for name in ("pip", "pip[0-9.-]*", "ensurepip", "setuptools*", "python-wheels", "idle[0-9.]*")
    )
    assert run_in_container(engine, image, f"find / -xdev {installers} 2>/dev/null || true", "--user=0") == ""
    script = (
        "import importlib.util as u;"
        "print([m for m in ('pip', 'setuptools', 'hatchling', 'moto', 'pytest') if u.find_spec(m)])"
    )
    assert run_in_container(engine, image, f'python3 -c "{script}"') == "[]\n"


def test_image_contains_no_setuid_programs(engine: Engine, image: str) -> None:
    """The image contains no setuid or setgid programs, although its base does."""
    base_programs, image_programs = (
        run_in_container(engine, each, "find / -xdev -type f -perm /6000 2>/dev/null || true", "--user=0")
        for each in (BASE, image)
    )
    assert "/usr/bin/su\n" in base_programs
    assert image_programs == ""


@pytest.mark.parametrize("root", ["--read-only", "--read-only=false"])
def test_image_is_writable_only_in_tmp_and_state(engine: Engine, image: str, root: str) -> None:
    """The user is not root, has no capabilities, and can write only in /tmp and the state folder."""
    user, capabilities, *writable = run_in_container(
        engine,
        image,
        "id -u; grep CapEff /proc/self/status; touch /tmp/x /var/lib/reconciler/x; "
        "find / -xdev ! -type l -writable ! -perm -1000 2>/dev/null; true",
        root,
    ).splitlines()
    assert user == "10001"
    assert int(capabilities.split()[1], 16) == 0
    assert writable == ["/var/lib/reconciler"]


def test_dry_run_in_the_image_writes_nothing(
    engine: Engine, image: str, server: SandboxServer, repository: Repository, tmp_path: Path
) -> None:
    """The image makes a dry run with another command, and the exit code is that of the program."""
    options = (
        *build_mount_options(repository=repository.folder, state=tmp_path / "state"),
        *build_env_options(**build_environment(server, NEW_STATE="*")),
    )
    result = engine.run(image, "--dry-run", "--detailed-exitcode", "-o", "json", options=options)
    assert result.returncode == 2, result.stderr
    (target,) = json.loads(result.stdout)["targets"]
    assert [each["decision"] for each in target["associations"]] == ["create"]
    assert server.sandbox.executed_writes == ()


def test_ci_job_in_the_image_needs_a_lasting_state(
    engine: Engine, image: str, server: SandboxServer, repository: Repository, tmp_path: Path
) -> None:
    """A CI job must name its state. The default folder of the image is rejected."""
    options = (
        *build_mount_options(repository=repository.folder, state=tmp_path / "state"),
        *build_env_options(CI="true", **build_environment(server)),
    )
    result = engine.run(image, "run", options=options)
    assert result.returncode == 64
    assert "is lost when the CI job ends" in result.stderr
    assert server.sandbox.executed_writes == ()
    options_with_state = (
        *options,
        *build_env_options(RECONCILER_STATE="/var/lib/reconciler/ci", RECONCILER_NEW_STATE="*"),
    )
    assert engine.run(image, "run", options=options_with_state).returncode == 0
    assert [path.name for path in (tmp_path / "state").iterdir()] == ["ci"]


def test_repository_of_another_user_can_be_trusted_by_variables(
    engine: Engine, image: str, server: SandboxServer, repository: Repository
) -> None:
    """Environment variables can mark the repository of another user as safe, without a configuration file."""
    options = (
        HOST,
        f"--volume={repository.folder}:/srv/repository:ro",
        *build_env_options(**build_environment(server)),
    )
    rejected = engine.run(image, "--dry-run", options=options)
    assert rejected.returncode == 1
    assert "safe.directory /srv/repository" in rejected.stderr
    trust_options = build_env_options(
        GIT_CONFIG_COUNT="1", GIT_CONFIG_KEY_0="safe.directory", GIT_CONFIG_VALUE_0="/srv/repository"
    )
    result = engine.run(image, "--dry-run", "--new-state", options=(*options, *trust_options))
    assert result.returncode == 0, result.stderr


def test_image_health_check_finds_its_controller(engine: Engine, image: str) -> None:
    """The health check finds the controller with the default settings, even without manifests."""
    with engine.run_during(image, "alone", options=("--network=none",), env={}) as container:
        event = read_log_until(container, "listening")[-1]
        assert event["url"].endswith(":8080")
        engine.run_podman("healthcheck", "run", "alone")


def test_controller_in_the_image_creates_once_and_stops_on_sigterm(
    engine: Engine, image: str, server: SandboxServer, repository: Repository, tmp_path: Path
) -> None:
    """A controller creates once, is healthy, and exits with 0 on SIGTERM. The next one uses the same journal."""
    options = build_mount_options(repository=repository.folder, state=tmp_path / "state")
    env = build_environment(server, LISTEN="127.0.0.1:0", INTERVAL="1s")
    assert (
        "--new-state once"
        in engine.run(image, "run", options=(*options, *build_env_options(**build_environment(server)))).stdout
    )
    for create_count, changes in ((1, {"NEW_STATE": "*"}), (0, {})):
        variables = {**env, **build_environment(server, **changes)}
        with engine.run_during(image, "controller", options=options, env=variables) as container:
            log = read_log_until(container, "run finished")
            assert log[-1]["create"] == create_count
            address = next(line["url"] for line in log if line["event"] == "listening").removeprefix("http://")
            _, *check = engine.inspect_image(image)["Healthcheck"]["Test"]
            assert engine.run_podman("exec", f"--env=RECONCILER_LISTEN={address}", "controller", *check) == "ok\n"
            assert "october" in engine.run_podman("exec", "controller", "reconcile", "status"), "the same journal"
            engine.run_podman("kill", "--signal=TERM", "controller")
            output = container.communicate(timeout=60)[0]
            assert container.returncode == 0, output
            assert json.loads(output.splitlines()[-1])["event"] == "controller stopped"
    assert len(server.sandbox.executed_writes) == 1
