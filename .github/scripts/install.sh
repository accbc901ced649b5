#!/usr/bin/env bash
# Gets the polwarden that the action runs: the file at BINARY, or a release, which must have the checksum that is expected.
#
# Reads BINARY, VERSION, REPOSITORY, SHA256, PROVENANCE, POLWARDEN_TARGET (only where it is not this machine's), GH_TOKEN,
# GITHUB_SERVER_URL, GITHUB_ACTION_PATH, RUNNER_TEMP. Writes `binary` to GITHUB_OUTPUT.
set -euo pipefail

die() {
  # In one line, as a further one could be a command to the runner.
  echo "::error::polwarden: ${*//$'\n'/ }" >&2
  exit 1
}

target() {
  case "$(uname -s)-$(uname -m)" in
    Linux-x86_64) echo x86_64-unknown-linux-musl ;;
    Linux-aarch64 | Linux-arm64) echo aarch64-unknown-linux-musl ;;
    Darwin-x86_64) echo x86_64-apple-darwin ;;
    Darwin-arm64) echo aarch64-apple-darwin ;;
    MINGW*-x86_64 | MSYS*-x86_64) echo x86_64-pc-windows-msvc ;;
    *) die "there is no release for $(uname -s) on $(uname -m); build it, and give its path as \`binary\`" ;;
  esac
}

digest() {
  if command -v sha256sum >/dev/null; then sha256sum "$1"; else shasum -a 256 "$1"; fi | cut -d ' ' -f 1
}

download() {
  case "$1" in
    https://* | http://127.0.0.1:*) ;;
    *) die "nothing is downloaded without TLS: $1" ;;
  esac
  curl --fail --silent --show-error --location --proto-redir '=https' --retry 3 --max-time 300 --output "$2" "$1" ||
    die "cannot download $1"
}

# The version of the action itself, from the pinned commit.
own_version() {
  sed -n 's/^version = "\([0-9A-Za-z.+-]*\)"$/v\1/p' "$GITHUB_ACTION_PATH/Cargo.toml" | head -n 1
}

released() {
  local version="${VERSION:-$(own_version)}" archive expected actual
  [[ "$version" =~ ^v[0-9A-Za-z.+-]+$ ]] || die "\`version\` is a tag such as v0.1.0, not \`$version\`"
  [[ "$REPOSITORY" =~ ^[0-9A-Za-z._-]+/[0-9A-Za-z._-]+$ ]] || die "\`repository\` is OWNER/NAME, not \`$REPOSITORY\`"
  archive="polwarden-${POLWARDEN_TARGET:-$(target)}.tar.gz"
  local from="$GITHUB_SERVER_URL/$REPOSITORY/releases/download/$version"
  download "$from/$archive" "$folder/$archive"

  if [[ -n "$SHA256" ]]; then
    expected="$SHA256"
  else
    download "$from/SHA256SUMS" "$folder/SHA256SUMS"
    expected="$(awk -v name="$archive" '$2 == name || $2 == "*" name { print $1 }' "$folder/SHA256SUMS")"
  fi
  actual="$(digest "$folder/$archive")"
  [[ -n "$expected" && "$actual" == "$expected" ]] ||
    die "$archive of $version has the checksum $actual, and not ${expected:-one that SHA256SUMS holds}: nothing is run"
  # A checksum that comes from the same place as the file proves little. The attestation must be from the release workflow
  # at this very tag: any workflow of the repository can attest a file, on any branch.
  if [[ -z "$SHA256" && "$PROVENANCE" == true ]]; then
    local workflow="$GITHUB_SERVER_URL/$REPOSITORY/.github/workflows/release.yml"
    gh attestation verify "$folder/$archive" --repo "$REPOSITORY" --cert-identity "$workflow@refs/tags/$version" \
      --source-ref "refs/tags/$version" --deny-self-hosted-runners ||
      die "the provenance of $archive cannot be verified; pin its checksum with \`sha256\`, or set \`provenance\` to false"
  fi
  tar -xzf "$folder/$archive" -C "$folder"
  binary="$folder/polwarden"
  if [[ ! -f "$binary" && -f "$binary.exe" ]]; then
    binary="$binary.exe"
  fi
  [[ -f "$binary" ]] || die "$archive contains no polwarden"
  # An older release under a new name would bring its faults back.
  local installed
  installed="$("$binary" --version)" || die "$archive of $version: \`polwarden --version\` failed"
  [[ "$installed" == "polwarden ${version#v}" ]] ||
    die "$archive of $version contains \`$installed\`, expected \`polwarden ${version#v}\`"
}

folder="$(mktemp -d "$RUNNER_TEMP/polwarden.XXXXXX")"
if [[ -n "$BINARY" ]]; then
  binary="$BINARY"
  [[ -x "$binary" ]] || die "\`binary\`: $binary is no program"
else
  released
fi
"$binary" --version
echo "binary=$binary" >>"$GITHUB_OUTPUT"
