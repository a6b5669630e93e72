"""Switches are written key=value, and a wrong one is told what would be right."""

import pytest

from reconciler.sandbox import Behaviour


def test_empty_settings_are_the_default() -> None:
    """No setting, no difference."""
    assert Behaviour.parse([]) == Behaviour()
    assert Behaviour().list_changes() == ()


def test_every_kind_of_switch_parses() -> None:
    """Words, numbers, durations, truths, texts and none; dashes are as good as underscores."""
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
    """What differs from the default can be shown, and parsed again."""
    behaviour = Behaviour(tokens="ignored", list_lag=30.0)
    assert behaviour.list_changes() == ("tokens=ignored", "list_lag=30.0")
    assert Behaviour.parse(behaviour.list_changes()) == behaviour


def test_every_changed_switch_parses_back() -> None:
    """Also truths are written as they are read."""
    behaviour = Behaviour(explicit_deny=True, throttle_rate=2.0, lost_answer="dropped", lose_answers=1)
    assert Behaviour.parse(behaviour.list_changes()) == behaviour


@pytest.mark.parametrize(
    ("setting", "told"),
    [
        ("tokns=ignored", "'tokns=ignored': there is no switch 'tokns'; did you mean 'tokens'?"),
        ("x=1", "'x=1': there is no switch 'x'; one of tokens, token_lifetime,"),
        ("tokens", "'tokens': a setting is written tokens=VALUE (honoured or ignored or refuse-mismatch)"),
        ("tokens=maybe", "'tokens=maybe': expected honoured or ignored or refuse-mismatch"),
        ("explicit_deny=yes", "'explicit_deny=yes': expected true or false"),
        ("list_lag=soon", "'list_lag=soon': expected a number from 0, as 90, 90s, 5m or 8h"),
        ("list_lag=", "'list_lag=': expected a number from 0"),
        ("list_lag=-1", "'list_lag=-1': expected a number from 0"),
        ("list_lag=nan", "'list_lag=nan': expected a number from 0"),
        ("throttle_rate=fast", "'throttle_rate=fast': expected a number from 0, as 90, 90s, 5m or 8h or none"),
        ("integrations=1.5", "'integrations=1.5': expected a whole number from 0"),
    ],
)
def test_invalid_setting_is_reported_with_valid_values(setting: str, told: str) -> None:
    """The message names the setting, and what would be right, in one line."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011  # the whole message is compared
        Behaviour.parse([setting])
    assert str(caught.value).startswith(told)
    assert "\n" not in str(caught.value)
