//! Removes secrets and control characters from text of servers.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use secrecy::{ExposeSecret, SecretString};

/// Replacement for secrets.
const MASK: &str = "[redacted]";
/// Maximum length of a server's text in characters.
const LONGEST_TEXT: usize = 300;
/// Maximum number of registered secrets: the credential and the latest tokens.
const MOST_SECRETS: usize = 32;
/// Prefixes of well-known secrets (Docker access tokens, Pulumi access tokens, JSON web tokens), so
/// that unregistered and truncated secrets are also found.
const BEGINNINGS: &[&str] = &["dckr_pat_", "dckr_oat_", "pul-", "eyJ"];

/// Removes the registered secrets from text. Clones share the registered secrets.
#[derive(Clone, Default)]
pub struct Redactor {
    secrets: Arc<RwLock<Vec<SecretString>>>,
}

impl Redactor {
    /// Registers a secret. Above the limit, the oldest except the first is dropped.
    pub fn add_secret(&self, secret: &SecretString) {
        if secret.expose_secret().is_empty() {
            return;
        }
        let mut secrets = self.secrets.write().unwrap_or_else(PoisonError::into_inner);
        if secrets
            .iter()
            .any(|known| known.expose_secret() == secret.expose_secret())
        {
            return;
        }
        if secrets.len() >= MOST_SECRETS {
            secrets.remove(1);
        }
        secrets.push(secret.clone());
    }

    /// Returns the text on one line, without secrets and control characters, truncated to a fixed
    /// length.
    pub fn clean(&self, text: &str) -> String {
        let mut text = text.to_owned();
        {
            let secrets = self.secrets.read().unwrap_or_else(PoisonError::into_inner);
            // Longest first: replacing a secret that is part of a longer one would leave the rest
            // of it.
            let mut by_length: Vec<&str> =
                secrets.iter().map(ExposeSecret::expose_secret).collect();
            by_length.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
            for secret in by_length {
                if text.contains(secret) {
                    text = text.replace(secret, MASK);
                }
            }
        }
        truncate(&neutralize(&mask_tokens(&text)))
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redactor(..)")
    }
}

/// Masks every run of token characters that starts with a prefix of a well-known secret.
fn mask_tokens(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = BEGINNINGS
        .iter()
        .filter_map(|beginning| rest.find(beginning))
        .min()
    {
        let (before, token) = rest.split_at(start);
        out.push_str(before);
        out.push_str(MASK);
        let end = token.find(|c: char| !(c.is_ascii_alphanumeric() || "-_.=".contains(c)));
        rest = end.map_or("", |end| &token[end..]);
    }
    out + rest
}

/// Replaces characters that move the cursor, break the line or change the text direction.
fn neutralize(text: &str) -> String {
    let invisible = |c: char| {
        c.is_control()
            || matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}')
    };
    let spaced: String = text
        .chars()
        .map(|c| if invisible(c) { ' ' } else { c })
        .collect();
    spaced.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn truncate(text: &str) -> String {
    match text.char_indices().nth(LONGEST_TEXT) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn redactor(secrets: &[&str]) -> Redactor {
        let redactor = Redactor::default();
        for secret in secrets {
            redactor.add_secret(&SecretString::from(*secret));
        }
        redactor
    }

    #[test]
    fn texts_are_cleaned() {
        let redactor = redactor(&["hunter2", "hunter2-long"]);
        for (text, wanted) in [
            ("plain text", "plain text"),
            ("password hunter2 is wrong", "password [redacted] is wrong"),
            ("hunter2-long", "[redacted]"),
            ("token dckr_pat_abc-DEF_1, sorry", "token [redacted], sorry"),
            ("Bearer eyJhbGciOi.eyJzdWIi.c2ln!", "Bearer [redacted]!"),
            ("pul-0123 dckr_oat_x", "[redacted] [redacted]"),
            ("\u{1b}[31mred\r\n\u{202e}txt", "[31mred txt"),
        ] {
            assert_eq!(redactor.clean(text), wanted);
        }
    }

    #[test]
    fn a_secret_at_the_cut_leaves_no_part_behind() {
        let redactor = redactor(&["hunter2-hunter2"]);
        let text = redactor.clean(&format!("{}hunter2-hunter2", "x".repeat(LONGEST_TEXT - 4)));
        assert!(!text.contains("hunt"), "{text}");
    }

    #[test]
    fn the_first_secret_is_never_forgotten() {
        let redactor = redactor(&["hunter2"]);
        for number in 0..100 {
            redactor.add_secret(&SecretString::from(format!("token-{number}-x")));
        }
        assert_eq!(
            redactor.clean("hunter2 token-99-x"),
            "[redacted] [redacted]"
        );
        assert_eq!(format!("{redactor:?}"), "Redactor(..)");
    }

    proptest! {
        #[test]
        fn no_text_shows_a_learned_secret(before in ".*", secret in "[A-Za-z0-9]{12,24}", after in ".*") {
            let redactor = redactor(&[&secret]);
            let text = redactor.clean(&format!("{before}{secret}{after}"));
            prop_assert!(!text.contains(&secret));
            prop_assert!(!text.chars().any(char::is_control));
            prop_assert!(text.chars().count() <= LONGEST_TEXT + 1);
        }
    }
}
