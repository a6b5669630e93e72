"""`reconcile controller`: reconcile periodically until stopped."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import click

from reconciler.app.http import Address
from reconciler.app.sources import Source
from reconciler.cli import options, sources
from reconciler.cli.addresses import ListenAddress, ManifestUrlTemplate
from reconciler.cli.command import Command
from reconciler.cli.environment import read_environment, read_settings
from reconciler.cli.sections import PAGE, SCHEDULE, section


@click.command(
    "controller",
    cls=Command,
    examples=(
        "reconcile controller --state s3://corp-state/reconciler --listen :8080",
        "reconcile controller --git-url /srv/exports.git --git-ref main --dry-run",
    ),
)
@options.dry_run
@sources.manifests
@sources.strict
@options.connection
@options.shard
@options.run_options
@section(
    SCHEDULE,
    options.duration_option(
        "--interval", "5m", "Time between two runs of a target. Less than 1s counts as 1s.", is_safety=False
    ),
    options.duration_option(
        "--poll-interval",
        "30s",
        "Time between two checks of git, or of the folder of manifests, for changes. Less than 1s counts as 1s.",
        is_safety=False,
    ),
    options.duration_option(
        "--min-event-interval",
        "30s",
        "Period in which new commits and webhooks start at most two runs of a target. Further runs wait until it ends.",
        is_safety=False,
    ),
    options.duration_option(
        "--stuck-after",
        "10m",
        "Time without progress after which a run counts as stuck and /healthz fails. Less than 1s counts as 1s.",
        is_safety=False,
    ),
    options.duration_option(
        "--shutdown-timeout", "25s", "Time that runs may take to end after SIGTERM.", is_safety=False
    ),
    options.duration_option(
        "--summary-interval",
        "24h",
        "Time between two summaries for the receivers in RECONCILER_NOTIFY_URLS. A summary is sent even if nothing is "
        "wrong. With 0s, no summary is sent.",
        is_safety=False,
    ),
)
@section(
    PAGE,
    options.option(
        "--listen",
        type=ListenAddress(),
        metavar="HOST:PORT",
        is_safety=False,
        help="Address for the page, probes, metrics and webhooks. Write :PORT to listen on every address of this "
        "machine.",
    ),
    options.option(
        "--manifest-url",
        type=ManifestUrlTemplate(),
        metavar="URL",
        is_safety=False,
        help="Template for links from the page to manifests, such as https://HOST/ORG/REPO/blob/{revision}/{file}#L{line}.",
    ),
)
def command(
    source: Source,
    *,
    shutdown_timeout: timedelta,
    summary_interval: timedelta,
    listen: Address | None,
    manifest_url: str | None,
    **config_values: Any,
) -> int:
    """Reconcile at the start, after each change in git, and every --interval, until SIGTERM. Reports go to the log.

    While the latest revision is invalid or cannot be read, the last valid revision stays active. SIGHUP starts a run
    of every target. The controller reads its manifests repeatedly, so it does not accept standard input (-f -).
    """
    from reconciler.app.config import RunConfig
    from reconciler.app.controller import HttpOptions, run_controller
    from reconciler.controller.dependencies import Intervals
    from reconciler.core.errors import UsageError

    if "RECONCILER_EXPECT_PLAN" in read_environment():
        raise UsageError("RECONCILER_EXPECT_PLAN is for a single run, and a controller starts many: unset it")
    if manifest_url and not listen:
        raise UsageError("--manifest-url needs --listen, which serves the page with the links")
    interval, poll_interval, stuck_after = (
        max(timedelta(seconds=1), config_values.pop(name)) for name in _POSITIVE_DURATIONS
    )
    intervals = Intervals(
        interval, poll_interval, stuck_after, summary_interval, config_values.pop("min_event_interval")
    )
    http = HttpOptions(listen, manifest_url) if listen else None
    run_controller(
        source, RunConfig.from_options(settings=read_settings(), **config_values), intervals, shutdown_timeout, http
    )
    return 0


_POSITIVE_DURATIONS = ("interval", "poll_interval", "stuck_after")
