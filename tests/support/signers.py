"""Keys of SSH and OpenPGP that sign commits."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp

from support.repository import Repository


@dataclass(frozen=True, slots=True)
class Signer:
    """Owner of one key. `entry` is the line in a file of keys, `id` the name of the key in messages."""

    options: tuple[str, ...]
    entry: str
    id: str

    def commit(self, repository: Repository, name: str = "manifests/signed.yaml", **environment: str) -> str:
        """Commit a file with a signature, and return the id of the commit."""
        (repository.folder / name).write_text(self.id)
        signing_repository = Repository(repository.folder, repository.environment | environment)
        signing_repository.run_git("add", "--all")
        signing_repository.run_git(*self.options, "commit", "--quiet", "-S", "--message", "Signed")
        return signing_repository.run_git("rev-parse", "HEAD")


def create_ssh_signer(folder: Path, name: str) -> Signer:
    """Create an SSH key."""
    key = folder / name
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(key)], check=True)
    public_key = key.with_name(f"{name}.pub")
    output = subprocess.run(
        ["ssh-keygen", "-l", "-f", str(public_key)], check=True, capture_output=True, text=True
    ).stdout
    options = ("-c", "gpg.format=ssh", "-c", f"user.signingKey={key}")
    return Signer(options, f"{name}@example.com {public_key.read_text()}", output.split()[1])


@dataclass(frozen=True, slots=True)
class Keyring:
    """A keyring of gpg with secret keys."""

    home: Path

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables that select the keyring."""
        return {"GNUPGHOME": str(self.home)}

    def run_gpg(self, *arguments: str, stdin: str = "") -> str:
        """Run gpg, and return its output."""
        command = ["gpg", "--homedir", str(self.home), "--batch", "--quiet", *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, input=stdin).stdout

    def create_signer(self, name: str, *options: str, expiry: str = "never") -> Signer:
        """Create a key. `options` are options of gpg, also for signing."""
        user = f"{name}@example.com"
        self.run_gpg(*options, "--passphrase", "", "--quick-gen-key", user, "ed25519", "sign", expiry)
        output = self.run_gpg("--with-colons", "--list-keys", user)
        fingerprint = next(line for line in output.splitlines() if line.startswith("fpr")).split(":")[9]
        program = self.home / f"{name}.sh"
        program.write_text(f'#!/bin/sh\nexec gpg --homedir {self.home} {" ".join(options)} "$@"\n')
        program.chmod(0o700)
        signing_options = (
            "-c",
            "gpg.format=openpgp",
            "-c",
            f"gpg.program={program}",
            "-c",
            f"user.signingKey={fingerprint}",
        )
        return Signer(signing_options, self.export_public_key(user), fingerprint[-16:])

    def export_public_key(self, user: str) -> str:
        """Return a public key in ASCII armor."""
        return self.run_gpg("--armor", "--export", user)

    def revoke(self, name: str) -> str:
        """Revoke a key, and return the revoked public key."""
        user = f"{name}@example.com"
        output = self.run_gpg("--with-colons", "--list-keys", user)
        fingerprint = next(line for line in output.splitlines() if line.startswith("fpr")).split(":")[9]
        certificate = (self.home / "openpgp-revocs.d" / f"{fingerprint}.rev").read_text()
        self.run_gpg("--import", stdin=certificate.replace(":-----BEGIN", "-----BEGIN"))
        return self.export_public_key(user)


@contextmanager
def open_keyring() -> Iterator[Keyring]:
    """Yield an empty keyring. Its path is short, because the socket of the agent is in it."""
    home = Path(mkdtemp(prefix="g", dir="/tmp"))
    try:
        yield Keyring(home)
    finally:
        subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=False)
        shutil.rmtree(home, ignore_errors=True)
