#!/bin/sh
# Applies the plan that was approved, and no other: plans once more what is checked out, compares the digests, and exits
# with 6 if they differ. Of the job that planned it takes the digest alone, so that it need not trust its files.
# In a pipeline, polwarden asks by itself for files that are committed. Arguments go to `polwarden apply`: --target, --ack,
# --require-branch main, --require-signed and the like.
#
# POLWARDEN    the program; `polwarden` without it
# PLAN_OUT     the folder that plan.sh wrote; polwarden-plan without it
# APPLY_OUT    the folder for the journal and the audit record; polwarden-apply without it
set -eu

polwarden="${POLWARDEN:-polwarden}"
plan="${PLAN_OUT:-polwarden-plan}"
out="${APPLY_OUT:-polwarden-apply}"

changes="$(cat "$plan/changes")"
digest="$(cat "$plan/digest")"
if [ "$changes" = false ]; then
  echo 'Nothing is to do.'
  exit 0
fi
# An empty digest would mean any plan.
if [ -z "$digest" ]; then
  echo "apply.sh: $plan/digest is empty" >&2
  exit 1
fi
mkdir -p "$out"
exec "$polwarden" apply --auto-approve --expect-plan "$digest" --journal "$out/journal.jsonl" \
  --audit-record "$out/audit.json" "$@"
