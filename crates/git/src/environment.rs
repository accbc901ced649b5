//! Git's configuration in environment variables, which libgit2 does not read: `GIT_CONFIG_COUNT` and
//! `GIT_CONFIG_PARAMETERS` (`git -c`). The environment of the program is never part of a change.

use std::path::Path;

use git2::{Config, ConfigEntry, Repository};

/// Maximum length of `GIT_CONFIG_PARAMETERS` in bytes.
const MAX_LENGTH: usize = 1 << 20;

/// The values of a key in the order of git: `GIT_CONFIG_COUNT` first, then `git -c`. A key without a value
/// means `true`.
pub(crate) fn values(key: &str) -> Vec<String> {
    let variable = |name: &str| std::env::var(name).ok();
    let mut found = Vec::new();
    let count = variable("GIT_CONFIG_COUNT").and_then(|count| count.parse().ok());
    for number in 0..count.unwrap_or(0u16) {
        let name = variable(&format!("GIT_CONFIG_KEY_{number}"));
        if name.is_some_and(|name| name.eq_ignore_ascii_case(key)) {
            found.extend(variable(&format!("GIT_CONFIG_VALUE_{number}")));
        }
    }
    let parameters = variable("GIT_CONFIG_PARAMETERS").unwrap_or_default();
    let entries = parse_parameters(&parameters).unwrap_or_default();
    let matching = entries
        .into_iter()
        .filter(|(name, _)| name.eq_ignore_ascii_case(key));
    found.extend(matching.map(|(_, value)| value));
    found
}

/// Whether the environment decides how files are checked out. Libgit2 does not know these settings, so its
/// status of files would be that of another configuration.
pub(crate) fn decides_checkout() -> bool {
    const KEYS: [&str; 4] = [
        "core.autocrlf",
        "core.eol",
        "core.filemode",
        "core.symlinks",
    ];
    KEYS.iter().any(|key| !values(key).is_empty())
}

/// The value of a key: of the environment, or of the repository.
pub(crate) fn value(repository: &Repository, key: &str) -> Option<String> {
    if let Some(value) = values(key).pop() {
        return Some(value);
    }
    repository.config().ok()?.get_string(key).ok()
}

/// A Boolean value of a key: of the environment, or of the repository.
pub(crate) fn is_set(repository: &Repository, key: &str) -> Option<bool> {
    if let Some(value) = values(key).pop() {
        return Config::parse_bool(value).ok();
    }
    repository.config().ok()?.get_bool(key).ok()
}

/// The values of a key in the files of `GIT_CONFIG_SYSTEM` and `GIT_CONFIG_GLOBAL`.
pub(crate) fn file_values(key: &str) -> Vec<String> {
    let mut found = Vec::new();
    for name in ["GIT_CONFIG_SYSTEM", "GIT_CONFIG_GLOBAL"] {
        let path = std::env::var(name).ok();
        let Some(config) = path.and_then(|path| Config::open(Path::new(&path)).ok()) else {
            continue;
        };
        let Ok(mut values) = config.multivar(key, None) else {
            continue;
        };
        while let Some(Ok(value)) = values.next() {
            found.extend(text(value));
        }
    }
    found
}

/// The value of an entry. A key without a value means `true`.
pub(crate) fn text(entry: &ConfigEntry<'_>) -> Option<String> {
    let value = entry.has_value().then(|| entry.value().ok());
    value.flatten().map(str::to_owned)
}

/// The keys and values of `GIT_CONFIG_PARAMETERS`: words in single quotes, separated by spaces. Since git
/// 2.31 a key and its value are two quoted parts, `'key'='value'`; before, they were one, `'key=value'`.
/// Returns `None` if the text has another form, as git refuses it then.
fn parse_parameters(text: &str) -> Option<Vec<(String, String)>> {
    if text.len() > MAX_LENGTH {
        return None;
    }
    let mut entries = Vec::new();
    let mut rest = text.trim();
    while !rest.is_empty() {
        let (first, after) = unquote(rest)?;
        rest = after;
        let entry = match rest.strip_prefix('=') {
            Some(after) if after.is_empty() || after.starts_with(char::is_whitespace) => {
                rest = after;
                (first, String::from("true"))
            }
            Some(after) => {
                let (value, after) = unquote(after)?;
                rest = after;
                (first, value)
            }
            None => match first.split_once('=') {
                Some((key, value)) => (key.to_owned(), value.to_owned()),
                None => (first, String::from("true")),
            },
        };
        entries.push(entry);
        if !rest.is_empty() && !rest.starts_with(char::is_whitespace) {
            return None;
        }
        rest = rest.trim_start();
    }
    Some(entries)
}

/// A word in single quotes at the beginning of a text, and what follows it. A quote or an exclamation mark
/// in the word is written `'\''` or `'\!'`.
fn unquote(text: &str) -> Option<(String, &str)> {
    let mut word = String::new();
    let mut rest = text.strip_prefix('\'')?;
    loop {
        let (part, after) = rest.split_once('\'')?;
        word.push_str(part);
        let Some(escaped) = after.strip_prefix('\\') else {
            return Some((word, after));
        };
        let character = escaped.chars().next().filter(|c| matches!(c, '\'' | '!'))?;
        word.push(character);
        rest = escaped[1..].strip_prefix('\'')?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_have_the_forms_of_git() {
        let entry = |key: &str, value: &str| (key.to_owned(), value.to_owned());
        for (text, expected) in [
            ("", Some(vec![])),
            (
                "'safe.directory'='*' 'core.autocrlf'='true'",
                Some(vec![
                    entry("safe.directory", "*"),
                    entry("core.autocrlf", "true"),
                ]),
            ),
            (
                "'safe.directory=/a b'",
                Some(vec![entry("safe.directory", "/a b")]),
            ),
            ("'a.b'='it'\\''s'", Some(vec![entry("a.b", "it's")])),
            ("'a.b'='x'\\!'y'", Some(vec![entry("a.b", "x!y")])),
            (
                "'a.b' 'c.d'=",
                Some(vec![entry("a.b", "true"), entry("c.d", "true")]),
            ),
            ("a.b=c", None),
            ("'a.b", None),
            ("'a.b'='c", None),
            ("'a.b'x", None),
            ("'a'\\x'b'", None),
        ] {
            assert_eq!(parse_parameters(text), expected, "{text}");
        }
    }
}
