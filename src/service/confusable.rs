//! `mixed-scripts` and `confusable-name`: names, hosts and paths that readers may take for others
//! (Unicode Technical Standard 39).

use std::collections::HashMap;
use std::hash::BuildHasher as _;

use foldhash::fast::RandomState;

use model::diag::{Code, Diagnostic, Place};
use model::misleading::{
    MisleadingKind, MisleadingWord, append_skeleton, escape_non_ascii, is_same_normalized,
    misleading_words, path_look_alike, skeleton,
};
use model::{character_name, is_hidden, unicode_host};

/// A name of a target, and the object that it belongs to. Names of one object, such as a name and its
/// aliases, are not compared with each other.
#[derive(Debug, Clone, Copy)]
pub(crate) struct OwnedName<'a> {
    pub(crate) text: &'a str,
    pub(crate) owner: usize,
}

/// Checks names of one kind, each alone and against the others. `what` is the kind, such as `policy name`.
/// Places are built for diagnostics only.
pub(crate) fn check_names(
    what: &str,
    names: &[OwnedName<'_>],
    place: impl Fn(usize) -> Place,
    found: &mut Vec<Diagnostic>,
) {
    let mut first: HashMap<String, usize> = HashMap::with_capacity(names.len());
    for (index, name) in names.iter().enumerate() {
        found.extend(mixed(what, name.text, name.text, || place(index)));
        let other = *first.entry(name_key(name.text)).or_insert(index);
        let Some(earlier) = names.get(other) else {
            continue;
        };
        if earlier.text != name.text && earlier.owner != name.owner {
            found.push(confusable(
                what,
                (name.text, place(index)),
                (earlier.text, place(other)),
            ));
        }
    }
}

/// Checks hosts with and without ports. Hosts in Punycode are compared in their Unicode form.
pub(crate) fn check_hosts(
    hosts: &[&str],
    place: impl Fn(usize) -> Place,
    found: &mut Vec<Diagnostic>,
) {
    // Targets have many hosts, and nearly all are ASCII: keys are built in one buffer, and only their hashes are
    // stored. Hosts with the same hash are compared. The seed is random, so that nobody can hide a host behind
    // another one with the same hash.
    let hasher = RandomState::default();
    let mut key = String::new();
    let mut first: HashMap<u64, usize, RandomState> = HashMap::default();
    first.reserve(hosts.len());
    for (index, text) in hosts.iter().enumerate() {
        let host = without_port(text);
        let unicode = unicode_host(host);
        let shown = unicode.as_deref().unwrap_or(host);
        if let Some(hidden) = shown.chars().find(|c| is_hidden(*c)) {
            // The host itself is ASCII, so that only the Unicode form contains such a character.
            let message = format!(
                "the Unicode form of the host `{text}` contains the invisible character {}",
                character_name(hidden)
            );
            found.push(
                Diagnostic::new(Code::InvisibleCharacter, message, place(index))
                    .help("no resolver accepts such a host; write the host that is meant"),
            );
            continue;
        }
        found.extend(mixed("host", text, shown, || place(index)));
        host_key(shown, &mut key);
        let other = *first.entry(hasher.hash_one(&key)).or_insert(index);
        let Some(earlier) = hosts.get(other).filter(|_| other != index) else {
            continue;
        };
        let is_same = without_port(earlier).eq_ignore_ascii_case(host);
        if !is_same && key == key_of_host(earlier) {
            found.push(confusable(
                "host",
                (text, place(index)),
                (earlier, place(other)),
            ));
        }
    }
}

/// The skeleton of a host without regard to case: `I` looks like `l` only before it is lowercased.
fn host_key(shown: &str, key: &mut String) {
    key.clear();
    if shown.bytes().any(|byte| byte.is_ascii_uppercase()) {
        append_skeleton(&shown.to_ascii_lowercase(), key);
    } else {
        append_skeleton(shown, key);
    }
    key.make_ascii_lowercase();
}

fn key_of_host(text: &str) -> String {
    let host = without_port(text);
    let mut key = String::new();
    host_key(unicode_host(host).as_deref().unwrap_or(host), &mut key);
    key
}

/// Checks file paths. Paths in ASCII are compared with other paths only if these are not ASCII: names such
/// as `l1` and `ll` are common in paths.
pub(crate) fn check_paths(
    paths: &[&str],
    place: impl Fn(usize) -> Place,
    found: &mut Vec<Diagnostic>,
) {
    let is_ascii = paths.iter().all(|path| path.is_ascii());
    if is_ascii {
        return;
    }
    let mut first: HashMap<String, usize> = HashMap::with_capacity(paths.len());
    for (index, path) in paths.iter().enumerate() {
        if let Some((character, look)) = path_look_alike(path) {
            let message = format!(
                "the path `{}` contains {}, which looks like `{look}`",
                escape_non_ascii(path),
                character_name(character)
            );
            found.push(
                Diagnostic::new(Code::MixedScripts, message, place(index))
                    .help("if the ASCII character is meant, write that one"),
            );
        }
        found.extend(mixed("path", path, path, || place(index)));
        let other = *first.entry(name_key(path)).or_insert(index);
        let Some(earlier) = paths.get(other) else {
            continue;
        };
        if earlier != path && !(earlier.is_ascii() && path.is_ascii()) {
            found.push(confusable(
                "path",
                (path, place(index)),
                (earlier, place(other)),
            ));
        }
    }
}

/// Names that differ only in spaces are displayed alike, too.
fn name_key(text: &str) -> String {
    let skeleton = skeleton(text);
    let words: Vec<&str> = skeleton.split_whitespace().collect();
    words.join(" ")
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        Some(_) | None => host,
    }
}

/// The warning about the first misleading word of `shown`, the form of `text` that readers see.
fn mixed(what: &str, text: &str, shown: &str, place: impl FnOnce() -> Place) -> Option<Diagnostic> {
    if shown.is_ascii() {
        return None;
    }
    let text = escape_non_ascii(text);
    // The ideographic space is the ordinary one of Chinese and Japanese.
    let is_odd_space = |c: &char| c.is_whitespace() && !c.is_ascii() && *c != '\u{3000}';
    if let Some(space) = shown.chars().find(is_odd_space) {
        let space = character_name(space);
        let message = format!("the {what} `{text}` contains {space}, which looks like a space");
        return Some(
            Diagnostic::new(Code::MixedScripts, message, place()).help("write an ordinary space"),
        );
    }
    let MisleadingWord { range, kind } = misleading_words(shown).into_iter().next()?;
    let word = escape_non_ascii(&shown[range]);
    let (message, help) = match kind {
        MisleadingKind::MixedScripts(scripts) => (
            format!(
                "the {what} `{text}` mixes {} letters in `{word}`",
                scripts.join(" and ")
            ),
            "write each word with letters of one script".to_owned(),
        ),
        MisleadingKind::LooksLike(look) => (
            format!("the {what} `{text}` contains `{word}`, which looks like `{look}`"),
            "check that this name is meant, and not the one that it looks like".to_owned(),
        ),
    };
    Some(Diagnostic::new(Code::MixedScripts, message, place()).help(help))
}

/// The warning about two texts of a target that are displayed alike.
fn confusable(
    what: &str,
    (text, place): (&str, Place),
    (other, first): (&str, Place),
) -> Diagnostic {
    Diagnostic::new(
        Code::ConfusableName,
        confusable_message(what, text, other),
        place,
    )
    .label("displayed alike")
    .also(first, "as here")
    .help("give one of them a name that readers can distinguish")
}

/// The message about two texts that are displayed alike, with their differences escaped.
pub(crate) fn confusable_message(what: &str, text: &str, other: &str) -> String {
    let (name, other_name) = (escape_non_ascii(text), escape_non_ascii(other));
    if is_same_normalized(text, other) {
        format!("the {what} `{name}` differs from `{other_name}` only in Unicode normalization")
    } else {
        format!("the {what} `{name}` can be confused with `{other_name}`")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::diag::{DocumentId, Path, SourceMap};

    fn place(index: usize) -> Place {
        let file = SourceMap::default().add("a.yaml", "");
        Place::value(DocumentId { file, index: 0 }, Path::root().index(index))
    }

    fn messages(check: impl FnOnce(&mut Vec<Diagnostic>)) -> Vec<String> {
        let mut found = Vec::new();
        check(&mut found);
        found.into_iter().map(|it| it.message).collect()
    }

    #[test]
    fn names_are_compared_with_those_of_other_objects() {
        let names = |texts: &[(&'static str, usize)]| {
            let names: Vec<OwnedName<'_>> = texts
                .iter()
                .map(|(text, owner)| OwnedName {
                    text,
                    owner: *owner,
                })
                .collect();
            messages(|found| check_names("policy name", &names, place, found))
        };
        assert_eq!(
            names(&[("caf\u{e9}", 0), ("cafe\u{301}", 1)]),
            [
                "the policy name `cafe\\u{301}` differs from `caf\\u{e9}` only in Unicode normalization"
            ]
        );
        assert_eq!(
            names(&[("tier-1", 0), ("tier-l", 1), ("web  a", 2), ("web a", 3)]),
            [
                "the policy name `tier-l` can be confused with `tier-1`",
                "the policy name `web a` can be confused with `web  a`",
            ]
        );
        assert_eq!(
            names(&[("cop", 0), ("\u{441}\u{43e}\u{440}", 1)]),
            ["the policy name `\\u{441}\\u{43e}\\u{440}` can be confused with `cop`"]
        );
        assert_eq!(
            names(&[("w\u{435}b", 0)]),
            ["the policy name `w\\u{435}b` mixes Latin and Cyrillic letters in `w\\u{435}b`"]
        );
        assert_eq!(
            names(&[("a\u{a0}b", 0)]),
            ["the policy name `a\\u{a0}b` contains U+00A0, which looks like a space"]
        );
        // The old name of the same object, and names in one script.
        assert!(names(&[("caf\u{e9}", 0), ("cafe\u{301}", 0)]).is_empty());
        assert!(names(&[("Доступ к сети", 0), ("Доступ", 1), ("web", 2)]).is_empty());
    }

    #[test]
    fn hosts_are_compared_in_their_unicode_form() {
        let hosts = |texts: &[&str]| messages(|found| check_hosts(texts, place, found));
        assert_eq!(
            hosts(&["xn--pypal-4ve.com:443"]),
            [
                "the host `xn--pypal-4ve.com:443` mixes Latin and Cyrillic letters in `p\\u{430}ypal`"
            ]
        );
        assert_eq!(
            hosts(&["paypal.com", "PAYPAL.com:443", "paypa1.com"]),
            ["the host `paypa1.com` can be confused with `paypal.com`"]
        );
        assert_eq!(hosts(&["xn--80ak6aa92e.com"]).len(), 1);
        assert!(hosts(&["xn--e1afmkfd.com", "**.xn--e1afmkfd.com"]).is_empty());
        assert!(hosts(&["s1.example.com", "s2.example.com", "10.0.0.1"]).is_empty());
    }

    #[test]
    fn hidden_characters_in_punycode_are_errors() {
        let label = idna::punycode::encode_str("pay\u{200b}pal").unwrap();
        let host = format!("xn--{label}.com");
        let mut found = Vec::new();
        check_hosts(&[&host], place, &mut found);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].code, Code::InvisibleCharacter);
        assert!(found[0].message.contains("U+200B"), "{}", found[0].message);
    }

    #[test]
    fn paths_are_compared_if_they_are_not_ascii() {
        let paths = |texts: &[&str]| messages(|found| check_paths(texts, place, found));
        assert!(paths(&["/data/l1", "/data/ll"]).is_empty());
        assert!(paths(&["/data/**", "/дата/**", "/home/Документы"]).is_empty());
        assert_eq!(paths(&["/data/caf\u{e9}", "/data/cafe\u{301}"]).len(), 1);
        assert_eq!(paths(&["/d\u{430}ta"]).len(), 1);
        assert_eq!(
            paths(&["/data/\u{2217}\u{2217}"]),
            ["the path `/data/\\u{2217}\\u{2217}` contains U+2217, which looks like `*`"]
        );
    }
}
