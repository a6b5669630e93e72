"""One manifest describes an association in each target that it selects, with the values of that target."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from reconciler.core.errors import InvalidManifests
from reconciler.core.manifests import expansion
from reconciler.core.manifests.document import Document
from reconciler.core.manifests.files import File
from reconciler.core.model import Desired
from reconciler.edge.manifests import load, load_manifests
from reconciler.edge.manifests.budget import Budget
from reconciler.edge.manifests.documents import read_documents

NOW = datetime(2026, 11, 23, tzinfo=UTC)
HEAD = "apiVersion: appintegrations.reconciler/v1\nkind: %s\n"
PROD_US = HEAD % "Target" + (
    "metadata: {name: prod-us, labels: {env: prod}}\n"
    'spec: {Region: us-east-1, AccountId: "111111111111", Values: {bucket: exports-prod}}\n'
)
PROD_EU = HEAD % "Target" + (
    "metadata: {name: prod-eu, labels: {env: prod, tier: gold}}\n"
    'spec: {Region: eu-west-2, AccountId: "111111111111", Values: {bucket: exports-eu}}\n'
)
STAGING = HEAD % "Target" + (
    "metadata: {name: staging, labels: {env: staging}}\n"
    'spec: {Region: us-east-1, AccountId: "222222222222", Values: {bucket: exports-staging}}\n'
)
EVERY_TARGET = ': to select every Target, write targets: ["*"]'
TARGETS = (PROD_US, PROD_EU, STAGING)


def build_manifest(selection: str, name: str = "monthly", destination: str = '"s3://${bucket}/profiles"') -> str:
    """Return the text of a manifest with a line for its selection."""
    return (
        HEAD % "DataIntegrationAssociation"
        + f"metadata: {{name: {name}}}\n{selection}\n"
        + f"spec:\n  DataIntegrationIdentifier: profiles\n  DestinationURI: {destination}\n"
    )


def read(*documents: str) -> Desired:
    """Return the desired state of a file with these documents."""
    return load_manifests([File("all.yaml", "---\n".join(documents).encode())], NOW)


def list_destinations(desired: Desired) -> dict[str, list[str]]:
    """Return the destinations of each target that has manifests."""
    return {
        target: [str(each.spec["DestinationURI"]) for each in manifests]
        for target, manifests in desired.manifests.items()
        if manifests
    }


def list_problems(*documents: str) -> list[str]:
    """Return the problems of a file with these documents."""
    with pytest.raises(InvalidManifests) as error:
        read(*documents)
    return [str(problem) for problem in error.value.problems]


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        ("targets: {matchLabels: {env: prod}}", ["prod-us", "prod-eu"]),
        ("targets: [prod-us, staging]", ["prod-us", "staging"]),
        ("targets: ['prod-*']", ["prod-us", "prod-eu"]),
        ("targets: {matchExpressions: [{key: env, operator: In, values: [staging]}]}", ["staging"]),
        ("targets: {matchExpressions: [{key: tier, operator: NotIn, values: [gold]}]}", ["prod-us", "staging"]),
        ("targets: {matchExpressions: [{key: tier, operator: Exists}]}", ["prod-eu"]),
        (
            "targets: {matchLabels: {env: prod}, matchExpressions: [{key: tier, operator: DoesNotExist, values: []}]}",
            ["prod-us"],
        ),
        ("target: staging", ["staging"]),
        ('target: "prod-${side}"', []),
        ('target: "${target.name}"', ["prod-us", "prod-eu", "staging"]),
    ],
)
def test_selection_puts_the_association_into_each_target(selection: str, expected: list[str]) -> None:
    """A manifest has one association in each target that it selects, under its name and at its position."""
    manifest = build_manifest(selection)
    if not expected:
        assert list_problems(*TARGETS, manifest)
        return
    desired = read(*TARGETS, manifest)
    buckets = {"prod-us": "exports-prod", "prod-eu": "exports-eu", "staging": "exports-staging"}
    assert list_destinations(desired) == {name: [f"s3://{buckets[name]}/profiles"] for name in expected}
    manifests = [each for name in expected for each in desired.manifests[name]]
    assert {(each.name, each.origin.line) for each in manifests} == {("monthly", 16)}
    assert desired.warnings == ()


def test_labels_of_a_target_are_kept() -> None:
    """A Target has its labels, for --selector."""
    assert [dict(target.labels) for target in read(PROD_US, PROD_EU).targets] == [
        {"env": "prod"},
        {"env": "prod", "tier": "gold"},
    ]


def test_every_value_is_substituted() -> None:
    """Values in lists, maps and times are substituted, with the name, Region and account of the Target."""
    manifest = HEAD % "DataIntegrationAssociation" + (
        "metadata: {name: a}\ntarget: prod-us\nspec:\n"
        '  DataIntegrationIdentifier: "x-${target.accountId}"\n'
        '  ClientAssociationMetadata: {purpose: "$${bucket} in ${target.region}"}\n'
        '  ObjectConfiguration: {a: {b: ["${target.name}"]}}\n'
        '  ExecutionConfiguration: {ExecutionMode: "${mode}", OnDemandConfiguration: {StartTime: "${start}"}}\n'
    )
    target = PROD_US.replace("Values: {", "Values: {mode: ON_DEMAND, start: 2026-10-01T00:00:00Z, ")
    (parsed,) = read(target, manifest).manifests["prod-us"]
    assert parsed.spec == {
        "DataIntegrationIdentifier": "x-111111111111",
        "ClientAssociationMetadata": {"purpose": "${bucket} in us-east-1"},
        "ObjectConfiguration": {"a": {"b": ["prod-us"]}},
        "ExecutionConfiguration": {
            "ExecutionMode": "ON_DEMAND",
            "OnDemandConfiguration": {"StartTime": "1790812800000"},
        },
    }


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ('AllowedDestinations: ["s3://${bucket}/*"]', "/spec/AllowedDestinations/0: contains '${', which is not"),
        ('Ignore: [{Arn: "arn:${x}", Reason: "${x}"}]', "/spec/Ignore/0/Arn: contains '${', which is not replaced"),
        ('SessionName: "${bucket}"', "/spec/SessionName: '${bucket}' is not replaced here: write the value itself"),
        ('MaxCreates: "${bucket}"', "/spec/MaxCreates: '${bucket}' is not replaced here: write the value itself"),
        ('Policy: {mode: "${bucket}"}', "/spec/Policy/mode: '${bucket}' is not replaced here: write the value"),
        ('Values: {bucket: "${b}"}', "/spec/Values/bucket: contains '${', which is not replaced in Values: write the"),
        ('Burst: 1, Values: {"${a}": b}', "/spec/Values/${a}: '${a}' is not replaced here: write the value itself"),
    ],
)
def test_placeholder_in_another_member_of_a_target_is_refused(fields: str, expected: str) -> None:
    """Where no value is inserted and a literal `${` cannot be meant, a placeholder is one problem."""
    (problem,) = list_problems(PROD_US.replace("Values: {bucket: exports-prod}", fields))
    assert expected in problem


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ('targets: ["${x}"]', "/targets/0: '${x}' is not replaced here: write the value itself, because ${NAME} works"),
        ('policy: {mode: "${x}"}', "/policy/mode: '${x}' is not replaced here"),
        ('policy: {generation: "${x}"}', "/policy/generation: '${x}' is not replaced here"),
        ('policy: {ignore: ["/ClientId/${x}"]}', "/policy/ignore/0: contains '${', which is not replaced here"),
    ],
)
def test_placeholder_beside_spec_is_refused(line: str, expected: str) -> None:
    """A placeholder in policy or in `targets` is refused, and the message says that it is not replaced there."""
    (problem,) = list_problems(PROD_US, build_manifest(line))
    assert expected in problem


@pytest.mark.parametrize(
    "member",
    [
        "ObjectConfiguration: {'${a}': {b: [c]}}",
        "ObjectConfiguration: {a: {'${b}': [c]}}",
        "ClientAssociationMetadata: {'$${a}': b}",
    ],
)
def test_placeholder_in_a_key_is_refused(member: str) -> None:
    """Keys are never replaced, so a placeholder in a key of spec is a problem."""
    (problem,) = list_problems(PROD_US, build_manifest("") + f"  {member}\n")
    assert "contains '${', which is not replaced in keys: write the key itself" in problem


def test_free_text_may_hold_a_placeholder() -> None:
    """Free text, such as a reason, keeps `${` without a problem."""
    target = PROD_US.replace("Values: {", 'Ignore: [{Arn: "arn:*", Reason: "see ${x}"}], Values: {')
    desired = read(target, build_manifest("policy: {retired: 'replaced by ${x}'}"))
    assert desired.targets[0].ignore[0].reason == "see ${x}"
    assert desired.manifests["prod-us"][0].policy.retired == "replaced by ${x}"


def test_dollar_without_braces_is_explained() -> None:
    """A `$` without braces is named, with the form that a placeholder has."""
    (problem,) = list_problems(PROD_US, build_manifest("", destination="s3://$bucket/x"))
    assert "'s3://$bucket/x' has a '$', which is not allowed: for a value of the Target, write its name in braces" in (
        problem
    )


def test_role_and_external_id_are_substituted() -> None:
    """RoleArn and ExternalId of a Target use its own values."""
    target = PROD_US.replace(
        "Values: {", 'RoleArn: "arn:aws:iam::${target.accountId}:role/x", ExternalId: "${bucket}", Values: {'
    )
    (parsed,) = read(target).targets
    assert (parsed.role_arn, parsed.external_id) == ("arn:aws:iam::111111111111:role/x", "exports-prod")


def test_without_a_target_only_its_name_is_known() -> None:
    """Without a Target, target.name is `default`, and nothing else is known."""
    assert list_destinations(read(build_manifest("", destination="'s3://x/${target.name}'"))) == {
        "default": ["s3://x/default"]
    }
    (problem,) = list_problems(build_manifest(""))
    assert problem == (
        "all.yaml:7:25: /spec/DestinationURI: no value has the name 'bucket': use target.name, or declare 'bucket' in "
        "Values of a Target"
    )


@pytest.mark.parametrize(
    ("manifest", "expected"),
    [
        (
            build_manifest("targets: ['*']", destination='"s3://${buckte}/x"'),
            (
                "22:25: /spec/DestinationURI: no value has the name 'buckte': did you mean 'bucket'? "
                "(in target 'prod-us', 'prod-eu', 'staging')"
            ),
        ),
        (
            build_manifest("targets: [staging]", destination=">-\n    s3://x/\n    ${y"),
            "24:5: /spec/DestinationURI: '${' has no closing brace: write ${NAME} for a value, or $${ for the ",
        ),
        (
            build_manifest("targets: [staging]", destination='"${bucket}"'),
            "22:19: /spec/DestinationURI: 'exports-staging' is not",
        ),
        (
            build_manifest("targets: [staging]", destination='"s3://x/\\u0024{y}"'),
            "22:19: /spec/DestinationURI: no value has the name 'y'",
        ),
        (
            build_manifest("targets: [staging]", destination='"s3://x/${target.labels.env}"'),
            "22:27: /spec/DestinationURI: no value has the name 'target.labels.env': labels are no values",
        ),
        (build_manifest("target: '${target.nam}'"), "19:10: /target: no value has the name 'target.nam': did you mean"),
        (
            build_manifest("target: 'x-${target.name}'"),
            "19:9: /target: 'x-${target.name}' names no Target",
        ),
        (build_manifest("targets: []"), f"19:10: /targets: must have at least 1 item, but has 0{EVERY_TARGET}"),
        (build_manifest("targets: {}"), f"19:10: /targets: must have at least 1 member, but has 0{EVERY_TARGET}"),
        (
            build_manifest("targets: {matchLabels: {}}"),
            f"19:24: /targets/matchLabels: must have at least 1 member, but has 0{EVERY_TARGET}",
        ),
        (
            build_manifest("targets: {matchExpressions: []}"),
            f"19:29: /targets/matchExpressions: must have at least 1 item, but has 0{EVERY_TARGET}",
        ),
        (
            build_manifest("targets: prod"),
            "19:10: /targets: must be a list or a mapping, not the string 'prod': write [prod]",
        ),
        (build_manifest('targets: "*"'), "not the string '*': write [\"*\"]"),
        (
            build_manifest("target: [prod-us, 1]"),
            "19:9: /target: must be a string, not a list: target takes one name, so write targets: [prod-us, NAME]",
        ),
        (
            build_manifest("target: {matchLabels: {env: prod}}"),
            "19:9: /target: must be a string, not a mapping: target takes one name, so write targets: {...}",
        ),
        (
            build_manifest("target: [a, b, c, d, e, f]"),
            "not a list: target takes one name, so write targets: [a, b, c, d, e and 1 more]",
        ),
        (
            build_manifest(f"target: {'x' * 301}"),
            "19:9: /target: must have at most 253 characters, but has 301",
        ),
        (
            build_manifest("targets: [staging]", destination='"s3://$${bucket}/x"'),
            "22:19: /spec/DestinationURI: 's3://${bucket}/x' contains '${', written as $${, which is not allowed",
        ),
        (
            build_manifest("targets: [staging]", destination='"s3://${{bucket}}/x"'),
            "22:25: /spec/DestinationURI: '${{bucket}}' has more than one pair of braces: write ${bucket}",
        ),
        (
            build_manifest("targets: {matchExpressions: [{key: a, operator: In}]}"),
            "/targets/matchExpressions/0: 'values' is missing: In and NotIn require it",
        ),
        (
            build_manifest("targets: {matchExpressions: [{key: a, operator: in, values: [b]}]}"),
            "/targets/matchExpressions/0/operator: must be one of In, NotIn, Exists, DoesNotExist, not 'in': did you",
        ),
        (
            build_manifest("targets: {matchExpressions: [{key: a, operator: Equals, values: [b]}]}"),
            "/targets/matchExpressions/0/operator: must be one of In, NotIn, Exists, DoesNotExist, not 'Equals'",
        ),
        (
            build_manifest("targets: {matchExpressions: [{key: a, operator: Exists, values: [b]}]}"),
            "/targets/matchExpressions/0/values: must not be set with Exists and DoesNotExist, which take no values: ",
        ),
        (
            build_manifest("targets: [staging]\ntarget: staging"),
            "20:1: /target: must not be set beside 'targets': keep one of the two",
        ),
        (
            build_manifest(
                "targets: [staging]\npolicy: {adopt: 'arn:aws:app-integrations:us-east-1:222222222222:"
                "data-integration-association/i/a'}"
            ),
            "20:10: /policy/adopt: must not be set with 'targets', because the association exists in one target only",
        ),
        (
            build_manifest("targets: [staging]", destination='{a: "${bucket}"}'),
            "22:19: /spec/DestinationURI: must be a string, not a mapping",
        ),
    ],
)
def test_mistake_has_a_position_and_a_remedy(manifest: str, expected: str) -> None:
    """A mistake is reported once, at its line and column, with the targets that it concerns."""
    (problem,) = list_problems(*TARGETS, manifest)
    assert expected in problem


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (
            "targets: {matchLabels: {env: prd}}",
            "all.yaml:19:10: /targets: no Target is selected, and nothing is created: the Targets have the labels",
        ),
        ("targets: [staging, prod-ue]", "all.yaml:19:20: /targets/1: no Target is selected by 'prod-ue': did you mean"),
        (
            "targets: [staging, 'x*']",
            "all.yaml:19:20: /targets/1: no Target is selected by 'x*': the Targets are 'prod-us'",
        ),
    ],
)
def test_selector_without_a_target_is_a_warning(selection: str, expected: str) -> None:
    """A selector, or an entry of a list, that selects nothing gives one warning."""
    (warning,) = read(*TARGETS, build_manifest(selection)).warnings
    assert str(warning).startswith(expected)


def test_wrong_text_is_one_problem_for_all_targets() -> None:
    """A text that is wrong with the value of each target is reported once, with the first value and the targets."""
    (problem,) = list_problems(*TARGETS, build_manifest("targets: ['*']", destination='"s3://${bucket}/a b"'))
    assert "22:19: /spec/DestinationURI: 's3://exports-prod/a b' has a character that is not allowed" in problem
    assert problem.endswith(" (in target 'prod-us', 'prod-eu', 'staging')")


def test_value_that_other_targets_have_is_to_be_added() -> None:
    """A value that only one Target lacks is to be added there, and the message names this Target."""
    staging = STAGING.replace("bucket: exports-staging", "buckets: x")
    (problem,) = list_problems(PROD_US, PROD_EU, staging, build_manifest("targets: ['*']"))
    assert problem.endswith(
        "no value has the name 'bucket': add 'bucket' to Values of the Target (in target 'staging')"
    )


def test_labels_in_a_warning_are_bounded() -> None:
    """The warning about labels lists the first ten, and counts the others. Without labels it says so."""
    labels = ", ".join(f"k{number:02}: v" for number in range(12))
    (warning,) = read(PROD_US.replace("env: prod", labels), build_manifest("targets: {matchLabels: {a: b}}")).warnings
    assert warning.message.endswith("k08=v, k09=v and 2 more")
    plain = PROD_US.replace(", labels: {env: prod}", "")
    (warning,) = read(plain, build_manifest("targets: {matchLabels: {a: b}}")).warnings
    assert warning.message.endswith("nothing is created: the Targets have no labels")


def test_selector_without_any_target_is_a_warning() -> None:
    """If no Target is declared, `targets` selects nothing, not even the target of the environment."""
    desired = read(build_manifest("targets: ['*']"))
    assert desired.manifests == {"default": ()}
    assert [each.message for each in desired.all_warnings] == [
        "no Target is selected, and nothing is created: no Target is declared"
    ]


@pytest.mark.parametrize("selection", ["targets: {matchLabels: {env: prd}}", "targets: [prd]"])
def test_revision_whose_manifests_select_nothing_is_not_empty(selection: str) -> None:
    """If no manifest selects a Target, the warning about its selector says so, and none calls the files empty."""
    desired = read(*TARGETS, build_manifest(selection))
    assert not desired.is_empty
    assert desired.all_warnings == desired.warnings
    assert len(desired.warnings) == 1


def test_warning_about_many_targets_is_shown_once() -> None:
    """A warning that holds in several targets is shown once."""
    two = (build_manifest("targets: ['*']"), build_manifest("targets: ['*']", "other", '"s3://${bucket}/other"'))
    assert len(read(*TARGETS, *two).warnings) == 1


def test_same_name_is_allowed_in_other_targets_only() -> None:
    """A manifest may have the name of another one if no target has both: the way to adopt in one target."""
    others = build_manifest("targets: [prod-us, prod-eu]")
    adopting = build_manifest("target: staging").replace(
        "\nspec:",
        "\npolicy: {adopt: 'arn:aws:app-integrations:us-east-1:222222222222:data-integration-association/i/a'}\nspec:",
    )
    desired = read(*TARGETS, others, adopting)
    assert {name: len(each) for name, each in desired.manifests.items()} == {"prod-us": 1, "prod-eu": 1, "staging": 1}
    assert desired.manifests["staging"][0].policy.adopt
    everywhere = build_manifest("targets: ['*']")
    (problem,) = list_problems(*TARGETS, everywhere, build_manifest("target: staging", destination="s3://x/yz"))
    assert problem.startswith("all.yaml:26:18: /metadata/name: the name 'monthly' is already used by the manifest at")
    assert problem.endswith("names are unique in a target (in target 'staging')")


def test_same_request_after_the_substitution_is_a_problem() -> None:
    """Two manifests of one target whose requests are equal after the substitution are reported."""
    (problem,) = list_problems(
        *TARGETS,
        build_manifest("targets: ['*']"),
        build_manifest("target: staging", "other", "s3://exports-staging/profiles"),
    )
    assert "the manifest 'monthly' at all.yaml:16 has the same DataIntegrationIdentifier" in problem
    assert problem.endswith("ClientId and DestinationURI: remove one (in target 'staging')")


@pytest.mark.parametrize(("account", "region"), [("111111111111", "us-east-1"), ("222222222222", "eu-west-2")])
def test_adopted_association_must_be_in_the_place_of_its_target(account: str, region: str) -> None:
    """An ARN of another account or Region than that of the Target is a problem at policy.adopt."""
    arn = f"arn:aws:app-integrations:{region}:{account}:data-integration-association/i/a"
    manifest = build_manifest(f"target: staging\npolicy: {{adopt: '{arn}'}}")
    (problem,) = list_problems(*TARGETS, manifest)
    assert f"/policy/adopt: the association is in account {account} and {region}, and Target 'staging' is" in problem
    assert read(build_manifest(f"policy: {{adopt: '{arn}'}}", destination="s3://x/yz")).manifests["default"]


def test_invalid_target_causes_no_further_problems() -> None:
    """A manifest of an invalid Target has no problem of its own."""
    invalid = PROD_US.replace("us-east-1", "nowhere")
    assert len(list_problems(invalid, build_manifest("target: prod-us"))) == 1
    assert len(list_problems(invalid, build_manifest("targets: ['*']"))) == 1
    assert len(list_problems(PROD_US, PROD_EU, build_manifest(""))) == 1
    assert len(list_problems(PROD_US, PROD_EU, build_manifest("targets: ['*']\nx: 1"))) == 1
    assert len(list_problems(PROD_US, build_manifest("target: prod"))) == 1
    unknown_name = PROD_US.replace("Values: {", 'ExternalId: "${x}", Values: {')
    assert list_problems(unknown_name, build_manifest("target: '${target.name}'"))[0].startswith(
        "all.yaml:4:67: /spec/ExternalId: no value has the name 'x': use bucket, target.accountId"
    )


def test_role_is_checked_after_the_substitution() -> None:
    """The pattern of RoleArn applies to the result."""
    target = PROD_US.replace("Values: {", 'RoleArn: "arn:aws:iam::${bucket}:role/x", Values: {')
    (problem,) = list_problems(target)
    assert problem.startswith("all.yaml:4:63: /spec/RoleArn: 'arn:aws:iam::exports-prod:role/x' is not the ARN of an")


def test_nameless_target_and_unknown_kind_are_one_problem_each() -> None:
    """A Target without a name, and a document of an unknown kind, cause no further problems."""
    nameless = PROD_US.replace("name: prod-us, ", "")
    assert len(list_problems(nameless, build_manifest("").replace("${bucket}", "bucket"))) == 1
    assert len(list_problems(PROD_US, build_manifest("").replace("kind: Data", "kind: Date"))) == 1


def test_placeholder_without_the_file_has_the_position_of_its_string() -> None:
    """If the text of the file is no longer known, a placeholder has the position of its string."""
    (document,) = read_documents("a.yaml", b"a: x ${b}\n")
    assert isinstance(document, Document)
    assert document.find_text_position(("a",), "${b}", 6) == (1, 6)
    assert document.without_text().find_text_position(("a",), "${b}", 6) == (1, 4)


def test_number_of_comparisons_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many selectors over many Targets are refused, because each comparison takes time."""
    manifests = [build_manifest(f"targets: ['{letter}*', staging]", letter) for letter in "abc"]
    monkeypatch.setattr(expansion, "MAX_MATCHES", 6)
    manifests.append(build_manifest("target: '${target.name}'", "d"))
    problems = [each for each in list_problems(*TARGETS, *manifests) if "comparisons" in each]
    assert len(problems) == 2
    assert problems[0].endswith(
        "the selectors up to this line need more than 6 comparisons with Targets: use fewer selectors"
    )


def test_size_of_the_result_is_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    """A short text whose values would fill the memory is refused, before they are inserted."""
    manifest = build_manifest("targets: ['*']")
    size = sum(len("s3://${bucket}/profiles") + len(each) for each in ("exports-prod", "exports-eu", "exports-staging"))
    monkeypatch.setattr(expansion, "MAX_CHARACTERS", size)
    assert len(read(*TARGETS, manifest).manifests) == 3
    monkeypatch.setattr(expansion, "MAX_CHARACTERS", size - 1)
    (problem,) = list_problems(*TARGETS, manifest)
    assert problem == (
        f"all.yaml:16:1: the substituted texts up to this line have more than {size - 1:,} characters: use shorter "
        "values, or fewer targets (in target 'staging')"
    )
    monkeypatch.setattr(expansion, "MAX_CHARACTERS", 1)
    assert len(list_problems(*TARGETS, manifest)) == 1


def test_length_of_a_field_is_limited_before_the_substitution() -> None:
    """A very long RoleArn or target is refused without a search for its placeholders."""
    (problem,) = list_problems(PROD_US, build_manifest(f"target: '${{target.name}}{'x' * 3000}'"))
    assert problem.endswith("it must be the name of that Target")
    for role in ("${bucket}" * 300, "${bucket}" + "x" * 3000):
        target = PROD_US.replace("Values: {", f'RoleArn: "{role}", Values: {{')
        (problem,) = list_problems(target)
        assert problem.endswith("/spec/RoleArn: the text has more than 2,048 characters: shorten it")


def test_suggestions_are_limited(monkeypatch: pytest.MonkeyPatch) -> None:
    """Only the first unknown names get a suggestion, because each search takes time."""
    monkeypatch.setattr(expansion, "_MAX_SUGGESTIONS", 1)
    texts = [
        build_manifest("target: staging", name, f'"s3://${{{unknown}}}/x"')
        for name, unknown in (("a", "bucke"), ("b", "buckt"), ("c", "bucke"))
    ]
    problems = list_problems(STAGING, *texts)
    assert ["did you mean 'bucket'?" in each for each in problems] == [True, False, True]


def test_each_copy_counts_as_a_document(monkeypatch: pytest.MonkeyPatch) -> None:
    """The limits on documents and values hold after the expansion, so that a short file stays within the memory."""
    manifest = build_manifest("targets: ['*']")
    monkeypatch.setattr(load, "Budget", lambda: Budget(documents=6))
    assert len(read(*TARGETS, manifest).manifests) == 3
    monkeypatch.setattr(load, "Budget", lambda: Budget(documents=5))
    (problem,) = list_problems(*TARGETS, manifest)
    assert problem.startswith("all.yaml:16:1: the revision has more than 20000 documents up to this line")
    monkeypatch.setattr(load, "Budget", lambda: Budget(values=100))
    assert "keys and values" in list_problems(*TARGETS, manifest)[0]
