"""Judge what a bulk export needs around it: the key, its policy, and the settings of the bucket."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.core.doctor.conditions import Context
from reconciler.core.doctor.diagnosis import Check, CheckResult, build_skipped_check, build_unread_check
from reconciler.core.doctor.guide import GUIDE, SERVICE, Guide, Place, build_encryption, build_policy
from reconciler.core.doctor.policy import Judgement, Need, judge_policy
from reconciler.core.doctor.reach import Bucket, Encryption, Export
from reconciler.core.errors import CloudError
from reconciler.core.globs import matches_glob
from reconciler.core.model import Integration

_KMS_ACTIONS = (
    "kms:Decrypt",
    "kms:DescribeKey",
    "kms:Encrypt",
    "kms:GenerateDataKey",
    "kms:GenerateDataKeyPair",
    "kms:GenerateDataKeyPairWithoutPlaintext",
    "kms:GenerateDataKeyWithoutPlaintext",
)
"""Actions on a key that the wildcards of the guide match (Service Authorization Reference)."""
_BUCKET_ACTIONS = frozenset(("s3:ListBucket",))
"""Actions of the guide whose resource is a bucket. The resource of the others is an object."""
_WRITE = "s3:PutObject"
"""The action without which no file can be written."""
_ENABLED, _SYMMETRIC = "Enabled", "SYMMETRIC_DEFAULT"
_ENFORCED = "BucketOwnerEnforced"
_SHOWN_ACTIONS = 4
_SERVICE_CONTEXT = {"aws:securetransport": ("true",), "aws:principalisawsservice": ("true",)}
"""Condition keys of each request that a service of AWS sends itself."""


@dataclass(frozen=True, slots=True)
class Key:
    """KMS key. `spec` is None if AWS did not send it."""

    arn: str
    state: str
    spec: str | None
    is_managed_by_aws: bool


def check_key(integration: Integration, written_key: str, answer: Key | CloudError | None) -> Check:
    """Judge the key of a data integration. None stands for a key that does not exist."""
    name, subject = "key", integration.name
    if isinstance(answer, CloudError):
        return build_unread_check(name, answer, f"kms:DescribeKey on {written_key}", subject)
    owner = f"of data integration {subject!r}"
    if answer is None:
        message = f"the key {owner} does not exist: {written_key}"
        return Check(name, CheckResult.FAILED, message, "use a data integration with a key that exists", subject)
    if answer.state != _ENABLED:
        message = f"the key {owner} is not enabled: its state is {answer.state} ({answer.arn})"
        return Check(name, CheckResult.FAILED, message, "enable the key, or cancel its deletion", subject)
    if answer.spec not in {None, _SYMMETRIC}:
        message = f"the key {owner} is not symmetric: its spec is {answer.spec} ({answer.arn})"
        fix = f"use a data integration with a key of spec {_SYMMETRIC}: S3 encrypts with no other key"
        return Check(name, CheckResult.FAILED, message, fix, subject)
    if answer.is_managed_by_aws:
        message = f"AWS manages the key {owner}: nobody can add the statement of {GUIDE} to its policy ({answer.arn})"
        return Check(name, CheckResult.WARNING, message, "use a data integration with a key of your own", subject)
    return Check(name, CheckResult.OK, f"the key {owner} is enabled: {answer.arn}", subject=subject)


def check_unread_key(integration: Integration, error: CloudError) -> Check:
    """Judge the key of a data integration whose details could not be read."""
    permission = f"app-integrations:GetDataIntegration on {integration.arn}"
    return build_unread_check("key", error, permission, integration.name)


def check_key_policy(
    integration: Integration, key_arn: str, answer: str | CloudError, guide: Guide, place: Place
) -> Check:
    """Judge whether the policy of a key lets AppIntegrations use it.

    A missing statement is a warning and not a failure: a grant of the key may allow the same, and is not read.
    """
    name, subject = "key-policy", integration.name
    if isinstance(answer, CloudError):
        return build_unread_check(name, answer, f"kms:GetKeyPolicy on {key_arn}", subject)
    statement = guide.build_key_statement(place)
    needs = [Need(SERVICE, action, key_arn) for action in _list_actions(statement)]
    # The guide has no condition here, and does not say whether AppIntegrations sends these keys to KMS.
    context: Context = _SERVICE_CONTEXT | {
        "aws:sourceaccount": (place.account, None),
        "aws:sourcearn": (integration.arn, None),
    }
    fix = f"add this statement of {GUIDE} to the policy of the key:"
    judgement, policy = judge_policy(answer, needs, context), f"the policy of the key of data integration {subject!r}"
    if judgement and judgement.missing:
        message = f"{policy} has no statement that allows AppIntegrations {_join(judgement.missing)}"
        message += f"{_describe_doubts(judgement)}{_describe_denials(judgement)}; grants of the key were not read"
        return Check(name, CheckResult.WARNING, message, fix, subject, statement)
    return _check_other_cases(
        Check(name, CheckResult.OK, f"{policy} lets AppIntegrations use it", fix, subject, statement),
        judgement,
        policy,
    )


def check_bucket_policy(export: Export, answer: str | CloudError | None, guide: Guide, place: Place) -> Check:
    """Judge whether the policy of a bucket lets AppIntegrations write an export. None stands for a missing policy."""
    name, subject, policy = "bucket-policy", export.bucket, f"the policy of bucket {export.bucket}"
    bucket_arn = place.build_bucket_arn(export.bucket)
    if isinstance(answer, CloudError):
        return build_unread_check(name, answer, f"s3:GetBucketPolicy on {bucket_arn}", subject)
    statement = guide.build_bucket_statement(place, export.bucket)
    if answer is None:
        message = f"bucket {export.bucket} has no policy, so AppIntegrations cannot write exports to it"
        fix = f"give the bucket this policy, with the statement of {GUIDE}:"
        return Check(name, CheckResult.FAILED, message, fix, subject, build_policy(statement))
    needs = [
        Need(SERVICE, action, bucket_arn)
        if action in _BUCKET_ACTIONS
        else Need(SERVICE, action, f"{bucket_arn}/{export.prefix}", is_beginning=True)
        for action in _list_actions(statement)
    ]
    context: Context = _SERVICE_CONTEXT | {
        "aws:sourceaccount": (place.account,),
        "aws:sourcearn": (export.integration.arn,),
    }
    judgement = judge_policy(answer, needs, context)
    fix = f"add this statement of {GUIDE} to the policy of the bucket:"
    if judgement and judgement.missing:
        message = f"{policy} has no statement that allows AppIntegrations {_join(judgement.missing)}"
        message += f" for data integration {export.integration.name!r}"
        message += f"{_describe_doubts(judgement)}{_describe_denials(judgement)}"
        result = CheckResult.FAILED if _WRITE in judgement.missing else CheckResult.WARNING
        return Check(name, result, message, fix, subject, statement)
    return _check_other_cases(
        Check(name, CheckResult.OK, f"{policy} lets AppIntegrations write exports", fix, subject, statement),
        judgement,
        policy,
    )


def _check_other_cases(passed: Check, judgement: Judgement | None, policy: str) -> Check:
    """Return the check of a policy without missing actions. `passed` has the fix, which an ok check does not need."""
    name, fix, subject, paste = passed.name, passed.fix, passed.subject, passed.paste
    if judgement is None:
        message = f"{policy} could not be judged, because it is not a policy document in JSON"
        return Check(name, CheckResult.SKIPPED, message, fix, subject, paste)
    if judgement.unclear:
        message = f"{policy} could not be judged{_describe_doubts(judgement)}{_describe_denials(judgement)}"
        return Check(name, CheckResult.SKIPPED, message, f"check it yourself, or {fix}", subject, paste)
    if judgement.denials:
        message = f"{passed.message}{_describe_denials(judgement)}"
        fix = "make sure that the Deny statement does not apply to requests of AppIntegrations"
        return Check(name, CheckResult.WARNING, message, fix, subject)
    return Check(name, CheckResult.OK, passed.message, subject=subject)


def check_bucket_key(
    bucket: Bucket, encryption: Encryption | CloudError | None, integration: Integration, key: str | None
) -> Check:
    """Judge whether a bucket encrypts with the key of a data integration. None stands for a key that was not read."""
    name, subject = "bucket-key", bucket.name
    if key is None:
        reason = f"the key of data integration {integration.name!r} was not read"
        return build_skipped_check(name, reason, subject=subject)
    if isinstance(encryption, CloudError):
        return build_skipped_check(name, "the encryption of the bucket was not read", subject=subject)
    owner = f"the key of data integration {integration.name!r}"
    paste = build_encryption(key)
    fix = f"set this default encryption, as {GUIDE} asks:"
    if encryption is None or not encryption.is_kms:
        message = "not checked, because the bucket does not use SSE-KMS"
        return Check(name, CheckResult.SKIPPED, message, fix, subject, paste)
    if encryption.key is None:
        message = f"bucket {subject} encrypts with a key that AWS manages, not with {owner}"
        return Check(name, CheckResult.FAILED, message, fix, subject, paste)
    if "alias/" in encryption.key or "alias/" in key:
        message = f"could not be judged, because an alias may name any key: bucket {subject} encrypts with "
        message += f"{encryption.key}, and {owner} is {key}"
        return Check(name, CheckResult.SKIPPED, message, f"use the ARN of the key: {fix}", subject, paste)
    if _is_same_key(encryption.key, key):
        return Check(name, CheckResult.OK, f"bucket {subject} encrypts with {owner}", subject=subject)
    message = f"bucket {subject} encrypts with {encryption.key}, not with {owner} ({key})"
    return Check(name, CheckResult.FAILED, message, fix, subject, paste)


def check_bucket_ownership(bucket: Bucket, answer: str | CloudError | None, guide: Guide, place: Place) -> Check:
    """Judge whether a bucket has ACLs. None stands for a bucket without ownership controls."""
    name, subject = "bucket-ownership", bucket.name
    if isinstance(answer, CloudError):
        permission = f"s3:GetBucketOwnershipControls on {place.build_bucket_arn(bucket.name)}"
        return build_unread_check(name, answer, permission, subject)
    if answer == _ENFORCED:
        return Check(name, CheckResult.OK, f"bucket {subject} has no ACLs ({_ENFORCED})", subject=subject)
    found = f"its object ownership is {answer}" if answer else "it has no ownership controls"
    message = f"bucket {subject} may have ACLs: {found}"
    fix = f"set these ownership controls, because {GUIDE} asks for a bucket without ACLs:"
    return Check(name, CheckResult.WARNING, message, fix, subject, guide.build_ownership())


def _list_actions(statement: Mapping[str, Any]) -> Sequence[str]:
    """Return the actions of a statement of the guide. Its wildcards stand for the actions of KMS that they match."""
    actions: list[str] = []
    for pattern in statement["Action"]:
        actions += [action for action in _KMS_ACTIONS if matches_glob(action, pattern)] or [pattern]
    return actions


def _is_same_key(first: str, second: str) -> bool:
    """Tell whether two names of keys are the same. One of them may be the id without the rest of the ARN."""
    if first.startswith("arn:") and second.startswith("arn:"):
        return first == second
    return first.rpartition("/")[2] == second.rpartition("/")[2]


def _join(actions: Sequence[str]) -> str:
    """Return actions as text. The fix has the statement with all of them."""
    rest = f" and {len(actions) - _SHOWN_ACTIONS} more" if len(actions) > _SHOWN_ACTIONS else ""
    return ", ".join(actions[:_SHOWN_ACTIONS]) + rest


def _describe_doubts(judgement: Judgement) -> str:
    if not judgement.unclear:
        return ""
    return f"; whether it allows {_join(judgement.unclear)} depends on {', '.join(judgement.unclear_statements)}"


def _describe_denials(judgement: Judgement) -> str:
    return f"; a Deny statement may apply: {', '.join(judgement.denials)}" if judgement.denials else ""
