"""Keeps one comment on a pull request up to date with what `reconcile` said; standard library only."""  # noqa: INP001 - a script

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
"""How many characters GitHub takes in a comment."""
_PAGE = 100


class Api:
    """GitHub's REST API, at one repository."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._address = f"{environment['GITHUB_API_URL']}/repos/{environment['GITHUB_REPOSITORY']}"
        self._token = environment["TOKEN"]

    def call(self, method: str, path: str, content: object = None) -> Any:
        """Return what the API answers. Raises OSError, HTTPException and ValueError."""
        request = urllib.request.Request(  # noqa: S310 - the address is the runner's own
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
                raise ValueError("these are no comments")  # noqa: TRY004 - what the API says is wrong, not a call
            yield from found
            page += 1


def body(environment: Mapping[str, str], marker: str, head: str) -> str:
    """Return the comment: a mark to find it by, the report, and where it comes from.

    GitHub checks out the merge of a pull request, not its head: the report is of that commit.
    """
    log = "{GITHUB_SERVER_URL}/{GITHUB_REPOSITORY}/actions/runs/{GITHUB_RUN_ID}".format_map(environment)
    command, code = environment["COMMAND"], environment["EXIT_CODE"]
    file = Path(environment["MARKDOWN"])
    report = file.read_text(encoding="utf-8") if file.exists() else f"## There is no {command}: see the log\n"
    revision = environment["REVISION"]
    commit = head if revision in ("", head) else f"{revision}, checked out for the head {head}"
    foot = f"\n<sub>`reconcile` ({command}) of commit {commit}: exit code {code}, [log]({log})</sub>\n"
    if len(marker) + len(report) + len(foot) > LIMIT:
        report = (
            report.partition("\n### ")[0].rstrip()
            + "\n\nThe rest is too long for a comment: see the summary of the job.\n"
        )
    return marker + report + foot


def main(environment: Mapping[str, str]) -> int:
    """Post or update the comment of this job; say so where the token may not write, which is no failure."""
    event = json.loads(Path(environment["GITHUB_EVENT_PATH"]).read_text(encoding="utf-8"))
    if "pull_request" not in event:
        return 0
    number, head = event["pull_request"]["number"], event["pull_request"]["head"]["sha"]
    job = "\n".join(environment[name] for name in ("GITHUB_WORKFLOW", "GITHUB_JOB", "MANIFESTS"))
    marker = f"<!-- appintegrations-reconciler {hashlib.sha256(job.encode()).hexdigest()[:16]} -->\n"
    api = Api(environment)
    try:
        # Only a bot's: whoever can comment could write the mark. Of an account that is gone there is no user.
        own = (each for each in api.comments(number) if (each["user"] or {}).get("type") == "Bot")
        mine = next((each["id"] for each in own if (each["body"] or "").startswith(marker.strip())), None)
        content = {"body": body(environment, marker, head)}
        if mine is None:
            api.call("POST", f"/issues/{number}/comments", content)
        else:
            api.call("PATCH", f"/issues/comments/{mine}", content)
    except urllib.error.HTTPError as error:
        if error.code == 403:  # noqa: PLR2004 - what GitHub answers to a token that may only read, such as a fork's
            said = "The token may not comment (a fork's never may): the report is in the summary of the job."
            _say("notice", said)
            with Path(environment["GITHUB_STEP_SUMMARY"]).open("a", encoding="utf-8") as summary:
                summary.write(f"\n{said}\n")
            return 0
        _say("error", f"The comment cannot be written (HTTP {error.code}): one that is there may be out of date.")
        return 1
    except OSError:  # what urllib raises too
        _say("error", "GitHub's API cannot be reached: a comment that is there may be out of date.")
        return 1
    except (http.client.HTTPException, ValueError):  # cut short, or a page of a proxy
        _say("error", "GitHub's API gave no answer that can be read: a comment that is there may be out of date.")
        return 1
    return 0


def _say(level: str, text: str) -> None:
    sys.stdout.write(f"::{level} title=reconcile::{text}\n")


if __name__ == "__main__":
    sys.exit(main(os.environ))  # noqa: TID251 - the only place that reads it
