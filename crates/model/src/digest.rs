//! SHA-256 digests: `sha256:` and 64 hexadecimal digits.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::Sha256;
use thiserror::Error;

const PREFIX: &str = "sha256:";

#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a digest is `sha256:` and 64 hexadecimal digits in lower case")]
pub struct DigestError;

fn check(text: &str) -> Result<(), DigestError> {
    let digits = text.strip_prefix(PREFIX).ok_or(DigestError)?;
    let fits = digits.len() == 64
        && digits
            .bytes()
            .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
    if fits { Ok(()) } else { Err(DigestError) }
}

macro_rules! digest {
    ($(#[doc = $doc:literal])+ $name:ident) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
        #[serde(try_from = "String")]
        pub struct $name(String);

        impl $name {
            /// Computes the digest of bytes.
            pub fn of(bytes: &[u8]) -> Self {
                Self(format!("{PREFIX}{}", data_encoding::HEXLOWER.encode(&<Sha256 as sha2::Digest>::digest(bytes))))
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }

            /// The first digits, enough to distinguish digests in output.
            pub fn short(&self) -> &str {
                self.0.get(PREFIX.len()..PREFIX.len() + 12).unwrap_or_default()
            }
        }

        impl TryFrom<String> for $name {
            type Error = DigestError;
            fn try_from(text: String) -> Result<Self, DigestError> {
                check(&text)?;
                Ok(Self(text))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

digest! {
    /// What a pack's source is: its files with their kinds, whatever archive they are put into.
    SourceDigest
}
digest! {
    /// The content of a file, or the target of a link.
    FileDigest
}
digest! {
    /// The bytes of an archive.
    ArchiveDigest
}
digest! {
    /// The digest of the bytes of a document, which identifies it at Chainloop (contract: `digest`).
    Digest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_read_back_and_nothing_else_is() {
        let digest = FileDigest::of(b"");
        assert_eq!(
            digest.as_str(),
            "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        assert_eq!(digest.short(), "e3b0c44298fc");
        assert_eq!(
            FileDigest::try_from(digest.as_str().to_owned()),
            Ok(digest.clone())
        );
        for bad in [
            "",
            "sha256:",
            &digest.as_str()[1..],
            &digest.as_str().to_uppercase(),
            &format!("{digest}0"),
        ] {
            assert_eq!(
                FileDigest::try_from((*bad).to_owned()),
                Err(DigestError),
                "{bad}"
            );
        }
    }
}
