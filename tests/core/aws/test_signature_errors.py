"""Signature errors: a wrong clock is distinguished from wrong credentials."""

from __future__ import annotations

import pytest

from reconciler.core.aws import signature_errors

EXPIRED = "Signature expired: 20261127T120000Z is now earlier than 20261127T121000Z (20261127T121500Z - 5 min.)"
NOT_YET_CURRENT = (
    "Signature not yet current: 20261127T123000Z is still later than 20261127T122000Z (20261127T121500Z + 5 min.)"
)
MISMATCH = "The request signature we calculated does not match the signature you provided."


@pytest.mark.parametrize(
    ("code", "message", "advice"),
    [
        ("InvalidSignatureException", EXPIRED, "set the clock"),
        ("InvalidSignatureException", NOT_YET_CURRENT, "set the clock"),
        ("SignatureDoesNotMatch", EXPIRED, "set the clock"),
        ("RequestTimeTooSkewed", "The difference between the request time and …", "set the clock"),
        ("RequestExpired", None, "set the clock"),
        ("RequestInTheFuture", None, "set the clock"),
        ("InvalidSignatureException", MISMATCH, "renew the credentials"),
        ("SignatureDoesNotMatch", None, "renew the credentials"),
        ("InvalidSignatureException", "Credential should be scoped to a valid region.", "correct the Region"),
        ("ExpiredToken", EXPIRED, "renew the credentials"),
        ("ExpiredTokenException", "Signature expired", "renew the credentials"),
        ("InvalidToken", None, "renew the credentials"),
        ("AccessDenied", EXPIRED, None),
        ("", None, None),
    ],
)  # fmt: skip
def test_signature_error_advises_on_clock_or_credentials(code: str, message: object, advice: str | None) -> None:
    """Each error has at most one remedy, at the end of the line."""
    message_with_remedy = f"{code}: {message}{signature_errors.format_remedy(code, message)}"
    assert signature_errors.is_clock_skewed(code, message) == (advice == "set the clock")
    assert signature_errors.has_invalid_credentials(code, message) == (advice == "renew the credentials")
    assert signature_errors.remove_remedy(message_with_remedy) == f"{code}: {message}"
    assert (advice or ": ") in message_with_remedy
    assert (message_with_remedy == signature_errors.remove_remedy(message_with_remedy)) == (advice is None)
