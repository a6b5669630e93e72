"""Random faults between a controller and AWS: error responses and lost answers."""

from __future__ import annotations

import re
from collections import Counter
from random import Random

from support.proxy import Request, build_error, build_sts_error

from reconciler.sandbox.sandbox import Sandbox

_STS_SHARE = 0.5
_SCOPE = re.compile(r"/([^/]+)/[^/]+/aws4_request")
_REJECTIONS = {"throttled": (429, "ThrottlingException"), "failed": (500, "InternalServiceError"), "cut off": None}


class Faults:
    """Faults of requests, each with a probability of `share`.

    In the `failing_region`, AppIntegrations denies every request, and STS every other one.
    """

    def __init__(self, random: Random, share: float) -> None:
        self._random, self._share = random, share
        self.failing_region: str | None = None
        self.counts: Counter[str] = Counter()

    def reject_request(self, request: Request) -> bytes | None:
        """Return an error response in place of AWS, at random."""
        scope = _SCOPE.search(request.headers.get("Authorization", ""))
        build_fault = build_sts_error if request.operation == "STS" else build_error
        if (
            self.failing_region
            and scope
            and scope[1] == self.failing_region
            and (build_fault is build_error or self._random.random() < _STS_SHARE)
        ):
            self.counts["requests denied"] += 1
            return build_fault(403, "AccessDeniedException")
        if self._random.random() >= self._share:
            return None
        kind = self._random.choice(list(_REJECTIONS))
        self.counts[f"requests {kind}"] += 1
        error = _REJECTIONS[kind]
        return build_fault(*error) if error else b""

    def lose_response(self, request: Request) -> bytes | None:
        """Lose the answer to a finished write, at random."""
        if request.method == "GET" or request.operation == "STS" or self._random.random() >= 10 * self._share:
            return None
        self.counts["answers lost"] += 1
        return b""


def change_by_hand(sandbox: Sandbox, account: str, region: str, *, start: str) -> bool:
    """Update the association that git never changes, as a person in the console would.

    Return False if it does not exist. Its Create may have met a fault. It then exists some runs later.
    """
    associations = sandbox.get_service(account, region).state.associations.values()
    association = next((each for each in associations if each.request["DestinationURI"].endswith("-b")), None)
    if association is None:
        return False
    window = {"StartTime": start, "EndTime": "1790812800000"}
    request = {
        "DataIntegrationIdentifier": association.integration_id,
        "DataIntegrationAssociationIdentifier": association.id,
        "ExecutionConfiguration": {"ExecutionMode": "ON_DEMAND", "OnDemandConfiguration": window},
    }
    sandbox.call(account, region, "UpdateDataIntegrationAssociation", request)
    return True
