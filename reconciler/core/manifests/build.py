"""Build manifests and Targets from documents that the schema accepts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta, tzinfo
from typing import Any

from reconciler.core.durations import parse_duration
from reconciler.core.manifests.window_rules import build_window
from reconciler.core.model import IgnoreRule, Manifest, Mode, OnLoss, Origin, Policy, Target
from reconciler.core.request.normalise import normalise
from reconciler.core.windows.declaration import DEFAULT_DELAY


def build_manifest(
    document: Mapping[str, Any], origin: Origin, defaults: Mapping[str, Any], read_zone: Callable[[str], tzinfo]
) -> Manifest:
    """Return the manifest in a document. `defaults` is the policy of its Target."""
    spec = normalise(document["spec"])
    policy = {**defaults, **document.get("policy", {})}
    window = build_window(document["window"], read_zone) if "window" in document else None
    return Manifest(
        name=document["metadata"]["name"],
        target=document.get("target"),
        policy=Policy(
            mode=Mode(policy.get("mode", Mode.CREATE)),
            suspend=policy.get("suspend", False),
            generation=int(policy.get("generation", 1)),  # JSON Schema accepts 2.0 as an integer
            on_loss=OnLoss(policy.get("onLoss", OnLoss.REPORT)),
            ignore=tuple(policy.get("ignore", ())),
            adopt=policy.get("adopt"),
            retired=policy.get("retired"),
            delay=window.delay if window else None if policy.get("start") == AT_ONCE else _build_delay(policy),
        )
        if policy
        else _DEFAULT_POLICY,
        spec=spec,
        origin=origin,
        window=window,
    )


def _build_delay(policy: Mapping[str, Any]) -> timedelta:
    return parse_duration(policy["delay"]) if "delay" in policy else DEFAULT_DELAY


def build_target(document: Mapping[str, Any]) -> Target:
    """Return the Target in a document."""
    spec = document["spec"]
    members = {member: spec[key] for key, member in _FIELDS.items() if key in spec}
    integers: dict[str, Any] = {
        member: int(spec[key]) for key, member in _INTEGER_FIELDS.items() if key in spec
    }  # JSON Schema accepts 2.0 as an integer
    return Target(
        name=document["metadata"]["name"],
        labels=document["metadata"].get("labels", {}),
        allowed_destinations=tuple(spec.get("AllowedDestinations", ())),
        ignore=tuple(IgnoreRule(rule["Arn"], rule["Reason"]) for rule in spec.get("Ignore", ())),
        **members,
        **integers,
    )


AT_ONCE = "at-once"
"""The value of policy.start that starts an export whatever its EndTime is."""
_DEFAULT_POLICY = Policy()
_FIELDS = {
    "Region": "region",
    "AccountId": "account",
    "RoleArn": "role_arn",
    "ExternalId": "external_id",
    "SessionName": "session_name",
    "RequestsPerSecond": "requests_per_second",
    "Suspend": "suspend",
}
_INTEGER_FIELDS = {
    "Burst": "burst",
    "MaxCreates": "max_creates",
    "AssociationsPerIntegration": "associations_per_integration",
}
