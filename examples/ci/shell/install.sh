#!/bin/sh
# Downloads a release of polwarden and verifies a checksum from your repository or from the settings of the pipeline. A
# changed release is therefore never run. Prints the path of the program.
#
# POLWARDEN_VERSION   the tag of the release, such as v0.1.0
# POLWARDEN_SHA256    the checksum of the archive, from SHA256SUMS of that release
# POLWARDEN_RELEASES  where releases are, such as https://github.com/example/polwarden/releases/download
# POLWARDEN_TARGET    the archive; default: the one for Linux on this machine
# POLWARDEN_INSTALL   the folder to install into; default: .polwarden-bin
set -eu

: "${POLWARDEN_VERSION:?the tag of a release, such as v0.1.0}"
: "${POLWARDEN_SHA256:?the checksum of the archive}"
: "${POLWARDEN_RELEASES:?where releases are, such as https://github.com/example/polwarden/releases/download}"
target="${POLWARDEN_TARGET:-$(uname -m)-unknown-linux-musl}"
install="${POLWARDEN_INSTALL:-.polwarden-bin}"
archive="polwarden-$target.tar.gz"

mkdir -p "$install"
cd "$install"
url="$POLWARDEN_RELEASES/$POLWARDEN_VERSION/$archive"
if command -v curl >/dev/null; then
  curl --fail --silent --show-error --location --retry 3 --max-time 300 --output "$archive" "$url"
else
  wget -q -O "$archive" "$url"
fi
printf '%s  %s\n' "$POLWARDEN_SHA256" "$archive" | sha256sum -c - >&2
tar -xzf "$archive"
printf '%s/polwarden\n' "$PWD"
