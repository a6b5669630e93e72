"""Process 1 of a container: it hands signals on to the program, and reaps what nobody else waits for.

The kernel gives process 1 all processes whose parent has ended, as those that git had started when it was killed, and
keeps from it every signal that it has no handler for. The program itself is a child of it, where both are as anywhere.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress

_FORWARDED_SIGNALS = frozenset(
    (
        signal.SIGHUP, signal.SIGINT, signal.SIGQUIT, signal.SIGTERM, signal.SIGUSR1, signal.SIGUSR2, signal.SIGCONT,
        signal.SIGWINCH,
    )
)  # fmt: skip
_SENT_BY_KERNEL = 0x80
"""SI_KERNEL of sigaction(2): a terminal sends a signal to a whole group of processes, and so to the child as well."""


def continue_in_child() -> None:
    """Go on in a child. This process ends as the child does: by its exit code, or 128 and the number of its signal."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    previous_mask = signal.pthread_sigmask(signal.SIG_BLOCK, _FORWARDED_SIGNALS | {signal.SIGCHLD})
    try:
        child = os.fork()
    except OSError:  # no room for another process: then without one
        child = 0
    if child:
        os._exit(_supervise(child))
    signal.pthread_sigmask(signal.SIG_SETMASK, previous_mask)


def _supervise(child: int) -> int:
    """Hand on signals and reap processes until a child has ended; return its exit code, as a shell would."""
    while True:
        signal_info = signal.sigwaitinfo(_FORWARDED_SIGNALS | {signal.SIGCHLD})
        if signal_info.si_signo != signal.SIGCHLD:
            if signal_info.si_code != _SENT_BY_KERNEL:
                os.kill(child, signal_info.si_signo)  # not reaped yet, so it is still this one
            continue
        with suppress(ChildProcessError):
            while True:
                process_id, status = os.waitpid(-1, os.WNOHANG)
                if process_id == child:
                    exit_code = os.waitstatus_to_exitcode(status)
                    return exit_code if exit_code >= 0 else 128 - exit_code
                if not process_id:
                    break
