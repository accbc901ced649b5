//! The bytes of documents.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::digest::Digest;

/// The bytes of a document, unchanged. Plans and journals contain them as text, or in base64 if they are not UTF-8.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "DocumentBytesText", into = "DocumentBytesText")]
#[schemars(with = "DocumentBytesText")]
pub struct DocumentBytes(Arc<[u8]>);

/// How bytes are written.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[schemars(rename = "DocumentBytes")]
enum DocumentBytesText {
    /// The bytes, decoded as UTF-8.
    Text(String),
    /// The bytes in base64.
    Base64(String),
}

impl DocumentBytes {
    pub fn as_slice(&self) -> &[u8] {
        &self.0
    }

    /// The bytes as text if they are UTF-8, including a byte order mark.
    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }

    pub fn digest(&self) -> Digest {
        Digest::of(&self.0)
    }
}

impl From<&[u8]> for DocumentBytes {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.into())
    }
}

impl From<Vec<u8>> for DocumentBytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }
}

impl TryFrom<DocumentBytesText> for DocumentBytes {
    type Error = data_encoding::DecodeError;
    fn try_from(written: DocumentBytesText) -> Result<Self, Self::Error> {
        match written {
            DocumentBytesText::Text(text) => Ok(Self(text.into_bytes().into())),
            DocumentBytesText::Base64(text) => data_encoding::BASE64
                .decode(text.as_bytes())
                .map(Self::from),
        }
    }
}

impl From<DocumentBytes> for DocumentBytesText {
    fn from(bytes: DocumentBytes) -> Self {
        match bytes.text() {
            Some(text) => Self::Text(text.to_owned()),
            None => Self::Base64(data_encoding::BASE64.encode(&bytes.0)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_are_read_back_as_they_were() {
        for (bytes, json) in [
            (
                &b"\xef\xbb\xbfa: 1\r\n"[..],
                "{\"text\":\"\u{feff}a: 1\\r\\n\"}",
            ),
            (b"\xff\x00", r#"{"base64":"/wA="}"#),
            (b"", r#"{"text":""}"#),
        ] {
            let bytes = DocumentBytes::from(bytes);
            assert_eq!(serde_json::to_string(&bytes).unwrap(), json);
            assert_eq!(serde_json::from_str::<DocumentBytes>(json).unwrap(), bytes);
        }
        assert!(serde_json::from_str::<DocumentBytes>(r#"{"base64":"?"}"#).is_err());
    }
}
