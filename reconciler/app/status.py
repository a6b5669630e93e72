"""Read the status of a target from its journal."""

from __future__ import annotations

from reconciler.app.config import RunConfig
from reconciler.app.state import Journals, locate_target
from reconciler.core.errors import ReconcilerError, is_access_failure
from reconciler.core.model import Desired, Target
from reconciler.core.report.status import JournalStatus, list_recorded_associations


def read_status(target: Target, desired: Desired, config: RunConfig) -> JournalStatus:
    """Return the records in the journal of a target, or the reason why the journal cannot be read."""
    account, region, place = target.account, target.region, None
    try:
        account, region = locate_target(target, config)
        reader = Journals.from_config(config).get_reader(account, region)
        place, journal = reader.place, reader.read()
    except ReconcilerError as error:
        return JournalStatus(
            target.name, account, region, place, str(error), is_access_failure=is_access_failure(error)
        )
    now = config.create_clock().now()
    return JournalStatus(
        target.name,
        account,
        region,
        place,
        serial=journal.serial,
        last_write=journal.last_write,
        lease=journal.lease,
        is_lease_expired=bool(journal.lease and now >= journal.lease.expires),
        associations=list_recorded_associations(journal, desired.manifests[target.name], now),
    )
