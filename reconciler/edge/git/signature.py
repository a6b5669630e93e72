"""Lets a commit pass that is signed by a key that is listed, and no other. Git, gpg and ssh-keygen judge."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from reconciler.core.errors import Misnamed, Untrusted
from reconciler.edge.git import complaint, temporary
from reconciler.edge.git.keys import Keys
from reconciler.edge.git.program import Answer, Git

_NOTHING = "/dev/null"  # a program that cannot be started
_HEADER = re.compile(rb"^gpgsig(?:-sha256)? (.*(?:\n .*)*)", re.MULTILINE)
# https://git-scm.com/docs/git-config, gpg.program: how git tells them apart, by their first words
_KINDS = {b"-----BEGIN SSH": "ssh", b"-----BEGIN PGP": "OpenPGP", b"-----BEGIN SIGNED": "X.509"}


def check(git: Git, where: str, commit: str, keys: Keys) -> None:
    """Raise Untrusted unless a commit is signed by one of the keys, and GitError where that cannot be found out.

    A tag's signature says nothing of the commit. Nothing of the user's keyring counts, and no program that a
    configuration names is started.
    """
    content = git.run("cat-file", "commit", commit)
    if not content.well:
        raise complaint.error(where, content.complaint)
    signatures = _signatures(content.output)
    expected = "OpenPGP" if keys.openpgp else "ssh"
    if not signatures:
        found = "is not signed"
    elif len(signatures) > 1:
        found = "has more than one signature"
    elif (kind := _kind(signatures[0])) != expected:
        found = f"is signed by a key of {kind}, and {expected} keys are listed"
    else:
        with temporary.folder() as folder:
            judge = _openpgp if keys.openpgp else _ssh
            found = judge(git, commit, keys, signatures[0], Path(folder))
    if found:
        raise Untrusted(
            f"repository '{where}': the commit {commit} {found}: sign it (git commit -S) by a key that "
            f"'{keys.shown}' lists"
        )


def _signatures(content: bytes) -> tuple[bytes, ...]:
    """Return the signatures in a commit."""
    found: list[bytes] = _HEADER.findall(content.partition(b"\n\n")[0])
    return tuple(each.replace(b"\n ", b"\n") + b"\n" for each in found)


def _kind(signature: bytes) -> str:
    return next((kind for words, kind in _KINDS.items() if signature.startswith(words)), "an unknown kind")


def _openpgp(git: Git, commit: str, keys: Keys, _: bytes, folder: Path) -> str:
    """Return what is wrong with a signature, "" where it is right."""
    # Keys that a server or the signature itself brings along are not asked for, whatever /etc/gnupg says.
    (folder / "gpg.conf").write_text("batch\nno-autostart\nno-auto-key-retrieve\ndisable-dirmngr\n")
    gpg = git.beside("gpg", "--homedir", str(folder), "--status-fd", "1")
    listed = complaint.imported(gpg.run("--import", stdin=keys.content).output)
    if not listed:
        raise Misnamed(f"--git-verify-key '{keys.shown}': gpg finds no key in it")
    answer = _verified(git, commit, {"gpg.program": gpg.program}, {"GNUPGHOME": str(folder)})
    if answer.well and complaint.signed_by(answer.complaint) in listed:
        return ""
    return complaint.distrust(answer.complaint.replace(f"{folder}/", ""))


def _ssh(git: Git, commit: str, keys: Keys, signature: bytes, folder: Path) -> str:
    """Return what is wrong with a signature, "" where it is right."""
    signers, signed = folder / "signers", folder / "signature"
    signers.write_bytes(keys.content)
    signed.write_bytes(signature)
    keygen = git.beside("ssh-keygen")
    settings = {"gpg.ssh.program": keygen.program, "gpg.ssh.allowedSignersFile": str(signers)}
    answer = _verified(git, commit, settings, {})
    if not answer.well:
        return complaint.distrust(answer.complaint.replace(f"{folder}/", ""))
    # Git asks whether the key was valid at the time that the commit says, and who holds an old key can write any.
    now = keygen.run("-Y", "find-principals", "-f", str(signers), "-s", str(signed))
    return "" if now.well else "is signed by a key that is no longer valid, or not yet"


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
