"""The command line: commands, options and output. The only package that knows click."""

from __future__ import annotations

import gc
import io
import os
import sys


def main() -> None:
    """Run the program and exit with 0, 1, 2 (with --detailed-exitcode), 3, 64, or 128 plus the number of a signal."""
    if os.getpid() == 1:  # before anything else: the kernel discards signals that process 1 has no handler for
        from reconciler.app.init_process import continue_in_child

        continue_in_child()
    gc.set_threshold(200_000, 20, 20)  # imports and manifests live until the end, so frequent collections free little
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # every locale can then print a report
    arguments = sys.argv[1:]
    try:
        code = run_command(arguments)
        if sys.stdout:
            sys.stdout.flush()
    except OSError:  # standard output is closed or its disk is full, so a message could not be written either
        from reconciler.core.errors import EXIT_FAILED

        _silence(sys.stdout.fileno())
        code = EXIT_FAILED
    except KeyboardInterrupt:  # before a signal handler was installed
        from reconciler.core.errors import EXIT_INTERRUPTED

        code = EXIT_INTERRUPTED
    try:
        if sys.stderr:
            sys.stderr.flush()
    except OSError:  # lost log lines do not change the exit code
        _silence(sys.stderr.fileno())
    gc.freeze()  # Python's last collections, which examine every object, take a twentieth of a dry run
    sys.exit(code)


def _silence(descriptor: int) -> None:
    """Redirect a file descriptor to the null device, because Python's last flush of it would fail."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)


def run_command(arguments: list[str]) -> int:
    """Run one command and return its exit code. An error is shown as one line, without a traceback."""
    from reconciler.cli.environment import read_environment, remove_foreign_variables

    remove_foreign_variables()

    from reconciler import redaction
    from reconciler.cli.failures import show_failure
    from reconciler.cli.group import app
    from reconciler.core.redaction.secrets import Secrets

    environment = read_environment()
    redaction.add_secrets("environment", Secrets.from_environment(environment) | Secrets.from_text(" ".join(arguments)))
    try:
        code = app.main(arguments, prog_name="reconcile", standalone_mode=False)
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001 - Python's own traceback would show secrets
        return show_failure(error, app)
    return code if isinstance(code, int) else 0
