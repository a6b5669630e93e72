"""The command line, and the only place where the parts are put together."""

from __future__ import annotations

import gc
import io
import os
import sys

EXIT_FAILED = 1
EXIT_INVALID = 3
EXIT_USAGE = 64
EXIT_INTERRUPTED = 130


def main() -> None:
    """Run the program and exit: 0, 1, 2 (with --detailed-exitcode), 3, 64, or 128 and a signal's number."""
    if os.getpid() == 1:  # first of all: until then the kernel keeps SIGTERM from it
        from reconciler.cli.process_one import stand_aside

        stand_aside()
    gc.set_threshold(50_000, 20, 20)  # what is imported and read stays: there is little to collect
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")  # a report is shown in every locale
    arguments = sys.argv[1:]
    try:
        code = _help() if arguments in (["--help"], ["-h"]) else call(arguments)
        if sys.stdout:
            sys.stdout.flush()
    except OSError:  # whoever reads standard output has gone, or its disk is full; nothing can be told there
        _silence(sys.stdout.fileno())
        code = EXIT_FAILED
    except KeyboardInterrupt:  # before anything heeded signals
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


def _help() -> int:
    from reconciler.cli.help import HELP

    if sys.stdout:
        sys.stdout.write(HELP)
    return 0


def call(arguments: list[str]) -> int:
    """Run one command and return its exit code. Every error becomes one line; none a traceback."""
    from reconciler import settings

    settings.forget_others()
    import click

    from reconciler import redaction
    from reconciler.cli.app import app
    from reconciler.core.errors import InvalidManifests, ReconcilerError
    from reconciler.core.redaction.secrets import Secrets
    from reconciler.core.text import harmless

    given = settings.environment()
    redaction.know("environment", Secrets.of_environment(given) | Secrets.of_text(" ".join(arguments)))
    try:
        code = app.main(arguments, prog_name="reconcile", standalone_mode=False)
    except click.ClickException as error:
        if isinstance(error, click.NoSuchOption) and error.ctx and (owners := app.owners(error.ctx, error.option_name)):
            said_so = f"No such option {error.option_name!r} here: it is one of `reconcile {owners[0]}`."
            error = click.NoSuchOption(error.option_name, said_so, ctx=error.ctx)
        said, message = io.StringIO(), error.format_message()
        error.show(said)
        safe = harmless(redaction.hide(message))  # as a whole: it may hold line breaks, and what a variable says
        shown = said.getvalue().replace(message, safe)
        click.echo("\n".join(map(harmless, shown.splitlines())), err=True)
        return EXIT_USAGE if isinstance(error, click.UsageError) else EXIT_FAILED
    except click.Abort:
        return EXIT_INTERRUPTED
    except InvalidManifests as error:
        for problem in error.problems:
            click.echo(harmless(str(problem)), err=True)
        click.echo(f"{error}; nothing was called", err=True)
        return EXIT_INVALID
    except ReconcilerError as error:
        click.echo(harmless(f"reconcile: {error}"), err=True)
        return EXIT_FAILED
    except BrokenPipeError:
        raise
    except OSError as error:
        click.echo(harmless(f"reconcile: {redaction.describe(error)}"), err=True)
        return EXIT_FAILED
    except Exception as error:  # noqa: BLE001 - Python's own traceback would show secrets
        if settings.read().debug:
            import traceback

            click.echo(redaction.redact(traceback.format_exc()), err=True, nl=False)
            return EXIT_FAILED
        click.echo(
            harmless(
                f"reconcile: internal error, please report it: {type(error).__name__}: {redaction.describe(error)} "
                "(RECONCILER_DEBUG=1 shows where)"
            ),
            err=True,
        )
        return EXIT_FAILED
    return code if isinstance(code, int) else 0
