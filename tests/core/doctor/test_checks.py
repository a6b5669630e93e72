"""Checks of the doctor: each answer and each error has a result and a remedy."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from support.builders import ACCOUNT, INTEGRATION, NOW, ON_DEMAND, REGION, journal, manifest, record

from reconciler.core.aws.signature_errors import RENEW_CREDENTIALS, SET_CLOCK
from reconciler.core.doctor import checks, reach
from reconciler.core.doctor.checks import DatedAnswer, Identity
from reconciler.core.doctor.diagnosis import Check, CheckResult, Diagnosis, TargetChecks
from reconciler.core.doctor.reach import Bucket, Encryption, Export, IntegrationDetails
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
from reconciler.core.model import Desired, Integration, Origin, Policy, Target
from reconciler.core.plan.integrations import find_integration

TARGET = Target("prod", REGION, ACCOUNT)
AMBIENT = Target("default")
IDENTITY = Identity(f"arn:aws:iam::{ACCOUNT}:user/me", ACCOUNT)
BUCKET = Bucket("corp-exports", is_bulk_export=True)
DATE = "Sun, 01 Nov 2026 12:00:00 GMT"


def build_answer(date: str | None = DATE, sent_at: datetime = NOW, **duration: float) -> DatedAnswer:
    """Return an answer with the Date NOW by default, sent at `sent_at`, that took `duration`."""
    return DatedAnswer(date, sent_at, sent_at + timedelta(**duration))


def get_result(check: Check) -> tuple[CheckResult, str | None]:
    """Return the result and the remedy of a check."""
    return check.result, check.fix


def test_every_result_is_counted() -> None:
    """The counts include the checks of the installation and of every target."""
    results = (Check("a", CheckResult.OK, "x"), Check("b", CheckResult.FAILED, "x"))
    diagnosis = Diagnosis(results, (TargetChecks("prod", None, None, results), TargetChecks("dev", None, None, ())))
    assert diagnosis.counts == {"ok": 2, "warning": 0, "failed": 2, "skipped": 0}


def test_version_check_fails_without_the_create_operation() -> None:
    """A botocore without the Create operation is a failure. A missing git is only mentioned."""
    versions = {"botocore": "1.44.5", "git": None}
    assert checks.check_versions(versions, has_create_operation=True) == Check(
        "versions", CheckResult.OK, "botocore 1.44.5, no git"
    )
    check = checks.check_versions(versions, has_create_operation=False)
    assert (check.result, check.fix) == (CheckResult.FAILED, "update boto3 and botocore")


def test_manifest_check_counts_manifests_or_problems() -> None:
    """The check distinguishes valid, warned, missing, invalid and unreadable manifests."""
    problem = Problem("a.yaml", 1, 1, "", "wrong")
    desired = Desired((TARGET,), {"prod": (manifest(), manifest("b"))})
    assert checks.check_valid_manifests(desired) == Check("manifests", CheckResult.OK, "2 manifests of 1 target, valid")
    warned = checks.check_valid_manifests(Desired((TARGET,), desired.manifests, (problem,)))
    assert (warned.result, warned.message) == (CheckResult.WARNING, "2 manifests of 1 target, valid, with 1 warning")
    assert checks.check_valid_manifests(Desired((TARGET,), {"prod": ()})).result == CheckResult.WARNING
    unselected = checks.check_valid_manifests(Desired((TARGET,), {"prod": ()}, (problem,), is_unselected=True))
    assert (unselected.result, unselected.message) == (
        CheckResult.WARNING,
        "0 manifests of 1 target, valid, with 1 warning",
    )
    invalid = checks.check_invalid_manifests(InvalidManifests((problem, problem)))
    assert get_result(invalid) == (CheckResult.FAILED, "run reconcile validate to list the problems")
    assert invalid.message.startswith("2 problems in the manifests; ")
    assert "--git-ref" in (checks.check_invalid_manifests(GitError("repository 'x': no such branch")).fix or "")


def test_temporary_state_is_a_warning() -> None:
    """A temporary folder is a warning, and an unwritable one a failure."""

    def check_folder(obstacle: str | None, *, is_ephemeral: bool) -> Check:
        return checks.check_state_folder("s", obstacle, is_ephemeral=is_ephemeral, url_patterns=("a://B", "c://D"))

    assert check_folder(None, is_ephemeral=False).result == CheckResult.OK
    ephemeral = check_folder(None, is_ephemeral=True)
    assert (ephemeral.result, ephemeral.fix) == (
        CheckResult.WARNING,
        "set --state or RECONCILER_STATE to a://B or c://D",
    )
    assert check_folder("s is not a folder", is_ephemeral=True).result == CheckResult.FAILED
    assert checks.check_journal_files("s/a.json", None).result == CheckResult.OK
    locked = checks.check_journal_files("s/a.json", "s/a.lock is not a regular file")
    assert (locked.result, locked.message) == (
        CheckResult.FAILED,
        "s/a.json cannot be written: s/a.lock is not a regular file",
    )


@pytest.mark.parametrize(
    ("name", "is_listed", "result"),
    [(None, None, "failed"), (REGION, None, "skipped"), (REGION, True, "ok"), ("eu-west-1", False, "warning")],
)
def test_region_check_accepts_unlisted_regions(*, name: str | None, is_listed: bool | None, result: str) -> None:
    """A Region that botocore does not list is a warning, because it may be newer than botocore."""
    assert checks.check_region(name, is_listed=is_listed).result == result


@pytest.mark.parametrize(
    ("target", "answer", "result", "fix"),
    [
        (TARGET, IDENTITY, "ok", None),
        (AMBIENT, IDENTITY, "ok", None),
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
def test_credential_check_has_a_remedy_for_each_error(
    target: Target, answer: Any, result: str, fix: str | None
) -> None:
    """Each error of the credentials has a remedy."""
    check = checks.check_credentials(target, answer)
    assert check.result == result
    assert check.fix == fix or (fix and fix in (check.fix or ""))


def test_wrong_account_is_reported_with_the_caller_arn() -> None:
    """A wrong account is reported with the ARN of the caller, if AWS returned it."""
    assert checks.check_credentials(TARGET, WrongAccount("no"), IDENTITY.arn).message == f"no ({IDENTITY.arn})"
    assert checks.check_credentials(TARGET, WrongAccount("no")).message == "no"


@pytest.mark.parametrize(
    ("answer", "result", "expected"),
    [
        (build_answer(), "ok", "to the second"),
        (build_answer(sent_at=NOW + timedelta(seconds=1)), "ok", "to the second"),
        (build_answer(sent_at=NOW - timedelta(seconds=30), seconds=60), "ok", "to the second"),
        (build_answer(sent_at=NOW + timedelta(seconds=31)), "ok", "30 s ahead of"),
        (build_answer(sent_at=NOW - timedelta(seconds=59)), "ok", "59 s behind"),
        (build_answer(sent_at=NOW - timedelta(seconds=60)), "warning", "60 s behind"),
        (build_answer(sent_at=NOW - timedelta(seconds=300)), "warning", "5.0 minutes behind"),
        (build_answer(sent_at=NOW + timedelta(seconds=302)), "failed", "5.0 minutes ahead of"),
        (build_answer(sent_at=NOW + timedelta(hours=5)), "failed", "5.0 hours ahead of"),
        (build_answer(sent_at=NOW - timedelta(days=3)), "failed", "3.0 days behind"),
        (build_answer("Sun, 01 Nov 2026 12:00:00 -0000"), "ok", "to the second"),
        (build_answer("yesterday"), "skipped", "missing or invalid"),
        (build_answer(None), "skipped", "missing or invalid"),
        (None, "skipped", "not checked, because STS did not answer"),
    ],
)
def test_clock_is_compared_with_the_date_header(answer: DatedAnswer | None, result: str, expected: str) -> None:
    """The rounding of the Date and the duration of the call do not count as a difference."""
    check = checks.check_clock(answer, "STS did not answer")
    assert check.result == result
    assert expected in check.message


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
    confusing = Integration("arn:x/2", INTEGRATION.uuid)
    integrations = (confusing, INTEGRATION)
    assert reach.check_integrations_listing(integrations).message == "ListDataIntegrations shows 2 data integrations"
    for spelling in (INTEGRATION.arn, INTEGRATION.uuid, INTEGRATION.name):
        assert find_integration(spelling, integrations) == INTEGRATION
        assert reach.check_integration(spelling, [manifest()], integrations).result == CheckResult.OK
    missing = reach.check_integration("profile-export", [manifest()], integrations)
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
    assert get_result(denied) == (CheckResult.FAILED, "allow app-integrations:ListDataIntegrationAssociations on *")
    assert reach.describe_create_permission((INTEGRATION,), "all").result == CheckResult.SKIPPED
    assert (reach.describe_create_permission((INTEGRATION,), "all").fix or "").endswith(
        f"is allowed on {INTEGRATION.arn}"
    )
    assert (reach.describe_create_permission((), "all").fix or "").endswith("is allowed on all")


def test_destinations_are_the_distinct_buckets() -> None:
    """Each bucket is returned once, with its bulk exports. Other destinations are omitted."""
    plain = manifest("c", ObjectConfiguration=None, DestinationURI="s3://a")
    other = manifest("d", ObjectConfiguration={"X": {"y": ["z"]}}, DestinationURI="s3://a/x")
    buckets = reach.find_destination_buckets(
        (manifest(), manifest("b"), plain, other, manifest("e", DestinationURI="kinesis://x"))
    )
    assert buckets == (Bucket("a", is_bulk_export=False), Bucket("corp-exports", is_bulk_export=True))
    assert reach.find_destination_buckets((plain, manifest("f", DestinationURI="s3://a"))) == (
        Bucket("a", is_bulk_export=True),
    )
    assert reach.find_destination_buckets((manifest("g", DestinationURI=None),)) == ()


def test_destination_scheme_is_case_insensitive() -> None:
    """The scheme S3:// means S3. Other destinations are listed once, in their own spelling."""
    uppercase = manifest("a", ObjectConfiguration=None, DestinationURI="S3://corp-exports/x")
    others = [manifest(name, DestinationURI="Kinesis://stream") for name in "bc"]
    without_destination = manifest("d", DestinationURI=None)
    assert reach.find_destination_buckets((uppercase, *others, without_destination)) == (
        Bucket("corp-exports", is_bulk_export=False),
    )
    assert reach.list_other_destinations((uppercase, *others, without_destination)) == ("Kinesis://stream",)


@pytest.mark.parametrize(
    ("region", "result"),
    [
        (REGION, "ok"),
        ("eu-west-1", "failed"),
        (None, "failed"),
        (AccessDenied("no"), "skipped"),
        (Unreachable("no"), "failed"),
    ],
)
def test_bucket_must_be_in_the_same_region(region: Any, result: str) -> None:
    """A bucket in another Region is a failure. A bucket whose Region is denied is skipped."""
    check = reach.check_bucket_region(BUCKET, REGION, region, "aws-cn")
    assert (check.result, check.subject) == (result, "corp-exports")
    if result == "skipped":
        assert check.message.startswith(
            "not checked, because s3:GetBucketLocation is not allowed on bucket corp-exports"
        )
        assert (check.fix or "").startswith("allow s3:GetBucketLocation on arn:aws-cn:s3:::corp-exports")


@pytest.mark.parametrize(
    ("encryption", "is_bulk_export", "result"),
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
def test_bulk_export_bucket_must_use_kms_encryption(*, encryption: Any, is_bulk_export: bool, result: str) -> None:
    """A bulk export without SSE-KMS is a failure, another export a warning."""
    assert reach.check_bucket_encryption(Bucket("b", is_bulk_export), encryption, "aws").result == result


def test_journal_check_warns_of_a_missing_journal_only_in_s3() -> None:
    """A missing journal fails only if runs are refused. An unreadable one always fails."""
    missing = Journal(ACCOUNT, REGION, lineage="")
    readable = checks.check_journal("p", journal(record()), "restore it")
    assert readable.message == "p has records of 1 association (serial 7)"
    assert checks.check_journal("p", missing).result == CheckResult.OK
    required = checks.check_journal("p", missing, "restore it")
    assert (required.result, required.fix) == (CheckResult.FAILED, "restore it")
    unusable, unclear = (
        checks.check_journal("p", StateError("broken")),
        checks.check_journal("p", StateWriteUnknown("weak ETag", "use no proxy")),
    )
    assert unusable.result == unclear.result == CheckResult.FAILED
    assert "docs/how-to/restore-the-state.md" in (unusable.fix or "")
    assert unclear.fix == "use no proxy"
    assert checks.check_journal(None, Unauthenticated("no")).result == CheckResult.FAILED


def test_lease_check_tells_free_held_and_expired_apart() -> None:
    """A free or expired lease is ok, and a held one is a warning."""
    held_journal = Journal(ACCOUNT, REGION, "l", lease=Lease("r", "process 1 on host", "host", 1, NOW))
    assert checks.check_lease("prod", journal(), NOW).message == "no run holds the lease"
    check = checks.check_lease("prod", held_journal, NOW - timedelta(seconds=1))
    assert (check.result, check.message) == (
        CheckResult.WARNING,
        "the lease is held by process 1 on host until 2026-11-01 12:00:00Z",
    )
    assert "reconcile unlock prod" in (check.fix or "")
    assert checks.check_lease("prod", held_journal, NOW).message.startswith(
        "the lease of process 1 on host expired at 2026-11-01 "
    )


BULK = Integration(INTEGRATION.arn, INTEGRATION.name, "AmazonConnect://AppIntegrations")
WITHOUT_OBJECTS = manifest("silent", ObjectConfiguration=None)


PROFILES: Any = {"domainName": ["my-domain"], "objectType": ["_profile"]}
GUIDE_OBJECTS: Any = {"CustomerProfiles": PROFILES}


def describe(objects: Any) -> IntegrationDetails | CloudError:
    """Return the details of a data integration with an ObjectConfiguration, or the error of the read."""
    return objects if isinstance(objects, CloudError) else IntegrationDetails("key", objects)


@pytest.mark.parametrize(
    ("integration", "desired", "objects", "result", "fix"),
    [
        (BULK, WITHOUT_OBJECTS, GUIDE_OBJECTS, "ok", None),
        (INTEGRATION, WITHOUT_OBJECTS, GUIDE_OBJECTS, "ok", None),
        (BULK, manifest(), {}, "ok", None),
        (BULK, WITHOUT_OBJECTS, {}, "failed", "add an ObjectConfiguration"),
        (
            BULK,
            WITHOUT_OBJECTS,
            AccessDenied("no"),
            "warning",
            f"allow app-integrations:GetDataIntegration on {BULK.arn}",
        ),
        (BULK, WITHOUT_OBJECTS, Throttled("no"), "warning", "run this again later"),
        (INTEGRATION, WITHOUT_OBJECTS, {}, "ok", None),
        (INTEGRATION, WITHOUT_OBJECTS, {"Account": {}}, "ok", None),
        (INTEGRATION, WITHOUT_OBJECTS, AccessDenied("no"), "ok", None),
    ],
)
def test_bulk_export_must_name_its_objects(
    integration: Integration, desired: Any, objects: Any, result: str, fix: str | None
) -> None:
    """A bulk export needs an ObjectConfiguration on the data integration or in the manifest."""
    details = describe(objects)
    assert reach.is_bulk_export(integration, details) is (integration is BULK or objects == GUIDE_OBJECTS)
    desired_manifests = [manifest("other"), desired]
    check = reach.check_integration(integration.name, desired_manifests, (integration,), details, GUIDE_OBJECTS)
    assert check.result == result
    assert (check.fix or "").startswith(fix or "")
    assert (check.fix is None) == (fix is None)
    assert check.paste == (GUIDE_OBJECTS if result == "failed" else None)
    if result == "failed":
        assert "'silent' (silent.yaml:1)" in check.message


@pytest.mark.parametrize(
    ("objects", "flaw"),
    [
        ({"Account": {}}, "has no CustomerProfiles"),
        ({"CustomerProfiles": PROFILES | {"objectType": ["_profile", "Case"]}}, "does not have exactly one objectType"),
        ({"CustomerProfiles": PROFILES | {"domainName": []}}, "does not have exactly one domainName"),
        ({"CustomerProfiles": {"objectType": ["_profile"]}}, "does not have exactly one domainName"),
    ],
)
def test_objects_that_differ_from_the_guide_are_a_warning(objects: Any, flaw: str) -> None:
    """A data integration of a bulk export has one domain and one object type."""
    check = reach.check_integration(BULK.name, [WITHOUT_OBJECTS], (BULK,), describe(objects))
    assert check.result is CheckResult.WARNING
    assert check.message.endswith(f"; its ObjectConfiguration {flaw}")
    assert "one domain and one object type" in (check.fix or "")


def test_source_of_a_bulk_export_may_come_from_either_call() -> None:
    """A bulk export is recognised by its source in GetDataIntegration if ListDataIntegrations does not return it."""
    unknown = replace(INTEGRATION, source="")
    assert reach.is_bulk_export(unknown, IntegrationDetails("key", {}, BULK.source))
    assert not reach.is_bulk_export(unknown, IntegrationDetails("key", {}, "s3://x"))
    assert not reach.is_bulk_export(replace(INTEGRATION, source="s3://x"), IntegrationDetails("key", {}, BULK.source))


def test_data_integration_that_was_not_read_may_be_a_bulk_export() -> None:
    """If GetDataIntegration fails, a data integration may be a bulk export unless its source is known."""
    unknown, crm = replace(INTEGRATION, source=""), replace(INTEGRATION, source="Salesforce://AppFlow/x")
    assert reach.is_unclear(unknown, AccessDenied("no"))
    assert not reach.is_unclear(crm, AccessDenied("no"))
    assert not reach.is_unclear(unknown, IntegrationDetails("key", {}))


def test_bulk_exports_are_distinct_prefixes_of_buckets() -> None:
    """Each prefix of a data integration is one export. Other destinations and other associations are omitted."""
    manifests = (
        manifest("a", DestinationURI="s3://a/x"),
        manifest("b", DestinationURI="S3://a/x/"),
        manifest("c", DestinationURI="s3://a", ObjectConfiguration=None),
        manifest("d", DestinationURI="kinesis://a"),
        manifest("e", DestinationURI="s3://e", DataIntegrationIdentifier="missing"),
    )
    by_name = {INTEGRATION.name: INTEGRATION}
    assert reach.find_exports(manifests, by_name, ()) == (Export(INTEGRATION, "a", "x"),)
    assert reach.find_exports(manifests, by_name, {INTEGRATION.name}) == (
        Export(INTEGRATION, "a", "x"),
        Export(INTEGRATION, "a", ""),
    )


@pytest.mark.parametrize(
    ("source", "execution", "reason", "fix"),
    [
        ("s3://corp/articles", ON_DEMAND, "AWS is reported to answer a Create for an s3:// source", "use another"),
        ("Zendesk://x", ON_DEMAND, "Amazon Q in Connect creates the associations of Zendesk sources", "check that"),
        ("AmazonConnect://AppIntegrations", None, "AWS documents a bulk export only as ON_DEMAND", "set ExecutionMode"),
    ],
)
def test_undocumented_use_of_a_source_is_a_warning(source: str, execution: Any, reason: str, fix: str) -> None:
    """The doctor warns of the sources that reports warn of, and names the manifest."""
    integration = replace(INTEGRATION, source=source)
    desired = manifest("silent", ExecutionConfiguration=execution)
    sound = manifest("adopting", policy=Policy(adopt="arn"))
    check = reach.check_integration(integration.name, [sound, desired], (integration,))
    assert check.result is CheckResult.WARNING
    assert f"; {reason}" in check.message
    assert "(manifest 'silent', silent.yaml:1)" in check.message
    assert (check.fix or "").startswith(fix)


def test_bulk_export_is_recognised_by_its_data_integration() -> None:
    """A bulk export is recognised by its data integration, even without an ObjectConfiguration of its own."""
    assert reach.select_without_objects((manifest(), WITHOUT_OBJECTS)) == (WITHOUT_OBJECTS,)
    buckets = reach.find_destination_buckets((WITHOUT_OBJECTS,), {INTEGRATION.name})
    assert buckets == (Bucket("corp-exports", is_bulk_export=True),)
    assert reach.find_destination_buckets((WITHOUT_OBJECTS,), {"another"}) == (
        Bucket("corp-exports", is_bulk_export=False),
    )
