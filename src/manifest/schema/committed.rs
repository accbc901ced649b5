//! The schemas as they are committed.
//!
//! A debug build generates schemas: `cargo run -- schema` brings `schemas/` up to date, and a test says when it is not.
//! A release carries those files instead, which are smaller by half a megabyte than what generates them.

/// The text of a file of `schemas/`, or what generates it.
#[cfg(debug_assertions)]
macro_rules! schema_text {
    ($name:literal, $generate:expr) => {
        $generate
    };
}

/// The text of a file of `schemas/`, or what generates it.
#[cfg(not(debug_assertions))]
macro_rules! schema_text {
    ($name:literal, $generate:expr) => {
        // What generates it is compiled and never called, and so is not there in the end.
        if false { $generate } else { include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/schemas/", $name)).to_owned() }
    };
}

pub(crate) use schema_text;
