"""Find the placeholder that `reconcile init` writes for an unknown bucket, and that a person has to replace."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from reconciler.core.errors import Problem
from reconciler.core.manifests.checked_document import CheckedDocument

UNSET_BUCKET = "s3://REPLACE-ME"
"""The bucket in the files of `init` if the destination is unknown. No bucket has a name with capital letters."""

_MESSAGE = (
    f"{UNSET_BUCKET} is a placeholder: write your bucket, or set policy.suspend to true in the manifest until then"
)


def find_unset_values(manifests: Sequence[CheckedDocument], targets: Sequence[CheckedDocument]) -> Iterator[Problem]:
    """Yield a problem for each placeholder that a manifest uses, unless the manifest or its Target is suspended.

    The manifests must have been expanded before. An invalid document has no such problem.
    """
    targets_by_name = {target.name: target for target in targets if target.is_valid}
    problems: dict[Problem, None] = {}
    for manifest in manifests:
        target = targets_by_name.get(manifest.target)
        if manifest.is_valid and not _is_suspended(manifest, target):
            problems.update(dict.fromkeys(_find_in_manifest(manifest)))
            problems.update(dict.fromkeys(_find_in_target(target) if target else ()))
    yield from problems


def _is_suspended(manifest: CheckedDocument, target: CheckedDocument | None) -> bool:
    if target and target.value["spec"].get("Suspend"):
        return True
    return bool(manifest.value.get("policy", {}).get("suspend"))


def _find_in_manifest(manifest: CheckedDocument) -> Iterator[Problem]:
    if _is_unset_place(manifest.value["spec"].get("DestinationURI")):
        yield manifest.build_problem(("spec", "DestinationURI"), _MESSAGE)


def _find_in_target(target: CheckedDocument) -> Iterator[Problem]:
    for index, pattern in enumerate(target.value["spec"].get("AllowedDestinations", ())):
        if _is_unset_place(pattern):
            yield target.build_problem(("spec", "AllowedDestinations", index), _MESSAGE)


def _is_unset_place(uri: object) -> bool:
    return isinstance(uri, str) and (uri == UNSET_BUCKET or uri.startswith(f"{UNSET_BUCKET}/"))
