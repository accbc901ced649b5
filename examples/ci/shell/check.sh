#!/bin/sh
# Checks the files of a change: syntax, schema, meaning, gates and policy tests. It needs no credential and no network,
# so it can run for untrusted changes. Runs all three commands, and fails if one of them fails.
#
# POLWARDEN  the program; default: `polwarden`
# CHECK_OUT  the folder for reports: JUnit of each, Code Quality of `validate`; without it, none are written
set -u

polwarden="${POLWARDEN:-polwarden}"
failed=0

# check COMMAND [arguments]: runs it, with a report if CHECK_OUT is set.
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
