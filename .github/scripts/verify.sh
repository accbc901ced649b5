#!/usr/bin/env bash
# Verifies that every file of the folder FOLDER, apart from SHA256SUMS, was built by the release workflow at the tag TAG.
#
# Reads FOLDER, TAG, GH_TOKEN, GITHUB_REPOSITORY, GITHUB_SERVER_URL.
set -euo pipefail

for file in "$FOLDER"/*; do
  if [[ "${file##*/}" == SHA256SUMS ]]; then continue; fi
  gh attestation verify "$file" --repo "$GITHUB_REPOSITORY" --source-ref "refs/tags/$TAG" --deny-self-hosted-runners \
    --cert-identity "$GITHUB_SERVER_URL/$GITHUB_REPOSITORY/.github/workflows/release.yml@refs/tags/$TAG"
done
