"""Makes the ClientToken: the same request has the same one on every machine, and no other request has it."""

from __future__ import annotations

import hashlib
import json

from reconciler.core.model import Spec

TOKEN_PREFIX = "appintegrations-reconciler-v1-"  # noqa: S105 - no password
"""Says in CloudTrail who made the call. Changing it, or anything here, is a breaking change: see docs/adr."""


def compute_client_token(request: Spec, incarnation: int) -> str:
    """Return the ClientToken of a resolved, normalised request.

    `request` names the integration by ARN, which carries account, Region and the integration's own identity.
    `incarnation` is 0, and one more for each recreation after a loss. Names and files do not count, so that a
    renamed or moved manifest keeps its token.
    """
    canonical = encode_canonical_json({"incarnation": incarnation, "request": request})
    return TOKEN_PREFIX + hashlib.sha256(canonical.encode()).hexdigest()


def encode_canonical_json(tree: object) -> str:
    """Return JSON with sorted keys, no white space and ASCII only, so that equal trees are equal text."""
    return json.dumps(tree, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
