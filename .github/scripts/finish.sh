#!/usr/bin/env bash
# Ends the job with the exit code of polwarden. 2 means pending changes, which are not a failure.
set -euo pipefail

case "$EXIT_CODE" in
  0 | 2) ;;
  1) reason='an error' ;;
  3) reason='the manifests are invalid' ;;
  4) reason='a policy test or an access gate does not hold' ;;
  5) reason='a safety guard refused' ;;
  6) reason='the plan is stale, or not the expected one: plan and approve again' ;;
  7) reason='applied in part: run it again' ;;
  8) reason='what is live has drifted' ;;
  '') reason='it was not run to its end' EXIT_CODE=1 ;;
  *) reason='it was stopped' ;;
esac
if [[ -n "${reason:-}" ]]; then
  echo "::error::polwarden $COMMAND: $reason (exit code $EXIT_CODE)"
  exit "$EXIT_CODE"
fi
