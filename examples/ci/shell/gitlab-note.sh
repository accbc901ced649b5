#!/bin/sh
# Creates a note with a plan on a merge request, or updates the note that it created before. It finds the note by the
# marker in its first line, among the notes of the token's user, because anyone can write the marker. Needs curl and jq.
#
# GITLAB_NOTE_TOKEN  a project access token with the scope `api` and the role Reporter
# PLAN_OUT           the folder that plan.sh wrote; default: polwarden-plan
# PLAN_MARKER        the same value as for plan.sh
# CI_API_V4_URL, CI_PROJECT_ID, CI_MERGE_REQUEST_IID, CI_COMMIT_SHA, CI_JOB_URL come from GitLab,
#   and CI_MERGE_REQUEST_TARGET_BRANCH_NAME
set -eu

: "${GITLAB_NOTE_TOKEN:?a project access token with the scope api}"
notes="projects/$CI_PROJECT_ID/merge_requests/$CI_MERGE_REQUEST_IID/notes"
file="${PLAN_OUT:-polwarden-plan}/plan.md"
scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT

# The token is passed on standard input, so it does not appear in process lists.
ask() {
  method="$1"
  path="$2"
  shift 2
  printf 'header = "PRIVATE-TOKEN: %s"\n' "$GITLAB_NOTE_TOKEN" |
    curl --config - --fail-with-body --silent --show-error --max-time 60 --request "$method" "$@" "$CI_API_V4_URL/$path"
}

if [ -s "$file" ]; then
  cp "$file" "$scratch/note.md"
else
  # Replaces the plan of an earlier commit, which would look like the plan of this one.
  printf '<!-- polwarden:plan:%s -->\n### polwarden plan\n\n**No plan.** See the log.\n' "${PLAN_MARKER:-all}" \
    >"$scratch/note.md"
fi
base="${CI_MERGE_REQUEST_TARGET_BRANCH_NAME:-}"
printf '\nCommit %s%s · [log](%s)\n' "$CI_COMMIT_SHA" "${base:+, to be merged into \`$base\`}" "$CI_JOB_URL" >>"$scratch/note.md"
marker="$(head -n 1 "$scratch/note.md")"
me="$(ask GET user | jq -r .id)"

id=""
page=1
while [ -z "$id" ]; do
  ask GET "$notes?per_page=100&page=$page" >"$scratch/page.json"
  id="$(jq -r --arg marker "$marker" --arg me "$me" '
    [.[] | select((.author.id | tostring) == $me) | select(.body | split("\n")[0] == $marker) | .id] | first // ""
  ' "$scratch/page.json")"
  if [ "$(jq length "$scratch/page.json")" -lt 100 ]; then break; fi
  page=$((page + 1))
done

jq -Rs '{body: .}' "$scratch/note.md" >"$scratch/body.json"
if [ -n "$id" ]; then
  ask PUT "$notes/$id" --header 'Content-Type: application/json' --data-binary "@$scratch/body.json" >/dev/null
else
  ask POST "$notes" --header 'Content-Type: application/json' --data-binary "@$scratch/body.json" >/dev/null
fi
