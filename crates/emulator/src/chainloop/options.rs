//! How an emulator is started.

use std::fmt;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use secrecy::SecretString;

use super::change::Fault;
use super::seed::{OrganizationSeed, Seed};
use crate::state::StateLocation;

/// How to start an emulator. `Options::default()` is an empty organization `my-org` in memory on a free port.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where to listen; loopback only. Port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where policies and groups are kept.
    pub state: StateLocation,
    /// Organizations to create where the state does not hold them yet. Without any here, in the seed or in the state,
    /// there is one, named `my-org`.
    pub organizations: Vec<OrganizationSeed>,
    /// What organizations hold when they are created; `docs/emulator.md` describes the file.
    pub seed: Option<Seed>,
    /// The only access token that is good; without it, any that is not empty is.
    pub token: Option<SecretString>,
    /// How the names of fields are spelt in answers; requests may spell them either way.
    pub spelling: Spelling,
    /// What `raw_schema` must hold.
    pub raw_schema: RawSchema,
    /// What the body of an error is like.
    pub errors: ErrorShape,
    /// How long every request waits before it is served; requests wait side by side.
    pub latency: Duration,
    /// A file that gets one JSON line for each request, without credentials.
    pub request_log: Option<PathBuf>,
    /// What goes wrong on purpose. A request meets all that fit it, but only the first of those that end it.
    pub faults: Vec<Fault>,
}

impl Default for Options {
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
            request_log: None,
            faults: Vec::new(),
        }
    }
}

/// A word that is none of an option's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{word}` is none of {known}")]
pub struct UnknownWord {
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
            type Err = UnknownWord;

            fn from_str(text: &str) -> Result<Self, UnknownWord> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    other => Err(UnknownWord { word: other.to_owned(), known: $known }),
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
    /// How the names of fields are spelt in answers.
    Spelling, "snake, camel" {
        /// `version_references`, as the reference page has it.
        #[default]
        Snake = "snake",
        /// `versionReferences`.
        Camel = "camel",
    }
}

words! {
    /// What `raw_schema` holds; the contract does not say.
    RawSchema, "base64, text, either" {
        /// The document's bytes in base64.
        #[default]
        Base64 = "base64",
        /// The document's text.
        Text = "text",
        /// Base64 where it is base64, or else the text: a document has line breaks and is none.
        Either = "either",
    }
}

words! {
    /// What the body of an error is like; the service knows all of these.
    ErrorShape, "code, level, text, empty" {
        /// `{code, message, details}`.
        #[default]
        Code = "code",
        /// `{level, code, reason}`.
        Level = "level",
        /// Plain text.
        Text = "text",
        /// Nothing.
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
