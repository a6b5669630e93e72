"""Write logs: JSON lines for machines, text for people. Each line has a constant event name and fields."""

from reconciler.edge.logs import events
from reconciler.edge.logs.configuration import (
    bind_fields,
    configure,
    get_logger,
    log_thread_failure,
    log_unraisable,
)
from reconciler.edge.logs.reports import (
    log_desired,
    log_empty_shard,
    log_live_warnings,
    log_report,
    log_run,
    log_target,
)

__all__ = [
    "bind_fields",
    "configure",
    "events",
    "get_logger",
    "log_desired",
    "log_empty_shard",
    "log_live_warnings",
    "log_report",
    "log_run",
    "log_target",
    "log_thread_failure",
    "log_unraisable",
]
