//! References to policies: `[chainloop://][provider:][organization/]name[@sha256:…]`.

use std::fmt;

use thiserror::Error;

use super::{ChainloopNameError, PolicyName};
use crate::digest::Digest;

const SCHEME: &str = "chainloop://";

/// The text is not a valid reference.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ReferenceError {
    /// A scheme of another kind of reference.
    #[error("unsupported scheme `{0}://` for a policy of the service")]
    Scheme(String),
    /// Invalid provider or organization.
    #[error("invalid {part} name `{text}`: only letters, digits, `.`, `_` and `-` are allowed")]
    Part {
        /// `provider` or `organization`.
        part: &'static str,
        text: String,
    },
    #[error("the name `{text}` {why}")]
    Name {
        text: String,
        why: ChainloopNameError,
    },
    /// Invalid digest after `@`.
    #[error("`@` must be followed by a digest: `sha256:` and 64 hexadecimal digits in lower case")]
    Digest,
}

/// A reference to a policy of the service. `Display` returns the text that was parsed.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reference {
    /// Whether the text contains `chainloop://`.
    pub scheme: bool,
    /// The provider of policies; the service itself if omitted.
    pub provider: Option<String>,
    /// The organization. If omitted, the one that uses the reference, or a builtin policy.
    pub organization: Option<String>,
    pub name: PolicyName,
    /// The version; the latest if omitted.
    pub digest: Option<Digest>,
}

impl Reference {
    /// Parses a reference.
    ///
    /// # Errors
    /// Returns the invalid part.
    pub fn parse(text: &str) -> Result<Self, ReferenceError> {
        let (scheme, rest) = match text.split_once("://") {
            None => (false, text),
            Some(("chainloop", rest)) => (true, rest),
            Some((other, _)) => return Err(ReferenceError::Scheme(other.to_owned())),
        };
        let (rest, digest) = match rest.split_once('@') {
            None => (rest, None),
            Some((rest, digest)) => {
                let digest =
                    Digest::try_from(digest.to_owned()).map_err(|_| ReferenceError::Digest)?;
                (rest, Some(digest))
            }
        };
        let (provider, rest) = match rest.split_once(':') {
            None => (None, rest),
            Some((provider, rest)) => (Some(part("provider", provider)?), rest),
        };
        let (organization, name) = match rest.split_once('/') {
            None => (None, rest),
            Some((organization, rest)) => (Some(part("organization", organization)?), rest),
        };
        let name = PolicyName::new(name).map_err(|why| ReferenceError::Name {
            text: name.to_owned(),
            why,
        })?;
        Ok(Self {
            scheme,
            provider,
            organization,
            name,
            digest,
        })
    }

    /// The reference with this version.
    #[must_use]
    pub fn pinned(&self, digest: &Digest) -> Self {
        Self {
            digest: Some(digest.clone()),
            ..self.clone()
        }
    }

    /// The reference without its version.
    #[must_use]
    pub fn unpinned(&self) -> Self {
        Self {
            digest: None,
            ..self.clone()
        }
    }
}

fn part(part: &'static str, text: &str) -> Result<String, ReferenceError> {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if !text.is_empty()
        && text.chars().all(fits)
        && text.contains(|c: char| c.is_ascii_alphanumeric())
    {
        return Ok(text.to_owned());
    }
    Err(ReferenceError::Part {
        part,
        text: text.to_owned(),
    })
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            scheme,
            provider,
            organization,
            name,
            digest,
        } = self;
        if *scheme {
            f.write_str(SCHEME)?;
        }
        if let Some(provider) = provider {
            write!(f, "{provider}:")?;
        }
        if let Some(organization) = organization {
            write!(f, "{organization}/")?;
        }
        name.fmt(f)?;
        match digest {
            Some(digest) => write!(f, "@{digest}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn what_is_read_is_shown_as_it_was(
            scheme in any::<bool>(),
            provider in proptest::option::of("[A-Za-z0-9][A-Za-z0-9._-]{0,5}"),
            organization in proptest::option::of("[A-Za-z0-9][A-Za-z0-9._-]{0,5}"),
            name in "[a-z0-9]([-a-z0-9]{0,5}[a-z0-9])?",
            digest in proptest::option::of(any::<u64>()),
        ) {
            let name = PolicyName::new(&name).unwrap();
            let digest = digest.map(|seed| Digest::of(&seed.to_le_bytes()));
            let reference = Reference { scheme, provider, organization, name, digest };
            prop_assert_eq!(Reference::parse(&reference.to_string()), Ok(reference));
        }

        /// Parsing and displaying a reference returns the same text.
        #[test]
        fn any_text_is_shown_as_it_was_or_refused(text in "(chainloop|file|:|/|//|@|sha256|[a-zA-Z.-]{0,2}){0,8}") {
            if let Ok(reference) = Reference::parse(&text) {
                prop_assert_eq!(reference.to_string(), text);
            }
        }
    }

    #[test]
    fn references_have_their_parts() {
        let digest = Digest::of(b"x");
        let text = format!("chainloop://team.1:my-org/sbom-fresh@{digest}");
        let reference = Reference::parse(&text).unwrap();
        let wanted = Reference {
            scheme: true,
            provider: Some("team.1".to_owned()),
            organization: Some("my-org".to_owned()),
            name: PolicyName::new("sbom-fresh").unwrap(),
            digest: Some(digest.clone()),
        };
        assert_eq!(reference, wanted);
        assert_eq!(reference.to_string(), text);
        assert_eq!(
            reference.unpinned().to_string(),
            "chainloop://team.1:my-org/sbom-fresh"
        );
        assert_eq!(
            Reference::parse("a").unwrap().pinned(&digest).to_string(),
            format!("a@{digest}")
        );
    }

    #[test]
    fn what_is_no_reference_says_why() {
        let part = |part, text: &str| ReferenceError::Part {
            part,
            text: text.to_owned(),
        };
        let name = |text: &str, why| ReferenceError::Name {
            text: text.to_owned(),
            why,
        };
        for (text, why) in [
            ("", name("", ChainloopNameError::Empty)),
            ("file://a", ReferenceError::Scheme("file".to_owned())),
            ("chainloop://", name("", ChainloopNameError::Empty)),
            ("a@sha256:1", ReferenceError::Digest),
            ("a@", ReferenceError::Digest),
            (":a", part("provider", "")),
            ("o o:a", part("provider", "o o")),
            ("/a", part("organization", "")),
            ("../a", part("organization", "..")),
            ("o/p/a", name("p/a", ChainloopNameError::Character('/'))),
            (
                "policy.rego",
                name("policy.rego", ChainloopNameError::Character('.')),
            ),
        ] {
            assert_eq!(Reference::parse(text), Err(why), "{text}");
        }
    }
}
