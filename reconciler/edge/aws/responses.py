"""Reads what AWS shows: each member is checked by type and content before the program stores or compares it.

botocore checks neither: where the service model says string, whatever JSON value AWS sent arrives. New members do not
arrive, and new values of enumerations, long values and unusual ARNs are taken as they are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard
from unicodedata import category

from reconciler import redaction
from reconciler.core.errors import CloudError
from reconciler.core.model import Execution, Integration, Live, uuid_of
from reconciler.core.request.normalise import normalise
from reconciler.core.text import harmless

_ACCOUNT = re.compile(r"[0-9]{12}")
_LONGEST_STATUS, _LONGEST_MESSAGE, _LONGEST_SHOWN = 64, 1024, 200
_EXECUTION = "ExecutionConfiguration"
_STATUSES = ("COMPLETED", "IN_PROGRESS", "FAILED")
"""Those of the service model appintegrations/2020-07-29: most associations have one, which needs no look."""


@dataclass(frozen=True, slots=True)
class ArnScope:
    """The partition, the Region and the account of a target: each ARN in its Lists has to name them."""

    partition: str
    region: str
    account: str


def account(value: object) -> str:
    """Return an account id: twelve digits, since it becomes a part of the journal's name. Raises CloudError."""
    if isinstance(value, str) and _ACCOUNT.fullmatch(value):
        return value
    raise CloudError(f"the answer cannot be used: Account is {_short(value)}, and not twelve digits")


def integration(item: Any, scope: ArnScope) -> Integration:
    """Return an item of ListDataIntegrations. Raises CloudError where it cannot be used."""
    arn, name = item["Arn"], item["Name"]
    _require_arn(arn, scope)
    if not is_clean(name):
        raise CloudError(f"the answer cannot be used: Name of {arn} is {_short(name)}")
    source = item.get("SourceURI")
    return Integration(arn, name, source if is_clean(source) else "")


def association(item: Any, integration_arn: str) -> Live:
    """Return an item of ListDataIntegrationAssociations. Raises CloudError where it cannot be used."""
    arn = item["DataIntegrationAssociationArn"]
    _, partition, _, region, account_, *_ = integration_arn.split(":")
    _require_arn(arn, ArnScope(partition, region, account_))
    if item.get("DataIntegrationArn", integration_arn) != integration_arn:
        shown = _short(item["DataIntegrationArn"])
        raise CloudError(f"the answer cannot be used: {arn} is of the data integration {shown}, and not of this one")
    keys = {key: item[key] for key in ("ClientId", "DestinationURI") if item.get(key) not in (None, "")}
    for key, value in keys.items():
        if not is_clean(value):
            raise CloudError(f"the answer cannot be used: {key} of {arn} is {_short(value)}")
    execution = item.get(_EXECUTION)
    if execution is not None:
        if not _is_configuration(execution):
            raise CloudError(f"the answer cannot be used: {_EXECUTION} of {arn} is {_short(execution)}")
        keys[_EXECUTION] = execution
    spec = normalise({"DataIntegrationIdentifier": integration_arn, **keys})
    return Live(arn, spec, _last_execution(item.get("LastExecutionStatus")))


def is_clean(value: object) -> TypeGuard[str]:
    """Tell whether a value is a text that says something, without control characters and lone surrogates."""
    return isinstance(value, str) and bool(value.strip()) and _is_writable(value)


def _last_execution(shown: Any) -> Execution | None:
    """Return how the last job went. Its texts are for people: they are cut and cleaned, never a reason to refuse."""
    if not isinstance(shown, Mapping) or not shown:
        return None
    status, message = shown.get("ExecutionStatus"), shown.get("StatusMessage")
    return Execution(
        status if status in _STATUSES else _text(status, _LONGEST_STATUS) or "unknown",
        None if message is None else _text(message, _LONGEST_MESSAGE),
    )


def _text(value: object, longest: int) -> str:
    text = "" if value is None else redaction.redact(str(value))
    cleaned = "".join(char if char.isprintable() else " " for char in text[: longest + 1]).strip()
    return cleaned if len(cleaned) <= longest else f"{cleaned[: longest - 1]}…"


def _is_configuration(value: object) -> bool:
    """Tell whether a value is an ExecutionConfiguration by its types. Times may be numbers, which `normalise` reads."""
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
    """Refuse what is no ARN of a target's own account and Region. Raises CloudError."""
    parts = arn.split(":") if is_clean(arn) else []
    named = tuple(parts[at] for at in (1, 3, 4)) if len(parts) > 5 and parts[0] == "arn" else None  # noqa: PLR2004
    if named != (scope.partition, scope.region, scope.account) or not uuid_of(str(arn)):
        place = f"account {scope.account}, Region {scope.region}, partition {scope.partition}"
        raise CloudError(f"the answer cannot be used: the ARN {_short(arn)} is not of {place}")


def _short(value: object) -> str:
    return harmless(redaction.redact(repr(value))[:_LONGEST_SHOWN])
