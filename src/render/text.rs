//! Neutralizes text from files and servers: it must not control a terminal, act as a command in a
//! job's log, or disguise itself.

use std::borrow::Cow;
use std::fmt::Write;

use model::misleading::misleading_words;
use model::{is_hidden, with_unicode_hosts};

/// Longer words between `##` and `[` are not commands.
const LONGEST_COMMAND: usize = 16;

/// A number with its noun: `1 file`, `2 files`.
pub fn count_of(count: usize, noun: &str) -> String {
    plural(count, noun, &format!("{noun}s"))
}

/// A number with an irregular noun: `1 policy`, `2 policies`.
pub fn plural(count: usize, one: &str, more: &str) -> String {
    format!("{count} {}", if count == 1 { one } else { more })
}

/// Escapes everything that is invisible or changes how the surrounding text is displayed: control
/// characters (ANSI escapes begin with one), bidirectional overrides, zero-width characters and
/// line separators. Also escapes what the runners of pipelines treat as a command anywhere in a log
/// (`##[add-mask]`, `##vso[`), and the letters of words that look like other words because they mix
/// scripts. Newlines and tabs are escaped, too: this is for text on one line.
pub fn neutral(text: &str) -> Cow<'_, str> {
    escape(text, text.len(), is_hidden)
}

/// Like [`neutral`], with the Unicode form of hosts in Punycode added. It is for messages and requests, not
/// for commands and names, which readers may copy.
pub fn neutral_hosts(text: &str) -> Cow<'_, str> {
    match with_unicode_hosts(text) {
        Cow::Borrowed(text) => neutral(text),
        Cow::Owned(shown) => Cow::Owned(neutral(&shown).into_owned()),
    }
}

/// Like [`neutral`], but keeps newlines and tabs. No line begins with `::`, which runners interpret
/// as a command (`::set-output`).
pub fn neutral_lines(text: &str) -> Cow<'_, str> {
    neutral_lines_before(text, text.len())
}

/// The part of [`neutral_lines`] that stands for the first `end` bytes of the text.
pub fn neutral_lines_before(text: &str, end: usize) -> Cow<'_, str> {
    match escape(text, end, |c| is_hidden(c) && !matches!(c, '\n' | '\t')) {
        text if !text.contains("::") => text,
        text => Cow::Owned(text.split_inclusive('\n').map(line_start).collect()),
    }
}

/// Escapes `::` at the beginning of a line. Only the second colon is escaped, so escaping a prefix
/// of a text gives a prefix of the escaped text.
pub fn line_start(line: &str) -> Cow<'_, str> {
    let begin = line.len() - line.trim_start().len();
    match line[begin..].strip_prefix("::") {
        Some(rest) => Cow::Owned(format!("{}:\\u{{3a}}{rest}", &line[..begin])),
        None => Cow::Borrowed(line),
    }
}

/// Writes the same characters in JSON text as JSON escapes: parsers read them unchanged, but
/// terminals do not see them. Newlines between values stay.
pub fn neutral_json(json: &str) -> Cow<'_, str> {
    let hostile = |c: char| is_hidden(c) && c != '\n';
    if !json.contains(hostile) && !json.contains("##") {
        return Cow::Borrowed(json);
    }
    let mut escaped = String::with_capacity(json.len() + 16);
    for c in json.chars() {
        // Outside of strings, JSON contains no `#`.
        if hostile(c) || (c == '[' && ends_as_command(&escaped)) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a String cannot fail.
                let _ = write!(escaped, "\\u{unit:04x}");
            }
        } else {
            escaped.push(c);
        }
    }
    Cow::Owned(escaped)
}

/// Escapes the first `end` bytes of a text. Whether a word is misleading depends on the whole text.
fn escape(text: &str, end: usize, hostile: impl Fn(char) -> bool + Copy) -> Cow<'_, str> {
    let words = misleading_words(text);
    let begin = text.get(..end).unwrap_or(text);
    if words.is_empty() && !begin.contains(hostile) && !begin.contains("##") {
        return Cow::Borrowed(begin);
    }
    let mut words = words.into_iter().map(|word| word.range).peekable();
    let mut escaped = String::with_capacity(begin.len() + 16);
    for (at, c) in begin.char_indices() {
        while words.next_if(|word| word.end <= at).is_some() {}
        let is_misleading = !c.is_ascii() && words.peek().is_some_and(|word| word.contains(&at));
        match c {
            c if is_misleading => push_escape(&mut escaped, c),
            '[' if ends_as_command(&escaped) => escaped.push_str("\\u{5b}"),
            '\n' if hostile(c) => escaped.push_str("\\n"),
            '\r' if hostile(c) => escaped.push_str("\\r"),
            '\t' if hostile(c) => escaped.push_str("\\t"),
            c if hostile(c) => push_escape(&mut escaped, c),
            c => escaped.push(c),
        }
    }
    Cow::Owned(escaped)
}

fn push_escape(escaped: &mut String, c: char) {
    // Writing to a String cannot fail.
    let _ = write!(escaped, "\\u{{{:x}}}", u32::from(c));
}

/// Whether `[` would complete a command after this text: `##` and possibly a word.
fn ends_as_command(text: &str) -> bool {
    let word = text
        .bytes()
        .rev()
        .take(LONGEST_COMMAND)
        .take_while(u8::is_ascii_alphanumeric)
        .count();
    text[..text.len() - word].ends_with("##")
}

/// [`neutral`] text for XML.
pub(crate) fn neutral_xml(text: &str) -> String {
    without_noncharacters(&neutral(text))
}

/// [`neutral_lines`] text for XML.
pub(crate) fn neutral_xml_lines(text: &str) -> String {
    without_noncharacters(&neutral_lines(text))
}

/// XML 1.0 (section 2.2) excludes two more characters than the control characters, which are
/// escaped already.
fn without_noncharacters(text: &str) -> String {
    text.replace('\u{fffe}', "\\u{fffe}")
        .replace('\u{ffff}', "\\u{ffff}")
}

/// Quotes a word for a POSIX shell.
pub(crate) fn shell_word(word: &str) -> String {
    let plain = |c: char| {
        c.is_ascii_alphanumeric()
            || matches!(c, '.' | '_' | '-' | '/' | ':' | '@' | '%' | '+' | ',' | '=')
    };
    if !word.is_empty() && !word.starts_with('=') && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::{
        count_of, neutral, neutral_hosts, neutral_json, neutral_lines, neutral_lines_before,
        plural, shell_word,
    };

    #[test]
    fn words_are_quoted_for_a_shell() {
        for (word, quoted) in [
            ("p", "p"),
            ("AI services", "'AI services'"),
            ("it's", "'it'\\''s'"),
            ("$(id)", "'$(id)'"),
            ("", "''"),
            ("-x", "-x"),
            ("!", "'!'"),
            (
                "deletes=1,plan=3f0d1fe58299a4c7",
                "deletes=1,plan=3f0d1fe58299a4c7",
            ),
        ] {
            assert_eq!(shell_word(word), quoted);
        }
    }

    #[test]
    fn one_has_no_plural() {
        let counts =
            [0, 1, 2].map(|count| (count_of(count, "call"), plural(count, "policy", "policies")));
        let texts = counts
            .each_ref()
            .map(|(calls, policies)| (calls.as_str(), policies.as_str()));
        assert_eq!(
            texts,
            [
                ("0 calls", "0 policies"),
                ("1 call", "1 policy"),
                ("2 calls", "2 policies"),
            ]
        );
    }

    #[test]
    fn json_is_escaped_without_a_change_of_meaning() {
        let text = "a\u{1b}\u{9b}\u{7f}\u{202e}\u{e0041}\n\"é🙂";
        let json = serde_json::to_string_pretty(&serde_json::json!({ "key": text })).unwrap();
        let escaped = neutral_json(&json);
        assert!(
            !escaped.contains(|c: char| super::is_hidden(c) && c != '\n'),
            "{escaped}"
        );
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&escaped).unwrap()["key"],
            text
        );
        assert!(
            escaped.contains("é🙂") && escaped.lines().count() == 3,
            "{escaped}"
        );
    }

    #[test]
    fn ordinary_text_is_not_touched() {
        for text in ["", "plain", "grüße, 世界 🙂", "a\u{301}"] {
            assert!(matches!(neutral(text), std::borrow::Cow::Borrowed(same) if same == text));
        }
    }

    #[test]
    fn misleading_words_are_escaped() {
        for (text, expected) in [
            ("host p\u{430}ypal.com, ok", "host p\\u{430}ypal.com, ok"),
            ("Доступ к GitHub", "Доступ к GitHub"),
            ("git-\u{441}\u{43e}", "git-\\u{441}\\u{43e}"),
        ] {
            assert_eq!(neutral(text), expected);
            assert_eq!(neutral_lines(text), expected);
        }
        let word = "x a\u{431}c y";
        assert_eq!(neutral_lines_before(word, 5), "x a\\u{431}");
        assert_eq!(neutral_lines_before(word, 3), "x a");
        assert_eq!(
            neutral_hosts("tcp xn--pypal-4ve.com:443 and xn--e1afmkfd.com"),
            "tcp xn--pypal-4ve.com (Unicode: p\\u{430}ypal.com):443 and \
             xn--e1afmkfd.com (Unicode: пример.com)"
        );
    }

    #[test]
    fn what_steers_is_escaped() {
        let cases = [
            ("\u{1b}[31mred", "\\u{1b}[31mred"),
            ("a\nb\tc\rd", "a\\nb\\tc\\rd"),
            ("\u{9b}31m", "\\u{9b}31m"),
            (
                "x\u{202e}y\u{2066}z\u{200d}\u{feff}\u{2028}",
                "x\\u{202e}y\\u{2066}z\\u{200d}\\u{feff}\\u{2028}",
            ),
            ("\u{0}\u{7f}", "\\u{0}\\u{7f}"),
        ];
        for (text, expected) in cases {
            assert_eq!(neutral(text), expected);
        }
        assert_eq!(neutral_lines("a\n\tb\u{1b}"), "a\n\tb\\u{1b}");
    }

    #[test]
    fn no_command_of_a_runner_is_left() {
        assert_eq!(neutral("x ##[add-mask]y ##vso[task.setvariable]z ###[a"), {
            "x ##\\u{5b}add-mask]y ##vso\\u{5b}task.setvariable]z ###\\u{5b}a"
        });
        assert_eq!(neutral("# [a] ## b [c]"), "# [a] ## b [c]", "no command");
        assert_eq!(
            neutral_lines("::a\nb ::c\n \t::set-output name=x::y\n:: "),
            { ":\\u{3a}a\nb ::c\n \t:\\u{3a}set-output name=x::y\n:\\u{3a} " }
        );
        assert_eq!(neutral("::/0"), "::/0", "an address on a line with others");
        let json = serde_json::to_string_pretty(
            &serde_json::json!({ "a": ["##[error]x", "::set-output"] }),
        )
        .unwrap();
        let escaped = neutral_json(&json);
        assert!(
            !escaped.contains("##[")
                && !escaped
                    .lines()
                    .any(|line| line.trim_start().starts_with("::"))
        );
        assert_eq!(
            serde_json::from_str::<serde_json::Value>(&escaped).unwrap()["a"][0],
            "##[error]x"
        );
    }
}
