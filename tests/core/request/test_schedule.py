"""A malformed schedule expression is reported before any call of AWS; a valid one is accepted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.request.schedule import find_schedule_problem, find_unit_warning


@pytest.mark.parametrize(
    "expression",
    [
        "rate(1 hour)",
        "rate(5 minutes)",
        "rate(5minutes)",
        "rate( 2  days )",
        "rate(1 week)",
        "rate(3 months)",
        "cron(0 3 * * ? *)",
        "cron(0 3 ? * MON-FRI *)",
        "cron(0/15 * * * ? *)",
        "cron(*/5 0-6,18-23 * * ? *)",
        "cron(0 10 1,15 JAN,jul ? 2026-2030)",
        "cron(0 0 L * ? *)",
        "cron(0 0 LW * ? *)",
        "cron(0 0 L-3 * ? *)",
        "cron(0 0 15W * ? *)",
        "cron(0 0 ? * 6L *)",
        "cron(0 0 ? * L *)",
        "cron(0 0 ? * MON#1 *)",
        "cron(0 0 ? * 2#5 2199)",
        "cron( 0  3 * * ? * )",
        "cron(59 23 31 12 ? 1970)",
    ],
)
def test_valid_schedule_expression_is_accepted(expression: str) -> None:
    """Every schedule expression that Amazon EventBridge and AppFlow document is accepted."""
    assert find_schedule_problem(expression) is None


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("", "is neither rate(VALUE UNIT) nor cron(MINUTES HOURS DAY MONTH WEEKDAY YEAR)"),
        ("1 hour", "is neither"),
        ("Rate(1 hour)", "is neither"),
        ("at(2026-10-01T00:00:00)", "is neither"),
        ("cron(0 3 * * ? *", "is neither"),
        ("cron(0 3 * * ? *) ", "is neither"),
        ("cron(0\u00a03 * * ? *)", "is neither"),
        ("cron(0 3 * * ? *\n)", "is neither"),
        ("rate(hour)", "is not a rate: write rate(VALUE UNIT), such as rate(1 hour)"),
        ("rate(1)", "is not a rate"),
        ("rate(1 second)", "is not a rate"),
        ("rate(1.5 hours)", "is not a rate"),
        ("rate(-1 hours)", "is not a rate"),
        ("rate(1 hour) ", "is not a rate"),
        ("rate(1\u00a0hour)", "is not a rate"),
        ("rate(٣ hours)", "is not a rate"),
        (f"rate({'9' * 200} hours)", "is not a rate"),
        ("rate(0 hours)", "never runs: the value of a rate must be 1 or more"),
        ("cron()", "has 0 fields, but cron needs 6: minutes, hours, day of month, month, day of week, year"),
        ("cron(0 3 * * *)", "has 5 fields"),
        ("cron(0 0 3 * * ? *)", "has 7 fields"),
        ("cron(60 3 * * ? *)", "'60' is not valid for minutes: use 0-59 and * , - /"),
        ("cron(0 24 * * ? *)", "'24' is not valid for hours"),
        ("cron(? 3 * * ? *)", "'?' is not valid for minutes"),
        ("cron(0 3 0 * ? *)", "'0' is not valid for day of month: use 1-31 and * , - / ? L W"),
        ("cron(0 3 32W * ? *)", "'32W' is not valid for day of month"),
        ("cron(0 3 W * ? *)", "'W' is not valid for day of month"),
        ("cron(0 3 1,? * ? *)", "'1,?' is not valid for day of month"),
        ("cron(0 3 * 13 ? *)", "'13' is not valid for month: use 1-12 or JAN FEB"),
        ("cron(0 3 * JANUARY ? *)", "'JANUARY' is not valid for month"),
        ("cron(0 3 ? * 8 *)", "'8' is not valid for day of week: use 1-7 or SUN MON"),
        ("cron(0 3 ? * MON#6 *)", "'MON#6' is not valid for day of week"),
        ("cron(0 3 ? * #1 *)", "'#1' is not valid for day of week"),
        ("cron(0 3 ? * 8L *)", "'8L' is not valid for day of week"),
        ("cron(0 3 * * ? 1969)", "'1969' is not valid for year"),
        ("cron(0 3 * * ? 2200)", "'2200' is not valid for year"),
        ("cron(1- 3 * * ? *)", "'1-' is not valid for minutes"),
        ("cron(-1 3 * * ? *)", "'-1' is not valid for minutes"),
        ("cron(*/0 3 * * ? *)", "'*/0' is not valid for minutes"),
        ("cron(1/ 3 * * ? *)", "'1/' is not valid for minutes"),
        ("cron(1/x 3 * * ? *)", "'1/x' is not valid for minutes"),
        ("cron(1,,2 3 * * ? *)", "'1,,2' is not valid for minutes"),
        (f"cron({'9' * 200} 3 * * ? *)", "is not valid for minutes"),
        (f"cron(*/{'9' * 200} 3 * * ? *)", "is not valid for minutes"),
        ("cron(0 3 * * * *)", "exactly one of day of month and day of week must be ?"),
        ("cron(0 3 ? * ? *)", "exactly one of day of month and day of week must be ?"),
        ("cron(0 3 1 * MON *)", "exactly one of day of month and day of week must be ?"),
    ],
)
def test_malformed_schedule_expression_is_reported(expression: str, expected: str) -> None:
    """The message for a malformed expression quotes it and gives a remedy."""
    message = find_schedule_problem(expression)
    assert message
    assert repr(expression) in message
    assert expected in message


@pytest.mark.parametrize("expression", ["cron(" + " " * 1_000_000, f"rate({'9' * 5000} hours)", " " * 256])
def test_overlong_schedule_expression_is_rejected_unparsed(expression: str) -> None:
    """An expression above 255 characters, the limit of AWS, is rejected without matching a pattern."""
    message = find_schedule_problem(expression)
    assert message
    assert message.endswith("… has more than 255 characters")
    assert len(message) < 100


FIELD = st.text(alphabet="0123456789*/,-?LW#MONJA", min_size=1, max_size=6)
CRON = st.lists(FIELD, min_size=5, max_size=7).map(lambda fields: f"cron({' '.join(fields)})")


@given(st.text(max_size=30) | st.text(max_size=20).map(lambda text: f"rate({text})") | CRON)
def test_schedule_check_answers_any_text(expression: str) -> None:
    """Any text is rejected with a message or accepted, and accepted text is printable ASCII."""
    message = find_schedule_problem(expression)
    assert message is None or repr(expression) in message
    assert message or (expression.isascii() and expression.isprintable())


@pytest.mark.parametrize(
    ("expression", "fix"),
    [
        ("rate(1 hours)", "rate(1 hour)"),
        ("rate(5 hour)", "rate(5 hours)"),
        ("rate(01minutes)", "rate(1 minute)"),
        ("rate( 12 month )", "rate(12 months)"),
    ],
)
def test_rate_with_the_wrong_unit_has_a_warning(expression: str, fix: str) -> None:
    """A rate whose unit does not match its value is accepted, and the warning names the right spelling."""
    assert find_schedule_problem(expression) is None
    warning = find_unit_warning(expression)
    assert warning is not None
    assert warning.endswith(f"{expression!r}, as Amazon EventBridge does: write {fix}")


@pytest.mark.parametrize("expression", ["rate(1 hour)", "rate(5minutes)", "cron(0 3 * * ? *)", "rate(hours)"])
def test_rate_with_the_right_unit_has_no_warning(expression: str) -> None:
    """A rate whose unit matches its value, a cron expression and an invalid expression have no warning."""
    assert find_unit_warning(expression) is None
