"""Run buildah and podman with a storage of their own, apart from the user's images."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# The permissions of docs/how-to/run-in-a-container.md, without the additions of podman, which would mount more than
# /tmp.
# The limits are explicit, because the machine of the tests may not allow podman to raise them.
_CONFINED = (
    "--read-only", "--read-only-tmpfs=false", "--tmpfs=/tmp", "--cap-drop=all", "--security-opt=no-new-privileges",
    "--ulimit=nofile=1024:1024", "--ulimit=nproc=4096:4096",
)  # fmt: skip
BASE = "localhost/debian-with-python:trixie"
BUILD_ARGUMENTS = {
    "CREATED": "2026-11-01T00:00:00Z",
    "REVISION": "0123456789abcdef",
    "SOURCE": "https://git.example.com/reconciler",
    "VERSION": "1.2.3",
}
HOST = "--network=host"
"""Option for tests with the sandbox, which listens on loopback."""


@dataclass(frozen=True, slots=True)
class Engine:
    """Engine that builds and runs images."""

    folder: Path
    driver: str

    def run_buildah(self, *arguments: str | Path) -> str:
        """Run buildah and return its output."""
        return _run_command("buildah", *self._storage, *arguments)

    def run_podman(self, *arguments: str | Path) -> str:
        """Run podman and return its output."""
        return _run_command(*self._podman, *arguments)

    def build_base(self, archive: Path, local_files: Path, name: str) -> None:
        """Build an image from an archive of a file system, with the files of a folder in /usr/local."""
        container = self.run_buildah("from", "scratch").strip()
        self.run_buildah("add", "--quiet", container, archive, "/")
        self.run_buildah("add", "--quiet", container, local_files, "/usr/local")
        self.run_buildah("commit", "--quiet", "--rm", container, name)

    def build(self, folder: Path, name: str, **arguments: str) -> None:
        """Build a Dockerfile without pulling images.

        The format is that of Docker, because the format of OCI has no HEALTHCHECK.
        """
        build_options = [f"--build-arg={argument}={value}" for argument, value in arguments.items()]
        self.run_buildah(
            "bud",
            "--format=docker",
            "--isolation=chroot",
            "--pull-never",
            "--quiet",
            *build_options,
            "--tag",
            name,
            folder,
        )

    def inspect_image(self, image: str) -> Any:
        """Return the configuration of an image."""
        return json.loads(self.run_podman("image", "inspect", image))[0]

    def run(self, image: str, *arguments: str, options: tuple[str, ...] = (HOST,)) -> subprocess.CompletedProcess[str]:
        """Run a container to its end."""
        command = [*self._podman, "run", "--rm", *_CONFINED, *options, image, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)

    @contextmanager
    def run_during(
        self, image: str, name: str, *arguments: str, options: tuple[str, ...], env: Mapping[str, str]
    ) -> Iterator[subprocess.Popen[str]]:
        """Run a container during the block. The process has its output."""
        env_options = [f"--env={key}={value}" for key, value in env.items()]
        command = [*self._podman, "run", f"--name={name}", *_CONFINED, *options, *env_options, image, *arguments]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
            try:
                yield process
            finally:
                subprocess.run([*self._podman, "rm", "--force", name], capture_output=True, check=False, timeout=120)

    @property
    def _storage(self) -> tuple[str, ...]:
        return (f"--root={self.folder}/root", f"--runroot={self.folder}/run", f"--storage-driver={self.driver}")

    @property
    def _podman(self) -> tuple[str, ...]:
        # Health checks need no systemd: the tests start them.
        podman = ("env", "DISABLE_HC_SYSTEMD=true", "podman", *self._storage)
        return (*podman, "--runtime=runc", "--cgroup-manager=cgroupfs", "--events-backend=none")


def create_engine(folder: Path) -> Engine:
    """Return an engine, with overlay if possible. It is much faster than vfs, which works everywhere."""
    overlay = Engine(folder / "overlay", "overlay")
    try:
        overlay.run_buildah("rm", overlay.run_buildah("from", "scratch").strip())
    except AssertionError:
        return Engine(folder / "vfs", "vfs")
    return overlay


def _run_command(*command: str | Path) -> str:
    result = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert result.returncode == 0, f"{' '.join(map(str, command))}\n{result.stdout[-3000:]}\n{result.stderr[-3000:]}"
    return result.stdout
