"""With a list of keys, a revision is read only if a listed key signed its commit. No git configuration changes that."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from support.repository import FILES, Repository, create_repository
from support.signers import Keyring, Signer, create_ssh_signer, open_keyring

from reconciler.core.errors import GitError, InvalidReference, UntrustedCommit
from reconciler.core.manifests.files import File
from reconciler.edge.git import RepositoryAccess, SigningKeys, read_revision


@pytest.fixture(scope="module")
def ring() -> Iterator[Keyring]:
    """Yield a keyring for OpenPGP signers."""
    with open_keyring() as made:
        yield made


@pytest.fixture(scope="module")
def signers(ring: Keyring, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Signer, Signer]]:
    """Return two signers of each kind."""
    folder = tmp_path_factory.mktemp("keys")
    return {
        "ssh": (create_ssh_signer(folder, "one"), create_ssh_signer(folder, "two")),
        "openpgp": (ring.create_signer("one"), ring.create_signer("two")),
    }


def keys(repository: Repository, *listed: str) -> SigningKeys:
    """Write keys to a file, and return the keys read from it."""
    file = repository.folder.parent / "listed"
    file.write_text("".join(listed))
    return SigningKeys.read(str(file))


def accepted(repository: Repository, listed: SigningKeys, ref: str = "HEAD") -> str:
    """Return the commit, after checking that folder and URL give the same files and leave none on disk."""
    from_folder, from_url = (
        read_revision(RepositoryAccess(url, ref, repository.environment), "manifests", listed)
        for url in (str(repository.folder), repository.url)
    )
    assert from_folder == from_url
    assert any(isinstance(found, File) for found in from_folder[1])
    assert list((repository.folder.parent / "temporary").iterdir()) == []
    return from_folder[0]


def refused(repository: Repository, listed: SigningKeys, ref: str = "HEAD") -> str:
    """Return why a commit is rejected, after checking that folder and URL give the same one-line message."""
    said = []
    for url in (str(repository.folder), repository.url):
        with pytest.raises(UntrustedCommit) as untrusted:
            read_revision(RepositoryAccess(url, ref, repository.environment), "manifests", listed)
        text = str(untrusted.value)
        assert text.isprintable()
        match = re.fullmatch(r"repository '(.*?)': the commit [0-9a-f]+ (.*): sign it \(git commit -S\) (.*)", text)
        assert match, text
        assert match[1] == url
        assert match[3] == f"with a key listed in '{listed.file}'"
        said.append(match[2])
    assert said[0] == said[1]
    assert list((repository.folder.parent / "temporary").iterdir()) == []
    return said[0]


@pytest.mark.parametrize("kind", ["ssh", "openpgp"])
def test_a_commit_signed_by_a_listed_key_is_read(
    repository: Repository, signers: dict[str, tuple[Signer, Signer]], kind: str
) -> None:
    """A commit signed by any listed key is read by branch, tag and id; the list may have other lines."""
    one, two = signers[kind]
    both = keys(repository, "# ours\n\n" if kind == "ssh" else "ours:\n", one.entry, two.entry)
    for signer in (one, two):
        commit = signer.commit(repository)
        repository.run_git("tag", "--force", "--annotate", "--message", "A release", "v1")
        for ref in ("HEAD", "main", "v1", commit):
            assert accepted(repository, both, ref) == commit


def test_a_commit_without_a_signature_is_refused(
    repository: Repository, signers: dict[str, tuple[Signer, Signer]]
) -> None:
    """A commit without a signature is rejected, even if its parent or a tag on it is signed."""
    one, _ = signers["ssh"]
    listed = keys(repository, one.entry)
    one.commit(repository)
    repository.commit({"manifests/later.yaml": ""})
    repository.run_git(*one.options, "tag", "--sign", "--message", "Signed", "v1")
    assert refused(repository, listed) == "is not signed"
    assert refused(repository, listed, "v1") == "is not signed"


@pytest.mark.parametrize("kind", ["ssh", "openpgp"])
def test_unlisted_key_is_rejected(
    repository: Repository, signers: dict[str, tuple[Signer, Signer]], ring: Keyring, kind: str
) -> None:
    """An unlisted key is rejected, even if the keyring or configuration of the user or repository trusts it."""
    one, two = signers[kind]
    theirs = repository.folder.parent / "theirs"
    theirs.write_text(two.entry)
    settings = f"[gpg]\n\tminTrustLevel = never\n[gpg.ssh]\n\tallowedSignersFile = {theirs}\n"
    with (repository.folder / ".git" / "config").open("a") as config:
        config.write(settings)
    (repository.folder.parent / "settings").write_text(settings)
    repository.environment["GIT_CONFIG_GLOBAL"] = str(repository.folder.parent / "settings")
    repository.environment.update(ring.environment)
    two.commit(repository)
    repository.run_git("verify-commit", "HEAD")
    assert refused(repository, keys(repository, one.entry)) == f"is signed by the key {two.id}, which is not listed"


@pytest.mark.parametrize(("kind", "other"), [("ssh", "openpgp"), ("openpgp", "ssh")])
def test_key_of_another_kind_is_rejected(
    repository: Repository, signers: dict[str, tuple[Signer, Signer]], ring: Keyring, kind: str, other: str
) -> None:
    """A key of another kind than the listed ones is rejected, even if the user trusts it."""
    repository.environment.update(ring.environment)
    signers[other][0].commit(repository)
    said = refused(repository, keys(repository, signers[kind][0].entry))
    names = {"ssh": "ssh", "openpgp": "OpenPGP"}
    assert said == f"is signed with a key of type {names[other]}, but {names[kind]} keys are listed"


@pytest.mark.parametrize("kind", ["ssh", "openpgp"])
def test_commit_changed_after_signing_is_rejected(
    repository: Repository, signers: dict[str, tuple[Signer, Signer]], kind: str
) -> None:
    """A commit is rejected if its content changed after signing, or if it has two signatures."""
    one, two = signers[kind]
    listed = keys(repository, one.entry)
    content = repository.run_git("cat-file", "commit", one.commit(repository)) + "\n"
    changed = repository.run_git(
        "hash-object", "-t", "commit", "-w", "--stdin", stdin=content.replace("Signed", "Forged")
    )
    repository.run_git("update-ref", "refs/heads/main", changed)
    assert refused(repository, listed).startswith("has a bad signature")
    other = repository.run_git("cat-file", "commit", two.commit(repository)) + "\n"
    header = re.search(r"^gpgsig .*(?:\n .*)*\n", other, re.MULTILINE)
    assert header
    twice = repository.run_git(
        "hash-object", "-t", "commit", "-w", "--stdin", stdin=content.replace("\ngpgsig", f"\n{header[0]}gpgsig", 1)
    )
    repository.run_git("update-ref", "refs/heads/main", twice)
    assert refused(repository, listed) == "has more than one signature"


def test_expired_or_revoked_openpgp_keys_are_rejected(repository: Repository, ring: Keyring) -> None:
    """An expired or revoked OpenPGP key is rejected, even if it is listed."""
    old = ring.create_signer("old", "--faked-system-time", "20200101T000000!", expiry="1y")
    old.commit(repository)
    assert refused(repository, keys(repository, old.entry)) == f"is signed by the key {old.id}, which has expired"
    gone = ring.create_signer("gone")
    gone.commit(repository)
    assert accepted(repository, keys(repository, gone.entry))
    listed = keys(repository, ring.revoke("gone"))
    assert refused(repository, listed) == f"is signed by the key {gone.id}, which was revoked"


def test_ssh_keys_are_accepted_only_while_valid(
    repository: Repository, signers: dict[str, tuple[Signer, Signer]]
) -> None:
    """A listed ssh key is accepted only within its validity and namespaces, even if the commit is backdated."""
    one, _ = signers["ssh"]
    who, key = one.entry.split(" ", 1)
    one.commit(repository)
    for options, said in (
        ('valid-before="20200101"', f"is signed by the key {one.id}, which had expired when the commit was made"),
        ('valid-after="29990101"', f"is signed by the key {one.id}, which was not valid yet when the commit was made"),
        ('namespaces="file"', "is signed by a key that is not listed for git"),
    ):
        assert refused(repository, keys(repository, f"{who} {options} {key}")).startswith(said)
    assert accepted(repository, keys(repository, f'{who} namespaces="git",valid-after="20200101" {key}'))
    one.commit(repository, "manifests/b.yaml", GIT_COMMITTER_DATE="2019-06-01T00:00:00Z")
    old = keys(repository, f'{who} valid-before="20200101" {key}')
    assert refused(repository, old) == "is signed by a key that has expired or is not valid yet"


@pytest.mark.parametrize("kind", ["ssh", "openpgp"])
def test_verification_program_of_the_git_configuration_is_ignored(
    repository: Repository, signers: dict[str, tuple[Signer, Signer]], tmp_path: Path, kind: str
) -> None:
    """A verification program from the configuration of repository, user or variables is never started."""
    one, two = signers[kind]
    two.commit(repository)
    yes = tmp_path / "yes"
    yes.write_text(f"#!/bin/sh\ntouch {tmp_path}/pwned\nexit 0\n")
    yes.chmod(0o755)
    names = ("gpg.program", "gpg.openpgp.program", "gpg.ssh.program", "gpg.x509.program")
    for name in names:
        repository.run_git("config", name, str(yes))
    shutil.copy(repository.folder / ".git" / "config", tmp_path / "settings")
    repository.environment["GIT_CONFIG_GLOBAL"] = str(tmp_path / "settings")
    repository.environment["GIT_CONFIG_COUNT"] = str(len(names))
    for number, name in enumerate(names):
        repository.environment.update({f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": str(yes)})
    assert "which is not listed" in refused(repository, keys(repository, one.entry))
    accepted(repository, keys(repository, two.entry))
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize("what", ["HEAD:manifests/b.yaml", "HEAD:manifests"])
def test_objects_that_do_not_match_their_names_are_rejected(
    repository: Repository, signers: dict[str, tuple[Signer, Signer]], what: str
) -> None:
    """An object whose content does not match its id is an error, although git reads it in place."""
    one, _ = signers["ssh"]
    one.commit(repository)
    kind, oid = repository.run_git("cat-file", "-t", what), repository.run_git("rev-parse", what)
    content = b"forged"
    if kind == "tree":
        content = b"100644 x.yaml\0" + bytes.fromhex(repository.store_blob("forged"))
    stored = repository.folder / ".git" / "objects" / oid[:2] / oid[2:]
    stored.chmod(0o600)
    stored.write_bytes(zlib.compress(f"{kind} {len(content)}\0".encode() + content))
    repository.read()
    with pytest.raises(GitError):
        read_revision(
            RepositoryAccess(str(repository.folder), "HEAD", repository.environment),
            "manifests",
            keys(repository, one.entry),
        )


def test_repositories_with_sha_256_are_verified(
    environment: dict[str, str], tmp_path: Path, signers: dict[str, tuple[Signer, Signer]]
) -> None:
    """Signatures of a repository with SHA-256 ids, which are in another header, are verified."""
    repository = create_repository(tmp_path / "sha256", environment, "--object-format=sha256")
    repository.commit(FILES)
    one, two = signers["ssh"]
    assert refused(repository, keys(repository, one.entry)) == "is not signed"
    commit = one.commit(repository)
    assert accepted(repository, keys(repository, one.entry)) == commit
    assert "not listed" in refused(repository, keys(repository, two.entry))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "cannot be read: No such file or directory"),
        ("", "lists no key"),
        ("# nobody\n\n", "lists no key"),
        ("ssh-ed25519 AAAAC3Nz me\n", "line 1: the owner before the key is missing"),
        ("# ours\n* ssh-ed25519 AAAAC3Nz\nrubbish\n", "line 3: is not an allowed signer"),
        ("\0\x99\x01", "line 1: is not an allowed signer"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\n", "contains a private key"),
        ("-----BEGIN PGP PRIVATE KEY BLOCK-----\n", "contains a private key"),
    ],
)
def test_a_file_without_keys_is_refused(tmp_path: Path, content: str | None, said: str) -> None:
    """A file without usable keys is rejected in one line that names the file, before a commit is read."""
    file = tmp_path / "listed"
    if content is not None:
        file.write_text(content)
    with pytest.raises(InvalidReference) as wrong:
        SigningKeys.read(str(file))
    assert str(wrong.value).startswith(f"--git-verify-key '{file}': ")
    assert said in str(wrong.value)
    assert str(wrong.value).isprintable()


def test_an_armor_without_a_key_is_refused(repository: Repository, signers: dict[str, tuple[Signer, Signer]]) -> None:
    """An armored file in which gpg finds no key is rejected."""
    signers["openpgp"][0].commit(repository)
    listed = keys(repository, "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nrubbish\n-----END PGP PUBLIC KEY BLOCK-----\n")
    with pytest.raises(InvalidReference, match="gpg found no key in it"):
        read_revision(RepositoryAccess(repository.url, "HEAD", repository.environment), "manifests", listed)


@pytest.mark.parametrize(("kind", "program"), [("ssh", "ssh-keygen"), ("openpgp", "gpg")])
def test_missing_verification_program_rejects_the_commit(
    repository: Repository, signers: dict[str, tuple[Signer, Signer]], tmp_path: Path, kind: str, program: str
) -> None:
    """A missing ssh-keygen or gpg is an error that names the program."""
    one, _ = signers[kind]
    one.commit(repository)
    only = tmp_path / "only"
    only.mkdir()
    for name in ("git", "sh"):
        (only / name).symlink_to(str(shutil.which(name)))
    bare = repository.environment | {"PATH": str(only)}
    with pytest.raises(GitError, match=f"the program {program} was not found on PATH"):
        read_revision(RepositoryAccess(str(repository.folder), "HEAD", bare), "manifests", keys(repository, one.entry))


HOOK = """#!{python}
import os, sys
sys.path[:0] = {path!r}
from pathlib import Path
from reconciler.edge.git import RepositoryAccess, SigningKeys, read_revision
_, pushed, _ = sys.stdin.read().split()
access = RepositoryAccess(".", pushed, os.environ)
Path({said!r}).write_text(read_revision(access, "manifests", SigningKeys.read({listed!r}))[0])
"""


def test_pushed_commit_is_verified_in_quarantine(
    repository: Repository, signers: dict[str, tuple[Signer, Signer]], tmp_path: Path
) -> None:
    """A pre-receive hook verifies the signature of a pushed commit while its objects are in quarantine."""
    one, two = signers["ssh"]
    keys(repository, one.entry)
    repository.run_git("init", "--quiet", "--bare", "../bare.git")
    hook, said = tmp_path / "bare.git" / "hooks" / "pre-receive", tmp_path / "said"
    content = HOOK.format(python=sys.executable, path=sys.path, said=str(said), listed=str(tmp_path / "listed"))
    hook.write_text(content)
    hook.chmod(0o755)
    commit = one.commit(repository)
    repository.run_git("push", "--quiet", "../bare.git", "HEAD:refs/heads/main")
    assert said.read_text() == commit
    two.commit(repository)
    with pytest.raises(subprocess.CalledProcessError) as pushed:
        repository.run_git("push", "--quiet", "../bare.git", "HEAD:refs/heads/main")
    assert "which is not listed" in pushed.value.stderr.decode()
    assert list((tmp_path / "temporary").iterdir()) == []


@pytest.mark.parametrize("kind", ["ssh", "openpgp"])
@pytest.mark.parametrize("name", ["gpgsigned-off", "gpgsig-sha256", "gpgsig-sha1", "gpgsig\tx"])
def test_unsigned_signature_header_is_rejected(
    repository: Repository, signers: dict[str, tuple[Signer, Signer]], ring: Keyring, kind: str, name: str
) -> None:
    """A header that git does not verify makes the commit untrusted, although git verify-commit accepts it."""
    one, _ = signers[kind]
    listed = keys(repository, one.entry)
    content = repository.run_git("cat-file", "commit", one.commit(repository)) + "\n"
    changed = repository.run_git(
        "hash-object", "-t", "commit", "-w", "--stdin",
        stdin=content.replace("\ngpgsig", f"\n{name} added\n later\ngpgsig", 1),
    )  # fmt: skip
    repository.run_git("update-ref", "refs/heads/main", changed)
    judge = Repository(repository.folder, repository.environment | dict(ring.environment))
    judge.run_git("-c", f"gpg.ssh.allowedSignersFile={listed.file}", "verify-commit", "HEAD")
    assert refused(repository, listed).startswith("has headers that its signature does not cover (gpgsig, gpgsig")


@pytest.mark.parametrize("kind", ["ssh", "openpgp"])
def test_text_after_the_signature_in_its_header_is_rejected(
    repository: Repository, signers: dict[str, tuple[Signer, Signer]], kind: str
) -> None:
    """Text after the signature in its header is rejected; blank lines, which GitHub adds, are accepted."""
    one, _ = signers[kind]
    listed = keys(repository, one.entry)
    content = repository.run_git("cat-file", "commit", one.commit(repository)) + "\n"
    for more, is_good in ((" \n \n", True), (" more\n", False)):
        changed = repository.run_git(
            "hash-object", "-t", "commit", "-w", "--stdin",
            stdin=content.replace(" SIGNATURE-----\n\n", f" SIGNATURE-----\n{more}\n", 1),
        )  # fmt: skip
        repository.run_git("update-ref", "refs/heads/main", changed)
        if is_good:
            assert accepted(repository, listed) == changed
        else:
            assert refused(repository, listed) == "has additional text in its signature header"


def test_signature_for_the_other_hash_algorithm_is_rejected(
    repository: Repository, signers: dict[str, tuple[Signer, Signer]]
) -> None:
    """A signature header for the other hash algorithm is rejected, because git does not verify it."""
    one, _ = signers["ssh"]
    content = repository.run_git("cat-file", "commit", one.commit(repository)) + "\n"
    changed = repository.run_git(
        "hash-object", "-t", "commit", "-w", "--stdin", stdin=content.replace("\ngpgsig ", "\ngpgsig-sha256 ", 1)
    )
    repository.run_git("update-ref", "refs/heads/main", changed)
    said = refused(repository, keys(repository, one.entry))
    assert said == "has headers that its signature does not cover (gpgsig-sha256)"


def replaced(repository: Repository, program: str, script: str) -> dict[str, str]:
    """Return an environment in which a script replaces a program. REAL is the path of the original program."""
    folder = repository.folder.parent / "replaced"
    folder.mkdir(exist_ok=True)
    fake = folder / program
    fake.write_text(f"#!/bin/sh\nREAL={shutil.which(program)}\n{script}\n")
    fake.chmod(0o755)
    return repository.environment | {"PATH": f"{folder}{os.pathsep}{repository.environment['PATH']}"}


@pytest.mark.parametrize(
    ("program", "script", "said"),
    [
        ("ssh-keygen", "exit 1", "said: "),
        ("ssh-keygen", "kill -9 $$", "said: "),
        ("ssh-keygen", "echo No user exists for uid 4242 >&2; exit 255", "the user id 4242 in /etc/passwd"),
        ("ssh-keygen", "echo usage: ssh-keygen >&2; exit 1", "install OpenSSH 8.9 or newer"),
        ("ssh-keygen", 'case "$2" in find-principals) exit 255;; esac; exec $REAL "$@"', "said: "),
        ("ssh-keygen", 'case "$2" in verify) kill -9 $$;; esac; exec $REAL "$@"', "said: "),
        ("ssh-keygen", 'case "$*" in *verify*) exec $REAL "$@";; esac; exit 255', "said: "),
        ("gpg", "exit 2", "said: "),
        ("gpg", "kill -9 $$", "said: "),
        ("gpg", 'case "$*" in *--import*) exec $REAL "$@";; esac; kill -9 $$', "said: "),
        ("gpg", 'case "$*" in *--import*) exec $REAL "$@";; esac; $REAL "$@"; exit 2', "said: "),
        ("gpg", 'case "$*" in *--import*) kill -9 $$;; esac; exec $REAL "$@"', "said: "),
        ("gpg", "echo gpg: out of core >&2; exit 2", "said: gpg: out of core"),
    ],
)
def test_failing_verification_program_does_not_blame_the_commit(
    repository: Repository, signers: dict[str, tuple[Signer, Signer]], program: str, script: str, said: str
) -> None:
    """A failing verification program is an error without blame for the commit, which a later attempt may accept."""
    one, _ = signers["openpgp" if program == "gpg" else "ssh"]
    listed, commit = keys(repository, one.entry), one.commit(repository)
    broken = replaced(repository, program, script)
    reasons = set()
    for _ in range(2):
        with pytest.raises(GitError) as unclear:
            read_revision(RepositoryAccess(str(repository.folder), "HEAD", broken), "manifests", listed)
        assert type(unclear.value) is GitError
        reasons.add(str(unclear.value))
    (reason,) = reasons
    assert f"the signature of the commit {commit} could not be verified, so the commit is not used yet: " in reason
    assert said in reason
    assert "sign it" not in reason
    assert accepted(repository, listed) == commit


def test_user_missing_from_passwd_is_reported(
    repository: Repository, signers: dict[str, tuple[Signer, Signer]]
) -> None:
    """A user id without an entry in /etc/passwd, as in a container, is reported, because ssh-keygen needs one."""
    if os.getuid() or not shutil.which("setpriv"):
        pytest.skip("needs root and setpriv to run as another user")
    one, _ = signers["ssh"]
    one.commit(repository)
    broken = replaced(repository, "ssh-keygen", 'exec setpriv --reuid=54321 --clear-groups $REAL "$@"')
    with pytest.raises(GitError, match="needs an entry for the user id 54321 in /etc/passwd: add one"):
        read_revision(
            RepositoryAccess(str(repository.folder), "HEAD", broken), "manifests", keys(repository, one.entry)
        )
