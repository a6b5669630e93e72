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
    """Owner of one key. `listed` is the entry in a file of keys, `id` the name of the key in messages."""

    options: tuple[str, ...]
    listed: str
    id: str

    def commit(self, repository: Repository, name: str = "manifests/signed.yaml", **environment: str) -> str:
        """Commit a file with a signature, and return the id of the commit."""
        (repository.folder / name).write_text(self.id)
        signing = Repository(repository.folder, repository.environment | environment)
        signing.git("add", "--all")
        signing.git(*self.options, "commit", "--quiet", "-S", "--message", "Signed")
        return signing.git("rev-parse", "HEAD")


def ssh_signer(folder: Path, name: str) -> Signer:
    """Create an SSH key."""
    key = folder / name
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(key)], check=True)
    public = key.with_name(f"{name}.pub")
    shown = subprocess.run(["ssh-keygen", "-l", "-f", str(public)], check=True, capture_output=True, text=True).stdout
    options = ("-c", "gpg.format=ssh", "-c", f"user.signingKey={key}")
    return Signer(options, f"{name}@example.com {public.read_text()}", shown.split()[1])


@dataclass(frozen=True, slots=True)
class Keyring:
    """A keyring of gpg with secret keys."""

    home: Path

    @property
    def environment(self) -> Mapping[str, str]:
        """The variables that select the keyring."""
        return {"GNUPGHOME": str(self.home)}

    def gpg(self, *arguments: str, stdin: str = "") -> str:
        """Run gpg, and return its output."""
        command = ["gpg", "--homedir", str(self.home), "--batch", "--quiet", *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True, input=stdin).stdout

    def signer(self, name: str, *options: str, ends: str = "never") -> Signer:
        """Create a key. `options` are options of gpg, also for signing."""
        user = f"{name}@example.com"
        self.gpg(*options, "--passphrase", "", "--quick-gen-key", user, "ed25519", "sign", ends)
        listed = self.gpg("--with-colons", "--list-keys", user)
        fingerprint = next(line for line in listed.splitlines() if line.startswith("fpr")).split(":")[9]
        program = self.home / f"{name}.sh"
        program.write_text(f'#!/bin/sh\nexec gpg --homedir {self.home} {" ".join(options)} "$@"\n')
        program.chmod(0o700)
        signing = ("-c", "gpg.format=openpgp", "-c", f"gpg.program={program}", "-c", f"user.signingKey={fingerprint}")
        return Signer(signing, self.public(user), fingerprint[-16:])

    def public(self, user: str) -> str:
        """Return a public key in ASCII armor."""
        return self.gpg("--armor", "--export", user)

    def revoke(self, name: str) -> str:
        """Revoke a key, and return the revoked public key."""
        user = f"{name}@example.com"
        listed = self.gpg("--with-colons", "--list-keys", user)
        fingerprint = next(line for line in listed.splitlines() if line.startswith("fpr")).split(":")[9]
        certificate = (self.home / "openpgp-revocs.d" / f"{fingerprint}.rev").read_text()
        self.gpg("--import", stdin=certificate.replace(":-----BEGIN", "-----BEGIN"))
        return self.public(user)


@contextmanager
def keyring() -> Iterator[Keyring]:
    """Yield an empty keyring. Its path is short, because the socket of the agent is in it."""
    home = Path(mkdtemp(prefix="g", dir="/tmp"))
    try:
        yield Keyring(home)
    finally:
        subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=False)
        shutil.rmtree(home, ignore_errors=True)
