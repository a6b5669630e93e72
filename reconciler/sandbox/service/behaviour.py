"""The switches of the sandbox: one for each thing that AWS leaves unknown, and faults that test clients."""

import difflib
import types
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any, Literal, Self, get_args, get_origin, get_type_hints

_UNITS = {"s": 1, "m": 60, "h": 3600}


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How the sandbox behaves where nobody knows how AWS does. Times are in seconds of its clock.

    What AWS leaves unknown:

    tokens: a ClientToken that comes again. `honoured`: the first answer again, also where other
        parameters differ. `refuse-mismatch`: so for the same parameters, InvalidRequestException for
        others. `ignored`: every Create creates.
    token_lifetime: how long a token is remembered; after that, a repeated Create creates again.
    list_lag: how long a fresh association is missing from List.
    update_lag: how long List shows the execution configuration from before an Update.
    list_forgets: how long after the end of its job an association leaves List; None is never.
    one_association_per_integration: a data integration that was ever associated takes no second one.
    explicit_deny: writes to associations are refused by a resource-based policy (permanent).
    access_denied: writes to associations are refused for want of a permission (as while IAM settles).
    list_denied: the name of a data integration whose associations nobody may list; empty is none.
    throttle_rate: requests per second, all operations of an account and Region together; None is no limit.
    throttle_burst: how many requests may come at once before the rate holds.
    job_seconds: how long an ON_DEMAND job is IN_PROGRESS.
    job_outcome: what an ON_DEMAND job ends as.

    Quotas that AWS documents, and that an account may have raised:

    associations_per_integration, integrations, concurrent_exports.

    Faults, counted per account and Region from when the behaviour is set:

    lose_answers: the next n writes to associations are carried out, and their answers lost.
    lost_answer: what the client sees of a lost answer: `500`, or `dropped` (a connection that closes).
    fail_writes: the next n writes to associations answer 500, and nothing is carried out.
    """

    tokens: Literal["honoured", "ignored", "refuse-mismatch"] = "honoured"
    token_lifetime: float = 8 * 3600.0
    list_lag: float = 0.0
    update_lag: float = 0.0
    list_forgets: float | None = None
    one_association_per_integration: bool = False
    explicit_deny: bool = False
    access_denied: bool = False
    list_denied: str = ""
    throttle_rate: float | None = None
    throttle_burst: int = 5
    job_seconds: float = 10.0
    job_outcome: Literal["COMPLETED", "FAILED"] = "COMPLETED"
    associations_per_integration: int = 10
    integrations: int = 20
    concurrent_exports: int = 20
    lose_answers: int = 0
    lost_answer: Literal["500", "dropped"] = "500"
    fail_writes: int = 0

    @classmethod
    def parse(cls, settings: Iterable[str]) -> Self:
        """Read `key=value` settings as the command line has them; ValueError says what would be right.

        Dashes in keys are as good as underscores; numbers may carry the units s, m and h; `none` turns
        off what can be off. Of a key that comes twice, the last counts.
        """
        kinds = get_type_hints(cls)
        values: dict[str, Any] = {}
        for setting in settings:
            raw_key, equals, text = setting.partition("=")
            key = raw_key.strip().replace("-", "_")
            if key not in kinds:
                raise ValueError(f"{setting!r}: {_describe_unknown_key(key, list(kinds))}")
            if not equals:
                raise ValueError(f"{setting!r}: a setting is written {key}=VALUE ({_describe_expected(kinds[key])})")
            values[key] = _parse_value(setting, text.strip(), kinds[key])
        return cls(**values)

    def list_changes(self) -> tuple[str, ...]:
        """Name, as `key=value`, what differs from the defaults."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return tuple(
            f"{name}={_format_value(value)}" for name, value in values.items() if value != getattr(_DEFAULT, name)
        )


_DEFAULT = Behaviour()


def _format_value(value: object) -> str:
    return str(value).lower() if isinstance(value, bool | None) else str(value)


def _describe_unknown_key(key: str, known: list[str]) -> str:
    similar_keys = difflib.get_close_matches(key, known, n=1, cutoff=0.4)
    return f"there is no switch {key!r}; " + (
        f"did you mean {similar_keys[0]!r}?" if similar_keys else f"one of {', '.join(known)}"
    )


def _parse_value(setting: str, text: str, kind: Any) -> Any:
    error = ValueError(f"{setting!r}: expected {_describe_expected(kind)}")
    if isinstance(kind, types.UnionType):
        if text == "none":
            return None
        kind = next(part for part in get_args(kind) if part is not types.NoneType)
    if get_origin(kind) is Literal:
        if text not in get_args(kind):
            raise error
        return text
    if kind is bool:
        if text not in {"true", "false"}:
            raise error
        return text == "true"
    if kind is str:
        return text
    return _parse_number(text, kind, error)


def _parse_number(text: str, kind: type[float], error: ValueError) -> float:
    unit = _UNITS.get(text[-1:]) if kind is float else None
    try:
        number = kind(text[:-1]) * unit if unit else kind(text)
    except ValueError:
        raise error from None
    if not 0 <= number < float("inf"):
        raise error
    return number


def _describe_expected(kind: Any) -> str:
    if isinstance(kind, types.UnionType):
        return " or ".join(_describe_expected(part) for part in get_args(kind))
    if get_origin(kind) is Literal:
        return " or ".join(get_args(kind))
    return {bool: "true or false", int: "a whole number from 0", str: "a text", types.NoneType: "none"}.get(
        kind, "a number from 0, as 90, 90s, 5m or 8h"
    )
