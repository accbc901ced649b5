//! The patterns of npm: minimatch with the options `matchBase`, `dot`, `flipNegate` and `nocase`.
//!
//! A pattern is a sequence of segments between slashes, and `**` stands for any number of segments.
//! A pattern without a slash is compared with the last segment of a path. Matching is a search over
//! pairs of a position in the path and one in the pattern; pairs that failed are remembered, because
//! several `**` would otherwise take exponential time.
//!
//! Example: `/lib/**/*.js` matches `/lib/a.js` and `/lib/x/y/a.js`.

use std::collections::HashSet;

use regex::Regex;

use super::UnsupportedPattern;

/// Maximum number of patterns that the braces of one pattern stand for.
const MAX_ALTERNATIVES: usize = 1000;

/// A rule of an ignore file.
#[derive(Debug)]
pub(super) struct Glob {
    /// The rule includes what it matches.
    pub(super) is_negated: bool,
    /// The alternatives in braces.
    alternatives: Vec<Vec<Segment>>,
    /// Whether an alternative is a plain name, with or without a slash behind it.
    pub(super) is_name: bool,
}

#[derive(Debug)]
enum Segment {
    /// In lower case.
    Text(String),
    /// `**`.
    Any,
    Pattern(Regex),
}

impl Glob {
    /// Reads a rule without white space around it.
    pub(super) fn parse(rule: &str) -> Result<Self, UnsupportedPattern> {
        let unsupported = || UnsupportedPattern(rule.to_owned());
        let pattern = rule.trim_start_matches('!');
        let is_negated = (rule.len() - pattern.len()) % 2 == 1;
        let mut expanded = Vec::new();
        expand(pattern, &mut expanded).ok_or_else(unsupported)?;
        let mut alternatives = Vec::with_capacity(expanded.len());
        let mut is_name = false;
        for pattern in expanded {
            let mut parts: Vec<&str> = Vec::new();
            for part in slash_split(&pattern) {
                match (part, parts.last()) {
                    ("**", Some(&"**")) => continue,
                    ("..", Some(last)) if !matches!(*last, "" | ".." | "." | "**") => {
                        parts.pop();
                        continue;
                    }
                    _ => parts.push(part),
                }
            }
            is_name |= match parts.as_slice() {
                [_] => true,
                [_, last] => last.is_empty(),
                _ => false,
            };
            let segments = parts.into_iter().map(segment);
            alternatives.push(
                segments
                    .collect::<Option<Vec<_>>>()
                    .ok_or_else(unsupported)?,
            );
        }
        Ok(Self {
            is_negated,
            alternatives,
            is_name,
        })
    }

    /// Whether the rule matches a path. With `is_partial`, the path of a folder also matches if a
    /// path below it could.
    pub(super) fn matches(&self, path: &str, is_partial: bool) -> bool {
        if path == "/" && is_partial {
            return true;
        }
        let lower = path.to_lowercase();
        let parts: Vec<&str> = slash_split(&lower);
        let name = parts.iter().rev().find(|part| !part.is_empty());
        self.alternatives.iter().any(|segments| {
            let parts = match (segments.len(), name) {
                (1, Some(name)) => std::slice::from_ref(name),
                _ => parts.as_slice(),
            };
            matches_from(parts, segments, is_partial, (0, 0), &mut HashSet::new())
        })
    }
}

/// Splits at slashes; several in a row count once.
fn slash_split(path: &str) -> Vec<&str> {
    let mut parts: Vec<&str> = Vec::new();
    let mut rest = path;
    while let Some((part, after)) = rest.split_once('/') {
        parts.push(part);
        rest = after.trim_start_matches('/');
    }
    parts.push(rest);
    parts
}

fn matches_from(
    path: &[&str],
    segments: &[Segment],
    is_partial: bool,
    (mut at, mut next): (usize, usize),
    failed: &mut HashSet<(usize, usize)>,
) -> bool {
    while let (Some(part), Some(segment)) = (path.get(at), segments.get(next)) {
        let is_match = match segment {
            Segment::Text(text) => part == text,
            Segment::Pattern(pattern) => !part.is_empty() && pattern.is_match(part),
            Segment::Any if next + 1 == segments.len() => return true,
            Segment::Any => {
                for start in at..path.len() {
                    let pair = (start, next + 1);
                    if failed.contains(&pair) {
                        continue;
                    }
                    if matches_from(path, segments, is_partial, pair, failed) {
                        return true;
                    }
                    failed.insert(pair);
                }
                return is_partial;
            }
        };
        if !is_match {
            return false;
        }
        at += 1;
        next += 1;
    }
    match (path.len() - at, segments.len() - next) {
        (0, 0) => true,
        (0, _) => is_partial,
        // A slash at the end of a path.
        (1, 0) => path.last().is_some_and(|last| last.is_empty()),
        _ => false,
    }
}

/// Adds the patterns that a pattern with braces stands for. Returns `None` if they are too many, or
/// sequences like `{1..3}`.
fn expand(pattern: &str, expanded: &mut Vec<String>) -> Option<()> {
    let Some(Braces {
        before,
        options,
        after,
    }) = braces(pattern)?
    else {
        if expanded.len() >= MAX_ALTERNATIVES {
            return None;
        }
        expanded.push(pattern.to_owned());
        return Some(());
    };
    for option in options {
        expand(&format!("{before}{option}{after}"), expanded)?;
    }
    Some(())
}

/// Braces with the text around them.
struct Braces<'p> {
    before: &'p str,
    options: Vec<&'p str>,
    after: &'p str,
}

/// The first braces with a comma. Returns `None` for a sequence.
fn braces(pattern: &str) -> Option<Option<Braces<'_>>> {
    let bytes = pattern.as_bytes();
    let mut open = 0;
    while open < bytes.len() {
        match bytes[open] {
            b'\\' => open += 1,
            b'{' => {
                let mut depth = 0;
                let mut commas = Vec::new();
                let mut at = open;
                while at < bytes.len() {
                    match bytes[at] {
                        b'\\' => at += 1,
                        b'{' => depth += 1,
                        b',' if depth == 1 => commas.push(at),
                        b'}' => {
                            depth -= 1;
                            if depth == 0 {
                                break;
                            }
                        }
                        _ => {}
                    }
                    at += 1;
                }
                if at < bytes.len() && depth == 0 {
                    let content = pattern.get(open + 1..at)?;
                    if commas.is_empty() && content.contains("..") {
                        return None;
                    }
                    if !commas.is_empty() {
                        let mut options = Vec::new();
                        let mut start = open + 1;
                        for end in commas.into_iter().chain([at]) {
                            options.push(pattern.get(start..end)?);
                            start = end + 1;
                        }
                        return Some(Some(Braces {
                            before: pattern.get(..open)?,
                            options,
                            after: pattern.get(at + 1..)?,
                        }));
                    }
                }
            }
            _ => {}
        }
        open += 1;
    }
    Some(None)
}

/// Reads a segment. Returns `None` for the extended patterns `?(…)`, `*(…)`, `+(…)`, `@(…)` and
/// `!(…)`.
fn segment(part: &str) -> Option<Segment> {
    if part == "**" {
        return Some(Segment::Any);
    }
    let characters: Vec<char> = part.chars().collect();
    let mut text = String::new();
    let mut expression = String::from("^(?is:");
    let mut is_pattern = false;
    let mut at = 0;
    while let Some(character) = characters.get(at).copied() {
        let next = characters.get(at + 1).copied();
        if matches!(character, '?' | '*' | '+' | '@' | '!') && next == Some('(') {
            return None;
        }
        match character {
            '*' => {
                is_pattern = true;
                expression.push_str(".*");
            }
            '?' => {
                is_pattern = true;
                expression.push('.');
            }
            '[' => match class(&characters[at..]) {
                Some((class, length)) => {
                    is_pattern = true;
                    expression.push_str(&class);
                    at += length;
                    continue;
                }
                None => add(character, &mut text, &mut expression),
            },
            '\\' => {
                if let Some(next) = next {
                    add(next, &mut text, &mut expression);
                    at += 1;
                }
            }
            other => add(other, &mut text, &mut expression),
        }
        at += 1;
    }
    if !is_pattern {
        return Some(Segment::Text(text.to_lowercase()));
    }
    expression.push_str(")$");
    Regex::new(&expression).ok().map(Segment::Pattern)
}

fn add(character: char, text: &mut String, expression: &mut String) {
    text.push(character);
    expression.push_str(&regex::escape(character.encode_utf8(&mut [0; 4])));
}

/// The expression of a class like `[a-z]`, and its length; `None` if the bracket is not closed.
fn class(characters: &[char]) -> Option<(String, usize)> {
    let is_negated = matches!(characters.get(1), Some('!' | '^'));
    let start = if is_negated { 2 } else { 1 };
    let end = (start + 1..characters.len()).find(|at| characters.get(*at) == Some(&']'))?;
    let hex = |character: char| format!("\\x{{{:x}}}", u32::from(character));
    let mut content = String::new();
    let mut at = start;
    while at < end {
        let first = *characters.get(at)?;
        if characters.get(at + 1) == Some(&'-') && at + 2 < end {
            let last = *characters.get(at + 2)?;
            if first <= last {
                content.push_str(&format!("{}-{}", hex(first), hex(last)));
            }
            at += 3;
        } else {
            content.push_str(&hex(first));
            at += 1;
        }
    }
    if content.is_empty() {
        return None;
    }
    let negation = if is_negated { "^" } else { "" };
    Some((format!("[{negation}{content}]"), end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The expected values are those of minimatch 10 with the options of npm.
    #[test]
    fn rules_match_as_in_minimatch() {
        for (rule, path, wanted) in [
            ("*.js", "/lib/a.js", true),
            ("*.js", "/lib/A.JS", true),
            ("/*.js", "/lib/a.js", false),
            ("*", "/.hidden", true),
            ("lib", "/x/lib", true),
            ("lib/", "lib/", true),
            ("lib/", "/lib/", false),
            ("/lib/", "/lib", false),
            ("/lib/**", "/lib/a/b", true),
            ("/lib/**", "/lib", false),
            ("**/.npmrc", "/a/b/.npmrc", true),
            ("**/.npmrc", "/.npmrc", true),
            ("/a/**/b", "/a/b", true),
            ("/a/**/b", "/a/x/y/b", true),
            ("/readme{,.*[^~$]}", "/README", true),
            ("/readme{,.*[^~$]}", "/readme.md", true),
            ("/readme{,.*[^~$]}", "/readme.md~", false),
            ("[ab].js", "b.js", true),
            ("[!ab].js", "b.js", false),
            ("a?c", "abc", true),
            ("{a,b{c,d}}", "bd", true),
            ("{a}", "{a}", true),
            ("\\*", "*", true),
            ("[a", "[a", true),
        ] {
            let glob = Glob::parse(rule).unwrap();
            assert_eq!(glob.matches(path, false), wanted, "{rule} {path}");
        }
        let glob = Glob::parse("/lib/deep/*.js").unwrap();
        assert!(glob.matches("/lib", true) && glob.matches("/lib/deep", true));
        assert!(!glob.matches("/bin", true) && !glob.matches("/lib", false));
        assert!(Glob::parse("!a").unwrap().is_negated);
        assert!(!Glob::parse("!!a").unwrap().is_negated);
    }

    #[test]
    fn what_cannot_be_evaluated_is_an_error() {
        for rule in ["@(a|b)", "x!(a)", "{1..3}", "a*(b)"] {
            assert!(Glob::parse(rule).is_err(), "{rule}");
        }
        assert!(Glob::parse(&"{a,b}".repeat(20)).is_err());
    }

    #[test]
    fn many_wildcards_take_polynomial_time() {
        let rule = format!("{}z", "**/a/".repeat(30));
        let path = "/a".repeat(64);
        assert!(!Glob::parse(&rule).unwrap().matches(&path, false));
    }
}
