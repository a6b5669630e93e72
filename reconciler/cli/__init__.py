"""The command line: commands, options and output. The only package that knows click."""

from __future__ import annotations

import gc
import io
import os
import sys


def main() -> None:
    """Run the program and exit: 0, 1, 2 (with --detailed-exitcode), 3, 64, or 128 and a signal's number."""
    if os.getpid() == 1:  # first of all: until then the kernel keeps SIGTERM from it
        from reconciler.app.init_process import continue_in_child

        continue_in_child()
    gc.set_threshold(50_000, 20, 20)  # what is imported and read stays: there is little to collect
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a report is shown in every locale
    arguments = sys.argv[1:]
    try:
        code = run_command(arguments)
        if sys.stdout:
            sys.stdout.flush()
    except OSError:  # whoever reads standard output has gone, or its disk is full; nothing can be told there
        from reconciler.core.errors import EXIT_FAILED

        _silence(sys.stdout.fileno())
        code = EXIT_FAILED
    except KeyboardInterrupt:  # before anything heeded signals
        from reconciler.core.errors import EXIT_INTERRUPTED

        code = EXIT_INTERRUPTED
    try:
        if sys.stderr:
            sys.stderr.flush()
    except OSError:  # the same of logs, which say nothing about how all ended
        _silence(sys.stderr.fileno())
    sys.exit(code)


def _silence(descriptor: int) -> None:
    """Lead nowhere what Python would fail to flush when it ends."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)


def run_command(arguments: list[str]) -> int:
    """Run one command and return its exit code. Every error becomes one line; none a traceback."""
    from reconciler import settings

    settings.remove_foreign_variables()

    from reconciler import redaction
    from reconciler.cli.failures import show_failure
    from reconciler.cli.group import app
    from reconciler.core.redaction.secrets import Secrets

    environment = settings.read_environment()
    redaction.add_secrets("environment", Secrets.from_environment(environment) | Secrets.from_text(" ".join(arguments)))
    try:
        code = app.main(arguments, prog_name="reconcile", standalone_mode=False)
    except BrokenPipeError:
        raise
    except Exception as error:  # noqa: BLE001 - Python's own traceback would show secrets
        return show_failure(error, app)
    return code if isinstance(code, int) else 0
