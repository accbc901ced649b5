//! Makes the release binary smaller: schemas are packed; and as it is linked, where the linker is known to be able to: equal functions become
//! one, relocations are packed, and what only unwinding needs is left out, as a release never unwinds
//! (`panic = "abort"`).

use std::env;
use std::error::Error;
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;

/// Where rustc links with its own lld unless it is told otherwise.
const LINKED_BY_LLD: &str = "x86_64-unknown-linux-gnu";

/// Leaves out the tables for unwinding.
const SCRIPT: &str = "SECTIONS { /DISCARD/ : { *(.eh_frame) *(.gcc_except_table) *(.gcc_except_table.*) } } \
                      INSERT AFTER .text;\n";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rustc-check-cfg=cfg(packed_schemas)");
    if env::var("PROFILE").is_ok_and(|profile| profile == "release") {
        pack_schemas(Path::new(&env::var("OUT_DIR")?))?;
        println!("cargo:rustc-cfg=packed_schemas");
    }
    link();
    Ok(())
}

/// Packs the committed schemas, each by itself.
fn pack_schemas(folder: &Path) -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=schemas");
    for entry in fs::read_dir("schemas")? {
        let entry = entry?;
        let name = entry
            .file_name()
            .into_string()
            .map_err(|name| format!("{} is no text", name.display()))?;
        let file = fs::File::create(folder.join(name + ".zlib"))?;
        let mut packed = flate2::write::ZlibEncoder::new(file, flate2::Compression::best());
        packed.write_all(&fs::read(entry.path())?)?;
        packed.finish()?;
    }
    Ok(())
}

/// Says how the binary is linked.
fn link() {
    let is = |name: &str, value: &str| env::var(name).is_ok_and(|found| found == value);
    // Somebody who links in a way of their own knows better.
    let own = env::var_os("RUSTC_LINKER").is_some()
        || env::var("CARGO_ENCODED_RUSTFLAGS").is_ok_and(|flags| flags.contains("link"));
    if !is("TARGET", LINKED_BY_LLD)
        || !is("HOST", LINKED_BY_LLD)
        || !is("PROFILE", "release")
        || own
    {
        return;
    }
    println!("cargo:rustc-link-arg-bins=-Wl,--icf=all");
    if reads_packed_relocations() {
        println!("cargo:rustc-link-arg-bins=-Wl,-z,pack-relative-relocs");
    }
    let Some(folder) = env::var_os("OUT_DIR") else {
        return;
    };
    let script = Path::new(&folder).join("no-unwinding.ld");
    if std::fs::write(&script, SCRIPT).is_ok() {
        println!("cargo:rustc-link-arg-bins=-Wl,-T,{}", script.display());
    }
}

/// Whether programs with packed relocations start on this machine: the C library must be of 2022 (2.36) or later.
fn reads_packed_relocations() -> bool {
    let Ok(told) = Command::new("getconf").arg("GNU_LIBC_VERSION").output() else {
        return false;
    };
    let told = String::from_utf8_lossy(&told.stdout);
    let version = told
        .trim()
        .strip_prefix("glibc 2.")
        .and_then(|minor| minor.split('.').next()?.parse::<u32>().ok());
    version.is_some_and(|minor| minor >= 36)
}
