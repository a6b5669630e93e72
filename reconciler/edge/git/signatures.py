"""Lets a commit pass that is signed by a key that is listed, and no other. Git, gpg and ssh-keygen judge."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from reconciler.core.errors import Misnamed, Untrusted
from reconciler.core.text import harmless
from reconciler.edge.git import messages, temporary_folders
from reconciler.edge.git.command import Answer, Git
from reconciler.edge.git.signing_keys import Keys

_NOTHING = "/dev/null"  # a program that cannot be started
_REFUSED = 1  # git's exit code for a signature that it found bad
_SHA1 = 40
# Git leaves all headers that begin so out of what it verifies (parse_signed_commit of its commit.c).
_HEADER = re.compile(rb"^gpgsig[^ \n]*", re.MULTILINE)
_BLOCK = re.compile(rb"-----BEGIN ([A-Z ]+)-----[ \t\r]*\n(?:(?!-----).*\n)*-----END \1-----\s*")
# https://git-scm.com/docs/git-config, gpg.program: how git tells them apart, by their first words
_KINDS = {b"-----BEGIN SSH": "ssh", b"-----BEGIN PGP": "OpenPGP", b"-----BEGIN SIGNED": "X.509"}


@dataclass(frozen=True, slots=True)
class _Unclear:
    """No program has judged a signature; what was said in place of that."""

    complaint: str


def check(git: Git, where: str, commit: str, keys: Keys) -> None:
    """Raise Untrusted unless a commit is signed by one of the keys, and GitError where that cannot be found out.

    A tag's signature says nothing of the commit. Nothing of the user's keyring counts, and no program that a
    configuration names is started. Only what was clearly judged to be wrong is: else it has to be tried again.
    """
    content = git.run("cat-file", "commit", commit)
    if not content.well:
        raise messages.error(where, content.complaint)
    head = content.output.partition(b"\n\n")[0]
    signature = _signature(head, b"gpgsig" if len(commit) == _SHA1 else b"gpgsig-sha256")
    expected = "OpenPGP" if keys.openpgp else "ssh"
    found: str | _Unclear
    if (uncovered := _uncovered(head, signature)) is not None:
        found = uncovered
    elif (kind := _kind(signature)) != expected:
        found = f"is signed by a key of {kind}, and {expected} keys are listed"
    elif not _BLOCK.fullmatch(signature):
        found = "has a signature with more in it than that"
    else:
        with temporary_folders.placed():
            folder = Path(tempfile.mkdtemp(dir=git.private))
            found = (_openpgp if keys.openpgp else _ssh)(git, commit, keys, signature, folder)
    if isinstance(found, _Unclear):
        raise messages.unverified(where, commit, found.complaint)
    if found:
        raise Untrusted(
            f"repository '{where}': the commit {commit} {found}: sign it (git commit -S) by a key that "
            f"'{keys.shown}' lists"
        )


def _signature(head: bytes, header: bytes) -> bytes:
    """Return the signature in a commit's headers, the first one; none is b""."""
    found = re.search(rb"^" + header + rb" (.*(?:\n .*)*)", head, re.MULTILINE)
    return found[1].replace(b"\n ", b"\n") + b"\n" if found else b""


def _uncovered(head: bytes, signature: bytes) -> str | None:
    """Say why there is not the one signature that covers all of a commit, None where there is."""
    headers = _HEADER.findall(head)
    if not headers:
        return "is not signed"
    if len(headers) == 1 and signature:
        return None
    if len(set(headers)) == 1 and signature:
        return "has more than one signature"
    names = ", ".join(sorted({harmless(each[:40].decode(errors="replace")) for each in headers}))
    return f"has headers that its signature does not cover ({names})"


def _kind(signature: bytes) -> str:
    return next((kind for words, kind in _KINDS.items() if signature.startswith(words)), "an unknown kind")


def _openpgp(git: Git, commit: str, keys: Keys, _: bytes, folder: Path) -> str | _Unclear:
    """Return what is wrong with a signature, "" where it is right."""
    # Keys that a server or the signature itself brings along are not asked for, whatever /etc/gnupg says.
    (folder / "gpg.conf").write_text("batch\nno-autostart\nno-auto-key-retrieve\ndisable-dirmngr\n")
    gpg = git.beside("gpg", "--homedir", str(folder), "--status-fd", "1")
    taken = gpg.run("--import", stdin=keys.content)
    listed = messages.imported(taken.output)
    if not listed and taken.code >= 0 and messages.holds_no_key(taken.output):
        raise Misnamed(f"--git-verify-key '{keys.shown}': gpg finds no key in it")
    if not listed:
        return _Unclear(taken.complaint)
    answer = _verified(git, commit, {"gpg.program": gpg.program}, {"GNUPGHOME": str(folder)})
    signer = messages.signed_by(answer.complaint)
    if answer.well and signer in listed:
        return ""
    if messages.is_unknown(answer.complaint) and (taken.code < 0 or messages.lacks_keys(taken.output)):
        return _Unclear(taken.complaint)  # it may be by one of those that gpg could not take
    return _verdict(answer.code, messages.distrust(answer.complaint, listed), answer.complaint)


def _ssh(git: Git, commit: str, keys: Keys, signature: bytes, folder: Path) -> str | _Unclear:
    """Return what is wrong with a signature, "" where it is right."""
    signers, signed = folder / "signers", folder / "signature"
    signers.write_bytes(keys.content)
    signed.write_bytes(signature)
    keygen = git.beside("ssh-keygen")
    settings = {"gpg.ssh.program": keygen.program, "gpg.ssh.allowedSignersFile": str(signers)}
    answer = _verified(git, commit, settings, {})
    if not answer.well:
        return _verdict(answer.code, messages.distrust(answer.complaint), answer.complaint)
    # Git asks whether the key was valid at the time that the commit says, and who holds an old key can write any.
    now = keygen.run("-Y", "find-principals", "-f", str(signers), "-s", str(signed))
    if now.well:
        return ""
    if messages.lists_nobody(now.complaint):
        return "is signed by a key that is no longer valid, or not yet"
    return _Unclear(now.complaint)


def _verdict(code: int, distrust: str | None, said: str) -> str | _Unclear:
    """Return what git found wrong with a signature, if it came to its end."""
    return (distrust if code in {0, _REFUSED} else None) or _Unclear(said)


def _verified(git: Git, commit: str, settings: Mapping[str, str], home: Mapping[str, str]) -> Answer:
    """Return what git says of a signature, by no other programs and no other trust than these."""
    pinned = {
        "gpg.program": _NOTHING,
        "gpg.ssh.program": _NOTHING,
        "gpg.x509.program": _NOTHING,
        "gpg.ssh.allowedSignersFile": _NOTHING,
        "gpg.minTrustLevel": "undefined",
        **settings,
    }
    pinned["gpg.openpgp.program"] = pinned["gpg.program"]  # two names for one
    options = (each for key, value in pinned.items() for each in ("-c", f"{key}={value}"))
    exact = replace(git, options=(*git.options, *options), environment={**git.environment, **home})
    return exact.run("verify-commit", "--raw", commit)
