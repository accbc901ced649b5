#!/usr/bin/env bash
# Builds packages from the archive dist/polwarden-TARGET.tar.gz, next to it: a Debian package (Linux), a wheel for pip, and
# the npm package of the platform. For x86-64 Linux also the npm package `polwarden`, which selects the one of the platform.
#
# Reads TARGET. Needs python3 and npm, and dpkg-deb on Linux.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

# name: Debian architecture, tags of wheels, operating system and processor of npm.
case "$TARGET" in
  x86_64-unknown-linux-musl) deb=amd64 wheel=manylinux_2_17_x86_64.musllinux_1_1_x86_64 os=linux cpu=x64 ;;
  aarch64-unknown-linux-musl) deb=arm64 wheel=manylinux_2_17_aarch64.musllinux_1_1_aarch64 os=linux cpu=arm64 ;;
  x86_64-apple-darwin) deb='' wheel=macosx_10_12_x86_64 os=darwin cpu=x64 ;;
  aarch64-apple-darwin) deb='' wheel=macosx_11_0_arm64 os=darwin cpu=arm64 ;;
  x86_64-pc-windows-msvc) deb='' wheel=win_amd64 os=win32 cpu=x64 ;;
  *) echo "::error::polwarden: no packages for $TARGET" >&2; exit 1 ;;
esac
version="$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)"
program=polwarden
if [[ "$os" == win32 ]]; then program=polwarden.exe; fi

out="$PWD/dist"
work="$(mktemp -d)"
trap 'rm -rf "$work"' EXIT
stage="$work/stage"
mkdir "$stage"
tar -xzf "$out/polwarden-$TARGET.tar.gz" -C "$stage"

python3 packaging/python/wheel.py "$version" "$wheel" "$stage/$program" LICENSE README.md "$out"

# pack FOLDER: an npm package of the files in it.
pack() {
  (cd "$1" && npm pack --silent --ignore-scripts --pack-destination "$out" >/dev/null)
}

common='"version": "'"$version"'", "license": "Apache-2.0"'
npm="$work/npm"
mkdir "$npm"
cp "$stage/$program" LICENSE "$npm/"
printf '{"name": "polwarden-%s-%s", %s, "description": "polwarden for %s %s", "os": ["%s"], "cpu": ["%s"]}\n' \
  "$os" "$cpu" "$common" "$os" "$cpu" "$os" "$cpu" >"$npm/package.json"
pack "$npm"

if [[ "$TARGET" == x86_64-unknown-linux-musl ]]; then
  main="$work/main"
  mkdir "$main"
  cp -r packaging/npm/bin LICENSE README.md "$main/"
  dependencies=""
  for platform in linux-x64 linux-arm64 darwin-x64 darwin-arm64 win32-x64; do
    dependencies+="${dependencies:+, }\"polwarden-$platform\": \"$version\""
  done
  printf '{"name": "polwarden", %s, "description": "GitOps for policy as code", "bin": {"polwarden": "bin/polwarden.js"}, %s}\n' \
    "$common" "\"optionalDependencies\": {$dependencies}" >"$main/package.json"
  pack "$main"
fi

if [[ -n "$deb" ]]; then
  root="$work/deb"
  doc="$root/usr/share/doc/polwarden"
  mkdir -p "$root/DEBIAN" "$root/usr/bin" "$root/usr/share/man" "$doc" "$root/usr/share/bash-completion/completions" \
    "$root/usr/share/zsh/vendor-completions" "$root/usr/share/fish/vendor_completions.d"
  install -m 755 "$stage/$program" "$root/usr/bin/polwarden"
  cp -r "$stage/man/man1" "$root/usr/share/man/"
  gzip -9n "$root/usr/share/man/man1/"*
  cp "$stage/completions/polwarden.bash" "$root/usr/share/bash-completion/completions/polwarden"
  cp "$stage/completions/polwarden.zsh" "$root/usr/share/zsh/vendor-completions/_polwarden"
  cp "$stage/completions/polwarden.fish" "$root/usr/share/fish/vendor_completions.d/polwarden.fish"
  cp LICENSE "$doc/copyright"
  cat >"$root/DEBIAN/control" <<CONTROL
Package: polwarden
Version: $version
Architecture: $deb
Maintainer: the polwarden authors <noreply@example.com>
Section: admin
Priority: optional
Installed-Size: $(du -sk --exclude=DEBIAN "$root" | cut -f1)
Recommends: ca-certificates, git
Description: GitOps for policy as code
 Keeps the policies on a server in sync with policy YAML in git: shows which
 access a change opens and closes, and makes the API calls after approval.
CONTROL
  chmod -R u=rwX,go=rX "$root"
  SOURCE_DATE_EPOCH="$(git log -1 --format=%ct 2>/dev/null || echo 0)" \
    dpkg-deb --root-owner-group --build "$root" "$out/polwarden_${version}_$deb.deb" >/dev/null
fi
