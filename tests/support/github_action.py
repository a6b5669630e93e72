"""Run the steps of deploy/github/action.yml like GitHub's runner, with the features that this action uses."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from support.github_api import TOKEN
from support.hosts import Host
from support.paths import DEPLOY

ACTION: dict[str, Any] = yaml.safe_load((DEPLOY / "github" / "action.yml").read_text(encoding="utf-8"))
WORKFLOW: dict[str, Any] = yaml.safe_load((DEPLOY / "github" / "workflow.yml").read_text(encoding="utf-8"))
HEAD = "1f0c5f7c3c2a5a7e0e4f2f2a0a3f3f3b6f0b8c11"


def is_job_due(job: str, **values: str) -> bool:
    """Return whether the condition of a job of the workflow holds. A double underscore in a name stands for a dot."""
    names = {name.replace("__", "."): value for name, value in values.items()}
    return _evaluate(WORKFLOW["jobs"][job]["if"], names)


def _evaluate(condition: str, values: Mapping[str, str]) -> bool:
    """Return the value of comparisons that are joined by &&, and inside of parentheses by ||."""
    terms = (term.strip() for term in condition.split("&&"))
    return all(
        any(_compare(each.strip(), values) for each in term.strip("()").split("||"))
        for term in terms
        if term != "!cancelled()"
    )


def _compare(comparison: str, values: Mapping[str, str]) -> bool:
    match = re.fullmatch(r"([\w.-]+) (==|!=) (?:'(.*)'|([\w.-]+))", comparison)
    assert match, comparison
    name, operator, text, other_name = match.groups()
    expected = values.get(other_name, "") if text is None else text
    return (values.get(name, "") == expected) == (operator == "==")


@dataclass(slots=True)
class ActionResult:
    """The result of one use of the action."""

    exit_code: int = 0
    log: str = ""
    summary: str = ""
    outputs: dict[str, str] = field(default_factory=dict)

    @property
    def report(self) -> Any:
        """Return the JSON report of the output `report`."""
        return json.loads(Path(self.outputs["report"]).read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True)
class Job:
    """A job of a workflow: its checkout, and the runner's settings for its steps."""

    host: Host
    workspace: Path
    api: str = "http://127.0.0.1:9"

    def use(self, event: str = "pull_request", ref: str = "", **inputs: str) -> ActionResult:
        """Use the action once, for an event and a ref. The default branch is main.

        The default ref is the merge of a pull request, or main for other events. An underscore in the name of an input
        stands for a dash.
        """
        arguments = {name.replace("_", "-"): value for name, value in inputs.items()}
        assert arguments.keys() <= ACTION["inputs"].keys()
        context = {} if event == "schedule" else {"github.event.repository.default_branch": "main"}
        ref = ref or ("refs/pull/7/merge" if event == "pull_request" else "refs/heads/main")
        defaults = {name: self._expand(each["default"], context) for name, each in ACTION["inputs"].items()}
        inputs = defaults | {"program": str(self.host.program)} | arguments
        values = {f"inputs.{name}": value for name, value in inputs.items()}
        result = ActionResult()
        for step in ACTION["runs"]["steps"]:
            if self._is_due(step.get("if", "success()"), values, has_failed=result.exit_code != 0):
                self._run(step, values, (event, ref), result)
        result.outputs = {name: self._expand(each["value"], values) for name, each in ACTION["outputs"].items()}
        return result

    def _run(
        self, step: Mapping[str, Any], values: dict[str, str], trigger: tuple[str, str], result: ActionResult
    ) -> None:
        """Run the script of one step for an event and a ref, and collect its log, summary and outputs."""
        event, ref = trigger
        assert step["shell"] == "bash"
        assert "${{" not in step["run"], "a script would execute the value of an expression"
        temp = self.host.folder / "runner"
        temp.mkdir(exist_ok=True)
        payload = {"pull_request": {"number": 7, "head": {"sha": HEAD}}} if event == "pull_request" else {}
        (temp / "event.json").write_text(json.dumps(payload), encoding="utf-8")
        (temp / "script.sh").write_text(step["run"], encoding="utf-8")
        files = {"GITHUB_OUTPUT": temp / "output", "GITHUB_STEP_SUMMARY": temp / "summary"}
        for file in files.values():
            file.write_text("", encoding="utf-8")
        variables = {name: self._expand(text, values) for name, text in step["env"].items()}
        process = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", temp / "script.sh"],
            cwd=self.workspace / self._expand(step.get("working-directory", "."), values),
            env={
                **self.host.environment,
                "GITHUB_ACTIONS": "true",
                "GITHUB_ACTION_PATH": str(DEPLOY / "github"),
                "GITHUB_API_URL": self.api,
                "GITHUB_EVENT_NAME": event,
                "GITHUB_EVENT_PATH": str(temp / "event.json"),
                "GITHUB_JOB": "plan",
                "GITHUB_REF": ref,
                "GITHUB_REPOSITORY": "corp/exports",
                "GITHUB_RUN_ID": "42",
                "GITHUB_SERVER_URL": "https://github.example",
                "GITHUB_WORKFLOW": "reconcile",
                "GITHUB_WORKSPACE": str(self.workspace),
                "RUNNER_TEMP": str(temp),
                **{name: str(file) for name, file in files.items()},
                **variables,
            },
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        result.exit_code = result.exit_code or process.returncode
        result.log += process.stdout
        result.summary += files["GITHUB_STEP_SUMMARY"].read_text(encoding="utf-8")
        for line in files["GITHUB_OUTPUT"].read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition("=")
            values[f"steps.{step['id']}.outputs.{name}"] = value

    @staticmethod
    def _expand(text: str, values: Mapping[str, str]) -> str:
        """Replace expressions by their values, and unknown expressions by nothing, like the runner."""
        names = {"github.token": TOKEN, **values}
        return re.sub(r"\$\{\{ ([\w.-]+) \}\}", lambda match: names.get(match[1], ""), text)

    @staticmethod
    def _is_due(condition: str, values: Mapping[str, str], *, has_failed: bool) -> bool:
        """Return True if the condition holds. It may contain calls and comparisons, joined by &&."""
        terms = condition.split(" && ")
        if has_failed and "always()" not in terms:
            return False
        return all(_compare(term, values) for term in set(terms) - {"always()", "success()"})
