#!/usr/bin/env bash
# Runs `reconcile` on the commit that is checked out, and leaves its reports, the plan's digest and the exit code.
set -euo pipefail

refuse() { # LINE
    echo "::error::$1"
    exit 64
}

case $COMMAND in
plan) arguments=(run --dry-run) ;;
apply)
    case $GITHUB_EVENT_NAME in
    pull_request*) refuse "apply: a pull request is only planned, since nobody has accepted it yet" ;;
    esac
    if [ -z "$BRANCH" ]; then refuse "apply: this event does not name the default branch: set the input branch"; fi
    if [ "$GITHUB_REF" != "refs/heads/$BRANCH" ]; then
        refuse "apply: is for refs/heads/$BRANCH alone, and this is $GITHUB_REF"
    fi
    arguments=(run --lock-timeout=5m)
    ;;
validate) arguments=(validate) ;;
*) refuse "command: write plan, apply or validate" ;;
esac
case $COMMAND-$EXPECT_PLAN in
apply-* | *-) ;;
*) refuse "expect-plan: is for apply" ;;
esac
if [ "$COMMAND" != validate ] && [ -n "$STATE" ]; then arguments+=(--state="$STATE"); fi
if [ "$COMMAND" != validate ]; then
    read -r -d '' -a new <<<"$NEW_STATE" || : # split at blanks and line ends, and nothing more is done to it
    for target in "${new[@]}"; do arguments+=(--new-state="$target"); done
fi
if [ -n "$EXPECT_PLAN" ]; then arguments+=(--expect-plan="$EXPECT_PLAN"); fi

revision=$(git rev-parse --verify --quiet 'HEAD^{commit}') || revision= # the program says what is wrong with it
# An approval may come late, and a job may be run again: what the branch has left since then must not be created.
if [ "$COMMAND" = apply ]; then REVISION=$revision python3 -I "$GITHUB_ACTION_PATH/head.py"; fi

reports=$(mktemp -d "$RUNNER_TEMP/reconciler.XXXXXX")
report=$reports/report.json
log=$reports/log
: >"$log"

# What is logged quotes manifests, and a line of theirs could read like a command for the runner: it heeds none meanwhile.
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
    set -f # options are split at blanks, and nothing more is done to them
    # shellcheck disable=SC2086 # as just said
    exec "$PROGRAM" "${arguments[@]}" --git-url=. --git-ref="${revision:-HEAD}" --git-path="$MANIFESTS" \
        --output=github --output=markdown="$reports/report.md" --output=json="$report" \
        --output=sarif="$reports/report.sarif" $OPTIONS
) 2>"$log" || code=$?

digest=
if [ -e "$report" ]; then # there is none where the program was called wrongly; without a digest where nothing was planned
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
