#!/usr/bin/env bash
# Writes the Homebrew formula of a release to FOLDER/polwarden.rb, with the checksums in FOLDER/SHA256SUMS.
#
# Reads FOLDER, TAG, GITHUB_REPOSITORY.
set -euo pipefail
template="$(dirname "${BASH_SOURCE[0]}")/../../packaging/homebrew/polwarden.rb"

die() {
  echo "::error::polwarden: $*" >&2
  exit 1
}

[[ "$TAG" =~ ^v[0-9A-Za-z.+-]+$ ]] || die "invalid tag"
[[ "$GITHUB_REPOSITORY" =~ ^[0-9A-Za-z._-]+/[0-9A-Za-z._-]+$ ]] || die "invalid repository"
replace=(-e "s|@REPOSITORY@|$GITHUB_REPOSITORY|g" -e "s|@VERSION@|${TAG#v}|g")
for target in aarch64-apple-darwin x86_64-apple-darwin aarch64-unknown-linux-musl x86_64-unknown-linux-musl; do
  sum="$(awk -v name="polwarden-$target.tar.gz" '$2 == name || $2 == "*" name { print $1 }' "$FOLDER/SHA256SUMS")"
  [[ "$sum" =~ ^[0-9a-f]{64}$ ]] || die "no checksum of polwarden-$target.tar.gz in $FOLDER/SHA256SUMS"
  replace+=(-e "s|@$target@|$sum|g")
done
# The first line is about the template.
sed "${replace[@]}" "$template" | tail -n +2 >"$FOLDER/polwarden.rb"
