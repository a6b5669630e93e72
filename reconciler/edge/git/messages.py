"""Shorten error messages of git, gpg and ssh-keygen to one line. No other module matches their texts."""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet

from reconciler import redaction
from reconciler.core.errors import GitError
from reconciler.core.redaction.redact import MAX_LINE_LENGTH
from reconciler.edge.git.arguments import sanitize_output

# Git has one exit code for all these errors. The texts are from git 2.39 in the C locale, and from OpenSSH.
_MEANINGS = (
    (
        r"^(?!remote: ).*(?:No space left on device|Disk quota exceeded)",
        "cannot be copied because the disk is full: free space in the temporary folder, or set TMPDIR to another one",
    ),
    (
        r"not a git repository|cannot change to|does not appear to be a git repo|invalid gitfile format",
        "is not a git repository: correct --git-url",
    ),
    (
        r"Authentication failed|could not read (?:Username|Password)|Permission denied \(|returned error: 40[13]",
        "rejected the credentials, or requires credentials: set up a credential helper, a key or a token for git",
    ),
    (r"repository '[^']*' not found", "was not found (a server may also answer this if credentials are missing)"),
    (r"Host key verification failed", "has an unknown host key: add it to known_hosts"),
    (
        r"No user exists for uid",
        "cannot be reached over ssh, because this user id has no entry in /etc/passwd: add one",
    ),
    (r"promisor remote|lazy fetch", "is a partial clone that lacks required objects: fetch them first"),
    (r"transport '[^']*' not allowed", "uses a protocol that GIT_ALLOW_PROTOCOL does not allow"),
    (r"unable to access|unable to connect|Could not resolve|Could not read from remote", "cannot be reached"),
)
# The status lines of gpg (https://github.com/gpg/gnupg/blob/master/doc/DETAILS) and the messages of ssh-keygen 9.2.
_DISTRUST_REASONS = (
    (r"^\[GNUPG:\] NEWSIG(?s:.*)^\[GNUPG:\] NEWSIG()", "has more than one signature"),
    (r"^\[GNUPG:\] REVKEYSIG (\S+)", "is signed by {}, which was revoked"),
    (r"^\[GNUPG:\] EXPKEYSIG (\S+)", "is signed by {}, which has expired"),
    (r"^\[GNUPG:\] EXPSIG (\S+)", "is signed by {}, but the signature has expired"),
    (r"^\[GNUPG:\] BADSIG (\S+)", "has a bad signature from {}"),
    (r"^\[GNUPG:\] NO_PUBKEY (\S+)", "is signed by {}, which is not listed"),
    (r"^\[GNUPG:\] VALIDSIG (\S+)", "is signed by {}, which is not listed"),
    (r"^\[GNUPG:\] NODATA()", "has a signature that cannot be read"),
    (r"[Cc]ouldn't (?:parse|decode) signature()", "has a signature that cannot be read"),
    (r"incorrect signature()", "has a bad signature"),
    (r"(?s)\A(?>.*?(SHA256:\S+)).*key has expired", "is signed by {}, which had expired when the commit was made"),
    (
        r"(?s)\A(?>.*?(SHA256:\S+)).*key is not yet valid",
        "is signed by {}, which was not valid yet when the commit was made",
    ),
    (r"key is not permitted for use in signature namespace()", "is signed by a key that is not listed for git"),
    # Without "No principal matched", ssh-keygen has checked only the signature, and has not searched the list.
    (r"(?s)\A(?=.*^No principal matched).*(SHA256:\S+)", "is signed by {}, which is not listed"),
)
_HINDRANCES = (
    (
        r"No user exists for uid (\d+)",
        "ssh-keygen needs an entry for the user id {} in /etc/passwd: add one",
    ),
    (r"-Y find-principals/verify is needed()", "ssh-keygen is too old: install OpenSSH 8.9 or newer"),
)
# Details that differ at each attempt are removed, so that a repeated fault has the same reason: durations, sizes, names
# of temporary files, ids of processes and requests, times, and the address of the server.
_VARYING = (
    (r" after \d+ (?:ms|milliseconds|seconds)\b", ""),
    (r"\b\d+ (?:out of \d+ )?bytes\b", "some bytes"),
    (r"((?:\btmp|_vtag_tmp|\bincoming-)(?:_[a-z]+_|_)?)[A-Za-z0-9]{6}\b", r"\1…"),
    (r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b", "…"),
    (r"(?i)\b((?:request|trace|correlation)[ -]?id|pid|process)([ :=#]+)(?=[\w:.-]{0,99}\d)[\w:.-]+", r"\1\2…"),
    (r"\b(?:\d{4}-\d\d-\d\d[T ])?\d\d:\d\d:\d\d(?:[.,]\d+)?Z?", "…"),
    (r"\b((?:closed|reset) by) .* port \d+", r"\1 the server"),
)
_MAX_LENGTH = 16 * 1024  # characters that are searched for a reason
_EMPTY_WORDS = re.compile(
    r"\s*$|hint: |warning: |Please make sure you have|and the repository exists|fatal: Could not read from remote"
)


def build_error(repository_name: str, error_output: str) -> GitError:
    """Return the error for git's message about a repository."""
    safe_directory = re.search(r"^[ \t]*(git config --global --add safe\.directory .+)$", error_output, re.MULTILINE)
    if safe_directory:
        return GitError(
            f"the repository '{repository_name}' belongs to another user, and git does not trust it: "
            f"to allow it, run {sanitize_output(safe_directory[1])}"
        )
    problem = next(
        (meaning for words, meaning in _MEANINGS if re.search(words, error_output, re.MULTILINE)), "cannot be read"
    )
    fault = f"the repository '{repository_name}' {problem}"
    return GitError(f"{fault}; git reports: {_extract_message(error_output)}", fault)


def is_unknown_ref(error_output: str) -> bool:
    """Return whether git reports an unknown branch, tag or commit."""
    return bool(re.search(r"couldn't find remote ref|Needed a single revision", error_output))


def is_no_commit(error_output: str) -> bool:
    """Return whether git reports that a name stands for a file or a folder instead of a commit."""
    return "expected commit type" in error_output


def is_commit_refused(error_output: str) -> bool:
    """Return whether a server reports that it does not serve commits by id, or that it lacks this commit."""
    return bool(re.search(r"not our ref|unadvertised object", error_output))


def is_other_object_format(error_output: str) -> bool:
    """Return whether a server reports that its object format (SHA-1 or SHA-256) differs from the local one."""
    return "mismatched algorithms" in error_output


def parse_imported_keys(output: bytes) -> AbstractSet[str]:
    """Return the fingerprints of the keys that gpg imported."""
    return set(re.findall(r"^\[GNUPG:\] IMPORT_OK \d+ (\S+)$", output.decode(errors="replace"), re.MULTILINE))


def parse_signer(error_output: str) -> str | None:
    """Return the fingerprint of the primary key of a valid signature from gpg's output, or None."""
    match = re.search(r"^\[GNUPG:\] VALIDSIG (?:.* )?(\S+)$", error_output, re.MULTILINE)
    return match[1] if match else None


def find_distrust_reason(error_output: str, trusted_keys: AbstractSet[str] = frozenset()) -> str | None:
    """Return why a signature is not trusted, or None if no program gave a clear verdict.

    A valid signature by one of `trusted_keys` is trusted, unless another reason is found.
    """
    if parse_signer(error_output) in trusted_keys:
        error_output = error_output.replace("VALIDSIG", "")
    for words, meaning in _DISTRUST_REASONS:
        match = re.search(words, error_output[:_MAX_LENGTH], re.MULTILINE)
        if match:
            return meaning.format(f"the key {sanitize_output(match[1])}".removesuffix(" "))
    return None


def is_signer_unlisted(error_output: str) -> bool:
    """Return whether ssh-keygen reports that it searched the list without finding the signer."""
    return bool(re.search(r"^No principal matched", error_output, re.MULTILINE))


def is_key_missing(error_output: str) -> bool:
    """Return whether gpg reports that it lacks the key of a signature."""
    return bool(re.search(r"^\[GNUPG:\] NO_PUBKEY ", error_output, re.MULTILINE))


def has_skipped_keys(output: bytes) -> bool:
    """Return whether gpg skipped keys of a file, from the 14th number of IMPORT_RES (see DETAILS above)."""
    match = re.search(rb"^\[GNUPG:\] IMPORT_RES (?:\d+ ){13}(\d+)", output, re.MULTILINE)
    return not match or match[1] != b"0"


def has_finished_import(output: bytes) -> bool:
    """Return whether gpg reports that it read the whole file, or that the file has no OpenPGP data."""
    return bool(re.search(rb"^\[GNUPG:\] (?:IMPORT_RES|NODATA) ", output, re.MULTILINE))


def build_unverified_error(repository_name: str, commit: str, error_output: str) -> GitError:
    """Return the error for a signature that could not be checked."""
    why = f"the verification program said: {_extract_message(error_output)}"
    for words, meaning in _HINDRANCES:
        if match := re.search(words, error_output):
            why = meaning.format(match[1])
    subject = f"repository '{repository_name}': the signature of the commit {commit}"
    fault = f"{subject} could not be verified, so the commit is not used yet"
    return GitError(f"{fault}: {why}", fault)


def _extract_message(error_output: str) -> str:
    """Return the last line with a message, without its label and without details that vary."""
    lines = [line.strip() for line in error_output.splitlines() if not _EMPTY_WORDS.match(line)]
    fatal = [line for line in lines if line.startswith(("fatal: ", "error: "))]
    message = (fatal or lines or ["nothing"])[-1]
    message = message.removeprefix("fatal: ").removeprefix("error: ")
    message = redaction.redact(message)[:MAX_LINE_LENGTH]  # first, because a shortened secret is not recognised
    for varying, constant in _VARYING:
        message = re.sub(varying, constant, message)
    return sanitize_output(message)
