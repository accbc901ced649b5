//! Makes texts of servers fit to be shown.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use secrecy::{ExposeSecret, SecretString};

/// What stands where a secret was.
const MASK: &str = "[redacted]";
/// The longest text of a server that is repeated, in characters.
const LONGEST_TEXT: usize = 300;
/// How many secrets are remembered: the credential and the latest tokens.
const MOST_SECRETS: usize = 32;
/// How secrets begin, so that those of others and cut ones are found too: Docker access tokens, Pulumi access tokens,
/// JSON web tokens.
const BEGINNINGS: &[&str] = &["dckr_pat_", "dckr_oat_", "pul-", "eyJ"];

/// Knows the secrets in use and takes them out of texts. Clones share what they know.
#[derive(Clone, Default)]
pub struct Redactor {
    secrets: Arc<RwLock<Vec<SecretString>>>,
}

impl Redactor {
    /// Remembers a secret. The first one stays for good; of the others, the oldest give way.
    pub fn learn(&self, secret: &SecretString) {
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

    /// The text on one line, without secrets and control characters, cut to a sane length.
    pub fn clean(&self, text: &str) -> String {
        let mut text = text.to_owned();
        {
            let secrets = self.secrets.read().unwrap_or_else(PoisonError::into_inner);
            // A secret that is part of another one must not break up the longer one.
            let mut by_length: Vec<&str> =
                secrets.iter().map(ExposeSecret::expose_secret).collect();
            by_length.sort_by_key(|secret| std::cmp::Reverse(secret.len()));
            for secret in by_length {
                if text.contains(secret) {
                    text = text.replace(secret, MASK);
                }
            }
        }
        cut(&neutralise(&mask_tokens(&text)))
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redactor(..)")
    }
}

/// Masks everything that begins like a token, to the end of its run of token characters.
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

/// Replaces what could move the cursor, break the line or turn the reading direction.
fn neutralise(text: &str) -> String {
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

fn cut(text: &str) -> String {
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
            redactor.learn(&SecretString::from(*secret));
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
            redactor.learn(&SecretString::from(format!("token-{number}-x")));
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
