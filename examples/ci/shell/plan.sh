#!/bin/sh
# Plans the checkout, with a read-only credential. Writes plan.json, plan.html, plan.md and digest to
# PLAN_OUT. Arguments go to `polwarden plan`: --target, --base, --deny-widening and the like.
#
# It exits with 0 with and without changes; the file `changes` in PLAN_OUT contains `true` or `false`.
#
# POLWARDEN    the program; default: `polwarden`
# PLAN_OUT     a folder; default: polwarden-plan
# PLAN_MARKER  hidden marker of the comment; default: `all`
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
