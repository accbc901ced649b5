#!/bin/sh
# Applies exactly the approved plan: makes the plan of the checkout again, compares the digests, and exits with 6 if they
# differ. It uses only the digest of the planning job, so it does not need to trust the files of that job.
# In a pipeline, polwarden requires committed files by default. Arguments go to `polwarden apply`: --target, --ack,
# --require-branch main, --require-signed and the like.
#
# POLWARDEN    the program; default: `polwarden`
# PLAN_OUT     the folder that plan.sh wrote; default: polwarden-plan
# APPLY_OUT    the folder for the journal and the audit record; default: polwarden-apply
set -eu

polwarden="${POLWARDEN:-polwarden}"
plan="${PLAN_OUT:-polwarden-plan}"
out="${APPLY_OUT:-polwarden-apply}"

changes="$(cat "$plan/changes")"
digest="$(cat "$plan/digest")"
if [ "$changes" = false ]; then
  echo 'No changes.'
  exit 0
fi
# An empty digest would accept any plan.
if [ -z "$digest" ]; then
  echo "apply.sh: $plan/digest is empty" >&2
  exit 1
fi
mkdir -p "$out"
exec "$polwarden" apply --auto-approve --expect-plan "$digest" --journal "$out/journal.jsonl" \
  --audit-record "$out/audit.json" "$@"
