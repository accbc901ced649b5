#!/usr/bin/env bash
# Builds one archive of a release: dist/polwarden-TARGET.tar.gz with the program, the license, the README,
# the manual and the completions of shells.
#
# Reads TARGET, and TAG where it is a release: it must be the version in Cargo.toml.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."

version="$(sed -n 's/^version = "\(.*\)"$/\1/p' Cargo.toml | head -n 1)"
if [[ -n "${TAG:-}" && "$TAG" != "v$version" ]]; then
  echo "::error::the tag $TAG is not that of version $version in Cargo.toml" >&2
  exit 1
fi

# Static: no library of the machine is needed, whichever it is.
case "$TARGET" in
  *-windows-msvc) export RUSTFLAGS="-C target-feature=+crt-static" ;;
  x86_64-unknown-linux-musl) export CC_x86_64_unknown_linux_musl=musl-gcc ;;
  aarch64-unknown-linux-musl) export CC_aarch64_unknown_linux_musl=musl-gcc ;;
  *) ;;
esac
cargo build --locked --profile dist --package polwarden --target "$TARGET"

folder="${CARGO_TARGET_DIR:-target}/$TARGET/dist"
program=polwarden
if [[ "$TARGET" == *windows* ]]; then program=polwarden.exe; fi
if [[ "$TARGET" == *-musl ]] && ldd "$folder/$program" 2>&1 | grep -q '=>'; then
  echo "::error::$folder/$program is not static" >&2
  exit 1
fi
mkdir -p dist/stage
cp "$folder/$program" LICENSE README.md dist/stage/
# Every runner can run what it builds; that of macOS on Arm has Rosetta for the other architecture.
"$folder/$program" --quiet man --out dist/stage/man/man1
mkdir dist/stage/completions
for shell in bash zsh fish powershell; do
  "$folder/$program" completions "$shell" > "dist/stage/completions/polwarden.$shell"
done
tar -czf "dist/polwarden-$TARGET.tar.gz" -C dist/stage "$program" LICENSE README.md man completions
rm -r dist/stage
