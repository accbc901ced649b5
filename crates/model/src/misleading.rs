//! Text that readers may take for another text (Unicode Technical Standard 39).
//!
//! A *word* is a run of letters, digits and combining marks. It is misleading if it mixes scripts that no
//! language writes together, such as a Cyrillic `а` in a Latin word, or if it consists of letters that look
//! like ASCII and its token also contains ASCII letters, such as `аррӏе.com`. Latin may be mixed with Chinese,
//! Japanese, Korean and other scripts whose letters do not look like Latin ones: this is the level
//! "moderately restrictive" of the standard.

use std::fmt::Write;
use std::ops::Range;
use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use unicode_script::{Script, UnicodeScript};
use unicode_security::mixed_script::AugmentedScriptSet;

/// Why a word is misleading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MisleadingKind {
    /// The names of the scripts, in the order of the word.
    MixedScripts(Vec<&'static str>),
    /// The ASCII text that it looks like.
    LooksLike(String),
}

/// A misleading word of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MisleadingWord {
    /// Its bytes in the text.
    pub range: Range<usize>,
    pub kind: MisleadingKind,
}

/// All misleading words of a text, in order.
pub fn misleading_words(text: &str) -> Vec<MisleadingWord> {
    // Nearly all text is ASCII.
    if text.is_ascii() {
        return Vec::new();
    }
    pieces(text, |c| !is_token_end(c))
        .filter(|token| !text[token.clone()].is_ascii())
        .flat_map(|token| misleading_in_token(text, &token))
        .collect()
}

/// Characters that separate tokens. Words of one token, such as the labels of a host, are read together.
/// The folders of a path may be named in different languages.
fn is_token_end(c: char) -> bool {
    c.is_whitespace()
        || matches!(
            c,
            '/' | '`' | '"' | '\'' | '(' | ')' | ',' | ';' | '<' | '>'
        )
}

fn is_in_word(c: char) -> bool {
    c.is_alphanumeric() || is_combining_mark(c)
}

/// The byte ranges of the maximal runs of characters that satisfy a condition.
fn pieces(text: &str, is_inside: impl Fn(char) -> bool) -> impl Iterator<Item = Range<usize>> {
    let mut rest = text.char_indices().peekable();
    std::iter::from_fn(move || {
        while rest.next_if(|(_, c)| !is_inside(*c)).is_some() {}
        let (start, _) = *rest.peek()?;
        let mut end = start;
        while let Some((at, c)) = rest.next_if(|(_, c)| is_inside(*c)) {
            end = at + c.len_utf8();
        }
        Some(start..end)
    })
}

fn misleading_in_token(text: &str, token: &Range<usize>) -> Vec<MisleadingWord> {
    let words: Vec<Range<usize>> = pieces(&text[token.clone()], is_in_word)
        .map(|word| token.start + word.start..token.start + word.end)
        .collect();
    let has_ascii = text[token.clone()].contains(|c: char| c.is_ascii_alphabetic());
    // A word whose letters cannot be taken for ASCII shows readers which script the token uses.
    let shows_script = words.iter().any(|word| {
        let word = &text[word.clone()];
        !word.is_ascii() && ascii_look(word).is_none()
    });
    let kind = |word: &str| {
        if word.is_ascii() {
            return None;
        }
        if let Some(kind) = misleading_alone(word) {
            return Some(kind);
        }
        let is_disguised = has_ascii && !shows_script && has_no_ascii_letter(word);
        ascii_look(word)
            .filter(|_| is_disguised)
            .map(MisleadingKind::LooksLike)
    };
    words
        .into_iter()
        .filter_map(|range| {
            let kind = kind(&text[range.clone()])?;
            Some(MisleadingWord { range, kind })
        })
        .collect()
}

fn has_no_ascii_letter(word: &str) -> bool {
    !word.contains(|c: char| c.is_ascii_alphabetic())
}

/// Why a word is misleading whatever is next to it.
fn misleading_alone(word: &str) -> Option<MisleadingKind> {
    let has_ascii = word.contains(|c: char| c.is_ascii_alphanumeric());
    if has_ascii && word.contains(is_styled_ascii) {
        return Some(MisleadingKind::LooksLike(word.nfkc().collect()));
    }
    let mut all = AugmentedScriptSet::default();
    let mut without_latin = AugmentedScriptSet::default();
    let mut scripts: Vec<Script> = Vec::new();
    let mut has_foreign_digit = false;
    for c in word.chars() {
        let set = AugmentedScriptSet::for_char(c);
        all.intersect_with(set);
        if !set.base.contains_script(Script::Latin) {
            without_latin.intersect_with(set);
        }
        let script = c.script();
        if !matches!(script, Script::Common | Script::Inherited) {
            has_foreign_digit |= c.is_numeric() && !matches!(script, Script::Latin | Script::Han);
            if !scripts.contains(&script) {
                scripts.push(script);
            }
        }
    }
    let names = || scripts.iter().map(|script| script.full_name()).collect();
    if has_foreign_digit && has_ascii {
        let mut names: Vec<&'static str> = names();
        if !scripts.contains(&Script::Latin) {
            names.push("ASCII");
        }
        return Some(MisleadingKind::MixedScripts(names));
    }
    if !all.is_empty() || without_latin.kore || without_latin.hanb || without_latin.jpan {
        return None;
    }
    let mut others = without_latin.base.iter();
    let is_common_mix = match (others.next(), others.next()) {
        (Some(script), None) => {
            script.is_recommended() && !matches!(script, Script::Cyrillic | Script::Greek)
        }
        (Some(_), Some(_)) | (None, _) => false,
    };
    (!is_common_mix).then(|| MisleadingKind::MixedScripts(names()))
}

/// A fullwidth, mathematical or similar form of an ASCII letter or digit. Superscripts and subscripts are
/// ordinary text.
fn is_styled_ascii(c: char) -> bool {
    let is_letterlike = matches!(
        c,
        '\u{17f}' | '\u{2100}'..='\u{214f}' | '\u{2160}'..='\u{2188}' | '\u{ff10}'..='\u{ff5a}'
            | '\u{1d400}'..='\u{1d7ff}' | '\u{1fbf0}'..='\u{1fbf9}'
    );
    is_letterlike && std::iter::once(c).nfkc().all(|c| c.is_ascii_alphanumeric())
}

/// The ASCII letters and digits that a word looks like, if there are such.
fn ascii_look(word: &str) -> Option<String> {
    let skeleton = skeleton(word);
    let is_ascii = !skeleton.is_empty() && skeleton.bytes().all(|b| b.is_ascii_alphanumeric());
    is_ascii.then_some(skeleton)
}

/// The skeletons of single ASCII characters.
static ASCII_SKELETONS: LazyLock<Vec<String>> = LazyLock::new(|| {
    (0..128_u8)
        .map(|byte| {
            let text = char::from(byte).to_string();
            unicode_security::confusable_detection::skeleton(&text).collect()
        })
        .collect()
});

/// The skeleton of a text (UTS 39, section 4): texts with the same skeleton are displayed alike.
pub fn skeleton(text: &str) -> String {
    let mut skeleton = String::with_capacity(text.len() + 4);
    append_skeleton(text, &mut skeleton);
    skeleton
}

/// Appends the [`skeleton`] of a text, so that callers with many texts need to allocate only once.
pub fn append_skeleton(text: &str, skeleton: &mut String) {
    if text.is_ascii() {
        let skeletons: &[String] = &ASCII_SKELETONS;
        for byte in text.bytes() {
            skeleton.push_str(&skeletons[usize::from(byte)]);
        }
    } else {
        skeleton.extend(unicode_security::confusable_detection::skeleton(text));
    }
}

/// Whether two texts are canonically equivalent, so that they differ only in their normalization.
pub fn is_same_normalized(one: &str, other: &str) -> bool {
    one.nfc().eq(other.nfc())
}

/// Escapes all characters that are not printable ASCII, for messages that show how two texts differ.
pub fn escape_non_ascii(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_ascii() && !c.is_ascii_control() {
            escaped.push(c);
        } else {
            // Writing to a String cannot fail.
            let _ = write!(escaped, "\\u{{{:x}}}", u32::from(c));
        }
    }
    escaped
}

/// A character of a path that looks like a separator or wildcard, and the ASCII character that it looks like.
pub fn path_look_alike(path: &str) -> Option<(char, char)> {
    if path.is_ascii() {
        return None;
    }
    path.chars().filter(|c| !c.is_ascii()).find_map(|c| {
        let mut buffer = [0; 4];
        let skeleton = skeleton(c.encode_utf8(&mut buffer));
        let mut chars = skeleton.chars();
        match (chars.next(), chars.next()) {
            (Some(look @ ('/' | '\\' | '.' | '*' | '~' | ':' | '?' | ' ')), None) => {
                Some((c, look))
            }
            (Some(_) | None, _) => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Vec<(&str, MisleadingKind)> {
        misleading_words(text)
            .into_iter()
            .map(|word| (&text[word.range], word.kind))
            .collect()
    }

    #[test]
    fn one_script_is_not_misleading() {
        for text in [
            "",
            "plain-name 1",
            "Zugriff für Köln",
            "Доступ к сети",
            "Доступ с GitHub",
            "ТЕСТ",
            "сор",
            "Πρόσβαση στο δίκτυο",
            "パッケージ登録所",
            "GitHubへのアクセス",
            "API문서",
            "软件仓库v2",
            "שרתים-web",
            "خادم١",
            "नेटवर्क",
            "e\u{301}t\u{e9}",
            "пример.com",
            "/home/user/Документы/web",
            "/home/user/ТЕСТ/web",
            "CO₂ m² №5",
            "ＡＰＩサーバー",
            "ไทย-network",
            "Հայերեն",
            "ქართული",
        ] {
            assert_eq!(found(text), [], "{text}");
        }
    }

    #[test]
    fn words_of_several_scripts_are_misleading() {
        for (text, word, scripts) in [
            ("p\u{430}ypal", "p\u{430}ypal", &["Latin", "Cyrillic"][..]),
            ("a web\u{3bf} b", "web\u{3bf}", &["Latin", "Greek"]),
            ("\u{13aa}dmin", "\u{13aa}dmin", &["Cherokee", "Latin"]),
            ("дат\u{3b1}", "дат\u{3b1}", &["Cyrillic", "Greek"]),
            ("web\u{9ea}", "web\u{9ea}", &["Latin", "Bengali"]),
        ] {
            let kind = MisleadingKind::MixedScripts(scripts.to_vec());
            assert_eq!(found(text), [(word, kind)], "{text}");
        }
    }

    #[test]
    fn words_that_look_like_ascii_next_to_ascii_are_misleading() {
        for (text, word, look) in [
            (
                "\u{430}\u{440}\u{440}\u{4cf}\u{435}.com",
                "\u{430}\u{440}\u{440}\u{4cf}\u{435}",
                "apple",
            ),
            ("/etc/\u{440}\u{430}\u{455}\u{455}wd", "", ""),
            ("git-\u{441}\u{43e}", "\u{441}\u{43e}", "co"),
            ("\u{ff50}aypal", "\u{ff50}aypal", "paypal"),
            ("\u{1d5c9}aypal", "\u{1d5c9}aypal", "paypal"),
        ] {
            if word.is_empty() {
                assert_eq!(found(text).len(), 1, "{text}");
            } else {
                let kind = MisleadingKind::LooksLike(look.to_owned());
                assert_eq!(found(text), [(word, kind)], "{text}");
            }
        }
    }

    #[test]
    fn skeletons_are_equal_for_texts_that_look_alike() {
        for (one, other) in [
            ("tier-1", "tier-l"),
            ("modern", "modem"),
            ("caf\u{e9}", "cafe\u{301}"),
            ("\u{441}\u{43e}\u{440}", "cop"),
            ("a\u{2010}b", "a-b"),
            ("a\u{a0}b", "a b"),
        ] {
            assert_eq!(skeleton(one), skeleton(other), "{one} {other}");
        }
        assert_ne!(skeleton("web"), skeleton("wed"));
        for byte in 0..128_u8 {
            let text = char::from(byte).to_string();
            let expected: String =
                unicode_security::confusable_detection::skeleton(&text).collect();
            assert_eq!(skeleton(&text), expected);
        }
        assert!(is_same_normalized("caf\u{e9}", "cafe\u{301}"));
        assert!(!is_same_normalized("\u{441}", "c"));
    }

    #[test]
    fn separators_and_wildcards_have_look_alikes() {
        assert_eq!(path_look_alike("/data\u{2215}x"), Some(('\u{2215}', '/')));
        assert_eq!(path_look_alike("/data/\u{2217}"), Some(('\u{2217}', '*')));
        for path in ["/data/**", "/дата/**", "/a–b", "/l’été"] {
            assert_eq!(path_look_alike(path), None, "{path}");
        }
    }
}
