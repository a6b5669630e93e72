"""Parse the answers of AWS, and check the type and content of each member before the program stores or compares it.

botocore checks neither. If the service model declares a string, botocore returns whatever JSON value AWS sent.
botocore drops members that the service model does not know. It does not check values of enumerations, lengths or the
form of ARNs.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard
from unicodedata import category

from reconciler import redaction
from reconciler.core.errors import CloudError
from reconciler.core.model import Execution, Integration, Live, extract_uuid
from reconciler.core.request.normalise import normalise
from reconciler.core.text import sanitize

_ACCOUNT = re.compile(r"[0-9]{12}")
_MAX_STATUS, _MAX_MESSAGE, _MAX_VALUE = 64, 1024, 200
_EXECUTION = "ExecutionConfiguration"
_ARN_PART_COUNT = 6
_STATUSES = ("COMPLETED", "IN_PROGRESS", "FAILED")
"""The known execution statuses (service model appintegrations/2020-07-29). They need no cleaning."""


@dataclass(frozen=True, slots=True)
class ArnScope:
    """The partition, Region and account of a target. Each ARN in an answer must contain them."""

    partition: str
    region: str
    account: str


def parse_account(value: object) -> str:
    """Return a valid account id. Raises CloudError for a value that is not twelve digits.

    The check matters because the account id becomes part of the journal's name.
    """
    if isinstance(value, str) and _ACCOUNT.fullmatch(value):
        return value
    raise CloudError(f"the answer cannot be used: Account is not twelve digits: {_shorten(value)}")


def parse_role_account(arn: object) -> str:
    """Return the account in the ARN of an assumed role (STS API Reference, AssumedRoleUser). Raises CloudError."""
    parts = arn.split(":") if is_clean(arn) else []
    if len(parts) == _ARN_PART_COUNT and parts[2] == "sts" and parts[5].startswith("assumed-role/"):
        return parse_account(parts[4])
    raise CloudError(f"the answer cannot be used: the ARN of the assumed role is invalid: {_shorten(arn)}")


def parse_integration(item: Any, scope: ArnScope) -> Integration:
    """Parse an item of ListDataIntegrations. Raises CloudError if it is invalid."""
    arn, name = item["Arn"], item["Name"]
    _require_arn(arn, scope)
    if not is_clean(name):
        raise CloudError(f"the answer cannot be used: Name of {arn} is invalid: {_shorten(name)}")
    source = item.get("SourceURI")
    return Integration(arn, name, source if is_clean(source) else "")


def parse_association(item: Any, integration_arn: str) -> Live:
    """Parse an item of ListDataIntegrationAssociations. Raises CloudError if it is invalid."""
    arn = item["DataIntegrationAssociationArn"]
    _, partition, _, region, account, *_ = integration_arn.split(":")
    _require_arn(arn, ArnScope(partition, region, account))
    if item.get("DataIntegrationArn", integration_arn) != integration_arn:
        other_integration = _shorten(item["DataIntegrationArn"])
        raise CloudError(f"the answer cannot be used: {arn} belongs to another data integration, {other_integration}")
    keys = {key: item[key] for key in ("ClientId", "DestinationURI") if item.get(key) not in (None, "")}
    for key, value in keys.items():
        if not is_clean(value):
            raise CloudError(f"the answer cannot be used: {key} of {arn} is invalid: {_shorten(value)}")
    execution = item.get(_EXECUTION)
    if execution is not None:
        if not _is_configuration(execution):
            raise CloudError(f"the answer cannot be used: {_EXECUTION} of {arn} is invalid: {_shorten(execution)}")
        keys[_EXECUTION] = execution
    spec = normalise({"DataIntegrationIdentifier": integration_arn, **keys})
    return Live(arn, spec, _parse_last_execution(item.get("LastExecutionStatus")))


def is_clean(value: object) -> TypeGuard[str]:
    """Return whether a value is non-blank text without control characters or lone surrogates."""
    return isinstance(value, str) and bool(value.strip()) and _is_writable(value)


def _parse_last_execution(value: Any) -> Execution | None:
    """Return the result of the last export, or None. Its texts are only displayed: they are cleaned, not rejected."""
    if not isinstance(value, Mapping) or not value:
        return None
    status, message = value.get("ExecutionStatus"), value.get("StatusMessage")
    return Execution(
        status if status in _STATUSES else _clean_text(status, _MAX_STATUS) or "unknown",
        None if message is None else _clean_text(message, _MAX_MESSAGE),
    )


def _clean_text(value: object, max_length: int) -> str:
    text = "" if value is None else redaction.redact(str(value))
    cleaned = "".join(char if char.isprintable() else " " for char in text[: max_length + 1]).strip()
    return cleaned if len(cleaned) <= max_length else f"{cleaned[: max_length - 1]}…"


def _is_configuration(value: object) -> bool:
    """Return whether a value has the types of an ExecutionConfiguration. `normalise` reads times that are numbers."""
    if not isinstance(value, Mapping):
        return False
    mode = value.get("ExecutionMode")
    return (mode is None or isinstance(mode, str)) and all(map(_is_plain, value.values()))


def _is_plain(value: object) -> bool:
    if isinstance(value, Mapping):
        return all(is_clean(key) and _is_plain(each) for key, each in value.items())
    if isinstance(value, str):
        return _is_writable(value)
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _is_writable(text: str) -> bool:
    return text.isprintable() or not any(category(char) in {"Cc", "Cs"} for char in text)


def _require_arn(arn: object, scope: ArnScope) -> None:
    """Reject text that is not an ARN of the target's account and Region. Raises CloudError."""
    parts = arn.split(":") if is_clean(arn) else []
    arn_scope = (
        tuple(parts[index] for index in (1, 3, 4)) if len(parts) >= _ARN_PART_COUNT and parts[0] == "arn" else None
    )
    if arn_scope != (scope.partition, scope.region, scope.account) or not extract_uuid(str(arn)):
        place = f"account {scope.account}, Region {scope.region}, partition {scope.partition}"
        raise CloudError(f"the answer cannot be used: the ARN {_shorten(arn)} does not belong to {place}")


def _shorten(value: object) -> str:
    return sanitize(redaction.redact(repr(value))[:_MAX_VALUE])
