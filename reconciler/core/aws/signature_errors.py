"""Recognise errors of credentials and signatures, and return their remedies."""

from __future__ import annotations

SET_CLOCK = "set the clock of this machine, and use NTP: AWS rejects requests signed more than 5 minutes early or late"
CORRECT_REGION = "correct the Region, or the endpoint URL"
RENEW_CREDENTIALS = "renew the credentials where boto3 finds them: the next run reads them again"

_TIME_CODES = frozenset(("RequestExpired", "RequestInTheFuture", "RequestTimeTooSkewed"))
_SIGNATURE_CODES = frozenset(("InvalidSignatureException", "SignatureDoesNotMatch"))
_CREDENTIAL_CODES = _SIGNATURE_CODES | frozenset(
    (
        "ExpiredToken",
        "ExpiredTokenException",
        "InvalidAccessKeyId",
        "InvalidClientTokenId",
        "InvalidToken",
        "UnrecognizedClientException",
    )
)
REJECTED_SIGNATURE_CODES = _TIME_CODES | _CREDENTIAL_CODES
"""Error codes with which AWS rejects the credentials or the signature of a request."""

_TIME_MESSAGE_PREFIXES = ("signature expired", "signature not yet current")
"""Beginnings of messages such as "Signature expired: 20261127T120000Z is now earlier than 20261127T121000Z (…)"."""


def is_clock_skewed(code: str, message: object) -> bool:
    """Tell by error code and message whether AWS rejected the time in a signature.

    Source: AWS IAM User Guide, "Troubleshoot Signature Version 4 signing for AWS API requests". An expired token does
    not count, because a correct clock does not make it valid again.
    """
    return code in _TIME_CODES or (
        code in _SIGNATURE_CODES and str(message).strip().lower().startswith(_TIME_MESSAGE_PREFIXES)
    )


def is_misdirected(code: str, message: object) -> bool:
    """Tell by error code and message whether a request was signed for another Region or service."""
    return code in _SIGNATURE_CODES and "credential should be scoped to" in str(message).lower()


def has_invalid_credentials(code: str, message: object) -> bool:
    """Tell by error code and message whether AWS rejected the credentials of a request."""
    return code in _CREDENTIAL_CODES and not is_clock_skewed(code, message) and not is_misdirected(code, message)


PROVIDE_CREDENTIALS = (
    "provide credentials where boto3 finds them (environment, profile, SSO, machine role), or run reconcile doctor"
)
"""The remedy for credentials that boto3 does not find."""


def remove_remedy(text: str) -> str:
    """Return a line without the remedy at its end, for output that shows the remedy separately."""
    return (
        text.removesuffix(f"; {SET_CLOCK}")
        .removesuffix(f"; {CORRECT_REGION}")
        .removesuffix(f"; {RENEW_CREDENTIALS}")
        .removesuffix(f"; {PROVIDE_CREDENTIALS}")
    )


def format_remedy(code: str, message: object) -> str:
    """Return the remedy of a rejected signature as the end of a line, or an empty string for other errors."""
    if is_clock_skewed(code, message):
        return f"; {SET_CLOCK}"
    if is_misdirected(code, message):
        return f"; {CORRECT_REGION}"
    return f"; {RENEW_CREDENTIALS}" if has_invalid_credentials(code, message) else ""
