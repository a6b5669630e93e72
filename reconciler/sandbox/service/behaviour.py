"""The switches of the sandbox: unknown behaviour of AWS, quotas, and faults for testing clients."""

import difflib
import types
from collections.abc import Iterable
from dataclasses import dataclass, fields
from typing import Any, Literal, Self, get_args, get_origin, get_type_hints

_UNITS = {"s": 1, "m": 60, "h": 3600}


@dataclass(frozen=True, slots=True)
class Behaviour:
    """The settings of the sandbox. Times are in seconds of the sandbox's clock.

    Unknown behaviour of AWS:

    tokens: the effect of a repeated ClientToken. `honoured`: return the first answer, even if other parameters
        differ. `refuse-mismatch`: return the first answer for the same parameters, and refuse other parameters
        with InvalidRequestException. `ignored`: each request creates.
    token_lifetime: time that a token is remembered. After that, a repeated Create creates again.
    list_lag: time that a new association is missing from List.
    update_lag: time that List shows the execution configuration from before an Update.
    updates_shown: false if List never shows the execution configuration of an Update.
    status_lag: time by which LastExecutionStatus in List is late. Until then it is that of the job before.
    update_during_job: the effect of an Update while the job of the association runs. `run`: both jobs run. `refuse`:
        it is refused with InvalidRequestException. `queue`: its job begins when the job before has ended.
    list_forgets: time from the end of its job until an association leaves List. None: it never leaves List.
    one_association_per_integration: a data integration that ever had an association accepts no second one.
    explicit_deny: a resource-based policy refuses writes to associations (permanent).
    access_denied: writes to associations are refused because a permission is missing (as during IAM propagation).
    list_denied: the name of a data integration whose associations cannot be listed. Empty: no such data integration.
    throttle_rate: requests per second, for the operations of an account and Region together. None: no limit.
    throttle_burst: requests at once before the rate applies.
    job_seconds: time that an ON_DEMAND job is IN_PROGRESS.
    job_outcome: the final status of an ON_DEMAND job.

    Quotas with their documented defaults, which an account may have increased:

    associations_per_integration, integrations, concurrent_exports.

    Faults, counted per account and Region, starting when the behaviour is set:

    lose_answers: the next n writes to associations are executed, and their answers are lost.
    lost_answer: how an answer is lost. `500`: status 500. `dropped`: the connection closes.
    fail_writes: the next n writes to associations answer 500 and change nothing.
    """

    tokens: Literal["honoured", "ignored", "refuse-mismatch"] = "honoured"
    token_lifetime: float = 8 * 3600.0
    list_lag: float = 0.0
    update_lag: float = 0.0
    updates_shown: bool = True
    status_lag: float = 0.0
    update_during_job: Literal["run", "refuse", "queue"] = "run"
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
        """Return the behaviour for the `key=value` settings of the command line.

        A key may contain dashes instead of underscores. A time may end in the unit s, m or h. `none` disables an
        optional switch. If a key is repeated, the last value applies.

        Raises ValueError, with the accepted values, if a setting is invalid.
        """
        kinds = get_type_hints(cls)
        values: dict[str, Any] = {}
        for setting in settings:
            raw_key, equals, text = setting.partition("=")
            key = raw_key.strip().replace("-", "_")
            if key not in kinds:
                raise ValueError(f"{setting!r}: {_describe_unknown_key(key, list(kinds))}")
            if not equals:
                remedy = f"write {key}=VALUE, where VALUE is {_describe_expected(kinds[key])}"
                raise ValueError(f"{setting!r}: the value is missing: {remedy}")
            values[key] = _parse_value(setting, text.strip(), kinds[key])
        return cls(**values)

    def list_changes(self) -> tuple[str, ...]:
        """Return the switches that differ from their defaults, as `key=value`."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return tuple(
            f"{name}={_format_value(value)}" for name, value in values.items() if value != getattr(_DEFAULT, name)
        )


_DEFAULT = Behaviour()


def _format_value(value: object) -> str:
    return str(value).lower() if isinstance(value, bool | None) else str(value)


def _describe_unknown_key(key: str, known: list[str]) -> str:
    similar_keys = difflib.get_close_matches(key, known, n=1, cutoff=0.5)
    return f"unknown switch {key!r}: " + (
        f"did you mean {similar_keys[0]!r}?" if similar_keys else f"use one of {', '.join(known)}"
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
        *first_values, last_value = get_args(kind)
        return f"{', '.join(first_values)} or {last_value}"
    return {bool: "true or false", int: "a whole number of 0 or more", str: "text", types.NoneType: "none"}.get(
        kind, "a number of 0 or more (such as 90, 90s, 5m or 8h)"
    )
