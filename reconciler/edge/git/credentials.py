"""Pass a key or token file to git through git's own settings, never in an argument, a log or a report."""

from __future__ import annotations

import codecs
import os
import shlex
import stat
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from reconciler import redaction
from reconciler.core.errors import InvalidReference
from reconciler.core.redaction.secrets import Secrets
from reconciler.core.text import sanitize

_USER, _FILE = "RECONCILER_TOKEN_USER", "RECONCILER_TOKEN_FILE"
# The helper reads the file at each request of git, so a replaced token takes effect at once. It strips the token,
# because an editor may add CR, LF or a byte order mark. `read` and `printf` are built into the shell, and start no
# process.
_HELPER = (
    f'!f() {{ if test "$1" = get; then token=; IFS= read -r token <"${_FILE}"; '
    'token="${token#"$(printf "\\357\\273\\277")"}"; '
    'token="${token#"${token%%[![:space:]]*}"}"; token="${token%"${token##*[![:space:]]}"}"; '
    f'if test -n "$token"; then printf "username=%s\\npassword=%s\\n" "${_USER}" "$token"; fi; fi; }}; f'
)


@dataclass(frozen=True, slots=True)
class Credentials:
    """The key and token files for a repository. Without them, git, ssh and the agent of the user supply the login."""

    ssh_key: str | None = None
    known_hosts: str | None = None
    token_file: str | None = None
    username: str | None = None

    def check(self, scheme: str, user: str | None) -> None:
        """Raise InvalidReference if a file does not fit the protocol of the URL, or cannot be read.

        `scheme` is "" for a folder. `user` comes from a login in the URL.
        """
        for option, value, schemes in (
            ("--git-ssh-key", self.ssh_key, {"ssh"}),
            ("--git-known-hosts", self.known_hosts, {"ssh"}),
            ("--git-token-file", self.token_file, {"http", "https"}),
            ("--git-username", self.username, {"http", "https"}),
        ):
            if value is not None and scheme not in schemes:
                actual = f"uses {scheme}" if scheme else "is a folder"
                raise InvalidReference(f"{option} needs the protocol {max(schemes)}, but this repository {actual}")
        if self.username is not None and self.token_file is None:
            raise InvalidReference("--git-username needs --git-token-file, the file with the token of this user")
        if self.username is not None and not self.username.isprintable():
            raise InvalidReference("--git-username contains a line break or another control character: remove it")
        if self.token_file is not None and user is not None:
            raise InvalidReference("--git-token-file: the URL also contains a login: remove the login from the URL")
        self._check_files()

    def _check_files(self) -> None:
        """Raise InvalidReference if a file cannot be read, or if ssh would reject it."""
        for option, file in (
            ("--git-ssh-key", self.ssh_key), ("--git-known-hosts", self.known_hosts),
            ("--git-token-file", self.token_file),
        ):  # fmt: skip
            if file is not None:
                _check_readable(option, file)
        self._build_ssh_options()
        if self.ssh_key is not None:
            status = Path(self.ssh_key).stat()
            if status.st_uid == os.getuid() and status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                raise InvalidReference(
                    f"--git-ssh-key '{sanitize(self.ssh_key)}': other users may access it (mode "
                    f"{stat.S_IMODE(status.st_mode):04o}), and ssh rejects such a key: run chmod 600"
                )
        if self.token_file is not None and not _register_token(Path(self.token_file)):
            problem = "has no token in its first line: write the token there, in UTF-8"
            raise InvalidReference(f"--git-token-file '{sanitize(self.token_file)}' {problem}")

    def build_environment(self, site: str, caller_environment: Mapping[str, str]) -> Mapping[str, str]:
        """Return variables that pass the files to git for one site (`https://host`)."""
        variables: Mapping[str, str] = {}
        if self.ssh_key is not None or self.known_hosts is not None:
            # Git finds ssh on PATH. Variables of the caller cannot select another program.
            variables = {"GIT_SSH_COMMAND": shlex.join(("ssh", *self._build_ssh_options())), "GIT_SSH_VARIANT": "ssh"}
        if self.token_file is not None:
            secrets = {_USER: self.username or "x-access-token", _FILE: str(Path(self.token_file).absolute())}
            variables = build_credential_config(
                caller_environment, site, (("helper", ""), ("helper", _HELPER)), secrets
            )
        return variables

    def _build_ssh_options(self) -> Sequence[str]:
        options = ["BatchMode=yes", "StrictHostKeyChecking=yes"]
        if self.ssh_key is not None:
            options += [f"IdentityFile={_quote_path(self.ssh_key)}", "IdentitiesOnly=yes"]
        if self.known_hosts is not None:
            options += [f"UserKnownHostsFile={_quote_path(self.known_hosts)}", "GlobalKnownHostsFile=/dev/null"]
        return [each for option in options for each in ("-o", option)]


def build_credential_config(
    caller_environment: Mapping[str, str], site: str, settings: Sequence[tuple[str, str]], secrets: Mapping[str, str]
) -> Mapping[str, str]:
    """Return variables that set `credential.SITE.…` for git, in addition to the caller's git configuration."""
    count = caller_environment.get("GIT_CONFIG_COUNT") or "0"
    if not count.isdecimal():  # git itself reports the error
        return {}
    variables = {"GIT_CONFIG_COUNT": str(int(count) + len(settings)), **secrets}
    for number, (key, value) in enumerate(settings, int(count)):
        variables |= {f"GIT_CONFIG_KEY_{number}": f"credential.{site}.{key}", f"GIT_CONFIG_VALUE_{number}": value}
    return variables


def _quote_path(file: str) -> str:
    """Return a path quoted for the configuration of ssh, with its tokens escaped (ssh_config(5))."""
    path = str(Path(file).absolute())
    if "${" in path or any(char in path for char in '"\\\n'):
        raise InvalidReference(
            f"'{sanitize(path)}': ssh does not accept a path with a quote, a backslash, a line break or ${{: rename it"
        )
    return f'"{path.replace("%", "%%")}"'


def _check_readable(option: str, file: str) -> None:
    try:
        with Path(file).open("rb") as stream:
            stream.read(1)
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else redaction.describe_error(error)
        raise InvalidReference(f"{option} '{sanitize(file)}' cannot be read: {why}") from error


def _register_token(file: Path) -> bool:
    """Register the token of a file as a secret, and return whether the file has one."""
    with file.open("rb") as stream:
        token = stream.readline(65536).removeprefix(codecs.BOM_UTF8).strip()
    redaction.add_secrets("--git-token-file", Secrets.from_values(token.decode(errors="replace")))
    try:
        return bool(token) and token.decode().isprintable()
    except UnicodeDecodeError:
        return False
