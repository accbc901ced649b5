//! Parses `allowed_signers` (see ssh-keygen(1)): principals, options and a key per line.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use ssh_key::PublicKey;
use ssh_key::public::KeyData;
use thiserror::Error;

/// The allowed SSH keys.
#[derive(Debug, Clone, Default)]
pub(super) struct AllowedSigners(Vec<AllowedSigner>);

/// One line of the file.
#[derive(Debug, Clone)]
pub(super) struct AllowedSigner {
    /// The principals as written.
    pub(super) principals: String,
    /// The allowed namespaces; empty for all.
    pub(super) namespaces: Vec<String>,
    pub(super) valid_after: Option<Timestamp>,
    pub(super) valid_before: Option<Timestamp>,
    pub(super) key: KeyData,
}

/// An invalid line. It invalidates the whole file, because skipping it could hide a restriction.
#[derive(Debug, Error)]
#[error("line {line}: {why}")]
pub(super) struct AllowedSignerError {
    line: usize,
    why: String,
}

impl AllowedSigners {
    pub(super) fn parse(text: &str) -> Result<Self, AllowedSignerError> {
        let mut signers = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let line_text = line.trim();
            if line_text.is_empty() || line_text.starts_with('#') {
                continue;
            }
            let signer = AllowedSigner::parse(line_text).map_err(|why| AllowedSignerError {
                line: index + 1,
                why,
            })?;
            signers.push(signer);
        }
        Ok(Self(signers))
    }

    /// The lines with this key.
    pub(super) fn with_key<'a>(
        &'a self,
        key: &'a KeyData,
    ) -> impl Iterator<Item = &'a AllowedSigner> {
        self.0.iter().filter(move |signer| signer.key == *key)
    }
}

impl AllowedSigner {
    fn parse(line: &str) -> Result<Self, String> {
        let words = words(line)?;
        let mut words = words.iter().map(String::as_str);
        let principals = words.next().unwrap_or_default().replace('"', "");
        let mut word = words
            .next()
            .ok_or("a key is missing behind the principals")?;
        let mut namespaces = Vec::new();
        let mut valid_after = None;
        let mut valid_before = None;
        if !is_key_type(word) {
            for option in split(word, |c| c == ',') {
                let (name, value) = option.split_once('=').unwrap_or((&option, ""));
                let value = value.trim_matches('"');
                match name.to_ascii_lowercase().as_str() {
                    "namespaces" => {
                        namespaces.extend(value.split(',').map(|name| name.trim().to_owned()))
                    }
                    "valid-after" => valid_after = Some(time(value)?),
                    "valid-before" => valid_before = Some(time(value)?),
                    "cert-authority" => {
                        return Err(
                            "certificates are not supported; list the keys themselves".to_owned()
                        );
                    }
                    other => return Err(format!("unknown option `{other}`")),
                }
            }
            word = words.next().ok_or("a key is missing behind the options")?;
        }
        let encoded = words
            .next()
            .ok_or_else(|| format!("the key behind `{word}` is missing"))?;
        let key = PublicKey::from_openssh(&format!("{word} {encoded}"))
            .map_err(|error| format!("no public key: {error}"))?;
        Ok(Self {
            principals,
            namespaces,
            valid_after,
            valid_before,
            key: key.key_data().clone(),
        })
    }

    /// Whether the key may sign in a namespace.
    pub(super) fn is_for(&self, namespace: &str) -> bool {
        let mut allowed = self.namespaces.iter();
        self.namespaces.is_empty() || allowed.any(|pattern| matches(pattern, namespace))
    }

    /// Why the key is invalid at a time, or `None` if it is valid.
    pub(super) fn invalid_at(&self, at: Timestamp) -> Option<String> {
        if let Some(after) = self.valid_after.filter(|after| at < *after) {
            return Some(format!("it is valid only after {after}"));
        }
        let before = self.valid_before.filter(|before| at >= *before)?;
        Some(format!("it was valid only before {before}"))
    }
}

/// Everything that is not an option counts as a key type.
fn is_key_type(word: &str) -> bool {
    !word.contains('=') && !word.eq_ignore_ascii_case("cert-authority")
}

/// Splits a line into words; quoted spaces are kept.
fn words(line: &str) -> Result<Vec<String>, String> {
    if !line.matches('"').count().is_multiple_of(2) {
        return Err("a quote is not closed".to_owned());
    }
    Ok(split(line, char::is_whitespace))
}

/// Splits a text at unquoted separators.
fn split(text: &str, is_separator: impl Fn(char) -> bool) -> Vec<String> {
    let mut parts = Vec::new();
    let mut part = String::new();
    let mut quoted = false;
    for c in text.chars() {
        quoted ^= c == '"';
        if !quoted && is_separator(c) {
            parts.push(std::mem::take(&mut part));
        } else {
            part.push(c);
        }
    }
    parts.push(part);
    parts.retain(|part| !part.is_empty());
    parts
}

/// Matches a pattern of OpenSSH with `*` and `?`.
fn matches(pattern: &str, text: &str) -> bool {
    match pattern.chars().next() {
        None => text.is_empty(),
        Some('*') => {
            // Several `*` are the same as one, and each would take one more level of recursion.
            let rest = pattern.trim_start_matches('*');
            text.char_indices()
                .map(|(at, _)| at)
                .chain([text.len()])
                .any(|at| matches(rest, &text[at..]))
        }
        Some(c) => text.chars().next().is_some_and(|first| {
            (c == '?' || c == first) && matches(&pattern[c.len_utf8()..], &text[first.len_utf8()..])
        }),
    }
}

/// Parses `YYYYMMDD` or `YYYYMMDDHHMM[SS]` with an optional `Z`. It is always UTC, so the meaning
/// of a file does not depend on the local time zone.
fn time(text: &str) -> Result<Timestamp, String> {
    let digits = text.strip_suffix(['Z', 'z']).unwrap_or(text);
    let wrong = || format!("invalid date `{text}`: expected YYYYMMDD or YYYYMMDDHHMMSS");
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit());
    let full = match digits.len() {
        8 => format!("{digits}000000"),
        12 => format!("{digits}00"),
        14 => digits.to_owned(),
        _ => return Err(wrong()),
    };
    let parsed = plain
        .then(|| DateTime::strptime("%Y%m%d%H%M%S", &full).ok())
        .flatten()
        .ok_or_else(wrong)?;
    Ok(parsed
        .to_zoned(TimeZone::UTC)
        .map_err(|_| wrong())?
        .timestamp())
}
