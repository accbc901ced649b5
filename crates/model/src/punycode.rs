//! The Unicode form of hosts in ASCII (Punycode, RFC 3492).

use std::borrow::Cow;

/// The prefix of a label in Punycode.
const PREFIX: &str = "xn--";

/// What precedes the Unicode form.
const NOTE: &str = " (Unicode: ";

/// Longer labels are not valid, and are not decoded.
const MAX_LABEL: usize = 63;

fn is_in_host(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '.' | '*' | '_')
}

/// Adds the Unicode form to each host with labels in Punycode: `xn--e1afmkfd.com (Unicode: пример.com)`.
/// The result can contain any character, so it must be neutralized before it is shown.
pub fn with_unicode_hosts(text: &str) -> Cow<'_, str> {
    if !contains_prefix(text) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() * 2);
    let mut rest = text;
    while !rest.is_empty() {
        let host_len = rest.find(|c| !is_in_host(c)).unwrap_or(rest.len());
        let (host, after) = rest.split_at(host_len);
        shown.push_str(host);
        // A text may pass through here twice.
        if !after.starts_with(NOTE)
            && let Some(unicode) = unicode_host(host)
        {
            shown.push_str(NOTE);
            shown.push_str(&unicode);
            shown.push(')');
        }
        let other_len = after.find(is_in_host).unwrap_or(after.len());
        shown.push_str(&after[..other_len]);
        rest = &after[other_len..];
    }
    Cow::Owned(shown)
}

fn contains_prefix(text: &str) -> bool {
    text.as_bytes()
        .windows(PREFIX.len())
        .any(|window| window.eq_ignore_ascii_case(PREFIX.as_bytes()))
}

/// The Unicode form of a host. `None` if no label is in Punycode.
pub fn unicode_host(host: &str) -> Option<String> {
    if !contains_prefix(host) {
        return None;
    }
    let mut is_changed = false;
    let labels: Vec<Cow<'_, str>> = host
        .split('.')
        .map(|label| match unicode_label(label) {
            Some(unicode) => {
                is_changed = true;
                Cow::Owned(unicode)
            }
            None => Cow::Borrowed(label),
        })
        .collect();
    is_changed.then(|| labels.join("."))
}

fn unicode_label(label: &str) -> Option<String> {
    let prefix = label.get(..PREFIX.len())?;
    if !prefix.eq_ignore_ascii_case(PREFIX) || label.len() > MAX_LABEL {
        return None;
    }
    let unicode = idna::punycode::decode_to_string(&label[PREFIX.len()..].to_ascii_lowercase())?;
    // Otherwise the label is only another way to write ASCII, which no resolver accepts.
    (!unicode.is_ascii()).then_some(unicode)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_shown_with_their_unicode_form() {
        for (text, expected) in [
            ("a.example.com", "a.example.com"),
            ("xn--e1afmkfd.com", "xn--e1afmkfd.com (Unicode: пример.com)"),
            (
                "tcp **.XN--E1AFMKFD.com:443, b",
                "tcp **.XN--E1AFMKFD.com (Unicode: **.пример.com):443, b",
            ),
            ("xn--.com xn--a-", "xn--.com xn--a-"),
            ("axn--e1afmkfd", "axn--e1afmkfd"),
        ] {
            assert_eq!(with_unicode_hosts(text), expected);
            assert_eq!(with_unicode_hosts(expected), expected);
        }
        let long = format!("xn--{}", "a".repeat(100));
        assert_eq!(with_unicode_hosts(&long), long);
    }
}
