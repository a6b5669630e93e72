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
def keyring() -> Iterator[Keyring]:
    """Yield a keyring for OpenPGP signers."""
    with open_keyring() as new_keyring:
        yield new_keyring


@pytest.fixture(scope="module")
def signers(keyring: Keyring, tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[Signer, Signer]]:
    """Return two signers of each kind."""
    folder = tmp_path_factory.mktemp("keys")
    return {
        "ssh": (create_ssh_signer(folder, "one"), create_ssh_signer(folder, "two")),
        "openpgp": (keyring.create_signer("one"), keyring.create_signer("two")),
    }


def write_keys(repository: Repository, *entries: str) -> SigningKeys:
    """Write keys to a file, and return the keys read from it."""
    keys_file = repository.folder.parent / "listed"
    keys_file.write_text("".join(entries))
    return SigningKeys.read(str(keys_file))


def expect_acceptance(repository: Repository, keys: SigningKeys, ref: str = "HEAD") -> str:
    """Return the commit, after checking that folder and URL give the same files and leave none on disk."""
    from_folder, from_url = (
        read_revision(RepositoryAccess(url, ref, repository.environment), "manifests", keys)
        for url in (str(repository.folder), repository.url)
    )
    assert from_folder == from_url
    assert any(isinstance(file, File) for file in from_folder[1])
    assert list((repository.folder.parent / "temporary").iterdir()) == []
    return from_folder[0]


def expect_rejection(repository: Repository, keys: SigningKeys, ref: str = "HEAD") -> str:
    """Return why a commit is rejected, after checking that folder and URL give the same one-line message."""
    reasons = []
    for url in (str(repository.folder), repository.url):
        with pytest.raises(UntrustedCommit) as error:
            read_revision(RepositoryAccess(url, ref, repository.environment), "manifests", keys)
        text = str(error.value)
        assert text.isprintable()
        match = re.fullmatch(r"repository '(.*?)': the commit [0-9a-f]+ (.*): sign it \(git commit -S\) (.*)", text)
        assert match, text
        assert match[1] == url
        assert match[3] == f"with a key listed in '{keys.file}'"
        reasons.append(match[2])
    assert reasons[0] == reasons[1]
    assert list((repository.folder.parent / "temporary").iterdir()) == []
    return reasons[0]


@pytest.mark.parametrize("kind", ["ssh", "openpgp"])
def test_a_commit_signed_by_a_listed_key_is_read(
    repository: Repository, signers: dict[str, tuple[Signer, Signer]], kind: str
) -> None:
    """A commit signed by any listed key is read by branch, tag and id; the list may have other lines."""
    first_signer, second_signer = signers[kind]
    keys = write_keys(repository, "# ours\n\n" if kind == "ssh" else "ours:\n", first_signer.entry, second_signer.entry)
    for signer in (first_signer, second_signer):
        commit = signer.commit(repository)
        repository.run_git("tag", "--force", "--annotate", "--message", "A release", "v1")
        for ref in ("HEAD", "main", "v1", commit):
            assert expect_acceptance(repository, keys, ref) == commit


def test_a_commit_without_a_signature_is_refused(
    repository: Repository, signers: dict[str, tuple[Signer, Signer]]
) -> None:
    """A commit without a signature is rejected, even if its parent or a tag on it is signed."""
    signer, _ = signers["ssh"]
    keys = write_keys(repository, signer.entry)
    signer.commit(repository)
    repository.commit({"manifests/later.yaml": ""})
    repository.run_git(*signer.options, "tag", "--sign", "--message", "Signed", "v1")
    assert expect_rejection(repository, keys) == "is not signed"
    assert expect_rejection(repository, keys, "v1") == "is not signed"


@pytest.mark.parametrize("kind", ["ssh", "openpgp"])
def test_unlisted_key_is_rejected(
    repository: Repository, signers: dict[str, tuple[Signer, Signer]], keyring: Keyring, kind: str
) -> None:
    """An unlisted key is rejected, even if the keyring or configuration of the user or repository trusts it."""
    listed_signer, other_signer = signers[kind]
    other_keys = repository.folder.parent / "theirs"
    other_keys.write_text(other_signer.entry)
    settings = f"[gpg]\n\tminTrustLevel = never\n[gpg.ssh]\n\tallowedSignersFile = {other_keys}\n"
    with (repository.folder / ".git" / "config").open("a") as config:
        config.write(settings)
    (repository.folder.parent / "settings").write_text(settings)
    repository.environment["GIT_CONFIG_GLOBAL"] = str(repository.folder.parent / "settings")
    repository.environment.update(keyring.environment)
    other_signer.commit(repository)
    repository.run_git("verify-commit", "HEAD")
    assert (
        expect_rejection(repository, write_keys(repository, listed_signer.entry))
        == f"is signed by the key {other_signer.id}, which is not listed"
    )


@pytest.mark.parametrize(("kind", "other_kind"), [("ssh", "openpgp"), ("openpgp", "ssh")])
def test_key_of_another_kind_is_rejected(
    repository: Repository, signers: dict[str, tuple[Signer, Signer]], keyring: Keyring, kind: str, other_kind: str
) -> None:
    """A key of another kind than the listed ones is rejected, even if the user trusts it."""
    repository.environment.update(keyring.environment)
    signers[other_kind][0].commit(repository)
    reason = expect_rejection(repository, write_keys(repository, signers[kind][0].entry))
    names = {"ssh": "ssh", "openpgp": "OpenPGP"}
    assert reason == f"is signed with a key of type {names[other_kind]}, but {names[kind]} keys are listed"


@pytest.mark.parametrize("kind", ["ssh", "openpgp"])
def test_commit_changed_after_signing_is_rejected(
    repository: Repository, signers: dict[str, tuple[Signer, Signer]], kind: str
) -> None:
    """A commit is rejected if its content changed after signing, or if it has two signatures."""
    listed_signer, other_signer = signers[kind]
    keys = write_keys(repository, listed_signer.entry)
    content = repository.run_git("cat-file", "commit", listed_signer.commit(repository)) + "\n"
    changed_commit = repository.run_git(
        "hash-object", "-t", "commit", "-w", "--stdin", stdin=content.replace("Signed", "Forged")
    )
    repository.run_git("update-ref", "refs/heads/main", changed_commit)
    assert expect_rejection(repository, keys).startswith("has a bad signature")
    other_content = repository.run_git("cat-file", "commit", other_signer.commit(repository)) + "\n"
    header = re.search(r"^gpgsig .*(?:\n .*)*\n", other_content, re.MULTILINE)
    assert header
    signed_twice = repository.run_git(
        "hash-object", "-t", "commit", "-w", "--stdin", stdin=content.replace("\ngpgsig", f"\n{header[0]}gpgsig", 1)
    )
    repository.run_git("update-ref", "refs/heads/main", signed_twice)
    assert expect_rejection(repository, keys) == "has more than one signature"


def test_expired_or_revoked_openpgp_keys_are_rejected(repository: Repository, keyring: Keyring) -> None:
    """An expired or revoked OpenPGP key is rejected, even if it is listed."""
    expired = keyring.create_signer("old", "--faked-system-time", "20200101T000000!", expiry="1y")
    expired.commit(repository)
    assert (
        expect_rejection(repository, write_keys(repository, expired.entry))
        == f"is signed by the key {expired.id}, which has expired"
    )
    revoked = keyring.create_signer("gone")
    revoked.commit(repository)
    assert expect_acceptance(repository, write_keys(repository, revoked.entry))
    keys = write_keys(repository, keyring.revoke("gone"))
    assert expect_rejection(repository, keys) == f"is signed by the key {revoked.id}, which was revoked"


def test_ssh_keys_are_accepted_only_while_valid(
    repository: Repository, signers: dict[str, tuple[Signer, Signer]]
) -> None:
    """A listed ssh key is accepted only within its validity and namespaces, even if the commit is backdated."""
    signer, _ = signers["ssh"]
    owner, key = signer.entry.split(" ", 1)
    signer.commit(repository)
    for options, expected in (
        ('valid-before="20200101"', f"is signed by the key {signer.id}, which had expired when the commit was made"),
        (
            'valid-after="29990101"',
            f"is signed by the key {signer.id}, which was not valid yet when the commit was made",
        ),
        ('namespaces="file"', "is signed by a key that is not listed for git"),
    ):
        assert expect_rejection(repository, write_keys(repository, f"{owner} {options} {key}")).startswith(expected)
    assert expect_acceptance(
        repository, write_keys(repository, f'{owner} namespaces="git",valid-after="20200101" {key}')
    )
    signer.commit(repository, "manifests/b.yaml", GIT_COMMITTER_DATE="2019-06-01T00:00:00Z")
    expired_keys = write_keys(repository, f'{owner} valid-before="20200101" {key}')
    assert expect_rejection(repository, expired_keys) == "is signed by a key that has expired or is not valid yet"


@pytest.mark.parametrize("kind", ["ssh", "openpgp"])
def test_verification_program_of_the_git_configuration_is_ignored(
    repository: Repository, signers: dict[str, tuple[Signer, Signer]], tmp_path: Path, kind: str
) -> None:
    """A verification program from the configuration of repository, user or variables is never started."""
    listed_signer, other_signer = signers[kind]
    other_signer.commit(repository)
    program = tmp_path / "yes"
    program.write_text(f"#!/bin/sh\ntouch {tmp_path}/pwned\nexit 0\n")
    program.chmod(0o755)
    names = ("gpg.program", "gpg.openpgp.program", "gpg.ssh.program", "gpg.x509.program")
    for name in names:
        repository.run_git("config", name, str(program))
    shutil.copy(repository.folder / ".git" / "config", tmp_path / "settings")
    repository.environment["GIT_CONFIG_GLOBAL"] = str(tmp_path / "settings")
    repository.environment["GIT_CONFIG_COUNT"] = str(len(names))
    for number, name in enumerate(names):
        repository.environment.update({f"GIT_CONFIG_KEY_{number}": name, f"GIT_CONFIG_VALUE_{number}": str(program)})
    assert "which is not listed" in expect_rejection(repository, write_keys(repository, listed_signer.entry))
    expect_acceptance(repository, write_keys(repository, other_signer.entry))
    assert not (tmp_path / "pwned").exists()


@pytest.mark.parametrize("object_name", ["HEAD:manifests/b.yaml", "HEAD:manifests"])
def test_objects_that_do_not_match_their_names_are_rejected(
    repository: Repository, signers: dict[str, tuple[Signer, Signer]], object_name: str
) -> None:
    """An object whose content does not match its id is an error, although git reads it in place."""
    signer, _ = signers["ssh"]
    signer.commit(repository)
    kind, oid = repository.run_git("cat-file", "-t", object_name), repository.run_git("rev-parse", object_name)
    content = b"forged"
    if kind == "tree":
        content = b"100644 x.yaml\0" + bytes.fromhex(repository.store_blob("forged"))
    object_file = repository.folder / ".git" / "objects" / oid[:2] / oid[2:]
    object_file.chmod(0o600)
    object_file.write_bytes(zlib.compress(f"{kind} {len(content)}\0".encode() + content))
    repository.read()
    with pytest.raises(GitError):
        read_revision(
            RepositoryAccess(str(repository.folder), "HEAD", repository.environment),
            "manifests",
            write_keys(repository, signer.entry),
        )


def test_repositories_with_sha_256_are_verified(
    environment: dict[str, str], tmp_path: Path, signers: dict[str, tuple[Signer, Signer]]
) -> None:
    """Signatures of a repository with SHA-256 ids, which are in another header, are verified."""
    repository = create_repository(tmp_path / "sha256", environment, "--object-format=sha256")
    repository.commit(FILES)
    listed_signer, other_signer = signers["ssh"]
    assert expect_rejection(repository, write_keys(repository, listed_signer.entry)) == "is not signed"
    commit = listed_signer.commit(repository)
    assert expect_acceptance(repository, write_keys(repository, listed_signer.entry)) == commit
    assert "not listed" in expect_rejection(repository, write_keys(repository, other_signer.entry))


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (None, "cannot be read: No such file or directory"),
        ("", "lists no key"),
        ("# nobody\n\n", "lists no key"),
        ("ssh-ed25519 AAAAC3Nz me\n", "has no owner before the key in line 1"),
        ("# ours\n* ssh-ed25519 AAAAC3Nz\nrubbish\n", "has no allowed signer in line 3"),
        ("\0\x99\x01", "has no allowed signer in line 1"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\n", "contains a private key"),
        ("-----BEGIN PGP PRIVATE KEY BLOCK-----\n", "contains a private key"),
    ],
)
def test_a_file_without_keys_is_refused(tmp_path: Path, content: str | None, expected: str) -> None:
    """A file without usable keys is rejected in one line that names the file, before a commit is read."""
    file = tmp_path / "listed"
    if content is not None:
        file.write_text(content)
    with pytest.raises(InvalidReference) as error:
        SigningKeys.read(str(file))
    assert str(error.value).startswith(f"--git-verify-key '{file}' ")
    assert expected in str(error.value)
    assert str(error.value).isprintable()


def test_an_armor_without_a_key_is_refused(repository: Repository, signers: dict[str, tuple[Signer, Signer]]) -> None:
    """An armored file in which gpg finds no key is rejected."""
    signers["openpgp"][0].commit(repository)
    keys = write_keys(
        repository, "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nrubbish\n-----END PGP PUBLIC KEY BLOCK-----\n"
    )
    with pytest.raises(InvalidReference, match="gpg found no key in it"):
        read_revision(RepositoryAccess(repository.url, "HEAD", repository.environment), "manifests", keys)


@pytest.mark.parametrize(("kind", "program"), [("ssh", "ssh-keygen"), ("openpgp", "gpg")])
def test_missing_verification_program_rejects_the_commit(
    repository: Repository, signers: dict[str, tuple[Signer, Signer]], tmp_path: Path, kind: str, program: str
) -> None:
    """A missing ssh-keygen or gpg is an error that names the program."""
    signer, _ = signers[kind]
    signer.commit(repository)
    programs = tmp_path / "only"
    programs.mkdir()
    for name in ("git", "sh"):
        (programs / name).symlink_to(str(shutil.which(name)))
    variables = repository.environment | {"PATH": str(programs)}
    with pytest.raises(GitError, match=f"the program {program} was not found on PATH"):
        read_revision(
            RepositoryAccess(str(repository.folder), "HEAD", variables),
            "manifests",
            write_keys(repository, signer.entry),
        )


HOOK = """#!{python}
import os, sys
sys.path[:0] = {path!r}
from pathlib import Path
from reconciler.edge.git import RepositoryAccess, SigningKeys, read_revision
_, pushed, _ = sys.stdin.read().split()
access = RepositoryAccess(".", pushed, os.environ)
Path({result_file!r}).write_text(read_revision(access, "manifests", SigningKeys.read({keys_file!r}))[0])
"""


def test_pushed_commit_is_verified_in_quarantine(
    repository: Repository, signers: dict[str, tuple[Signer, Signer]], tmp_path: Path
) -> None:
    """A pre-receive hook verifies the signature of a pushed commit while its objects are in quarantine."""
    listed_signer, other_signer = signers["ssh"]
    write_keys(repository, listed_signer.entry)
    repository.run_git("init", "--quiet", "--bare", "../bare.git")
    hook, result_file = tmp_path / "bare.git" / "hooks" / "pre-receive", tmp_path / "said"
    content = HOOK.format(
        python=sys.executable, path=sys.path, result_file=str(result_file), keys_file=str(tmp_path / "listed")
    )
    hook.write_text(content)
    hook.chmod(0o755)
    commit = listed_signer.commit(repository)
    repository.run_git("push", "--quiet", "../bare.git", "HEAD:refs/heads/main")
    assert result_file.read_text() == commit
    other_signer.commit(repository)
    with pytest.raises(subprocess.CalledProcessError) as error:
        repository.run_git("push", "--quiet", "../bare.git", "HEAD:refs/heads/main")
    assert "which is not listed" in error.value.stderr.decode()
    assert list((tmp_path / "temporary").iterdir()) == []


@pytest.mark.parametrize("kind", ["ssh", "openpgp"])
@pytest.mark.parametrize("name", ["gpgsigned-off", "gpgsig-sha256", "gpgsig-sha1", "gpgsig\tx"])
def test_unsigned_signature_header_is_rejected(
    repository: Repository, signers: dict[str, tuple[Signer, Signer]], keyring: Keyring, kind: str, name: str
) -> None:
    """A header that git does not verify makes the commit untrusted, although git verify-commit accepts it."""
    signer, _ = signers[kind]
    keys = write_keys(repository, signer.entry)
    content = repository.run_git("cat-file", "commit", signer.commit(repository)) + "\n"
    changed_commit = repository.run_git(
        "hash-object", "-t", "commit", "-w", "--stdin",
        stdin=content.replace("\ngpgsig", f"\n{name} added\n later\ngpgsig", 1),
    )  # fmt: skip
    repository.run_git("update-ref", "refs/heads/main", changed_commit)
    verifier = Repository(repository.folder, repository.environment | dict(keyring.environment))
    verifier.run_git("-c", f"gpg.ssh.allowedSignersFile={keys.file}", "verify-commit", "HEAD")
    assert expect_rejection(repository, keys).startswith(
        "has headers that its signature does not cover (gpgsig, gpgsig"
    )


@pytest.mark.parametrize("kind", ["ssh", "openpgp"])
def test_text_after_the_signature_in_its_header_is_rejected(
    repository: Repository, signers: dict[str, tuple[Signer, Signer]], kind: str
) -> None:
    """Text after the signature in its header is rejected; blank lines, which GitHub adds, are accepted."""
    signer, _ = signers[kind]
    keys = write_keys(repository, signer.entry)
    content = repository.run_git("cat-file", "commit", signer.commit(repository)) + "\n"
    for addition, is_good in ((" \n \n", True), (" more\n", False)):
        changed_commit = repository.run_git(
            "hash-object", "-t", "commit", "-w", "--stdin",
            stdin=content.replace(" SIGNATURE-----\n\n", f" SIGNATURE-----\n{addition}\n", 1),
        )  # fmt: skip
        repository.run_git("update-ref", "refs/heads/main", changed_commit)
        if is_good:
            assert expect_acceptance(repository, keys) == changed_commit
        else:
            assert expect_rejection(repository, keys) == "has additional text in its signature header"


def test_signature_for_the_other_hash_algorithm_is_rejected(
    repository: Repository, signers: dict[str, tuple[Signer, Signer]]
) -> None:
    """A signature header for the other hash algorithm is rejected, because git does not verify it."""
    signer, _ = signers["ssh"]
    content = repository.run_git("cat-file", "commit", signer.commit(repository)) + "\n"
    changed_commit = repository.run_git(
        "hash-object", "-t", "commit", "-w", "--stdin", stdin=content.replace("\ngpgsig ", "\ngpgsig-sha256 ", 1)
    )
    repository.run_git("update-ref", "refs/heads/main", changed_commit)
    reason = expect_rejection(repository, write_keys(repository, signer.entry))
    assert reason == "has headers that its signature does not cover (gpgsig-sha256)"


def replace_program(repository: Repository, program: str, script: str) -> dict[str, str]:
    """Return an environment in which a script replaces a program. REAL is the path of the original program."""
    folder = repository.folder.parent / "replaced"
    folder.mkdir(exist_ok=True)
    script_file = folder / program
    script_file.write_text(f"#!/bin/sh\nREAL={shutil.which(program)}\n{script}\n")
    script_file.chmod(0o755)
    return repository.environment | {"PATH": f"{folder}{os.pathsep}{repository.environment['PATH']}"}


@pytest.mark.parametrize(
    ("program", "script", "expected"),
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
    repository: Repository, signers: dict[str, tuple[Signer, Signer]], program: str, script: str, expected: str
) -> None:
    """A failing verification program is an error without blame for the commit, which a later attempt may accept."""
    signer, _ = signers["openpgp" if program == "gpg" else "ssh"]
    keys, commit = write_keys(repository, signer.entry), signer.commit(repository)
    variables = replace_program(repository, program, script)
    reasons = set()
    for _ in range(2):
        with pytest.raises(GitError) as error:
            read_revision(RepositoryAccess(str(repository.folder), "HEAD", variables), "manifests", keys)
        assert type(error.value) is GitError
        reasons.add(str(error.value))
    (reason,) = reasons
    assert f"the signature of the commit {commit} could not be verified, so the commit is not used yet: " in reason
    assert expected in reason
    assert "sign it" not in reason
    assert expect_acceptance(repository, keys) == commit


def test_user_missing_from_passwd_is_reported(
    repository: Repository, signers: dict[str, tuple[Signer, Signer]]
) -> None:
    """A user id without an entry in /etc/passwd, as in a container, is reported, because ssh-keygen needs one."""
    if os.getuid() or not shutil.which("setpriv"):
        pytest.skip("needs root and setpriv to run as another user")
    signer, _ = signers["ssh"]
    signer.commit(repository)
    variables = replace_program(repository, "ssh-keygen", 'exec setpriv --reuid=54321 --clear-groups $REAL "$@"')
    with pytest.raises(GitError, match="needs an entry for the user id 54321 in /etc/passwd: add one"):
        read_revision(
            RepositoryAccess(str(repository.folder), "HEAD", variables),
            "manifests",
            write_keys(repository, signer.entry),
        )
