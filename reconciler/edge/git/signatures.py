"""Verify that a listed key signed a commit, with git, gpg and ssh-keygen."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from reconciler.core.errors import InvalidReference, UntrustedCommit
from reconciler.core.text import sanitize
from reconciler.edge.git import messages, temporary_folders
from reconciler.edge.git.command import CommandResult, GitCommand
from reconciler.edge.git.signing_keys import SigningKeys

_NO_PROGRAM = "/dev/null"  # a program that cannot be started
_BAD_SIGNATURE = 1  # git's exit code for a bad signature
_SHA1 = 40
# Git verifies a commit without any header that begins with gpgsig (parse_signed_commit in commit.c).
_HEADER = re.compile(rb"^gpgsig[^ \n]*", re.MULTILINE)
_BLOCK = re.compile(rb"-----BEGIN ([A-Z ]+)-----[ \t\r]*\n(?:(?!-----).*\n)*-----END \1-----\s*")
# The first words of a signature show its kind (https://git-scm.com/docs/git-config, gpg.program).
_KINDS = {b"-----BEGIN SSH": "ssh", b"-----BEGIN PGP": "OpenPGP", b"-----BEGIN SIGNED": "X.509"}


@dataclass(frozen=True, slots=True)
class _NoVerdict:
    """A check that ended without a verdict, with the error output of the program."""

    error_output: str


def verify_signature(git: GitCommand, repository_name: str, commit: str, keys: SigningKeys) -> None:
    """Verify that one of the keys signed a commit. The signature of a tag does not count.

    The user's keyring is ignored, and programs that a git configuration names are not started.

    Raises UntrustedCommit if the commit is not signed or a program rejected its signature. Raises GitError if no
    program gave a verdict, in which case a later attempt may succeed. Raises InvalidReference if `keys` has no key.
    """
    content = git.run("cat-file", "commit", commit)
    if not content.has_succeeded:
        raise messages.build_error(repository_name, content.error_output)
    head = content.output.partition(b"\n\n")[0]
    signature = _extract_signature(head, b"gpgsig" if len(commit) == _SHA1 else b"gpgsig-sha256")
    expected = "OpenPGP" if keys.is_openpgp else "ssh"
    problem: str | _NoVerdict
    if (coverage_problem := _check_coverage(head, signature)) is not None:
        problem = coverage_problem
    elif (kind := _detect_kind(signature)) != expected:
        problem = f"is signed with a key of type {kind}, but {expected} keys are listed"
    elif not _BLOCK.fullmatch(signature):
        problem = "has additional text in its signature header"
    else:
        with temporary_folders.translate_os_errors():
            folder = Path(tempfile.mkdtemp(dir=git.temporary_folder))
            problem = (_verify_openpgp if keys.is_openpgp else _verify_ssh)(git, commit, keys, signature, folder)
    if isinstance(problem, _NoVerdict):
        raise messages.build_unverified_error(repository_name, commit, problem.error_output)
    if problem:
        raise UntrustedCommit(
            f"repository '{repository_name}': the commit {commit} {problem}: "
            f"sign it (git commit -S) with a key listed in '{keys.display_name}'"
        )


def _extract_signature(head: bytes, header: bytes) -> bytes:
    """Return the first signature in the headers of a commit, or b""."""
    match = re.search(rb"^" + header + rb" (.*(?:\n .*)*)", head, re.MULTILINE)
    return match[1].replace(b"\n ", b"\n") + b"\n" if match else b""


def _check_coverage(head: bytes, signature: bytes) -> str | None:
    """Return None if a commit has exactly one signature over its whole content, otherwise the reason."""
    headers = _HEADER.findall(head)
    if not headers:
        return "is not signed"
    if len(headers) == 1 and signature:
        return None
    if len(set(headers)) == 1 and signature:
        return "has more than one signature"
    names = ", ".join(sorted({sanitize(each[:40].decode(errors="replace")) for each in headers}))
    return f"has headers that its signature does not cover ({names})"


def _detect_kind(signature: bytes) -> str:
    return next((kind for words, kind in _KINDS.items() if signature.startswith(words)), "unknown")


def _verify_openpgp(git: GitCommand, commit: str, keys: SigningKeys, _: bytes, folder: Path) -> str | _NoVerdict:
    """Return why an OpenPGP signature is rejected, "" if it is valid, or no verdict."""
    # Even if /etc/gnupg allows it, gpg must not retrieve keys from a server or from the signature.
    (folder / "gpg.conf").write_text("batch\nno-autostart\nno-auto-key-retrieve\ndisable-dirmngr\n")
    gpg = git.find_other_program("gpg", "--homedir", str(folder), "--status-fd", "1")
    import_result = gpg.run("--import", stdin=keys.content)
    trusted_keys = messages.parse_imported_keys(import_result.output)
    if not trusted_keys and import_result.exit_code >= 0 and messages.has_finished_import(import_result.output):
        raise InvalidReference(f"--git-verify-key '{keys.display_name}': gpg found no key in it")
    if not trusted_keys:
        return _NoVerdict(import_result.error_output)
    result = _run_verify_commit(git, commit, {"gpg.program": gpg.program}, {"GNUPGHOME": str(folder)})
    signer = messages.parse_signer(result.error_output)
    if result.has_succeeded and signer in trusted_keys:
        return ""
    if messages.is_key_missing(result.error_output) and (
        import_result.exit_code < 0 or messages.has_skipped_keys(import_result.output)
    ):
        return _NoVerdict(import_result.error_output)  # a skipped key may have signed the commit
    return _judge(
        result.exit_code, messages.find_distrust_reason(result.error_output, trusted_keys), result.error_output
    )


def _verify_ssh(git: GitCommand, commit: str, keys: SigningKeys, signature: bytes, folder: Path) -> str | _NoVerdict:
    """Return why an ssh signature is rejected, "" if it is valid, or no verdict."""
    signers_file, signature_file = folder / "signers", folder / "signature"
    signers_file.write_bytes(keys.content)
    signature_file.write_bytes(signature)
    keygen = git.find_other_program("ssh-keygen")
    settings = {"gpg.ssh.program": keygen.program, "gpg.ssh.allowedSignersFile": str(signers_file)}
    result = _run_verify_commit(git, commit, settings, {})
    if not result.has_succeeded:
        return _judge(result.exit_code, messages.find_distrust_reason(result.error_output), result.error_output)
    # Git checks that the key was valid at the time in the commit, which the holder of an expired key can choose freely.
    principals_result = keygen.run("-Y", "find-principals", "-f", str(signers_file), "-s", str(signature_file))
    if principals_result.has_succeeded:
        return ""
    if messages.is_signer_unlisted(principals_result.error_output):
        return "is signed by a key that has expired or is not valid yet"
    return _NoVerdict(principals_result.error_output)


def _judge(exit_code: int, distrust_reason: str | None, error_output: str) -> str | _NoVerdict:
    """Return the reason for a rejection if git finished the check, otherwise no verdict."""
    return (distrust_reason if exit_code in {0, _BAD_SIGNATURE} else None) or _NoVerdict(error_output)


def _run_verify_commit(
    git: GitCommand, commit: str, settings: Mapping[str, str], variables: Mapping[str, str]
) -> CommandResult:
    """Return the result of git verify-commit with only the given programs and keys."""
    fixed_settings = {
        "gpg.program": _NO_PROGRAM,
        "gpg.ssh.program": _NO_PROGRAM,
        "gpg.x509.program": _NO_PROGRAM,
        "gpg.ssh.allowedSignersFile": _NO_PROGRAM,
        "gpg.minTrustLevel": "undefined",
        **settings,
    }
    fixed_settings["gpg.openpgp.program"] = fixed_settings["gpg.program"]  # two names for one setting
    options = (each for key, value in fixed_settings.items() for each in ("-c", f"{key}={value}"))
    command = replace(git, options=(*git.options, *options), environment={**git.environment, **variables})
    return command.run("verify-commit", "--raw", commit)
