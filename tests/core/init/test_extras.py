"""The files around a first export: their paths, and their texts from the templates in `deploy/`."""

from __future__ import annotations

import pytest
import yaml
from support.paths import REPOSITORY

from reconciler.core.init.extras import Extra, build_extra_text

ACCOUNT, REGION = "111122223333", "eu-central-1"


def build(extra: Extra, account: str | None = ACCOUNT, region: str | None = REGION) -> dict[str, str]:
    """Return the texts of the files by path, from the templates of this repository."""
    return {
        path: build_extra_text(extra, (REPOSITORY / template).read_text(encoding="utf-8"), account, region)
        for path, template in extra.templates.items()
    }


@pytest.mark.parametrize("extra", Extra)
def test_no_file_names_the_account_or_region_of_the_template(extra: Extra) -> None:
    """The files name the account and the Region of the first export, and are valid YAML."""
    for text in build(extra).values():
        assert "123456789012" not in text
        assert "us-east-1" not in text
        list(yaml.compose_all(text))  # GitLab has tags of its own


def test_unknown_account_belongs_to_nobody() -> None:
    """Without an account, a role names the account that does not exist, and the Region is the example."""
    (workflow,) = build(Extra.GITHUB, None, None).values()
    assert "arn:aws:iam::000000000000:role/" in workflow
    assert "aws-region: us-east-1" in workflow


def test_pre_commit_entry_is_the_published_hook() -> None:
    """The entry equals the published hook, except that it runs the installed program."""
    (text,) = build(Extra.PRE_COMMIT).values()
    (repository,) = yaml.safe_load(text)["repos"]
    published = yaml.safe_load((REPOSITORY / ".pre-commit-hooks.yaml").read_text(encoding="utf-8"))
    assert repository == {"repo": "local", "hooks": [{**each, "language": "system"} for each in published]}


def test_overlay_has_each_file_that_it_names() -> None:
    """Each resource that a kustomization names is among the files."""
    texts = build(Extra.KUBERNETES)
    folders = {path.rpartition("/")[0] for path in texts}
    for path, text in texts.items():
        if path.endswith("/kustomization.yaml"):
            for resource in yaml.safe_load(text)["resources"]:
                folder = f"kubernetes/{resource.removeprefix('../')}"
                assert folder in folders or f"{path.rpartition('/')[0]}/{resource}" in texts


@pytest.mark.parametrize("extra", Extra)
def test_each_extra_says_how_it_is_asked_for_and_what_remains(extra: Extra) -> None:
    """Only Kubernetes works below the top folder of a repository. Each extra has an option and a remaining step."""
    assert extra.needs_repository_root is (extra is not Extra.KUBERNETES)
    assert extra.value in extra.option
    assert extra.remaining_step
