"""Each refusal of AWS has the kind that decides whether and when a run repeats the request."""

from __future__ import annotations

import pytest
from support.exports import Export, at, build_fixed_manifest, span

from reconciler.core.apply.outcome import RefusalKind, Refused
from reconciler.core.apply.refusals import classify_refusal
from reconciler.core.aws.signature_errors import REJECTED_SIGNATURE_CODES
from reconciler.core.journal.jobs import Refusal
from reconciler.core.plan.write import Update

DENY_MESSAGE = "User: a is not authorized to perform: app-integrations:Update… with an explicit deny in a policy"


@pytest.mark.parametrize("code", [*sorted(REJECTED_SIGNATURE_CODES), "AccessDenied", "AccessDeniedException"])
def test_credentials_clock_and_plain_access_denied_are_of_access(code: str) -> None:
    """Credentials, the clock and a missing permission concern every request, and not this one."""
    assert classify_refusal(code, "User is not authorized") is RefusalKind.ACCESS


@pytest.mark.parametrize("code", ["AccessDenied", "AccessDeniedException", "ValidationException"])
def test_explicit_deny_is_of_deny(code: str) -> None:
    """The text "explicit deny" is the only sign of a permanent denial."""
    assert classify_refusal(code, DENY_MESSAGE) is RefusalKind.DENY


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("ResourceQuotaExceededException", RefusalKind.QUOTA),
        ("ResourceNotFoundException", RefusalKind.MISSING),
        ("InvalidRequestException", RefusalKind.REQUEST),
        ("ConflictException", RefusalKind.REQUEST),
        ("", RefusalKind.REQUEST),
    ],
)
def test_other_refusals_have_their_kind(code: str, kind: RefusalKind) -> None:
    """A quota and a missing resource have kinds of their own. Any other refusal is one of the request."""
    assert classify_refusal(code, "no") is kind


@pytest.mark.parametrize("kind", RefusalKind)
def test_only_lasting_refusals_of_an_update_stay_in_the_journal(kind: RefusalKind) -> None:
    """A refused request and a denial stay in the journal. Any other refusal restores the record from before."""
    export = Export(build_fixed_manifest(span(1, 2)), at(3, 1, 1))
    export.run()
    export.finish()
    export.run()
    before, export.manifest = export.record, build_fixed_manifest(span(2, 3))
    assert isinstance(export.run(Refused("no", kind)), Update)
    if kind in {RefusalKind.REQUEST, RefusalKind.DENY}:
        assert export.job.refusal == Refusal("no", is_denied=kind is RefusalKind.DENY)
    else:
        assert export.record == before
