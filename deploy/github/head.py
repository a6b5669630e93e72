"""Refuses a commit that is no longer the head of its branch, as GitHub has it; standard library only."""  # noqa: INP001 - a script

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
    """Return the commit that the branch is at. Raises OSError, HTTPException, ValueError, KeyError and TypeError."""
    branch = urllib.parse.quote(environment["BRANCH"])
    repository = f"{environment['GITHUB_API_URL']}/repos/{environment['GITHUB_REPOSITORY']}"
    request = urllib.request.Request(  # noqa: S310 - the address is the runner's own
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
    """Compare the head with the commit that is checked out; where it cannot be asked for, that is no yes."""
    branch, revision = environment["BRANCH"], environment["REVISION"]
    try:
        found = head(environment)
    except urllib.error.HTTPError as error:
        cause = "is the branch gone, or may the token not read it (contents: read)?"
        return _refuse(f"GitHub does not say where {branch} is (HTTP {error.code}): {cause}")
    except OSError:  # what urllib raises too
        return _refuse(f"GitHub's API cannot be reached, and nobody else knows where {branch} is")
    except (http.client.HTTPException, ValueError, KeyError, TypeError):
        return _refuse(f"GitHub's API did not answer where {branch} is: run the job again")
    if found != revision:
        return _refuse(f"{revision or 'what is checked out'} is not the head of {branch}, which is {found}")
    return 0


def _refuse(reason: str) -> int:
    sys.stdout.write(f"::error title=reconcile::apply: {reason}; nothing was called\n")
    return 1


if __name__ == "__main__":
    sys.exit(main(os.environ))  # noqa: TID251 - the only place that reads it
