"""Options for the source of manifests: files, folders, or a git repository."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from functools import wraps
from typing import Any

import click
from click.core import ParameterSource

from reconciler.app.sources import Source
from reconciler.cli import options
from reconciler.cli.environment import read_environment
from reconciler.cli.sections import MANIFESTS, section
from reconciler.cli.variables import list_variable_problems
from reconciler.core.errors import UsageError
from reconciler.edge.clock import SystemClock


def manifests(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of a `Source` to a command, which receives the `Source` as the argument `source`."""

    @wraps(function)
    def command(*args: Any, files: tuple[str, ...], **options_by_name: Any) -> Any:
        _check_combination(files, options_by_name["git_url"], options_by_name.get("revision"))
        git_options = {name.removeprefix("git_"): options_by_name.pop(name) for name in ("git_url", *_GIT_OPTION_NAMES)}
        strict = options_by_name.pop("strict", False)
        source = Source(
            read_environment(),
            files,
            strict=strict,
            standard_input=options.get_standard_input(),
            clock=SystemClock(offset=options_by_name.get("clock_offset", timedelta())),
            **git_options,
        )
        source.check()
        return function(*args, source=source, **options_by_name)

    return _SOURCE_OPTIONS(command)


def _check_combination(files: tuple[str, ...], git_url: str | None, revision: str | None) -> None:
    """Raise UsageError for options and variables that would otherwise be ignored silently."""
    context = click.get_current_context()
    own_variables = {str(each.envvar) for each in context.command.params if each.envvar}
    for problem in list_variable_problems(read_environment(), own_variables):
        raise UsageError(problem)
    if git_url is not None and files:
        raise UsageError("-f and --git-url cannot be combined: --git-path selects a folder in the repository")
    if git_url is not None and revision is not None:
        raise UsageError("--revision and --git-url cannot be combined: the revision is the commit that is read")
    for parameter in _GIT_OPTION_NAMES:
        if git_url is None and context.get_parameter_source(parameter) is not ParameterSource.DEFAULT:
            name = f"--{parameter.replace('_', '-')}"
            raise UsageError(f"{name} needs --git-url: without --git-url, manifests are read from files")


strict = section(MANIFESTS, options.option("--strict", is_flag=True, help="Treat warnings as errors."))

_SOURCE_OPTIONS = section(
    MANIFESTS,
    options.files,
    options.option("--git-url", metavar="PATH|URL", help="Git repository to read manifests from, without a checkout."),
    options.option(
        "--git-ref", metavar="REF", default="HEAD", show_default=True, help="Branch, tag or commit to read."
    ),
    options.option(
        "--git-path",
        metavar="PATH",
        default="manifests",
        show_default=True,
        help="File or folder of manifests in the repository.",
    ),
    options.option(
        "--git-verify-key",
        metavar="FILE",
        help="Accept only commits signed by a key in this file, which holds SSH allowed signers or OpenPGP keys.",
    ),
    options.option("--git-ssh-key", metavar="FILE", is_safety=False, help="Private key for SSH access."),
    options.option(
        "--git-known-hosts",
        metavar="FILE",
        help="File of known hosts for SSH access. The program refuses other hosts.",
    ),
    options.option(
        "--git-token-file",
        metavar="FILE",
        is_safety=False,
        help="File with the token for HTTPS access. The program reads the file each time git needs the token.",
    ),
    options.option(
        "--git-username",
        metavar="NAME",
        is_safety=False,
        help="User name that belongs to the token.  [default: x-access-token]",
    ),
)
_GIT_OPTION_NAMES = (
    "git_ref", "git_path", "git_verify_key", "git_ssh_key", "git_known_hosts", "git_token_file", "git_username",
)  # fmt: skip
