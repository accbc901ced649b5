#!/bin/sh
# Checks the files of a change: syntax, schema, meaning, gates and policy tests. It needs no credential and no network,
# and belongs into the job that strangers may start. Runs all three, and fails if one does.
#
# POLWARDEN  the program; `polwarden` without it
# CHECK_OUT  the folder for reports: JUnit of each, Code Quality of `validate`; none are written without it
set -u

polwarden="${POLWARDEN:-polwarden}"
failed=0

# check COMMAND [arguments]: runs it, with a report if reports are wanted.
check() {
  if [ -n "${CHECK_OUT:-}" ]; then
    mkdir -p "$CHECK_OUT"
    set -- "$@" --output "junit=$CHECK_OUT/$1.xml"
    if [ "$1" = validate ]; then
      set -- "$@" --output "gitlab=$CHECK_OUT/code-quality.json"
    fi
  fi
  "$polwarden" "$@" || failed=$?
}

check validate --strict
check lint
check test --allow-no-tests
exit "$failed"
