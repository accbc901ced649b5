#!/usr/bin/env bash
# Runs one command of polwarden, and writes what the steps after it show and keep. It ends with 0 whatever the command
# says, so that those steps run; `finish.sh` ends the job with the exit code.
#
# Reads COMMAND, DIRECTORY, TARGETS, AT, BASE, EXTRA (arguments, one a line), EXPECT_PLAN, ACK (one a line), REVIEW_ACKS (whether
# the review acknowledges), REVIEW_ACKS_FILE (what acks.sh found there), REQUIRE_BRANCH,
# REQUIRE_SIGNED, ALLOWED_SIGNERS, MARKER, HEAD, FETCHED (the folder of fetch.sh), BASE_REF (its branch), IDENTIFIER, SECRET, BEARER, ENDPOINT,
# BINARY, RUNNER_TEMP, GITHUB_*. Writes `folder`, `exit-code`, `changes`, `digest`, `comment` and `sarif` to GITHUB_OUTPUT.
set -euo pipefail

# What GitHub takes for a comment, less the line that is added to it.
readonly MAX_SIZE=65000

die() {
  # In one line, as a further one could be a command to the runner.
  echo "::error::polwarden: ${*//$'\n'/ }" >&2
  exit 1
}

OUT="$(mktemp -d "$RUNNER_TEMP/polwarden-out.XXXXXX")"
arguments=("$COMMAND")

# add_lines OPTION TEXT: adds each line that is not empty, after the option if there is one.
add_lines() {
  local line
  while IFS= read -r line; do
    if [[ -n "$line" ]]; then
      if [[ -n "$1" ]]; then arguments+=("$1"); fi
      arguments+=("$line")
    fi
  done <<<"$2"
}

# Where the manifests are: in a folder of the work tree, or of the pull request that fetch.sh brought.
choose_source() {
  if [[ -n "$FETCHED" ]]; then
    local below="${DIRECTORY#./}"
    if [[ "$below" == . ]]; then below=""; fi
    cd "$FETCHED"
    # The base is read at the same folder.
    arguments+=(--git-dir "$FETCHED" --at "$AT:${below%/}" --base "$BASE")
    return
  fi
  cd "$DIRECTORY" || die "\`directory\`: there is no folder $DIRECTORY; check the repository out first"
  if [[ -n "$AT" ]]; then arguments+=(--at "$AT"); fi
  if [[ -n "$BASE" ]]; then arguments+=(--base "$BASE"); fi
}

# Shows the output of a command without a format for runners: no line of it can be a command to the runner.
quietly() {
  local token
  token="$(od -An -N 16 -t x1 /dev/urandom | tr -d ' \n')"
  echo "::stop-commands::$token"
  code=0
  "$@" || code=$?
  echo
  echo "::$token::"
}

to_file() {
  local file="$1" ended
  shift
  "$@" >"$file" 2>"$OUT/errors.txt" || ended=$?
  cat "$file" "$OUT/errors.txt"
  return "${ended:-0}"
}

# A log as HTML, which Markdown leaves alone; a summary takes 1 MiB.
log_as_markdown() {
  printf '### polwarden %s\n\n<pre>\n' "$COMMAND"
  head -c 400000 "$1" | sed -e 's/&/\&amp;/g' -e 's/</\&lt;/g' -e 's/>/\&gt;/g'
  printf '\n</pre>\n'
}

# How to acknowledge before the merge. Names of targets are shown as indented code, which nothing in them can end.
review_acks() {
  local values
  values="$(jq -r '(.targets | length > 1) as $several | .targets[] | select(.requires != null)
    | "    /polwarden ack " + (if $several then .target.name + ":" else "" end) + .requires' "$OUT/plan.json" 2>/dev/null)" ||
    return 0
  if [[ -z "$values" ]]; then return 0; fi
  printf '\n**Acknowledge before the merge:** someone with write permission comments with only this line'
  if [[ "$values" == *$'\n'* ]]; then printf ', in one comment for each target'; fi
  printf ':\n\n%s\n\n' "$values"
  printf 'Or they set a label, which accepts all guards of the plan:'
  jq -r '.targets[] | .requires // empty | capture("plan=(?<mark>[0-9a-f]{16})").mark | " `polwarden-ack-" + . + "`"' \
    "$OUT/plan.json" | tr -d '\n'
  printf '. After the merge, it is used for exactly this plan. To revoke it, delete the comment or remove the label.\n'
}

plan_comment() {
  local page="$OUT/comment.md"
  # Where there is no plan, the comment of an earlier commit must not stay as if it were of this one.
  if [[ ! -s "$page" ]]; then
    printf '<!-- polwarden:plan:%s -->\n### polwarden plan\n\n**There is no plan: exit code %s.** The log says why.\n' \
      "$MARKER" "$code" >"$page"
  fi
  if [[ "$REVIEW_ACKS" == true && -s "$OUT/plan.json" ]]; then review_acks >>"$page"; fi
  local merged=""
  # A caller that does not name the branch gets the commit alone.
  if [[ -n "$FETCHED" ]]; then merged=" merged into ${BASE_REF:+\`$BASE_REF\` at }$BASE"; fi
  printf '\nCommit %s%s · [log](%s/%s/actions/runs/%s)\n' "${HEAD:-$GITHUB_SHA}" "$merged" \
    "$GITHUB_SERVER_URL" "$GITHUB_REPOSITORY" "$GITHUB_RUN_ID" >>"$page"
}

# give NAME VALUE: sets a variable of polwarden; an empty value leaves what the job has set.
give() {
  if [[ -n "$2" ]]; then export "$1=$2"; fi
}

give DOCKER_HUB_IDENTIFIER "$IDENTIFIER"
give DOCKER_HUB_SECRET "$SECRET"
give POLWARDEN_DOCKER_TOKEN "$BEARER"
give POLWARDEN_DOCKER_ENDPOINT "$ENDPOINT"
unset IDENTIFIER SECRET BEARER ENDPOINT

code=0
add_lines --target "$(tr -s ', ' '[\n*]' <<<"$TARGETS")"
case "$COMMAND" in
  validate | lint | test)
    choose_source
    arguments+=(--format github --output "markdown=$OUT/summary.md")
    add_lines '' "$EXTRA"
    "$BINARY" "${arguments[@]}" || code=$?
    ;;
  plan)
    choose_source
    arguments+=(--detailed-exitcode --format github --marker "$MARKER" --max-size "$MAX_SIZE")
    arguments+=(--output "markdown=$OUT/comment.md" --output "sarif=$OUT/polwarden.sarif" --output "html=$OUT/plan.html")
    arguments+=(--out "$OUT/plan.json")
    add_lines '' "$EXTRA"
    "$BINARY" "${arguments[@]}" || code=$?
    plan_comment
    cp "$OUT/comment.md" "$OUT/summary.md"
    ;;
  apply)
    [[ -z "$FETCHED$AT" ]] || die "\`apply\` takes what is merged and checked out, no revision and no pull request"
    choose_source
    arguments+=(--auto-approve --journal "$OUT/journal.jsonl" --audit-record "$OUT/audit.json")
    if [[ -n "$REQUIRE_BRANCH" ]]; then arguments+=(--require-branch "$REQUIRE_BRANCH"); fi
    case "$REQUIRE_SIGNED" in
      true) arguments+=(--require-signed) ;;
      false) ;;
      *) die "\`require-signed\` is true or false, not \`$REQUIRE_SIGNED\`" ;;
    esac
    if [[ -n "$ALLOWED_SIGNERS" ]]; then arguments+=(--allowed-signers "$ALLOWED_SIGNERS"); fi
    if [[ -n "$EXPECT_PLAN" ]]; then arguments+=(--expect-plan "$EXPECT_PLAN"); fi
    add_lines --ack "$ACK"
    if [[ -n "$REVIEW_ACKS_FILE" ]]; then arguments+=(--review-acks "$REVIEW_ACKS_FILE"); fi
    add_lines '' "$EXTRA"
    quietly to_file "$OUT/apply.txt" "$BINARY" "${arguments[@]}"
    cat "$OUT/errors.txt" >>"$OUT/apply.txt"
    log_as_markdown "$OUT/apply.txt" >"$OUT/summary.md"
    ;;
  drift)
    [[ -z "$FETCHED" ]] || die "\`drift\` is about what is merged, not about a pull request"
    choose_source
    add_lines '' "$EXTRA"
    quietly to_file "$OUT/drift.txt" "$BINARY" "${arguments[@]}"
    log_as_markdown "$OUT/drift.txt" >"$OUT/summary.md"
    ;;
  *) die "\`command\` is validate, lint, test, plan, apply or drift, not \`$COMMAND\`" ;;
esac
rm -f "$OUT/errors.txt"
if [[ -s "$OUT/summary.md" ]]; then cat "$OUT/summary.md" >>"$GITHUB_STEP_SUMMARY"; fi

{
  echo "folder=$OUT"
  echo "exit-code=$code"
  if ((code == 2)); then echo "changes=true"; else echo "changes=false"; fi
  if [[ -s "$OUT/plan.json" ]]; then echo "digest=$(jq -r '.digest // ""' "$OUT/plan.json")"; fi
  if [[ -s "$OUT/comment.md" ]]; then echo "comment=$OUT/comment.md"; fi
  if [[ -s "$OUT/polwarden.sarif" ]]; then echo "sarif=$OUT/polwarden.sarif"; fi
} >>"$GITHUB_OUTPUT"
