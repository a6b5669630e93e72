"""Packages: the wheel and the locks are complete, and name no machine and no package index."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from support.paths import REPOSITORY

from reconciler import __version__
from reconciler.core.init.extras import Extra

PROJECT = "appintegrations-reconciler"
PIN = re.compile(r"(?P<name>[a-z0-9-]+)==(?P<version>[^ ]+)(?P<marker> ; [^\\]+)? \\\n(?P<hashes>.+)", re.DOTALL)
HASHES = re.compile(r"(    --hash=sha256:[0-9a-f]{64}( \\)?\n)+")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from this checkout, and return its path."""
    folder = tmp_path_factory.mktemp("wheel")
    command: list[str | Path] = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", folder]
    subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True)
    (path,) = folder.iterdir()
    return path


def test_wheel_contains_only_the_program(wheel: Path) -> None:
    """The wheel contains the modules, schemas, templates, pages, licence and type marker, and no tests or examples."""
    with ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
        licences = [name for name in archive.namelist() if name.endswith(".dist-info/licenses/LICENSE")]
    modules = {path.relative_to(REPOSITORY).as_posix() for path in (REPOSITORY / "reconciler").rglob("*.py")}
    schemas = {f"reconciler/schemas/{path.name}" for path in (REPOSITORY / "schemas").glob("*.json")}
    folders = (REPOSITORY / "reconciler" / "web" / name for name in ("templates", "static"))
    pages = {path.relative_to(REPOSITORY).as_posix() for folder in folders for path in folder.iterdir()}
    assert schemas
    assert pages
    templates = {f"reconciler/{path}" for extra in Extra for path in extra.templates.values()}
    others = {"reconciler/py.typed", "reconciler/deploy/cloudformation/export.yaml"}
    assert names == modules | schemas | templates | pages | others
    assert len(licences) == 1


def test_links_of_the_description_lead_to_the_tag(wheel: Path) -> None:
    """Each link of README.md names a file of this repository at the tag of the version. The image is a raw file."""
    with ZipFile(wheel) as archive:
        (name,) = (each for each in archive.namelist() if each.endswith(".dist-info/METADATA"))
        metadata = archive.read(name).decode()
    url = read_project()["project"]["urls"]["Repository"]
    links = re.findall(r"(!?)\[[^\]]*\]\(([^)#]+)", metadata)
    assert len(links) > 10
    for is_image, link in links:
        kind = "raw" if is_image else "blob"
        assert link.startswith(f"{url}/{kind}/v{__version__}/"), link
        assert (REPOSITORY / link.removeprefix(f"{url}/{kind}/v{__version__}/")).is_file(), link
    assert metadata.startswith("Metadata-Version: 2.4\n")


def test_wheel_works_without_a_checkout(wheel: Path, tmp_path: Path) -> None:
    """The installed program finds its schemas and templates without a checkout."""
    target = tmp_path / "installed"
    options = ["--quiet", "--no-deps", "--no-index", "--disable-pip-version-check"]
    subprocess.run([sys.executable, "-m", "pip", "install", *options, "--target", target, wheel], check=True)
    place = ("--offline", "--account", "111122223333", "--region", "eu-west-2")
    commands = (
        ["schema", "Target"],
        ["doctor", "--sandbox"],
        ["init", "new", *place, "--ci", "gitlab", "--pre-commit", "--kubernetes"],
    )
    outputs = [
        subprocess.run(
            [target / "bin" / "reconcile", *arguments],
            cwd=tmp_path,
            env={"PYTHONPATH": str(target)},
            check=True,
            capture_output=True,
        ).stdout
        for arguments in commands
    ]
    assert json.loads(outputs[0])["title"] == "Target"
    assert b"Nothing was written." in outputs[1]
    template = (REPOSITORY / "deploy/gitlab/reconciler.gitlab-ci.yml").read_text(encoding="utf-8")
    assert (tmp_path / "new/.gitlab-ci.yml").read_text(encoding="utf-8") == template


@cache
def read_pins(lock: str) -> dict[str, set[str]]:
    """Return the versions of each package in a lock. Markers select one of several."""
    versions: dict[str, set[str]] = {}
    for entry in re.findall(r"^[^\s#].*\n(?:    .*\n)*", (REPOSITORY / lock).read_text(encoding="utf-8"), re.MULTILINE):
        pin = PIN.fullmatch(entry)
        assert pin, entry
        assert HASHES.fullmatch(pin["hashes"]), entry
        versions.setdefault(pin["name"], set()).add(pin["version"])
    return versions


def read_project() -> Any:
    """Return the content of pyproject.toml."""
    return tomllib.loads((REPOSITORY / "pyproject.toml").read_text(encoding="utf-8"))


def list_requirements(lock: str) -> list[str]:
    """Return the requirements of the project that a lock must meet."""
    project = read_project()
    runtime, build = project["project"]["dependencies"], project["build-system"]["requires"]
    if lock == "requirements-build.lock":
        return list(build)
    if lock == "requirements.lock":
        return list(runtime)
    if lock == "requirements-release.lock":
        return list(project["dependency-groups"]["release"])
    sandbox = project["project"]["optional-dependencies"]["sandbox"]
    return [*runtime, *build, *sandbox, *project["dependency-groups"]["dev"]]


@pytest.mark.parametrize(
    "lock", ["requirements.lock", "requirements-build.lock", "requirements-dev.lock", "requirements-release.lock"]
)
def test_locks_meet_every_requirement(lock: str) -> None:
    """A lock pins each requirement of pyproject.toml with hashes, at an allowed version (otherwise run `make lock`)."""
    for requirement in map(Requirement, list_requirements(lock)):
        name = canonicalize_name(requirement.name)
        if name != PROJECT:
            assert name in read_pins(lock), f"{lock} lacks {name}"
            assert all(requirement.specifier.contains(version) for version in read_pins(lock)[name]), name


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-build.lock"])
def test_tested_versions_are_the_shipped_versions(lock: str) -> None:
    """The lock of the tests has the same versions as the other locks."""
    test_pins = read_pins("requirements-dev.lock")
    assert {name: versions for name, versions in read_pins(lock).items() if test_pins.get(name) != versions} == {}


def test_image_lock_contains_no_test_tools() -> None:
    """The lock of the image contains no sandbox and no tools for building or testing."""
    assert read_pins("requirements.lock").keys().isdisjoint({"hatchling", "moto", "mypy", "pip", "pytest", PROJECT})


def test_dockerfile_copies_only_files_in_the_build_context() -> None:
    """Each file that the Dockerfile copies exists and passes .dockerignore."""
    dockerfile = (REPOSITORY / "Dockerfile").read_text(encoding="utf-8")
    patterns = (REPOSITORY / ".dockerignore").read_text(encoding="utf-8").splitlines()
    names = [
        name for line in re.findall(r"^COPY (?!--from)(.+) \S+$", dockerfile, re.MULTILINE) for name in line.split()
    ]
    assert names
    for name in names:
        assert (REPOSITORY / name).exists()
        assert f"!{name}" in patterns


def test_files_name_no_package_index_or_machine_path() -> None:
    """No file names a package index or a path of a machine."""
    index = r"https?://[^ \"]*/(?:simple|packages)/|(?<![\w-])--(?:extra-)?index-url"
    machine = r"(?<![\w.~*{}/-])/(?:work|root|tmp/w)/"
    pattern = re.compile(f"{index}|{machine}")
    result = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=REPOSITORY,
        check=True,
        capture_output=True,
    )
    names = [name for name in result.stdout.decode().split("\0") if name and (REPOSITORY / name).is_file()]
    assert "Makefile" in names
    matches = []
    for name in names:
        text = (REPOSITORY / name).read_text(encoding="utf-8", errors="replace")
        matches += [f"{name}: {match[0]}" for match in pattern.finditer(text)]
    assert matches == []
