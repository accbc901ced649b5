//! `sha256:` digests of plain data.

use std::fmt;
use std::io;
use std::str::FromStr;

use data_encoding::HEXLOWER;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use thiserror::Error;

/// `sha256:` and 64 hexadecimal digits.
#[derive(
    Debug, Clone, Default, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct Fingerprint(String);

impl Fingerprint {
    pub(crate) fn of(mut value: Value) -> Self {
        value.sort_all_objects();
        Self::from_digest(&Sha256::digest(value.to_string()))
    }

    /// The digest of plain data with a fixed order of fields. Its JSON is digested while it is
    /// written, because the plan of a whole organization is large.
    pub(crate) fn of_plain(data: &impl Serialize) -> Result<Self, serde_json::Error> {
        let mut digest = DigestWriter {
            digest: Sha256::new(),
            waiting: Vec::with_capacity(2 * CHUNK),
        };
        serde_json::to_writer(&mut digest, data)?;
        let DigestWriter {
            mut digest,
            waiting,
        } = digest;
        digest.update(waiting);
        Ok(Self::from_digest(&digest.finalize()))
    }

    pub(crate) fn from_digest(digest: &[u8]) -> Self {
        Self(format!("sha256:{}", HEXLOWER.encode(digest)))
    }

    /// The digits without the prefix `sha256:`.
    pub(crate) fn hex(&self) -> &str {
        self.0.strip_prefix("sha256:").unwrap_or(&self.0)
    }
}

/// The serializer writes a few bytes at a time; digesting them in chunks is faster.
const CHUNK: usize = 16 * 1024;

struct DigestWriter {
    digest: Sha256,
    waiting: Vec<u8>,
}

impl io::Write for DigestWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.waiting.extend_from_slice(bytes);
        if self.waiting.len() >= CHUNK {
            self.digest.update(&self.waiting);
            self.waiting.clear();
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// An invalid digest.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error(
    "invalid digest `{0}`: expected `sha256:` and 64 hexadecimal digits, as `polwarden plan` shows it"
)]
pub struct FingerprintError(String);

impl FromStr for Fingerprint {
    type Err = FingerprintError;
    fn from_str(text: &str) -> Result<Self, FingerprintError> {
        let hex = text.strip_prefix("sha256:").map(str::to_ascii_lowercase);
        let fits =
            |hex: &String| hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit());
        hex.filter(fits)
            .map(|hex| Self(format!("sha256:{hex}")))
            .ok_or_else(|| FingerprintError(text.to_owned()))
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
