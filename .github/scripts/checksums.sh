#!/usr/bin/env bash
# Writes SHA256SUMS of all files of the folder FOLDER, in the form that `sha256sum --check` reads.
set -euo pipefail
cd "$FOLDER"

rm -f SHA256SUMS
files=(*)
[[ -f "${files[0]}" ]] || { echo "::error::$FOLDER holds no file" >&2; exit 1; }
sha256sum "${files[@]}" >"${RUNNER_TEMP:?}/SHA256SUMS"
mv "$RUNNER_TEMP/SHA256SUMS" SHA256SUMS
cat SHA256SUMS
