"""Random faults between a controller and AWS: error responses and lost answers."""

from __future__ import annotations

import re
from collections import Counter
from random import Random

from support.proxy import Request, build_error, build_sts_error

from reconciler.sandbox.sandbox import Sandbox

_UNKNOWN = 0.5
_SCOPE = re.compile(r"/([^/]+)/[^/]+/aws4_request")
_BEFORE = {"throttled": (429, "ThrottlingException"), "failed": (500, "InternalServiceError"), "cut off": None}


class Faults:
    """Faults of requests, each with a probability of `share`.

    In the Region `down`, AppIntegrations denies every request, and STS every other one.
    """

    def __init__(self, random: Random, share: float) -> None:
        self._random, self._share = random, share
        self.down: str | None = None
        self.counts: Counter[str] = Counter()

    def before(self, request: Request) -> bytes | None:
        """Return an error response in place of AWS, at random."""
        scope = _SCOPE.search(request.headers.get("Authorization", ""))
        refused = build_sts_error if request.operation == "STS" else build_error
        if (
            self.down
            and scope
            and scope[1] == self.down
            and (refused is build_error or self._random.random() < _UNKNOWN)
        ):
            self.counts["requests denied"] += 1
            return refused(403, "AccessDeniedException")
        if self._random.random() >= self._share:
            return None
        what = self._random.choice(list(_BEFORE))
        self.counts[f"requests {what}"] += 1
        said = _BEFORE[what]
        return refused(*said) if said else b""

    def after(self, request: Request) -> bytes | None:
        """Lose the answer to a finished write, at random."""
        if request.method == "GET" or request.operation == "STS" or self._random.random() >= 10 * self._share:
            return None
        self.counts["answers lost"] += 1
        return b""


def meddle(sandbox: Sandbox, account: str, region: str, *, start: str) -> bool:
    """Update the association that git never changes, as a person in the console would.

    Return False if it does not exist. Its Create may have met a fault. It then exists some runs later.
    """
    found = sandbox.get_service(account, region).state.associations.values()
    alone = next((each for each in found if each.request["DestinationURI"].endswith("-b")), None)
    if alone is None:
        return False
    window = {"StartTime": start, "EndTime": "1790812800000"}
    request = {
        "DataIntegrationIdentifier": alone.integration_id,
        "DataIntegrationAssociationIdentifier": alone.id,
        "ExecutionConfiguration": {"ExecutionMode": "ON_DEMAND", "OnDemandConfiguration": window},
    }
    sandbox.call(account, region, "UpdateDataIntegrationAssociation", request)
    return True
