"""Checks of the doctor: each answer and each error has a result and a remedy."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest
from support.builders import ACCOUNT, INTEGRATION, NOW, REGION, journal, manifest, record

from reconciler.core.aws.signature_errors import RENEW_CREDENTIALS, SET_CLOCK
from reconciler.core.doctor import checks, reach
from reconciler.core.doctor.checks import DatedAnswer, Identity
from reconciler.core.doctor.diagnosis import Check, CheckResult, Diagnosis, TargetChecks
from reconciler.core.doctor.reach import Bucket, Encryption
from reconciler.core.errors import (
    AccessDenied,
    ClockSkewed,
    CloudError,
    GitError,
    InvalidManifests,
    Problem,
    StateError,
    StateWriteUnknown,
    Throttled,
    Unauthenticated,
    Unreachable,
    WrongAccount,
)
from reconciler.core.journal.records import Journal, Lease
from reconciler.core.model import Desired, Integration, Origin, Target
from reconciler.core.plan.integrations import find_integration

TARGET = Target("prod", REGION, ACCOUNT)
AMBIENT = Target("default")
ME = Identity(f"arn:aws:iam::{ACCOUNT}:user/me", ACCOUNT)
BUCKET = Bucket("corp-exports", is_bulk_export=True)
DATE = "Sun, 01 Nov 2026 12:00:00 GMT"


def dated(date: str | None = DATE, before: datetime = NOW, **span: float) -> DatedAnswer:
    """Return an answer with the Date NOW by default, sent at `before`, that took `span`."""
    return DatedAnswer(date, before, before + timedelta(**span))


def outcome(check: Check) -> tuple[CheckResult, str | None]:
    """Return the result and the remedy of a check."""
    return check.result, check.fix


def test_every_result_is_counted() -> None:
    """The counts include the checks of the installation and of every target."""
    found = (Check("a", CheckResult.OK, "x"), Check("b", CheckResult.FAILED, "x"))
    diagnosis = Diagnosis(found, (TargetChecks("prod", None, None, found), TargetChecks("dev", None, None, ())))
    assert diagnosis.counts == {"ok": 2, "warning": 0, "failed": 2, "skipped": 0}


def test_version_check_fails_without_the_create_operation() -> None:
    """A botocore without the Create operation is a failure. A missing git is only mentioned."""
    found = {"botocore": "1.44.5", "git": None}
    assert checks.check_versions(found, has_create_operation=True) == Check(
        "versions", CheckResult.OK, "botocore 1.44.5, no git"
    )
    old = checks.check_versions(found, has_create_operation=False)
    assert (old.result, old.fix) == (CheckResult.FAILED, "update boto3 and botocore")


def test_manifest_check_counts_manifests_or_problems() -> None:
    """The check distinguishes valid, warned, missing, invalid and unreadable manifests."""
    problem = Problem("a.yaml", 1, 1, "", "wrong")
    full = Desired((TARGET,), {"prod": (manifest(), manifest("b"))})
    assert checks.check_valid_manifests(full) == Check("manifests", CheckResult.OK, "2 manifests of 1 target, valid")
    unwise = checks.check_valid_manifests(Desired((TARGET,), full.manifests, (problem,)))
    assert (unwise.result, unwise.message) == (CheckResult.WARNING, "2 manifests of 1 target, valid, with 1 warning")
    assert checks.check_valid_manifests(Desired((TARGET,), {"prod": ()})).result == CheckResult.WARNING
    invalid = checks.check_invalid_manifests(InvalidManifests((problem, problem)))
    assert outcome(invalid) == (CheckResult.FAILED, "run reconcile validate to list the problems")
    assert invalid.message.startswith("2 problems in the manifests; ")
    assert "--git-ref" in (checks.check_invalid_manifests(GitError("repository 'x': no such branch")).fix or "")


def test_temporary_state_is_a_warning() -> None:
    """A temporary folder is a warning, and an unwritable one a failure."""
    assert checks.check_state_folder("s", None, is_ephemeral=False).result == CheckResult.OK
    assert checks.check_state_folder("s", None, is_ephemeral=True).result == CheckResult.WARNING
    assert checks.check_state_folder("s", "s is not a folder", is_ephemeral=True).result == CheckResult.FAILED
    assert checks.check_journal_files("s/a.json", None).result == CheckResult.OK
    locked = checks.check_journal_files("s/a.json", "s/a.lock is not a regular file")
    assert (locked.result, locked.message) == (
        CheckResult.FAILED,
        "s/a.json cannot be written: s/a.lock is not a regular file",
    )


@pytest.mark.parametrize(
    ("name", "known", "result"),
    [(None, None, "failed"), (REGION, None, "skipped"), (REGION, True, "ok"), ("eu-west-1", False, "warning")],
)
def test_region_check_accepts_unlisted_regions(*, name: str | None, known: bool | None, result: str) -> None:
    """A Region that botocore does not list is a warning, because it may be newer than botocore."""
    assert checks.check_region(name, is_listed=known).result == result


@pytest.mark.parametrize(
    ("target", "found", "result", "fix"),
    [
        (TARGET, ME, "ok", None),
        (AMBIENT, ME, "ok", None),
        (TARGET, WrongAccount("no"), "failed", "set RoleArn of the Target to a role in that account"),
        (TARGET, Unauthenticated("no"), "failed", "provide credentials where boto3 finds them"),
        (TARGET, ClockSkewed("no"), "failed", "set the clock"),
        (Target("x", role_arn="arn:r"), AccessDenied("no"), "failed", "allow sts:AssumeRole on arn:r"),
        (
            Target("x", role_arn="arn:r", external_id="e"),
            AccessDenied("no"),
            "failed",
            "with the ExternalId of the Target",
        ),
        (AMBIENT, AccessDenied("no"), "failed", "allow sts:GetCallerIdentity"),
        (AMBIENT, Unreachable("no"), "failed", "check the network"),
    ],
)
def test_credential_check_has_a_remedy_for_each_error(target: Target, found: Any, result: str, fix: str | None) -> None:
    """Each error of the credentials has a remedy."""
    check = checks.check_credentials(target, found)
    assert check.result == result
    assert check.fix == fix or (fix and fix in (check.fix or ""))


def test_wrong_account_is_reported_with_the_caller_arn() -> None:
    """A wrong account is reported with the ARN of the caller, if AWS returned it."""
    assert checks.check_credentials(TARGET, WrongAccount("no"), ME.arn).message == f"no ({ME.arn})"
    assert checks.check_credentials(TARGET, WrongAccount("no")).message == "no"


@pytest.mark.parametrize(
    ("answer", "result", "seen"),
    [
        (dated(), "ok", "to the second"),
        (dated(before=NOW + timedelta(seconds=1)), "ok", "to the second"),
        (dated(before=NOW - timedelta(seconds=30), seconds=60), "ok", "to the second"),
        (dated(before=NOW + timedelta(seconds=31)), "ok", "30 s ahead of"),
        (dated(before=NOW - timedelta(seconds=59)), "ok", "59 s behind"),
        (dated(before=NOW - timedelta(seconds=60)), "warning", "60 s behind"),
        (dated(before=NOW - timedelta(seconds=300)), "warning", "5.0 minutes behind"),
        (dated(before=NOW + timedelta(seconds=302)), "failed", "5.0 minutes ahead of"),
        (dated(before=NOW + timedelta(hours=5)), "failed", "5.0 hours ahead of"),
        (dated(before=NOW - timedelta(days=3)), "failed", "3.0 days behind"),
        (dated("Sun, 01 Nov 2026 12:00:00 -0000"), "ok", "to the second"),
        (dated("yesterday"), "skipped", "missing or invalid"),
        (dated(None), "skipped", "missing or invalid"),
        (None, "skipped", "not checked, because STS did not answer"),
    ],
)
def test_clock_is_compared_with_the_date_header(answer: DatedAnswer | None, result: str, seen: str) -> None:
    """The rounding of the Date and the duration of the call do not count as a difference."""
    check = checks.check_clock(answer, "STS did not answer")
    assert check.result == result
    assert seen in check.message


@pytest.mark.parametrize(
    ("error", "result", "fix"),
    [
        (AccessDenied("no"), "failed", "allow app-integrations:ListDataIntegrations on *"),
        (Throttled("no"), "warning", "run this again later"),
        (Unreachable("no"), "failed", "check the network"),
        (Unauthenticated(f"no; {RENEW_CREDENTIALS}"), "failed", "renew the credentials"),
        (ClockSkewed(f"no; {SET_CLOCK}"), "failed", "set the clock"),
        (CloudError("no"), "failed", "correct the cause that AWS names"),
    ],
)
def test_failed_read_has_a_remedy_by_error_type(error: CloudError, result: str, fix: str) -> None:
    """Each type of error has its own remedy."""
    check = reach.check_integrations_listing(error)
    assert (check.result, check.message) == (result, "no")
    assert (check.fix or "").startswith(fix)


def test_integration_is_found_by_arn_uuid_or_name() -> None:
    """A data integration is found by ARN, UUID or name, in this order. A missing one gets a suggestion."""
    named_like_the_other = Integration("arn:x/2", INTEGRATION.uuid)
    found = (named_like_the_other, INTEGRATION)
    assert reach.check_integrations_listing(found).message == "ListDataIntegrations shows 2 data integrations"
    for spelling in (INTEGRATION.arn, INTEGRATION.uuid, INTEGRATION.name):
        assert find_integration(spelling, found) == INTEGRATION
        assert reach.check_integration(spelling, [manifest()], found).result == CheckResult.OK
    missing = reach.check_integration("profile-export", [manifest()], found)
    assert missing.result == CheckResult.FAILED
    assert missing.fix == (
        "did you mean 'profiles-export'? create the data integration, or correct DataIntegrationIdentifier in "
        f"{Origin('export.yaml', 1, 1)}"
    )
    assert (reach.check_integration("zzz", [manifest()], ()).fix or "").startswith("create the data integration")


def test_missing_permission_is_named_with_its_resource() -> None:
    """The remedy for a missing permission names the action and its resources."""
    assert reach.check_associations_listing(INTEGRATION, None).result == CheckResult.OK
    denied = reach.check_associations_listing(INTEGRATION, AccessDenied("no"))
    assert outcome(denied) == (CheckResult.FAILED, "allow app-integrations:ListDataIntegrationAssociations on *")
    assert reach.describe_create_permission((INTEGRATION,), "all").result == CheckResult.SKIPPED
    assert (reach.describe_create_permission((INTEGRATION,), "all").fix or "").endswith(
        f"is allowed on {INTEGRATION.arn}"
    )
    assert (reach.describe_create_permission((), "all").fix or "").endswith("is allowed on all")


def test_destinations_are_the_distinct_buckets() -> None:
    """Each bucket is returned once, with its bulk exports. Other destinations are omitted."""
    plain = manifest("c", ObjectConfiguration=None, DestinationURI="s3://a")
    other = manifest("d", ObjectConfiguration={"X": {"y": ["z"]}}, DestinationURI="s3://a/x")
    found = reach.find_destination_buckets(
        (manifest(), manifest("b"), plain, other, manifest("e", DestinationURI="kinesis://x"))
    )
    assert found == (Bucket("a", is_bulk_export=False), Bucket("corp-exports", is_bulk_export=True))
    assert reach.find_destination_buckets((plain, manifest("f", DestinationURI="s3://a"))) == (
        Bucket("a", is_bulk_export=True),
    )
    assert reach.find_destination_buckets((manifest("g", DestinationURI=None),)) == ()


def test_destination_scheme_is_case_insensitive() -> None:
    """The scheme S3:// means S3. Other destinations are listed once, in their own spelling."""
    loud = manifest("a", ObjectConfiguration=None, DestinationURI="S3://corp-exports/x")
    others = [manifest(name, DestinationURI="Kinesis://stream") for name in "bc"]
    nowhere = manifest("d", DestinationURI=None)
    assert reach.find_destination_buckets((loud, *others, nowhere)) == (Bucket("corp-exports", is_bulk_export=False),)
    assert reach.list_other_destinations((loud, *others, nowhere)) == ("Kinesis://stream",)


@pytest.mark.parametrize(
    ("found", "result"),
    [
        (REGION, "ok"),
        ("eu-west-1", "failed"),
        (None, "failed"),
        (AccessDenied("no"), "skipped"),
        (Unreachable("no"), "failed"),
    ],
)
def test_bucket_must_be_in_the_same_region(found: Any, result: str) -> None:
    """A bucket in another Region is a failure. A bucket whose Region is denied is skipped."""
    check = reach.check_bucket_region(BUCKET, REGION, found, "aws-cn")
    assert (check.result, check.subject) == (result, "corp-exports")
    if result == "skipped":
        assert check.message.startswith(
            "not checked, because s3:GetBucketLocation is not allowed on bucket corp-exports"
        )
        assert (check.fix or "").startswith("allow s3:GetBucketLocation on arn:aws-cn:s3:::corp-exports")


@pytest.mark.parametrize(
    ("found", "bulk", "result"),
    [
        (Encryption("aws:kms", "k"), True, "ok"),
        (Encryption("aws:kms:dsse", "k"), True, "ok"),
        (Encryption("aws:kms", None), True, "warning"),
        (Encryption("AES256", None), True, "failed"),
        (Encryption("AES256", None), False, "warning"),
        (None, True, "failed"),
        (AccessDenied("no"), True, "skipped"),
    ],
)
def test_bulk_export_bucket_must_use_kms_encryption(*, found: Any, bulk: bool, result: str) -> None:
    """A bulk export without SSE-KMS is a failure, another export a warning."""
    assert reach.check_bucket_encryption(Bucket("b", bulk), found, "aws").result == result


def test_journal_check_warns_of_a_missing_journal_only_in_s3() -> None:
    """A missing journal fails only if runs are refused. An unreadable one always fails."""
    none = Journal(ACCOUNT, REGION, lineage="")
    known = checks.check_journal("p", journal(record()), "restore it")
    assert known.message == "p has records of 1 association (serial 7)"
    assert checks.check_journal("p", none).result == CheckResult.OK
    refused = checks.check_journal("p", none, "restore it")
    assert (refused.result, refused.fix) == (CheckResult.FAILED, "restore it")
    broken, unclear = (
        checks.check_journal("p", StateError("broken")),
        checks.check_journal("p", StateWriteUnknown("weak ETag")),
    )
    assert broken.result == unclear.result == CheckResult.FAILED
    assert "docs/safety.md" in (broken.fix or "")
    assert unclear.fix == "make sure that no proxy changes the answers of S3"
    assert checks.check_journal(None, Unauthenticated("no")).result == CheckResult.FAILED


def test_lease_check_tells_free_held_and_expired_apart() -> None:
    """A free or expired lease is ok, and a held one is a warning."""
    held = Journal(ACCOUNT, REGION, "l", lease=Lease("r", "process 1 on host", "host", 1, NOW))
    assert checks.check_lease("prod", journal(), NOW).message == "no run holds the lease"
    earlier = checks.check_lease("prod", held, NOW - timedelta(seconds=1))
    assert (earlier.result, earlier.message) == (
        CheckResult.WARNING,
        "held by process 1 on host until 2026-11-01 12:00:00Z",
    )
    assert "reconcile unlock prod" in (earlier.fix or "")
    assert checks.check_lease("prod", held, NOW).message.startswith(
        "the lease of process 1 on host expired at 2026-11-01 "
    )


BULK = Integration(INTEGRATION.arn, INTEGRATION.name, "AmazonConnect://AppIntegrations")
SILENT = manifest("silent", ObjectConfiguration=None)


@pytest.mark.parametrize(
    ("there", "wanted", "objects", "result", "fix"),
    [
        (BULK, SILENT, ("CustomerProfiles",), "ok", None),
        (INTEGRATION, SILENT, ("CustomerProfiles",), "ok", None),
        (BULK, manifest(), None, "ok", None),
        (BULK, SILENT, (), "failed", "add an ObjectConfiguration"),
        (BULK, SILENT, AccessDenied("no"), "warning", f"allow app-integrations:GetDataIntegration on {BULK.arn}"),
        (BULK, SILENT, Throttled("no"), "warning", "run this again later"),
        (INTEGRATION, SILENT, (), "ok", None),
        (INTEGRATION, SILENT, ("Account",), "ok", None),
        (INTEGRATION, SILENT, AccessDenied("no"), "ok", None),
    ],
)
def test_bulk_export_must_name_its_objects(
    there: Integration, wanted: Any, objects: Any, result: str, fix: str | None
) -> None:
    """A bulk export needs an ObjectConfiguration on the data integration or in the manifest."""
    assert reach.is_bulk_export(there, objects) is (there is BULK or objects == ("CustomerProfiles",))
    check = reach.check_integration(there.name, [manifest("other"), wanted], (there,), objects)
    assert check.result == result
    assert (check.fix or "").startswith(fix or "")
    assert (check.fix is None) == (fix is None)
    if result == "failed":
        assert "'silent' (silent.yaml:1)" in check.message


def test_bulk_export_is_recognised_by_its_data_integration() -> None:
    """A bulk export is recognised by its data integration, even without an ObjectConfiguration of its own."""
    assert reach.select_without_objects((manifest(), SILENT)) == (SILENT,)
    found = reach.find_destination_buckets((SILENT,), {INTEGRATION.name})
    assert found == (Bucket("corp-exports", is_bulk_export=True),)
    assert reach.find_destination_buckets((SILENT,), {"another"}) == (Bucket("corp-exports", is_bulk_export=False),)
