//! The schemas as they are committed.
//!
//! A debug build generates schemas: `cargo run -- schema` brings `schemas/` up to date, and a test says when it is not.
//! A release carries those files instead, packed by `build.rs`: what generates them is larger by half a megabyte, and the
//! texts are larger by as much again.

/// The text of a file of `schemas/`, or what generates it.
#[cfg(not(packed_schemas))]
macro_rules! schema_text {
    ($name:literal, $generate:expr) => {
        $generate
    };
}

/// The text of a file of `schemas/`, or what generates it.
#[cfg(packed_schemas)]
macro_rules! schema_text {
    ($name:literal, $generate:expr) => {
        // What generates it is compiled and never called, and so is not there in the end.
        if false {
            $generate
        } else {
            $crate::manifest::schema::unpack(include_bytes!(concat!(
                env!("OUT_DIR"),
                "/",
                $name,
                ".zlib"
            )))
        }
    };
}

/// The text that `build.rs` packed.
#[cfg(packed_schemas)]
pub(crate) fn unpack(packed: &[u8]) -> String {
    let mut text = String::new();
    match std::io::Read::read_to_string(&mut flate2::read::ZlibDecoder::new(packed), &mut text) {
        Ok(_) => text,
        Err(error) => unreachable!("{error}, though the build has packed it"),
    }
}

pub(crate) use schema_text;
