"""Refuse a commit that is no longer the head of its branch on GitHub. Standard library only."""  # noqa: INP001 - a script

from __future__ import annotations

import http.client
import json
import os
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Mapping


def head(environment: Mapping[str, str]) -> str:
    """Return the head commit of the branch. Raises OSError, HTTPException, ValueError, KeyError and TypeError."""
    branch = urllib.parse.quote(environment["BRANCH"])
    repository = f"{environment['GITHUB_API_URL']}/repos/{environment['GITHUB_REPOSITORY']}"
    request = urllib.request.Request(  # noqa: S310 - the runner sets the address
        f"{repository}/git/ref/heads/{branch}",
        headers={
            "Accept": "application/vnd.github+json",
            "Authorization": f"Bearer {environment['TOKEN']}",
            "X-GitHub-Api-Version": "2022-11-28",
        },
    )
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - as above
        return str(json.load(answer)["object"]["sha"])


def main(environment: Mapping[str, str]) -> int:
    """Return 0 if the checked-out commit is the head of the branch. Otherwise report the reason and return 1."""
    branch, revision = environment["BRANCH"], environment["REVISION"]
    try:
        found = head(environment)
    except urllib.error.HTTPError as error:
        remedy = "check that the branch exists, and that the token may read it (contents: read)"
        return _refuse(f"the head of {branch} is unknown (HTTP {error.code} from GitHub): {remedy}")
    except OSError:  # includes urllib's URLError
        return _refuse(f"the head of {branch} is unknown (GitHub's API cannot be reached): run the job again")
    except (http.client.HTTPException, ValueError, KeyError, TypeError):
        return _refuse(f"the head of {branch} is unknown (invalid response from GitHub's API): run the job again")
    if found != revision:
        return _refuse(f"{revision or 'the checkout'} is not the head of {branch}, which is {found}")
    return 0


def _refuse(reason: str) -> int:
    sys.stdout.write(f"::error title=reconcile::apply: {reason}; AWS was not called\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(os.environ))  # noqa: TID251 - only the entry point reads the environment
