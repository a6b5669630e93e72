"""The command line, and the only place where the parts are put together."""

from __future__ import annotations

import gc
import sys

EXIT_FAILED = 1
EXIT_INVALID = 3
EXIT_USAGE = 64
EXIT_INTERRUPTED = 130


def main() -> None:
    """Run the program and exit: 0, 1, 2 (with --detailed-exitcode), 3, 64, or 128 and a signal's number."""
    gc.set_threshold(50_000, 20, 20)  # what is imported and read stays: there is little to collect
    arguments = sys.argv[1:]
    if arguments in (["--help"], ["-h"]):
        from reconciler.cli.help import HELP  # noqa: PLC0415 - importing click alone takes as long as three interpreters

        sys.stdout.write(HELP)
        sys.exit()
    sys.exit(call(arguments))


def call(arguments: list[str]) -> int:
    """Run one command and return its exit code. Every error becomes one line; none a traceback."""
    import click  # noqa: PLC0415 - what --help does not need is not imported for it

    from reconciler import settings  # noqa: PLC0415
    from reconciler.cli.app import app  # noqa: PLC0415
    from reconciler.core.errors import InvalidManifests, ReconcilerError  # noqa: PLC0415
    from reconciler.core.harmless import harmless  # noqa: PLC0415

    try:
        code = app.main(arguments, prog_name="reconcile", standalone_mode=False)
    except click.UsageError as error:
        error.show()
        return EXIT_USAGE
    except click.ClickException as error:
        error.show()
        return EXIT_FAILED
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
        sys.stderr.close()  # the reader has gone; nothing can be told to it
        return EXIT_FAILED
    except Exception as error:
        if settings.read().debug:
            raise
        click.echo(
            harmless(
                f"reconcile: internal error, please report it: {type(error).__name__}: {error} "
                "(RECONCILER_DEBUG=1 shows where)"
            ),
            err=True,
        )
        return EXIT_FAILED
    return code if isinstance(code, int) else 0
