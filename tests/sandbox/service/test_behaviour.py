"""Switches are parsed from `key=value`, and an invalid one is reported with the valid values."""

import pytest

from reconciler.sandbox import Behaviour


def test_empty_settings_are_the_default() -> None:
    """Without settings, the behaviour is the default and has no changes."""
    assert Behaviour.parse([]) == Behaviour()
    assert Behaviour().list_changes() == ()


def test_every_kind_of_switch_parses() -> None:
    """Words, numbers, durations, booleans, text and `none` are parsed, with dashes or underscores in keys."""
    parsed = Behaviour.parse(
        [
            "tokens=refuse-mismatch",
            "token-lifetime=5m",
            "list_lag=1.5",
            "list_forgets=2h",
            "explicit_deny=true",
            "throttle_rate=2",
            "throttle_burst=7",
            "list_denied=profiles-export",
            "lost_answer=dropped",
            "lose_answers=1",
            "lose_answers=3",
        ]
    )
    assert parsed == Behaviour(
        tokens="refuse-mismatch",
        token_lifetime=300,
        list_lag=1.5,
        list_forgets=7200,
        explicit_deny=True,
        throttle_rate=2,
        throttle_burst=7,
        list_denied="profiles-export",
        lost_answer="dropped",
        lose_answers=3,
    )
    assert Behaviour.parse(["throttle_rate=none", "explicit_deny=false"]) == Behaviour()


def test_changed_switches_read_back() -> None:
    """The listed changes parse back to the same behaviour."""
    behaviour = Behaviour(tokens="ignored", list_lag=30.0)
    assert behaviour.list_changes() == ("tokens=ignored", "list_lag=30.0")
    assert Behaviour.parse(behaviour.list_changes()) == behaviour


def test_every_changed_switch_parses_back() -> None:
    """Booleans and numbers are listed in the form that is parsed."""
    behaviour = Behaviour(explicit_deny=True, throttle_rate=2.0, lost_answer="dropped", lose_answers=1)
    assert Behaviour.parse(behaviour.list_changes()) == behaviour


@pytest.mark.parametrize(
    ("setting", "expected"),
    [
        ("tokns=ignored", "'tokns=ignored': unknown switch 'tokns': did you mean 'tokens'?"),
        ("x=1", "'x=1': unknown switch 'x': use one of tokens, token_lifetime,"),
        (
            "tokens",
            "'tokens': the value is missing: write tokens=VALUE, where VALUE is honoured, ignored or refuse-mismatch",
        ),
        ("tokens=maybe", "'tokens=maybe': expected honoured, ignored or refuse-mismatch"),
        ("explicit_deny=yes", "'explicit_deny=yes': expected true or false"),
        ("list_lag=soon", "'list_lag=soon': expected a number of 0 or more (such as 90, 90s, 5m or 8h)"),
        ("list_lag=", "'list_lag=': expected a number of 0 or more"),
        ("list_lag=-1", "'list_lag=-1': expected a number of 0 or more"),
        ("list_lag=nan", "'list_lag=nan': expected a number of 0 or more"),
        ("throttle_rate=x", "'throttle_rate=x': expected a number of 0 or more (such as 90, 90s, 5m or 8h) or none"),
        ("integrations=1.5", "'integrations=1.5': expected a whole number of 0 or more"),
    ],
)
def test_invalid_setting_is_reported_with_valid_values(setting: str, expected: str) -> None:
    """The message names the setting and the valid values, in one line."""
    with pytest.raises(ValueError) as error:  # noqa: PT011 - the whole message is compared
        Behaviour.parse([setting])
    assert str(error.value).startswith(expected)
    assert "\n" not in str(error.value)
