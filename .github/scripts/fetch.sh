#!/usr/bin/env bash
# Brings a pull request here as git objects, without a work tree: what a stranger wrote is never a file on the disk that
# something could run. Merges it in memory, so the plan shows the state after the merge.
#
# Reads HEAD (a full commit id), BASE_REF (the branch to merge into), REPOSITORY, TOKEN, GITHUB_SERVER_URL, RUNNER_TEMP.
# Writes `folder`, `at` and `base` to GITHUB_OUTPUT.
set -euo pipefail

die() {
  # In one line, as a further one could be a command to the runner.
  echo "::error::polwarden: ${*//$'\n'/ }" >&2
  exit 1
}

[[ "$HEAD" =~ ^[0-9a-f]{40}([0-9a-f]{24})?$ ]] || die "\`head\` is a full commit id, not \`$HEAD\`"
git check-ref-format "refs/heads/$BASE_REF" || die "\`base\` is a branch here, not \`$BASE_REF\`"

folder="$(mktemp -d "$RUNNER_TEMP/polwarden-git.XXXXXX")"
git init --quiet --bare "$folder"
cd "$folder"
# Only for these commands: the token is in no file and in no argument.
if [[ -n "$TOKEN" ]]; then
  export GIT_CONFIG_COUNT=1 GIT_CONFIG_KEY_0="http.$GITHUB_SERVER_URL/.extraheader"
  GIT_CONFIG_VALUE_0="Authorization: Basic $(printf 'x-access-token:%s' "$TOKEN" | base64 | tr -d '\n')"
  export GIT_CONFIG_VALUE_0
fi
export GIT_TERMINAL_PROMPT=0
git -c fetch.fsckObjects=true -c gc.auto=0 fetch --quiet --no-tags --no-recurse-submodules \
  "$GITHUB_SERVER_URL/$REPOSITORY" "+refs/heads/$BASE_REF:refs/polwarden/base" "+$HEAD:refs/polwarden/head" ||
  die "cannot fetch $HEAD and the branch $BASE_REF"
unset GIT_CONFIG_COUNT GIT_CONFIG_KEY_0 GIT_CONFIG_VALUE_0

base="$(git rev-parse refs/polwarden/base)"
code=0
tree="$(git merge-tree --write-tree --no-messages "$base" "$HEAD" 2>/dev/null)" || code=$?
if ((code == 1)); then
  die "the change conflicts with $BASE_REF: merge or rebase it, and it is planned again"
fi
((code == 0)) || die "cannot merge $HEAD into $BASE_REF: git ended with $code"
export GIT_AUTHOR_NAME=polwarden GIT_AUTHOR_EMAIL=polwarden@example.com GIT_AUTHOR_DATE='1970-01-01T00:00:00Z'
export GIT_COMMITTER_NAME=$GIT_AUTHOR_NAME GIT_COMMITTER_EMAIL=$GIT_AUTHOR_EMAIL GIT_COMMITTER_DATE=$GIT_AUTHOR_DATE
at="$(git commit-tree "$tree" -p "$base" -p "$HEAD" -m "Merge $HEAD into $BASE_REF")"
git update-ref refs/polwarden/merge "$at"

{
  echo "folder=$folder"
  echo "at=$at"
  echo "base=$base"
} >>"$GITHUB_OUTPUT"
