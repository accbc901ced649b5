// Valid bytes with random changes, for tests that no input makes the program panic. The unit tests include this file too.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// The number of cases of each test, so that all of them end in seconds.
pub(crate) const CASES: u32 = 256;

/// Bytes that mean something in JSON, YAML or `allowed_signers`, or that are not UTF-8.
const PIECES: &[&[u8]] = &[
    b"\0",
    b"\xff",
    b"\xf0\x9f",
    b"\xef\xbb\xbf",
    b"{",
    b"}",
    b"[",
    b"]",
    b"\"",
    b"'",
    b"\\",
    b"\\u0000",
    b"\\ud800",
    b":",
    b": ",
    b",",
    b"- ",
    b"? ",
    b"\n",
    b"\r",
    b"\t",
    b"\n---\n",
    b"#",
    b"|",
    b">",
    b"%",
    b"&a ",
    b"*a",
    b"<<: ",
    b"!!binary ",
    b"null",
    b"true",
    b"-1",
    b"0x7fffffffffffffff",
    b"1e999",
    b"18446744073709551616",
    b"=",
    b"*",
    b"../",
    "\u{202e}".as_bytes(),
    "é".as_bytes(),
];

#[derive(Debug, Clone)]
enum Edit {
    Insert(Vec<u8>),
    /// Inserts a piece many times.
    Repeat(Vec<u8>, usize),
    Remove(usize),
    /// Inserts a copy of what follows.
    Copy(usize),
    Flip(u8),
    CutOff,
}

fn edit() -> impl Strategy<Value = Edit> {
    let piece = || select(PIECES).prop_map(<[u8]>::to_vec);
    prop_oneof![
        4 => piece().prop_map(Edit::Insert),
        1 => vec(any::<u8>(), 1..8).prop_map(Edit::Insert),
        1 => (piece(), 2_usize..3000).prop_map(|(piece, times)| Edit::Repeat(piece, times)),
        3 => (1_usize..40).prop_map(Edit::Remove),
        2 => (1_usize..80).prop_map(Edit::Copy),
        2 => (1_u8..).prop_map(Edit::Flip),
        1 => Just(Edit::CutOff),
    ]
}

/// One of these texts with some changes of its bytes; in a few cases, other bytes.
pub(crate) fn mutated_bytes<T: Into<Vec<u8>>>(valid: Vec<T>) -> impl Strategy<Value = Vec<u8>> {
    let valid: Vec<Vec<u8>> = valid.into_iter().map(Into::into).collect();
    let edits = vec((any::<Index>(), edit()), 1..4);
    let changed = (select(valid), edits).prop_map(|(mut bytes, edits)| {
        for (at, edit) in edits {
            let at = at.index(bytes.len() + 1);
            let end = |length: usize| (at + length).min(bytes.len());
            match edit {
                Edit::Insert(piece) => drop(bytes.splice(at..at, piece)),
                Edit::Repeat(piece, times) => drop(bytes.splice(at..at, piece.repeat(times))),
                Edit::Remove(length) => drop(bytes.drain(at..end(length))),
                Edit::Copy(length) => {
                    let copy = bytes[at..end(length)].to_vec();
                    drop(bytes.splice(at..at, copy));
                }
                Edit::Flip(mask) => {
                    if let Some(byte) = bytes.get_mut(at) {
                        *byte ^= mask;
                    }
                }
                Edit::CutOff => bytes.truncate(at),
            }
        }
        bytes
    });
    prop_oneof![8 => changed, 1 => vec(any::<u8>(), 0..200)]
}
