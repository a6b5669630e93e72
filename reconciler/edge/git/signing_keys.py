"""The keys that commits have to be signed by: OpenPGP keys, or those of ssh's allowed signers."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path

from reconciler import redaction
from reconciler.core.errors import Misnamed
from reconciler.core.text import harmless

_MOST = 16 * 1024 * 1024
_ARMORED = b"-----BEGIN PGP PUBLIC KEY BLOCK-----"
_KINDS = rb"(?:ssh|ecdsa|sk)-[a-z0-9@.-]++"
# https://man.openbsd.org/ssh-keygen, ALLOWED SIGNERS: whose key it is, options, its kind, and the key
_KEY = _KINDS + rb"[ \t]+[A-Za-z0-9+/=]+(?:[ \t].*)?"
_SIGNER = re.compile(rb'(?:"[^"]*"|\S+)[ \t]+(?:\S.*[ \t])?' + _KEY)
_BARE = re.compile(_KEY)
_LONGEST = 16 * 1024
"""Bytes of a line that are looked at: the longest key has less."""


@dataclass(frozen=True, slots=True)
class Keys:
    """What a file lists, as it was when it was read."""

    file: str
    content: bytes = field(repr=False)
    openpgp: bool

    @classmethod
    def of(cls, file: str) -> Keys:
        """Read a file. Raises Misnamed where it lists no keys."""
        try:
            with Path(file).open("rb") as opened:
                content = opened.read(_MOST)
        except (OSError, ValueError) as error:
            raise _misnamed(
                file, f"cannot be read: {error.strerror if isinstance(error, OSError) else redaction.describe(error)}"
            ) from error
        if b"PRIVATE KEY" in content:
            raise _misnamed(file, "holds a private key: list public ones, and keep that from here")
        openpgp = _ARMORED in content
        if not openpgp:
            _check_signers(file, content)
        return cls(file, content, openpgp)

    @property
    def digest(self) -> str:
        """What tells these keys from any others."""
        return hashlib.sha256(self.content).hexdigest()

    @property
    def shown(self) -> str:
        """The file, fit for a message."""
        return harmless(self.file)


def _check_signers(file: str, content: bytes) -> None:
    """Refuse a file in which ssh-keygen would find nothing, or pass over a line."""
    signers = 0
    for number, line in enumerate(map(bytes.strip, content.splitlines()), 1):
        if line and not line.startswith(b"#"):
            if len(line) > _LONGEST:
                raise _misnamed(file, f"line {number}: has more than {_LONGEST} bytes, and no key is as long")
            if _BARE.fullmatch(line):
                raise _misnamed(file, f"line {number}: say first whose key it is: 'someone@example.com ssh-ed25519 …'")
            if not _SIGNER.fullmatch(line):
                raise _misnamed(
                    file,
                    f"line {number}: is no allowed signer (ssh-keygen(1)), and the file holds no "
                    f"{_ARMORED.decode().strip('-')} (gpg --armor --export)",
                )
            signers += 1
    if not signers:
        raise _misnamed(file, "lists no key: nothing could be signed by one")


def _misnamed(file: str, why: str) -> Misnamed:
    return Misnamed(f"--git-verify-key '{harmless(file)}': {why}")
