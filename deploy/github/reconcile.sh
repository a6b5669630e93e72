#!/usr/bin/env bash
# Run `reconcile` on the commit that is checked out, and set the outputs: reports, digest of the plan and exit code.
set -euo pipefail

refuse() { # LINE
    echo "::error::$1"
    exit 64
}

case $COMMAND in
plan) arguments=(run --dry-run) ;;
apply)
    case $GITHUB_EVENT_NAME in
    pull_request*) refuse "apply: a pull request can only be planned, because it is not merged yet" ;;
    esac
    if [ -z "$BRANCH" ]; then refuse "apply: this event does not name the default branch: set the input branch"; fi
    if [ "$GITHUB_REF" != "refs/heads/$BRANCH" ]; then
        refuse "apply: only allowed on refs/heads/$BRANCH, and this is $GITHUB_REF"
    fi
    arguments=(run --lock-timeout=5m)
    ;;
validate) arguments=(validate) ;;
*) refuse "command: set it to plan, apply or validate" ;;
esac
case $COMMAND-$EXPECT_PLAN in
apply-* | *-) ;;
*) refuse "expect-plan: only allowed with apply" ;;
esac
if [ "$COMMAND" != validate ] && [ -n "$STATE" ]; then arguments+=(--state="$STATE"); fi
if [ "$COMMAND" != validate ]; then
    read -r -d '' -a new <<<"$NEW_STATE" || : # split at blanks and line ends, without globbing
    for target in "${new[@]}"; do arguments+=(--new-state="$target"); done
fi
if [ -n "$EXPECT_PLAN" ]; then arguments+=(--expect-plan="$EXPECT_PLAN"); fi

revision=$(git rev-parse --verify --quiet 'HEAD^{commit}') || revision= # the program reports the error
# An approval may come late, and a job may run again. Associations that the branch no longer contains must not be
# created.
if [ "$COMMAND" = apply ]; then REVISION=$revision python3 -I "$GITHUB_ACTION_PATH/head.py"; fi

reports=$(mktemp -d "$RUNNER_TEMP/reconciler.XXXXXX")
report=$reports/report.json
log=$reports/log
: >"$log"

# The log quotes manifests, and a quoted line could look like a workflow command. The runner ignores commands meanwhile.
# shellcheck disable=SC2317 # called by the trap
show_log() {
    local resume
    resume=$(od -An -N16 -tx1 /dev/urandom | tr -d ' ')
    printf '::stop-commands::%s\n' "$resume"
    cat -- "$log"
    printf '::%s::\n' "$resume"
}
trap show_log EXIT

code=0
(
    set -f # options are split at blanks, without globbing
    # shellcheck disable=SC2086 # options are split at blanks
    exec "$PROGRAM" "${arguments[@]}" --git-url=. --git-ref="${revision:-HEAD}" --git-path="$MANIFESTS" \
        --output=github --output=markdown="$reports/report.md" --output=json="$report" \
        --output=sarif="$reports/report.sarif" $OPTIONS
) 2>"$log" || code=$?

digest=
if [ -e "$report" ]; then # a usage error leaves no report, and a report without a plan has no digest
    digest=$(python3 -I -c 'import json, sys; print(json.load(open(sys.argv[1])).get("planDigest") or "")' "$report")
fi
{
    echo "digest=$digest"
    echo "exit-code=$code"
    echo "report=$report"
    echo "revision=$revision"
    echo "markdown=$reports/report.md"
    echo "sarif=$reports/report.sarif"
} >>"$GITHUB_OUTPUT"
exit "$code"
