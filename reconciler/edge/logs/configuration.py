"""Configure the logs: JSON lines for machines, text for people, without secrets."""

from __future__ import annotations

import logging
import sys
import threading
from collections.abc import Mapping
from contextlib import AbstractContextManager, suppress
from typing import TYPE_CHECKING, Any, TextIO

from reconciler import redaction
from reconciler.core.text import escape_workflow_commands, sanitize
from reconciler.edge.logs.events import RUN_FINISHED, TARGET_FAILED, UNEXPECTED_ERROR

# structlog imports rich, if it is installed, to format tracebacks, which takes half of structlog's import time.
# An entry of None in sys.modules makes that import fail (Python's reference, "The module cache").
_rich = sys.modules.setdefault("rich", None)  # type: ignore[arg-type]
import structlog  # noqa: E402 - see above

if _rich is None:
    del sys.modules["rich"]

if TYPE_CHECKING:
    from structlog.typing import EventDict, FilteringBoundLogger, Processor

_IN_REPORT = frozenset((TARGET_FAILED, RUN_FINISHED))
"""Events whose fields the report shows as well."""
_DETAILS = frozenset(("run", "account", "region", "arn", "differences", "clientToken"))


class _SafeStream:
    """The log stream. It ignores errors such as a full disk or a closed pipe: a log must not stop the program."""

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream

    def write(self, text: str) -> None:
        with suppress(OSError):
            if self._stream:
                self._stream.write(text)

    def flush(self) -> None:
        with suppress(OSError):
            if self._stream:
                self._stream.flush()


def configure(
    stream: TextIO | None, *, has_colors: bool, is_brief: bool = False, fields: Mapping[str, object] | None = None
) -> None:
    """Send logs to a stream: text lines to a terminal, JSON lines to any other stream. None discards the logs.

    Each line of each thread gets the `fields`. Set `is_brief` if the same terminal also shows the report. It leaves out
    info lines, and the events and fields that the report shows.
    """
    is_terminal = stream is not None and stream.isatty()
    out: Any = _SafeStream(stream)
    processors: list[Processor] = [
        lambda _, __, event: {**(fields or {}), **event},
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.format_exc_info,
        _redact,
    ]
    renderer: Any
    if is_terminal:
        processors += [structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False), _sanitize]
        processors += [_drop_details] if is_brief else []
        renderer = structlog.dev.ConsoleRenderer(colors=has_colors, exception_formatter=structlog.dev.plain_traceback)
    else:
        processors += [structlog.processors.TimeStamper(fmt="iso")]
        renderer = _render_json
    structlog.configure(
        processors=[*processors, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING if is_brief else logging.INFO),
        logger_factory=structlog.PrintLoggerFactory(out),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(out)  # gives the log lines of libraries the same format
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(processor=renderer, foreign_pre_chain=[_redact_event, *processors])
    )
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    logging.captureWarnings(capture=True)
    for name in ("botocore.credentials", "botocore.tokens"):
        logging.getLogger(name).addFilter(_summarize_refresh_failure)


def get_logger() -> FilteringBoundLogger:
    """Return the logger."""
    log: FilteringBoundLogger = structlog.get_logger()
    return log


def _summarize_refresh_failure(record: logging.LogRecord) -> bool:
    """Put the error of a failed refresh of credentials into its line, without the traceback.

    Return whether the record adds information to the error that botocore raises. It does if the old credentials or
    tokens are still valid, since botocore then raises no error.
    """
    if record.exc_info and record.exc_info[1]:
        record.msg, record.args = f"{record.getMessage()} {redaction.describe_error(record.exc_info[1])}", ()
        record.exc_info = None
    return "mandatory refresh" not in record.getMessage()


def log_thread_failure(hook_arguments: threading.ExceptHookArgs) -> None:
    """Log an unexpected error that ended a thread, as one line. Use it as `threading.excepthook`."""
    _log_unexpected(
        f"thread {hook_arguments.thread.name}" if hook_arguments.thread else "thread", hook_arguments.exc_value
    )


def log_unraisable(hook_arguments: sys.UnraisableHookArgs) -> None:
    """Log an error that cannot be caught, such as one in a finalizer. Use it as `sys.unraisablehook`."""
    _log_unexpected("finalizer", hook_arguments.exc_value)


def _log_unexpected(what: str, error: BaseException | None) -> None:
    if error is not None:
        message = f"{type(error).__name__}: {redaction.describe_error(error)}"
        get_logger().error(UNEXPECTED_ERROR, what=what, error=message, exc_info=error)


def bind_fields(**fields: object) -> AbstractContextManager[None]:
    """Add fields to each line that is logged while the block runs, including lines of libraries."""
    return structlog.contextvars.bound_contextvars(**fields)


def _render_json(logger: object, name: str, event: EventDict) -> str:
    """Return an event as a line of JSON that a CI runner does not interpret as a command."""
    return escape_workflow_commands(str(structlog.processors.JSONRenderer()(logger, name, event)))


def _drop_details(_: object, __: str, event: EventDict) -> EventDict:
    """Remove the events and fields that the report on the same terminal shows. Raises structlog.DropEvent."""
    if event["event"] in _IN_REPORT:
        raise structlog.DropEvent
    return {key: value for key, value in event.items() if key not in _DETAILS}


def _redact(_: object, __: str, event: EventDict) -> EventDict:
    """Remove secrets from a traceback, which may contain messages of libraries."""
    if "exception" in event:
        event["exception"] = redaction.redact(str(event["exception"]))
    return event


def _redact_event(_: object, __: str, event: EventDict) -> EventDict:
    """Remove secrets from the log records of libraries, including Python's warnings."""
    return {**event, "event": redaction.redact(str(event["event"]))}


def _sanitize(_: object, __: str, event: EventDict) -> EventDict:
    """Escape control characters in text fields, line by line. Other fields are shown by their safe `repr`."""
    safe = {key: sanitize(value) if isinstance(value, str) else value for key, value in event.items()}
    if "exception" in event:
        safe["exception"] = "\n".join(map(sanitize, str(event["exception"]).splitlines()))
    return safe
