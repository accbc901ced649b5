#!/bin/sh
# Plans what is checked out, with a credential that may only read. Writes plan.json, plan.html, plan.md and digest to
# PLAN_OUT. Arguments go to `polwarden plan`: --target, --base, --deny-widening and the like.
#
# It ends with 0 whether or not there is something to do; `changes` in PLAN_OUT holds `true` or `false`.
#
# POLWARDEN    the program; `polwarden` without it
# PLAN_OUT     a folder; polwarden-plan without it
# PLAN_MARKER  the invisible name of the comment; `all` without it
set -eu

polwarden="${POLWARDEN:-polwarden}"
out="${PLAN_OUT:-polwarden-plan}"
rm -rf "$out"
mkdir -p "$out"

code=0
"$polwarden" plan --detailed-exitcode --marker "${PLAN_MARKER:-all}" --output "markdown=$out/plan.md" \
  --output "html=$out/plan.html" --out "$out/plan.json" "$@" || code=$?
case "$code" in
  0) echo false >"$out/changes" ;;
  2) echo true >"$out/changes" ;;
  *) exit "$code" ;;
esac
sed -n 's/^  "digest": "\(sha256:[0-9a-f]\{64\}\)",\{0,1\}$/\1/p' "$out/plan.json" >"$out/digest"
if [ ! -s "$out/digest" ]; then
  echo "plan.sh: $out/plan.json holds no digest; is this polwarden too old?" >&2
  exit 1
fi
