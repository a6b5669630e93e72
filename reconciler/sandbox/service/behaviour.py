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
        chosen: dict[str, Any] = {}
        for setting in settings:
            written, equals, text = setting.partition("=")
            key = written.strip().replace("-", "_")
            if key not in kinds:
                raise ValueError(f"{setting!r}: {_unknown(key, list(kinds))}")
            if not equals:
                raise ValueError(f"{setting!r}: a setting is written {key}=VALUE ({_expected(kinds[key])})")
            chosen[key] = _value(setting, text.strip(), kinds[key])
        return cls(**chosen)

    def changed(self) -> tuple[str, ...]:
        """Name, as `key=value`, what differs from the defaults."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return tuple(f"{name}={_written(value)}" for name, value in values.items() if value != getattr(_DEFAULT, name))


_DEFAULT = Behaviour()


def _written(value: object) -> str:
    return str(value).lower() if isinstance(value, bool | None) else str(value)


def _unknown(key: str, known: list[str]) -> str:
    near = difflib.get_close_matches(key, known, n=1, cutoff=0.4)
    return f"there is no switch {key!r}; " + (f"did you mean {near[0]!r}?" if near else f"one of {', '.join(known)}")


def _value(setting: str, text: str, kind: Any) -> Any:
    wrong = ValueError(f"{setting!r}: expected {_expected(kind)}")
    if isinstance(kind, types.UnionType):
        if text == "none":
            return None
        kind = next(part for part in get_args(kind) if part is not types.NoneType)
    if get_origin(kind) is Literal:
        if text not in get_args(kind):
            raise wrong
        return text
    if kind is bool:
        if text not in {"true", "false"}:
            raise wrong
        return text == "true"
    if kind is str:
        return text
    return _number(text, kind, wrong)


def _number(text: str, kind: type[float], wrong: ValueError) -> float:
    unit = _UNITS.get(text[-1:]) if kind is float else None
    try:
        number = kind(text[:-1]) * unit if unit else kind(text)
    except ValueError:
        raise wrong from None
    if not 0 <= number < float("inf"):
        raise wrong
    return number


def _expected(kind: Any) -> str:
    if isinstance(kind, types.UnionType):
        return " or ".join(_expected(part) for part in get_args(kind))
    if get_origin(kind) is Literal:
        return " or ".join(get_args(kind))
    return {bool: "true or false", int: "a whole number from 0", str: "a text", types.NoneType: "none"}.get(
        kind, "a number from 0, as 90, 90s, 5m or 8h"
    )
