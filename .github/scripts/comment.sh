#!/usr/bin/env bash
# Creates a comment on a pull request, or updates the comment that it created before, found by the marker in its first line.
#
# Reads FILE (none if a step before failed), MARKER, COMMIT, NUMBER, REPOSITORY, AUTHOR, TOKEN, GITHUB_API_URL. Writes `comment-url` to GITHUB_OUTPUT.
set -euo pipefail

die() {
  # In one line, as a further one could be a command to the runner.
  echo "::error::polwarden: ${*//$'\n'/ }" >&2
  exit 1
}

[[ "$NUMBER" =~ ^[0-9]+$ ]] || die "\`pull-request\` is a number, not \`$NUMBER\`"
scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT
# The plan of an earlier commit must not stay as if it were of this one.
if [[ -z "$FILE" ]]; then
  FILE="$scratch/comment.md"
  printf '<!-- polwarden:plan:%s -->\n### polwarden plan\n\n**No plan for %s.** See the log.\n' \
    "${MARKER:?}" "$COMMIT" >"$FILE"
fi
marker="$(head -n 1 "$FILE")"
[[ "$marker" == '<!-- polwarden:'*' -->' ]] || die "$FILE begins with no marker"

# ask METHOD PATH [curl's options]: the token goes through standard input, so that no list of processes shows it.
ask() {
  local method="$1" path="$2"
  shift 2
  printf 'header = "Authorization: Bearer %s"\n' "$TOKEN" |
    curl --config - --fail-with-body --silent --show-error --max-time 60 --request "$method" \
      --header 'Accept: application/vnd.github+json' --header 'X-GitHub-Api-Version: 2022-11-28' \
      "$@" "$GITHUB_API_URL/repos/$REPOSITORY/$path"
}

# Only comments of the own account count: anyone can write the marker, and the author of a comment can change it later.
mine() {
  jq -r --arg marker "$marker" --arg author "$AUTHOR" '
    .[] | select(.user.login == $author)
        | select((.body // "") | split("\n")[0] | rtrimstr("\r") == $marker)
        | .id'
}

id=""
page=1
while [[ -z "$id" ]]; do
  answer="$(ask GET "issues/$NUMBER/comments?per_page=100&page=$page")" || die "cannot read the comments: $answer"
  id="$(mine <<<"$answer" | head -n 1)"
  (($(jq length <<<"$answer") == 100)) || break
  page=$((page + 1))
done

body="$scratch/body.json"
jq -Rs '{body: .}' "$FILE" >"$body"
if [[ -n "$id" ]]; then
  answer="$(ask PATCH "issues/comments/$id" --data-binary "@$body")" || die "cannot update the comment: $answer"
else
  answer="$(ask POST "issues/$NUMBER/comments" --data-binary "@$body")" || die "cannot write the comment: $answer"
fi
echo "comment-url=$(jq -r '.html_url // ""' <<<"$answer")" >>"$GITHUB_OUTPUT"
