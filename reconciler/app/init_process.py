"""Be process 1 of a container: forward signals to the program, and reap processes without a parent.

The kernel makes process 1 the parent of processes whose own parent has ended, such as the children of a killed git.
The kernel also discards each signal to process 1 that has no handler. The program therefore runs in a child process,
where the usual rules apply.
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
"""SI_KERNEL of sigaction(2). A terminal sends its signals to the whole process group, which includes the child."""


def continue_in_child() -> None:
    """Continue in a child process. This process exits with the child's exit code, or 128 plus the child's signal."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    previous_mask = signal.pthread_sigmask(signal.SIG_BLOCK, _FORWARDED_SIGNALS | {signal.SIGCHLD})
    try:
        child = os.fork()
    except OSError:  # the limit of processes is reached: continue without a child
        child = 0
    if child:
        os._exit(_supervise(child))
    signal.pthread_sigmask(signal.SIG_SETMASK, previous_mask)


def _supervise(child: int) -> int:
    """Forward signals and reap processes until the child ends. Return its exit code as a shell would."""
    while True:
        signal_info = signal.sigwaitinfo(_FORWARDED_SIGNALS | {signal.SIGCHLD})
        if signal_info.si_signo != signal.SIGCHLD:
            if signal_info.si_code != _SENT_BY_KERNEL:
                os.kill(child, signal_info.si_signo)  # the child is not reaped yet, so no other process has its id
            continue
        with suppress(ChildProcessError):
            while True:
                process_id, status = os.waitpid(-1, os.WNOHANG)
                if process_id == child:
                    exit_code = os.waitstatus_to_exitcode(status)
                    return exit_code if exit_code >= 0 else 128 - exit_code
                if not process_id:
                    break
