//! `.gitignore` files as the vendor's archiver understands them, which is not as git does.
//!
//! The archiver translates each line to a regular expression, with the library go-gitignore. A `?`
//! is an ordinary character there, and the brackets of a class are those of the expression. The
//! translation is repeated here in the same order, so that the same files are left out.

use regex::Regex;

/// The patterns of one file, in the order of the lines.
#[derive(Debug)]
pub(super) struct IgnoreFile(Vec<IgnorePattern>);

#[derive(Debug)]
struct IgnorePattern {
    expression: Regex,
    is_negated: bool,
}

/// Stands for a star that is not a pattern until all others are translated.
const STAR: &str = "#$~";

impl IgnoreFile {
    /// Reads a file. Lines that are not valid expressions are skipped, as the archiver does.
    pub(super) fn parse(text: &str) -> Self {
        Self(text.split('\n').filter_map(pattern).collect())
    }

    /// Whether the last pattern that matches a path names it. The path is relative to the folder of
    /// the file.
    pub(super) fn names(&self, path: &str) -> bool {
        let path = format!("/{path}");
        let mut is_named = false;
        for pattern in &self.0 {
            if pattern.is_negated != is_named {
                continue;
            }
            if pattern.expression.is_match(&path) {
                is_named = !pattern.is_negated;
            }
        }
        is_named
    }
}

fn pattern(line: &str) -> Option<IgnorePattern> {
    let line = line.trim_end_matches('\r');
    if line.starts_with('#') {
        return None;
    }
    let line = line.trim_matches(' ');
    if line.is_empty() {
        return None;
    }
    let is_negated = line.starts_with('!');
    let line = line.strip_prefix('!').unwrap_or(line);
    let line = line.strip_prefix(['#', '!']).unwrap_or(line);
    let mut line = line.to_owned();
    if !line.starts_with('/') && is_folder_with_extension(&line) {
        line.insert(0, '/');
    }
    let mut line = line.replace('.', "\\.");
    if line.starts_with("/**/") {
        line.remove(0);
    }
    let line = line
        .replace("/**/", "(/|/.+/)")
        .replace("**/", &format!("(|.{STAR}/)"))
        .replace("/**", &format!("(|/.{STAR})"))
        .replace("\\*", &format!("\\{STAR}"))
        .replace('*', "([^/]*)")
        .replace('?', "\\?")
        .replace(STAR, "*");
    let end = if line.ends_with('/') {
        "(|.*)$"
    } else {
        "(|/.*)$"
    };
    let expression = match line.strip_prefix('/') {
        Some(rest) => format!("^(|/){rest}{end}"),
        None => format!("^(|.*/){line}{end}"),
    };
    Some(IgnorePattern {
        expression: Regex::new(&expression).ok()?,
        is_negated,
    })
}

/// Whether a line is like `lib/*.js`: the archiver anchors such a line to the folder of the file.
fn is_folder_with_extension(line: &str) -> bool {
    let mut rest = line;
    while let Some(slash) = rest.find('/') {
        let (before, after) = rest.split_at(slash);
        let has_name = before
            .chars()
            .next_back()
            .is_some_and(|last| !matches!(last, '/' | '+'));
        if has_name && after.contains("*.") {
            return true;
        }
        rest = after.get(1..).unwrap_or_default();
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The cases are those of the tests of go-gitignore at 525f6e181f06.
    #[test]
    fn patterns_match_as_in_the_library_of_the_archiver() {
        for (text, path, wanted) in [
            ("abc/def", "abc/def/child", true),
            ("abc/def", "a/abc/def", true),
            ("abc/def", "abc", false),
            ("*.txt", "a/b.txt", true),
            ("*.txt", "b.txt.gz", false),
            ("/foo", "foo/bar", true),
            ("/foo", "x/foo", false),
            ("node_modules/", "node_modules/a/b.js", true),
            ("node_modules/", "lib/node_modules/a.js", true),
            ("lib/*.js", "lib/a.js", true),
            ("lib/*.js", "x/lib/a.js", false),
            ("**/foo", "a/b/foo", true),
            ("**/foo", "foo", true),
            ("abc/**", "abc/a/b", true),
            ("a/**/b", "a/b", true),
            ("a/**/b", "a/x/y/b", true),
            ("/**/foo", "x/foo", true),
            ("*.js\n!keep.js", "keep.js", false),
            ("!keep.js\n*.js", "keep.js", true),
            ("#abc", "abc", false),
            ("\\#abc", "#abc", true),
            ("a?c", "abc", false),
            ("a.c", "abc", false),
            ("  ", "a", false),
            ("out\r", "out/a", true),
        ] {
            assert_eq!(
                IgnoreFile::parse(text).names(path),
                wanted,
                "{text:?} {path}"
            );
        }
    }
}
