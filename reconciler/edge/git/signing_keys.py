"""Read the keys that may sign commits: OpenPGP keys, or allowed signers of ssh."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass, field
from pathlib import Path

from reconciler import redaction
from reconciler.core.errors import InvalidReference
from reconciler.core.text import sanitize

_MAX_BYTES = 16 * 1024 * 1024
_ARMORED = b"-----BEGIN PGP PUBLIC KEY BLOCK-----"
_KINDS = rb"(?:ssh|ecdsa|sk)-[a-z0-9@.-]++"
# https://man.openbsd.org/ssh-keygen, ALLOWED SIGNERS: principals, options, key type, key
_KEY = _KINDS + rb"[ \t]+[A-Za-z0-9+/=]+(?:[ \t].*)?"
_SIGNER = re.compile(rb'(?:"[^"]*"|\S+)[ \t]+(?:\S.*[ \t])?' + _KEY)
_BARE_KEY = re.compile(_KEY)
_MAX_LINE_BYTES = 16 * 1024
"""Maximum length of a line, in bytes. The longest key is shorter."""


@dataclass(frozen=True, slots=True)
class SigningKeys:
    """The keys that a file held when it was read."""

    file: str
    content: bytes = field(repr=False)
    is_openpgp: bool

    @classmethod
    def read(cls, file: str) -> SigningKeys:
        """Read a file of keys. Raises InvalidReference if it cannot be read or its keys cannot be used."""
        try:
            with Path(file).open("rb") as stream:
                content = stream.read(_MAX_BYTES)
        except (OSError, ValueError) as error:
            raise _build_error(
                file,
                f"cannot be read: {error.strerror if isinstance(error, OSError) else redaction.describe_error(error)}",
            ) from error
        if b"PRIVATE KEY" in content:
            raise _build_error(
                file, "contains a private key: list only public keys, and keep the private key elsewhere"
            )
        is_openpgp = _ARMORED in content
        if not is_openpgp:
            _check_signers(file, content)
        return cls(file, content, is_openpgp)

    @property
    def digest(self) -> str:
        """The digest that identifies these keys."""
        return hashlib.sha256(self.content).hexdigest()

    @property
    def display_name(self) -> str:
        """The file's name, sanitized for messages."""
        return sanitize(self.file)


def _check_signers(file: str, content: bytes) -> None:
    """Raise InvalidReference if ssh-keygen would find no key in a file, or would skip a line."""
    signers = 0
    for number, line in enumerate(map(bytes.strip, content.splitlines()), 1):
        if line and not line.startswith(b"#"):
            if len(line) > _MAX_LINE_BYTES:
                raise _build_error(
                    file, f"has more than {_MAX_LINE_BYTES} bytes in line {number}, and no key is that long"
                )
            if _BARE_KEY.fullmatch(line):
                raise _build_error(
                    file,
                    f"has no owner before the key in line {number}: write 'someone@example.com ssh-ed25519 …'",
                )
            if not _SIGNER.fullmatch(line):
                raise _build_error(
                    file,
                    f"has no allowed signer in line {number} (see ssh-keygen(1)), and no "
                    f"{_ARMORED.decode().strip('-')} (write one with gpg --armor --export)",
                )
            signers += 1
    if not signers:
        raise _build_error(file, "lists no key: add the public keys that may sign commits")


def _build_error(file: str, why: str) -> InvalidReference:
    return InvalidReference(f"--git-verify-key '{sanitize(file)}' {why}")
