"""Post the report of `reconcile` as a pull request comment, or update it. Standard library only."""  # noqa: INP001 - a script

from __future__ import annotations

import hashlib
import http.client
import json
import os
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

LIMIT = 65_536
"""The maximum number of characters in a GitHub comment."""
_PAGE = 100


class Api:
    """GitHub's REST API for one repository."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._address = f"{environment['GITHUB_API_URL']}/repos/{environment['GITHUB_REPOSITORY']}"
        self._token = environment["TOKEN"]

    def call(self, method: str, path: str, content: object = None) -> Any:
        """Send a request and return the decoded response. Raises OSError, HTTPException and ValueError."""
        request = urllib.request.Request(  # noqa: S310 - the runner sets the address
            f"{self._address}{path}",
            method=method,
            data=None if content is None else json.dumps(content).encode(),
            headers={
                "Accept": "application/vnd.github+json",
                "Authorization": f"Bearer {self._token}",
                "Content-Type": "application/json",
                "X-GitHub-Api-Version": "2022-11-28",
            },
        )
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - as above
            return json.load(answer)

    def comments(self, number: int) -> Iterator[Any]:
        """Yield the comments of a pull request, oldest first. Raises OSError, HTTPException and ValueError."""
        page, found = 1, [None] * _PAGE
        while len(found) == _PAGE:
            found = self.call("GET", f"/issues/{number}/comments?per_page={_PAGE}&page={page}")
            if not isinstance(found, list):
                raise ValueError("not a list of comments")  # noqa: TRY004 - the response is invalid, not an argument
            yield from found
            page += 1


def body(environment: Mapping[str, str], marker: str, head: str) -> str:
    """Return the text of the comment: the marker that identifies it, the report, and its commit and log.

    GitHub checks out the merge commit of a pull request, not its head. The report belongs to the merge commit.
    """
    log = "{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}/actions/runs/{GITHUB_RUN_ID}".format_map(environment)
    command, code = environment["COMMAND"], environment["EXIT_CODE"]
    file = Path(environment["MARKDOWN"])
    report = file.read_text(encoding="utf-8") if file.exists() else f"## No report of `{command}`: see the log\n"
    revision = environment["REVISION"]
    commit = head if revision in ("", head) else f"{revision}, checked out for the head {head}"
    foot = f"\n<sub>`reconcile` ({command}) of commit {commit}: exit code {code}, [log]({log})</sub>\n"
    if len(marker) + len(report) + len(foot) > LIMIT:
        report = (
            report.partition("\n### ")[0].rstrip()
            + "\n\nThe rest of the report is too long for a comment: see the job summary.\n"
        )
    return marker + report + foot


def main(environment: Mapping[str, str]) -> int:
    """Post or update the comment of this job, and return the exit code.

    A token without write permission is not a failure: the job summary then says that the comment is missing.
    """
    event = json.loads(Path(environment["GITHUB_EVENT_PATH"]).read_text(encoding="utf-8"))
    if "pull_request" not in event:
        return 0
    number, head = event["pull_request"]["number"], event["pull_request"]["head"]["sha"]
    job = "\n".join(environment[name] for name in ("GITHUB_WORKFLOW", "GITHUB_JOB", "MANIFESTS"))
    marker = f"<!-- appintegrations-reconciler {hashlib.sha256(job.encode()).hexdigest()[:16]} -->\n"
    api = Api(environment)
    try:
        # Only comments of bots count, because every user who can comment could write the marker.
        # The user of a deleted account is null.
        own = (each for each in api.comments(number) if (each["user"] or {}).get("type") == "Bot")
        mine = next((each["id"] for each in own if (each["body"] or "").startswith(marker.strip())), None)
        content = {"body": body(environment, marker, head)}
        if mine is None:
            api.call("POST", f"/issues/{number}/comments", content)
        else:
            api.call("PATCH", f"/issues/comments/{mine}", content)
    except urllib.error.HTTPError as error:
        if error.code == 403:  # noqa: PLR2004 - GitHub's answer to a read-only token, such as that of a fork
            said = "The token has no permission to comment, as in pull requests from forks: read the job summary."
            _say("notice", said)
            with Path(environment["GITHUB_STEP_SUMMARY"]).open("a", encoding="utf-8") as summary:
                summary.write(f"\n{said}\n")
            return 0
        _say("error", f"The comment cannot be written (HTTP {error.code}): an existing comment may be out of date.")
        return 1
    except OSError:  # includes urllib's URLError
        _say("error", "GitHub's API cannot be reached: an existing comment may be out of date.")
        return 1
    except (http.client.HTTPException, ValueError):  # a truncated response, or a page of a proxy
        _say("error", "GitHub's API returned an invalid response: an existing comment may be out of date.")
        return 1
    return 0


def _say(level: str, text: str) -> None:
    sys.stdout.write(f"::{level} title=reconcile::{text}\n")


if __name__ == "__main__":
    sys.exit(main(os.environ))  # noqa: TID251 - only the entry point reads the environment
