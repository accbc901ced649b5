//! The options of an emulator.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::num::NonZeroU32;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use secrecy::SecretString;

use super::change::ChainloopFault;
use super::seed::{ChainloopOrganizationSeed, ChainloopSeed};
use crate::state::StateLocation;

/// Options of an emulator. `Options::default()` is an empty organization `my-org` in memory on a
/// free port.
#[derive(Debug, Clone)]
pub struct ChainloopOptions {
    /// The address to listen on; loopback only. Port 0 selects a free port.
    pub listen: SocketAddr,
    /// Where policies and groups are stored.
    pub state: StateLocation,
    /// Organizations to create if the state does not contain them. Without any here, in the seed or
    /// in the state, the emulator creates `my-org`.
    pub organizations: Vec<ChainloopOrganizationSeed>,
    /// The initial contents of organizations; `docs/reference/emulator-chainloop.md` describes the file.
    pub seed: Option<ChainloopSeed>,
    /// The only accepted access token. Without it, every token that is not empty is accepted.
    pub token: Option<SecretString>,
    /// The spelling of field names in answers. Requests may use either.
    pub spelling: Spelling,
    /// The encoding of `raw_schema` in requests.
    pub raw_schema: RawSchema,
    /// The shape of error bodies.
    pub errors: ErrorShape,
    /// The delay of every request. Requests wait concurrently.
    pub latency: Duration,
    /// Requests per second that are accepted; others are answered with 429. Default: all.
    pub requests_per_second: Option<NonZeroU32>,
    /// A file that receives one JSON line per request, without credentials.
    pub request_log: Option<PathBuf>,
    /// The faults. All that match apply to a request, but only the first of those that end it.
    pub faults: Vec<ChainloopFault>,
}

impl Default for ChainloopOptions {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 0)),
            state: StateLocation::default(),
            organizations: Vec::new(),
            seed: None,
            token: None,
            spelling: Spelling::default(),
            raw_schema: RawSchema::default(),
            errors: ErrorShape::default(),
            latency: Duration::ZERO,
            requests_per_second: None,
            request_log: None,
            faults: Vec::new(),
        }
    }
}

/// An unknown value of an option.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{word}` is none of {known}")]
pub struct UnknownOptionValue {
    word: String,
    known: &'static str,
}

macro_rules! words {
    ($(#[doc = $doc:literal])+ $name:ident, $known:literal { $($(#[$meta:meta])+ $variant:ident = $word:literal,)+ }) => {
        $(#[doc = $doc])+
        #[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$meta])+ $variant,)+
        }

        impl FromStr for $name {
            type Err = UnknownOptionValue;

            fn from_str(text: &str) -> Result<Self, UnknownOptionValue> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    other => Err(UnknownOptionValue { word: other.to_owned(), known: $known }),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(match self {
                    $(Self::$variant => $word,)+
                })
            }
        }
    };
}

words! {
    /// The spelling of field names in answers.
    Spelling, "snake, camel" {
        /// `version_references`, as on the reference page.
        #[default]
        Snake = "snake",
        /// `versionReferences`.
        Camel = "camel",
    }
}

words! {
    /// The encoding of `raw_schema`, which the contract does not specify.
    RawSchema, "base64, text, either" {
        /// The document's bytes in base64.
        #[default]
        Base64 = "base64",
        /// The document's text.
        Text = "text",
        /// Base64 if it decodes, otherwise text. This is unambiguous: a document contains line
        /// breaks.
        Either = "either",
    }
}

words! {
    /// The shape of error bodies. The service is known to use all of these.
    ErrorShape, "code, level, text, empty" {
        /// `{code, message, details}`.
        #[default]
        Code = "code",
        /// `{level, code, reason}`.
        Level = "level",
        /// Plain text.
        Text = "text",
        /// No body.
        Empty = "empty",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_as_they_are_shown() {
        for word in ["code", "level", "text", "empty"] {
            assert_eq!(word.parse::<ErrorShape>().unwrap().to_string(), word);
        }
        for word in ["snake", "camel"] {
            assert_eq!(word.parse::<Spelling>().unwrap().to_string(), word);
        }
        let error = "hex".parse::<RawSchema>().unwrap_err().to_string();
        assert_eq!(error, "`hex` is none of base64, text, either");
    }
}
