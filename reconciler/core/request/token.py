"""Compute ClientTokens: a request has the same token on every machine, and no other request has that token."""

from __future__ import annotations

import hashlib
import json

from reconciler.core.model import Spec

TOKEN_PREFIX = "appintegrations-reconciler-v1-"  # noqa: S105 - not a password
"""Identifies the program in CloudTrail. Any change to this module is a breaking change: see docs/adr."""


def compute_client_token(request: Spec, incarnation: int) -> str:
    """Return the ClientToken of a resolved, normalised request.

    `request` names the data integration by its ARN, which contains the account, the Region and a UUID.
    `incarnation` starts at 0, and rises by 1 with each recreation after a loss.
    The manifest's name and file are not part of the token, so a renamed or moved manifest keeps its token.
    """
    canonical = encode_canonical_json({"incarnation": incarnation, "request": request})
    return TOKEN_PREFIX + hashlib.sha256(canonical.encode()).hexdigest()


def encode_canonical_json(tree: object) -> str:
    """Return a value as ASCII JSON with sorted keys and no white space, so that equal values give equal texts."""
    return json.dumps(tree, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)
