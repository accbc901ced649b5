//! The names of users, kept or replaced by keyed hashes.

use std::fmt::Write;

use ring::hmac;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The length of a key in bytes: the block that HMAC-SHA-256 recommends at least (RFC 2104, section 3).
pub const KEY_BYTES: usize = 32;

/// The prefix of a hashed name, which user names cannot contain.
const HASHED: &str = "hmac:";

/// Bytes of a hash that are stored. 128 bits do not collide by chance.
const STORED_BYTES: usize = 16;

/// How a traffic file contains the names of users.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub enum NameForm {
    /// As they were recorded.
    Kept,
    /// As HMAC-SHA-256.
    Hashed,
}

/// Replaces names by keyed hashes, so that people can be counted and compared across files that share a key,
/// but not be named.
#[derive(Clone)]
pub struct PrincipalKey {
    key: hmac::Key,
}

impl std::fmt::Debug for PrincipalKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("PrincipalKey")
    }
}

impl PrincipalKey {
    /// Creates the function for a key.
    pub fn new(key: &[u8; KEY_BYTES]) -> Self {
        Self {
            key: hmac::Key::new(hmac::HMAC_SHA256, key),
        }
    }

    /// Identifies the key without disclosing it.
    pub fn id(&self) -> String {
        self.digest("polwarden traffic key")
    }

    /// The hash of a name. Names are compared without regard to case. A name that is already hashed is
    /// returned unchanged.
    pub fn hash(&self, name: &str) -> String {
        if is_hashed(name) {
            return name.to_owned();
        }
        let digest = self.digest(&format!("user {}", name.to_lowercase()));
        format!("{HASHED}{digest}")
    }

    fn digest(&self, text: &str) -> String {
        let tag = hmac::sign(&self.key, text.as_bytes());
        let mut digest = String::with_capacity(2 * STORED_BYTES);
        for byte in tag.as_ref().iter().take(STORED_BYTES) {
            // Writing to a String cannot fail.
            let _ = write!(digest, "{byte:02x}");
        }
        digest
    }
}

/// Whether a name is a hash of this module.
pub(crate) fn is_hashed(name: &str) -> bool {
    name.strip_prefix(HASHED).is_some_and(|digest| {
        digest.len() == 2 * STORED_BYTES && digest.bytes().all(|b| b.is_ascii_hexdigit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_depend_on_the_key_and_not_on_case() {
        let key = PrincipalKey::new(&[1; KEY_BYTES]);
        let other = PrincipalKey::new(&[2; KEY_BYTES]);
        assert_eq!(key.hash("Alice"), key.hash("alice"));
        assert_ne!(key.hash("alice"), key.hash("bob"));
        assert_ne!(key.hash("alice"), other.hash("alice"));
        assert_ne!(key.id(), other.id());
        assert!(!key.hash("alice").contains("alice"));
        assert_eq!(key.hash(&key.hash("alice")), key.hash("alice"));
        assert_eq!(key.hash("alice").len(), "hmac:".len() + 32);
    }

    #[test]
    fn the_hash_is_hmac_sha_256() {
        // printf 'user alice' | openssl dgst -sha256 -mac HMAC -macopt hexkey:01…01 (32 bytes)
        let key = PrincipalKey::new(&[1; KEY_BYTES]);
        let expected = "hmac:6184b851b1219d1382034d9b728e4ae5";
        assert_eq!(key.hash("alice"), expected);
    }
}
