#!/usr/bin/env bash
# Collects the acknowledgements of a review: comments whose only line is `/polwarden ack VALUE`, and labels
# `polwarden-ack-MARK`, of people who may write to the repository. polwarden decides which of them fit its plan.
#
# Whether a person may write is asked of the API, for each person and at this moment. Nothing is taken from the event that
# started the workflow, and no text of a comment reaches a command: it is data of jq from the answer to the file.
#
# A comment needs no check of who edited it: only its author and people who may write can edit it, and an acknowledgement
# always names its plan. Whoever deletes the comment, or removes the label, revokes it.
#
# Reads COMMIT (the pull requests that it was merged with are asked for), REPOSITORY, TOKEN, GITHUB_API_URL, RUNNER_TEMP.
# Writes `file` to GITHUB_OUTPUT: one acknowledgement a line.
set -euo pipefail

# More are not looked at.
readonly MAX_PAGES=30 MAX_REQUESTS=5 MAX_PEOPLE=50

warn() {
  # In one line, as a further one could be a command to the runner.
  echo "::warning::polwarden: ${*//$'\n'/ }" >&2
}

[[ "$COMMIT" =~ ^[0-9a-f]{40}([0-9a-f]{24})?$ ]] || { warn "not a full commit id"; exit 1; }
scratch="$(mktemp -d)"
trap 'rm -rf "$scratch"' EXIT
found="$(mktemp "$RUNNER_TEMP/polwarden-acks.XXXXXX")"
echo "file=$found" >>"$GITHUB_OUTPUT"

# ask PATH: the token goes through standard input, so that no list of processes shows it.
ask() {
  printf 'header = "Authorization: Bearer %s"\n' "$TOKEN" |
    curl --config - --fail --silent --show-error --max-time 60 \
      --header 'Accept: application/vnd.github+json' --header 'X-GitHub-Api-Version: 2022-11-28' \
      "$GITHUB_API_URL/repos/$REPOSITORY/$1"
}

# ask_all PATH FILE: all pages of a list, as one list.
ask_all() {
  local page=1 answer="$scratch/page.json"
  echo '[]' >"$2"
  while ((page <= MAX_PAGES)); do
    ask "$1?per_page=100&page=$page" >"$answer" || return 1
    jq -s '.[0] + .[1]' "$2" "$answer" >"$scratch/all.json" || return 1
    mv "$scratch/all.json" "$2"
    (($(jq length "$answer") == 100)) || return 0
    page=$((page + 1))
  done
  warn "only the first $((MAX_PAGES * 100)) entries of $1 are looked at"
}

# may_write NAME: whether a person may write to the repository now. The API maps the role `maintain` to write.
may_write() {
  local permission
  permission="$(ask "collaborators/$1/permission" | jq -r '.permission // ""')" || {
    warn "cannot read the permission of $1"
    return 1
  }
  [[ "$permission" == admin || "$permission" == write ]]
}

# Without an answer there is no acknowledgement, and a plan that needs one is refused.
if ! ask_all "commits/$COMMIT/pulls" "$scratch/pulls.json"; then
  warn "cannot read the pull requests of $COMMIT, so no acknowledgement of a review counts"
  exit 0
fi
numbers="$(jq -r --argjson most "$MAX_REQUESTS" \
  '[.[] | select(.merged_at != null) | .number | select(type == "number")] | .[:$most][]' "$scratch/pulls.json")"

for number in $numbers; do
  if ! ask_all "issues/$number/comments" "$scratch/comments.json" ||
    ! ask_all "issues/$number/labels" "$scratch/labels.json" ||
    ! ask_all "issues/$number/events" "$scratch/events.json"; then
    warn "cannot read the acknowledgements of pull request $number"
    continue
  fi
  # One object a line: who, and what. A line end, or any other control character, is no part of a value.
  jq -c '.[] | {who: .user.login, what: ((.body // "")
      | capture("\\A/polwarden ack (?<value>[^\\p{C}\\s][^\\p{C}]{0,999})(\\r?\\n)?\\z").value | sub(" +\\z"; ""))}' \
    "$scratch/comments.json" >"$scratch/given.jsonl"
  # Of those who set a label, the last one counts.
  jq -c --slurpfile events "$scratch/events.json" '.[].name
      | select(test("\\Apolwarden-ack-[0-9a-f]{16}\\z")) as $name | $name
      | {who: ([$events[0][] | select(.event == "labeled" and .label.name == $name)] | last | .actor.login), what: $name}' \
    "$scratch/labels.json" >>"$scratch/given.jsonl"
  people="$(jq -r '.who // "" | select(test("\\A[A-Za-z0-9][A-Za-z0-9_-]{0,99}\\z"))' "$scratch/given.jsonl" | sort -u)"
  for person in $(head -n "$MAX_PEOPLE" <<<"$people"); do
    if may_write "$person"; then
      echo "Acknowledgements of $person in pull request $number are used."
      jq -r --arg person "$person" 'select(.who == $person) | .what' "$scratch/given.jsonl" >>"$found"
    else
      warn "no write permission on $REPOSITORY: an acknowledgement of $person does not count"
    fi
  done
done
