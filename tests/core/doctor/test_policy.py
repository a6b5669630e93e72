"""Judgement of policies: yes and no only where the policy proves it, and otherwise unclear."""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.doctor.conditions import judge_condition
from reconciler.core.doctor.globs import Truth, match_beginning, match_text
from reconciler.core.doctor.policy import Judgement, Need, judge_policy

SERVICE, ACCOUNT = "app-integrations.amazonaws.com", "123456789012"
ARN = f"arn:aws:app-integrations:us-east-1:{ACCOUNT}:data-integration/5eed"
BUCKET = "arn:aws:s3:::corp-exports"
NEED = Need(SERVICE, "s3:PutObject", f"{BUCKET}/october", is_beginning=True)
CONTEXT = {"aws:sourceaccount": (ACCOUNT,), "aws:sourcearn": (ARN,), "aws:securetransport": ("true",)}
MAYBE_SENT = {"aws:sourceaccount": (ACCOUNT, None)}
NO, UNCLEAR, YES = Truth
ALLOW: dict[str, Any] = {
    "Sid": "Write",
    "Effect": "Allow",
    "Principal": {"Service": SERVICE},
    "Action": "s3:PutObject",
    "Resource": f"{BUCKET}/*",
}
GRANTED, MISSING = Judgement(), Judgement(missing=("s3:PutObject",))


def judge(*statements: Any) -> Judgement | None:
    """Judge a policy with statements for one write."""
    return judge_policy(json.dumps({"Version": "2012-10-17", "Statement": statements}), [NEED], CONTEXT)


def change(**members: Any) -> dict[str, Any]:
    """Return the statement with other members. None removes a member."""
    return {name: value for name, value in (ALLOW | members).items() if value is not None}


def depend_on(*elements: str) -> Judgement:
    """Return the judgement of a statement that depends on elements."""
    return Judgement(unclear=("s3:PutObject",), unclear_statements=(f"'Write' ({' and '.join(elements)})",))


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({}, GRANTED),
        ({"Action": "S3:putobject"}, GRANTED),
        ({"Action": ["s3:GetObject", "s3:Put*"]}, GRANTED),
        ({"Action": "*"}, GRANTED),
        ({"Action": "s3:GetObject"}, MISSING),
        ({"Action": None, "NotAction": "s3:Delete*"}, GRANTED),
        ({"Action": None, "NotAction": ["s3:Delete*", "s3:PutObject"]}, MISSING),
        ({"NotAction": "s3:Delete*"}, depend_on("Action")),
        ({"Action": None}, depend_on("Action")),
        ({"Action": [7]}, depend_on("Action")),
    ],
)
def test_actions_are_judged_in_every_form(members: Any, expected: Judgement) -> None:
    """An Action is a text or a list, has wildcards, ignores case, and may be a NotAction."""
    assert judge(change(**members)) == expected


@pytest.mark.parametrize(
    ("principal", "expected"),
    [
        ({"Service": [SERVICE, "s3.amazonaws.com"]}, GRANTED),
        ({"Service": SERVICE, "AWS": "*"}, GRANTED),
        ({"Service": "s3.amazonaws.com"}, MISSING),
        ({"AWS": ACCOUNT}, MISSING),
        ({"AWS": [f"arn:aws:iam::{ACCOUNT}:root"]}, MISSING),
        ({"Federated": "accounts.google.com"}, MISSING),
        ({"CanonicalUser": "79a5"}, MISSING),
        ("*", depend_on("Principal")),
        ({"AWS": "*"}, depend_on("Principal")),
        ({"Service": "*.amazonaws.com"}, depend_on("Principal")),
        ({"Service": "app-integrations.us-east-1.amazonaws.com"}, depend_on("Principal")),
        (None, depend_on("Principal")),
    ],
)
def test_principals_are_judged_in_every_form(principal: Any, expected: Judgement) -> None:
    """Only the name of the service is a yes. Accounts are a no, and wildcards are unclear."""
    assert judge(change(Principal=principal)) == expected


def test_excluded_principals_are_judged() -> None:
    """A NotPrincipal with the service is not about the service. Any other one is unclear."""
    excluded = change(Principal=None, NotPrincipal={"Service": SERVICE})
    assert judge(excluded) == MISSING
    assert judge(ALLOW, excluded | {"Effect": "Deny"}) == GRANTED
    assert judge(change(Principal=None, NotPrincipal={"AWS": ACCOUNT})) == depend_on("Principal")
    assert judge(change(NotPrincipal={"AWS": ACCOUNT})) == depend_on("Principal")


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({"Resource": "*"}, GRANTED),
        ({"Resource": [BUCKET, f"{BUCKET}/*"]}, GRANTED),
        ({"Resource": "arn:aws:s3:::corp-*"}, GRANTED),
        ({"Resource": BUCKET}, MISSING),
        ({"Resource": "arn:aws:s3:::other/*"}, MISSING),
        ({"Resource": f"{BUCKET}/november/*"}, MISSING),
        ({"Resource": f"{BUCKET}/october/*"}, depend_on("Resource")),
        ({"Resource": f"{BUCKET}/*.csv"}, depend_on("Resource")),
        ({"Resource": "arn:aws:s3:::${aws:PrincipalTag/bucket}/*"}, depend_on("Resource")),
        ({"Resource": None}, depend_on("Resource")),
        ({"Resource": None, "NotResource": "arn:aws:s3:::other/*"}, GRANTED),
        ({"Resource": None, "NotResource": f"{BUCKET}/*"}, MISSING),
        ({"Resource": f"{BUCKET}/o*.csv", "Principal": "*"}, depend_on("Principal", "Resource")),
    ],
)
def test_resources_are_judged_in_every_form(members: Any, expected: Judgement) -> None:
    """A resource must contain every object below the prefix. It is unclear if it contains only some."""
    assert judge(change(**members)) == expected


def test_a_resource_without_prefix_is_compared_as_a_whole() -> None:
    """An action on the bucket itself is not allowed by a statement about its objects."""
    need = Need(SERVICE, "s3:ListBucket", BUCKET)
    for resource, expected in ((f"{BUCKET}/*", ("s3:ListBucket",)), (BUCKET, ()), (f"{BUCKET}*", ())):
        policy = json.dumps({"Statement": change(Action="s3:List*", Resource=resource)})
        assert judge_policy(policy, [need], CONTEXT) == Judgement(missing=expected)


@pytest.mark.parametrize(
    ("condition", "context", "expected"),
    [
        (None, CONTEXT, YES),
        ({}, CONTEXT, YES),
        ("nonsense", CONTEXT, UNCLEAR),
        ({"StringEquals": "nonsense"}, CONTEXT, UNCLEAR),
        ({"StringEquals": {"aws:SourceAccount": ACCOUNT}}, CONTEXT, YES),
        ({"stringequals": {"AWS:sourceaccount": ["999999999999", ACCOUNT]}}, CONTEXT, YES),
        ({"StringEquals": {"aws:SourceAccount": "999999999999"}}, CONTEXT, NO),
        ({"StringEquals": {"aws:SourceAccount": []}}, CONTEXT, NO),
        ({"StringEquals": {"aws:SourceAccount": "1234*"}}, CONTEXT, NO),
        ({"StringEquals": {"aws:SourceAccount": "${aws:PrincipalAccount}"}}, CONTEXT, UNCLEAR),
        ({"StringLike": {"aws:SourceAccount": "1234*"}}, CONTEXT, YES),
        ({"StringLike": {"aws:SourceArn": f"arn:aws:app-integrations:*:{ACCOUNT}:*"}}, CONTEXT, YES),
        ({"StringEqualsIgnoreCase": {"aws:SourceArn": ARN.upper()}}, CONTEXT, YES),
        ({"ArnEquals": {"aws:SourceArn": f"arn:aws:*-*:us-east-1:{ACCOUNT}:data-integration/*"}}, CONTEXT, YES),
        ({"ArnLike": {"aws:SourceArn": ARN}}, CONTEXT, YES),
        (
            {"ArnLike": {"aws:SourceArn": f"arn:aws:app-integrations:eu-west-2:{ACCOUNT}:data-integration/*"}},
            CONTEXT,
            NO,
        ),
        ({"ArnLike": {"aws:SourceArn": f"{ARN}-another"}}, CONTEXT, NO),
        ({"ArnLike": {"aws:SourceArn": "arn:aws:*"}}, CONTEXT, UNCLEAR),
        ({"ArnLike": {"aws:SourceArn": "arn:aws:a:us-east-1:${aws:PrincipalAccount}:b"}}, CONTEXT, UNCLEAR),
        ({"ArnNotEquals": {"aws:SourceArn": ARN}}, CONTEXT, NO),
        ({"StringNotEquals": {"aws:SourceAccount": "999999999999"}}, CONTEXT, YES),
        ({"StringNotLike": {"aws:SourceAccount": "${x}"}}, CONTEXT, UNCLEAR),
        ({"Bool": {"aws:SecureTransport": "false"}}, CONTEXT, NO),
        ({"Bool": {"aws:SecureTransport": True}}, CONTEXT, YES),
        ({"Null": {"aws:SourceArn": "false"}}, CONTEXT, YES),
        ({"Null": {"aws:SourceArn": "true"}}, CONTEXT, NO),
        ({"StringEquals": {"aws:SourceOrgID": "o-1"}}, CONTEXT, UNCLEAR),
        ({"IpAddress": {"aws:SourceArn": "10.0.0.0/8"}}, CONTEXT, UNCLEAR),
        ({"ForAnyValue:StringEquals": {"aws:SourceAccount": ACCOUNT}}, CONTEXT, UNCLEAR),
        ({"Bool": {"aws:SecureTransport": "true"}, "StringEquals": {"aws:SourceAccount": "9"}}, CONTEXT, NO),
        ({"StringEquals": {"aws:SourceAccount": "9", "kms:ViaService": "s3"}}, CONTEXT, NO),
        ({"StringEquals": {"aws:SourceAccount": ACCOUNT}}, MAYBE_SENT, UNCLEAR),
        ({"StringEquals": {"aws:SourceAccount": "9"}}, MAYBE_SENT, NO),
        ({"StringEqualsIfExists": {"aws:SourceAccount": ACCOUNT}}, MAYBE_SENT, YES),
        ({"StringEqualsIfExists": {"aws:SourceAccount": "9"}}, MAYBE_SENT, UNCLEAR),
        ({"StringNotEquals": {"aws:SourceAccount": "9"}}, MAYBE_SENT, YES),
        ({"Null": {"aws:SourceAccount": "true"}}, MAYBE_SENT, UNCLEAR),
    ],
)
def test_conditions_are_judged_by_what_is_known_of_the_request(condition: Any, context: Any, expected: Truth) -> None:
    """A condition is met or not met only if that is so for every request that AWS may send."""
    assert judge_condition(condition, context) is expected


def test_an_unclear_condition_does_not_grant() -> None:
    """A statement whose condition is unclear is no grant. A condition that is not met allows nothing."""
    assert judge(change(Condition={"StringEquals": {"aws:SourceOrgID": "o-1"}})) == depend_on("Condition")
    assert judge(change(Condition={"StringEquals": {"aws:SourceAccount": "9"}})) == MISSING
    assert judge(change(Condition={"StringEquals": {"aws:SourceOrgID": "o-1"}}), ALLOW) == GRANTED


def test_deny_statements_are_named_if_they_may_apply() -> None:
    """A Deny that certainly does not apply is ignored. Any other one is named, and its effect is not claimed."""
    deny = {"Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "*"}
    without_tls = deny | {"Sid": "TLS", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
    unencrypted = deny | {"Condition": {"StringNotEquals": {"s3:x-amz-server-side-encryption": "aws:kms"}}}
    assert judge(ALLOW, without_tls) == GRANTED
    assert judge(ALLOW, unencrypted) == Judgement(denials=("statement 2",))
    assert judge(ALLOW, deny | {"Sid": "All", "Principal": {"Service": SERVICE}}) == Judgement(denials=("'All'",))
    assert judge(ALLOW, deny | {"Action": "s3:DeleteObject"}) == GRANTED
    assert judge(deny) == Judgement(missing=("s3:PutObject",), denials=("statement 1",))


def test_each_need_is_judged() -> None:
    """Several needs are judged together, and a statement is named once."""
    needs = [NEED, Need(SERVICE, "s3:GetObject", f"{BUCKET}/a"), Need(SERVICE, "s3:ListBucket", BUCKET)]
    unclear = change(Action=["s3:PutObject", "s3:GetObject"], Principal="*")
    judgement = judge_policy(json.dumps({"Statement": unclear}), needs, CONTEXT)
    assert judgement == Judgement(("s3:ListBucket",), ("s3:PutObject", "s3:GetObject"), ("'Write' (Principal)",))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "{}",
        '{"Statement": "x"}',
        '{"Statement": [7]}',
        '{"Statement": [{"Effect": "Maybe"}]}',
        "[" * 9**5,
    ],
)
def test_a_text_that_is_no_policy_is_not_judged(text: str) -> None:
    """A text that is no policy document is neither a grant nor a missing grant."""
    assert judge_policy(text, [NEED], CONTEXT) is None


GLOBS = st.text("ab*?", max_size=6)


@given(GLOBS, st.text("ab", max_size=5))
def test_globs_of_a_beginning_agree_with_globs_of_whole_texts(glob: str, beginning: str) -> None:
    """A yes matches every longer text, and a no matches none. A glob of stars is unclear only if it matches some."""
    longer = [beginning + rest for rest in ("", "a", "b", "ab", "ba", "aab", "bbbbbbb", "abababa")]
    answers = {fnmatchcase(text, glob) for text in longer}
    match match_beginning(glob, beginning):
        case Truth.YES:
            assert answers == {True}
        case Truth.NO:
            assert answers == {False}
        case Truth.UNCLEAR:
            assert answers != {True} or "?" in glob


@given(GLOBS, st.text("ab", max_size=5))
def test_globs_of_whole_texts_are_certain(glob: str, text: str) -> None:
    """A glob without a variable matches a text or does not."""
    assert match_text(glob, text) is Truth.from_bool(fnmatchcase(text, glob))
