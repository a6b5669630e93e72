"""Run buildah and podman with a storage of their own, apart from the user's images."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# The permissions of docs/operations.md, without the additions of podman, which would mount more than /tmp.
# The limits are explicit, because the machine of the tests may not allow podman to raise them.
_CONFINED = (
    "--read-only", "--read-only-tmpfs=false", "--tmpfs=/tmp", "--cap-drop=all", "--security-opt=no-new-privileges",
    "--ulimit=nofile=1024:1024", "--ulimit=nproc=4096:4096",
)  # fmt: skip
HOST = "--network=host"
"""Option for tests with the sandbox, which listens on loopback."""


@dataclass(frozen=True, slots=True)
class Engine:
    """Engine that builds and runs images."""

    folder: Path
    driver: str

    def buildah(self, *arguments: str | Path) -> str:
        """Run buildah and return its output."""
        return _output("buildah", *self._storage, *arguments)

    def podman(self, *arguments: str | Path) -> str:
        """Run podman and return its output."""
        return _output(*self._podman, *arguments)

    def base(self, archive: Path, more: Path, name: str) -> None:
        """Build an image from an archive of a file system, with the files of a folder in /usr/local."""
        container = self.buildah("from", "scratch").strip()
        self.buildah("add", "--quiet", container, archive, "/")
        self.buildah("add", "--quiet", container, more, "/usr/local")
        self.buildah("commit", "--quiet", "--rm", container, name)

    def build(self, folder: Path, name: str, **arguments: str) -> None:
        """Build a Dockerfile without pulling images.

        The format is that of Docker, because the format of OCI has no HEALTHCHECK.
        """
        given = [f"--build-arg={argument}={value}" for argument, value in arguments.items()]
        self.buildah(
            "bud", "--format=docker", "--isolation=chroot", "--pull-never", "--quiet", *given, "--tag", name, folder
        )

    def config(self, image: str) -> Any:
        """Return the configuration of an image."""
        return json.loads(self.podman("image", "inspect", image))[0]

    def run(self, image: str, *arguments: str, options: tuple[str, ...] = (HOST,)) -> subprocess.CompletedProcess[str]:
        """Run a container to its end."""
        command = [*self._podman, "run", "--rm", *_CONFINED, *options, image, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)

    @contextmanager
    def running(
        self, image: str, name: str, *arguments: str, options: tuple[str, ...], env: Mapping[str, str]
    ) -> Iterator[subprocess.Popen[str]]:
        """Run a container during the block. The process has its output."""
        given = [f"--env={key}={value}" for key, value in env.items()]
        command = [*self._podman, "run", f"--name={name}", *_CONFINED, *options, *given, image, *arguments]
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


def engine(folder: Path) -> Engine:
    """Return an engine, with overlay if possible. It is much faster than vfs, which works everywhere."""
    overlay = Engine(folder / "overlay", "overlay")
    try:
        overlay.buildah("rm", overlay.buildah("from", "scratch").strip())
    except AssertionError:
        return Engine(folder / "vfs", "vfs")
    return overlay


def _output(*command: str | Path) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=600)
    assert done.returncode == 0, f"{' '.join(map(str, command))}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}"
    return done.stdout
