//! Finds texts that the style rules reject, and compares them with the list of known ones.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use anyhow::{Context as _, Result, anyhow};
use regex::{Regex, RegexBuilder};

use crate::lexer::{PieceKind, TextPiece, lex};
use crate::rules::{AppliesTo, RULES, StyleRule};
use crate::workspace::Repository;

/// The list of known texts, relative to the root.
const ALLOWED: &str = "xtask/language-allowed.txt";

/// Files that quote what is rejected.
const QUOTING: [&str; 3] = [
    "xtask/src/rules.rs",
    "xtask/src/language.rs",
    "xtask/tests/language.rs",
];

/// A text that a rule rejects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Match {
    /// File, relative to the root.
    pub path: String,
    /// Line where the match begins.
    pub line: usize,
    /// Letter of the rule.
    pub rule: char,
    /// What matched.
    pub text: String,
    /// What to write instead.
    pub instead: &'static str,
    /// The line without indentation, by which the list of known texts names it.
    pub source: String,
}

/// Renders matches one per line.
pub fn render(matches: &[Match]) -> String {
    let mut out = String::new();
    for it in matches {
        let Match {
            path,
            line,
            rule,
            text,
            instead,
            ..
        } = it;
        let _ = writeln!(out, "{path}:{line}: [{rule}] {text}; use: {instead}");
    }
    out
}

/// Finds all matches in the files of a workspace, in the order of paths and lines.
///
/// # Errors
/// If a rule is not a valid regular expression.
pub fn check(workspace: &Repository) -> Result<Vec<Match>> {
    let checker = Checker::new()?;
    let files: Vec<(&String, &String)> = workspace.files.iter().collect();
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let parts: Vec<_> = std::thread::scope(|scope| {
        let check_part = |first: usize| {
            let files = files.iter().skip(first).step_by(threads);
            files
                .flat_map(|(path, text)| checker.file(path, text))
                .collect::<Vec<_>>()
        };
        let workers: Vec<_> = (0..threads)
            .map(|first| scope.spawn(move || check_part(first)))
            .collect();
        workers.into_iter().map(|worker| worker.join()).collect()
    });
    let mut matches = Vec::new();
    for part in parts {
        matches.extend(part.map_err(|_| anyhow!("a reader of texts panicked"))?);
    }
    matches.sort_by(|a, b| (&a.path, a.line, a.rule).cmp(&(&b.path, b.line, b.rule)));
    Ok(matches)
}

/// The compiled rules.
#[derive(Debug)]
pub struct Checker {
    /// Matches wherever any rule does: most texts are done after one search.
    any: Regex,
    rules: Vec<(Regex, Option<Regex>)>,
}

impl Checker {
    /// Compiles the rules.
    ///
    /// # Errors
    /// If a rule is not a valid regular expression.
    pub fn new() -> Result<Self> {
        let compile = |pattern: &str| {
            RegexBuilder::new(pattern)
                .case_insensitive(true)
                .size_limit(1 << 26)
                .build()
        };
        let patterns: Vec<&str> = RULES.iter().map(|rule| rule.pattern).collect();
        let rule = |rule: &StyleRule| {
            let except = Some(rule.except).filter(|except| !except.is_empty());
            Ok((compile(rule.pattern)?, except.map(compile).transpose()?))
        };
        Ok(Self {
            any: compile(&patterns.join("|"))?,
            rules: RULES.iter().map(rule).collect::<Result<_>>()?,
        })
    }

    /// All matches in a file. What of it is text depends on its type.
    pub fn file(&self, path: &str, text: &str) -> Vec<Match> {
        if QUOTING.contains(&path) {
            return Vec::new();
        }
        let blocks = match path.rsplit_once('.').map_or("", |(_, ending)| ending) {
            "rs" => rust(text),
            "md" => paragraphs(text),
            "yaml" | "yml" => lines(text, |_| true),
            "json" if path.starts_with("schemas/") || path.starts_with("examples/") => {
                lines(text, |line| {
                    line.contains("\"description\"") || line.contains("\"title\"")
                })
            }
            "toml" | "sh" | "py" | "js" | "ts" | "css" | "rego" | "cedar" => {
                lines(text, |line| line.trim_start().starts_with(['#', '/']))
            }
            _ => Vec::new(),
        };
        let sources: Vec<&str> = text.lines().collect();
        let mut matches = Vec::new();
        for block in blocks.iter().filter(|block| self.any.is_match(&block.text)) {
            for (rule, start, matched) in self.search(block) {
                let line = block.line_at(start);
                let source = sources.get(line - 1).map_or("", |source| source.trim());
                matches.push(Match {
                    path: path.to_owned(),
                    line,
                    rule: rule.letter,
                    text: matched.to_owned(),
                    instead: rule.instead,
                    source: source.to_owned(),
                });
            }
        }
        matches
    }

    fn search<'b>(&self, block: &'b Passage) -> Vec<(&'static StyleRule, usize, &'b str)> {
        let mut found = Vec::new();
        for (rule, (pattern, except)) in RULES.iter().zip(&self.rules) {
            if rule.scope == AppliesTo::Literals && !block.is_literal {
                continue;
            }
            for hit in pattern.find_iter(&block.text) {
                let hit_text = hit.as_str();
                if !except
                    .as_ref()
                    .is_some_and(|except| except.is_match(hit_text))
                {
                    found.push((rule, hit.start(), hit_text));
                }
            }
        }
        found
    }
}

/// A text in which a phrase may go over the end of a line: wrapped lines are joined by spaces.
#[derive(Debug, Default)]
struct Passage {
    text: String,
    /// Where each line begins in `text`, with its number in the file.
    starts: Vec<(usize, usize)>,
    is_literal: bool,
}

impl Passage {
    fn push(&mut self, line: usize, text: &str) {
        if !self.text.is_empty() && !self.text.ends_with(['\n', ' ']) {
            self.text.push(' ');
        }
        self.starts.push((self.text.len(), line));
        self.text.push_str(text.trim());
    }

    fn line_at(&self, offset: usize) -> usize {
        let index = self.starts.partition_point(|(start, _)| *start <= offset);
        self.starts
            .get(index.saturating_sub(1))
            .map_or(1, |(_, line)| *line)
    }
}

/// Comments and literals; comments on consecutive lines are one text.
fn rust(text: &str) -> Vec<Passage> {
    let mut blocks: Vec<Passage> = Vec::new();
    let mut previous: Option<(PieceKind, usize)> = None;
    for TextPiece { kind, line, text } in lex(text).0 {
        let continues = previous == Some((kind, line - 1)) && kind != PieceKind::Literal;
        if !continues {
            blocks.push(Passage {
                is_literal: kind == PieceKind::Literal,
                ..Passage::default()
            });
        }
        let Some(block) = blocks.last_mut() else {
            continue;
        };
        let mut last = line;
        for (index, part) in text.lines().enumerate() {
            last = line + index;
            // A line of a literal that ends in `\` goes on in the next; all others end a text.
            let goes_on = part.ends_with('\\') || kind != PieceKind::Literal;
            let part = part
                .trim_end_matches('\\')
                .replace("\\n", "\n")
                .replace("\\\"", "\"");
            block.push(last, &part);
            if !goes_on || part.trim().is_empty() {
                block.text.push('\n');
            }
        }
        previous = Some((kind, last));
    }
    blocks
}

/// The paragraphs of Markdown; lines of code blocks and tables stand for themselves.
fn paragraphs(text: &str) -> Vec<Passage> {
    let mut block = Passage::default();
    let mut is_code = false;
    for (index, line) in text.lines().enumerate() {
        let is_fence = line.trim_start().starts_with("```");
        is_code ^= is_fence;
        let starts = line.trim_start().starts_with(['|', '#', '-', '*']);
        if line.trim().is_empty() || is_code || is_fence || starts {
            block.text.push('\n');
        }
        block.push(index + 1, line);
    }
    vec![block]
}

fn lines(text: &str, is_text: impl Fn(&str) -> bool) -> Vec<Passage> {
    let mut block = Passage::default();
    for (index, line) in text.lines().enumerate().filter(|(_, line)| is_text(line)) {
        let comment = line.trim().trim_start_matches(['#', '/']).trim();
        let continues = comment.len() < line.trim().len() && !comment.is_empty();
        if !continues {
            block.text.push('\n');
        }
        block.push(
            index + 1,
            &comment.replace("\\n\\n", "\n").replace("\\n", " "),
        );
    }
    vec![block]
}

/// How often each known text occurs, by rule and line.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct AllowList(BTreeMap<(char, String), usize>);

/// What differs between the matches and the list of known ones.
#[derive(Debug)]
pub struct AllowListDiff {
    /// Matches that are not known.
    pub new: Vec<Match>,
    /// Entries that occur less often than the list says.
    pub stale: Vec<String>,
}

impl AllowList {
    /// Reads the list of a workspace; a missing file is an empty list.
    ///
    /// # Errors
    /// If a line is invalid.
    pub fn of(workspace: &Repository) -> Result<Self> {
        Self::parse(workspace.files.get(ALLOWED).map_or("", String::as_str))
    }

    fn parse(text: &str) -> Result<Self> {
        let mut entries = BTreeMap::new();
        for (index, line) in text
            .lines()
            .enumerate()
            .filter(|(_, line)| !line.starts_with('#'))
        {
            let entry = line.split_once(' ').and_then(|(rule, rest)| {
                let (count, source) = rest.split_once(' ')?;
                Some(((rule.parse().ok()?, source.to_owned()), count.parse().ok()?))
            });
            let describe = || anyhow!("{ALLOWED}:{}: expected: RULE COUNT LINE", index + 1);
            let (key, count): (_, usize) = entry.ok_or_else(describe)?;
            entries.insert(key, count);
        }
        Ok(Self(entries))
    }

    /// The list that allows all matches.
    pub fn from_matches(matches: &[Match]) -> Self {
        let mut entries = BTreeMap::new();
        for it in matches {
            *entries.entry((it.rule, it.source.clone())).or_default() += 1;
        }
        Self(entries)
    }

    /// This list without what no longer occurs.
    pub fn shrunk(&self, matches: &[Match]) -> Self {
        let found = Self::from_matches(matches).0;
        let entries = self.0.iter().filter_map(|(key, count)| {
            let count = *found.get(key)?.min(count);
            Some((key.clone(), count))
        });
        Self(entries.collect())
    }

    /// Compares the list with the matches.
    pub fn compare(&self, matches: &[Match]) -> AllowListDiff {
        let mut left = self.0.clone();
        let mut new = Vec::new();
        for it in matches {
            match left.get_mut(&(it.rule, it.source.clone())) {
                Some(count) if *count > 0 => *count -= 1,
                _ => new.push(it.clone()),
            }
        }
        let unused = left.into_iter().filter(|(_, count)| *count > 0);
        let stale = unused.map(|((rule, source), count)| format!("{rule} {count} {source}"));
        AllowListDiff {
            new,
            stale: stale.collect(),
        }
    }

    /// Number of allowed matches.
    pub fn total(&self) -> usize {
        self.0.values().sum()
    }

    /// Replaces the file.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn write(&self) -> Result<()> {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("language-allowed.txt");
        std::fs::write(&path, self.text()).with_context(|| format!("cannot write {ALLOWED}"))
    }

    fn text(&self) -> String {
        let mut text = "# Texts that break the language rules, as RULE COUNT LINE. The list must be empty: reword such\n\
                        # texts, or add an exception with a reason to xtask/src/rules.rs.\n"
            .to_owned();
        for ((rule, source), count) in &self.0 {
            let _ = writeln!(text, "{rule} {count} {source}");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        let matches = Checker::new().unwrap().file(path, text);
        matches
            .into_iter()
            .map(|it| format!("{}: [{}] {}", it.line, it.rule, it.text))
            .collect()
    }

    #[test]
    fn phrases_are_found_over_the_ends_of_wrapped_lines() {
        let text = "/// One that is told\n/// anew what would\n/// have to be.\nfn f() {\n    // a\n    g(\"x of \\\n       which y\");\n}\n";
        let expected = [
            "1: [C] is told",
            "2: [C] anew",
            "2: [C] what would have to",
            "6: [C] of which",
        ];
        let mut found = found("a.rs", text);
        found.sort();
        assert_eq!(found, expected);
        let paragraphs = "Some of\n\nwhich is fine, of\nwhich not.\n\n```\nof\nwhich\n```\n";
        assert_eq!(super::tests::found("a.md", paragraphs), ["3: [C] of which"]);
    }

    #[test]
    fn code_is_not_text() {
        assert_eq!(
            found("a.rs", "fn anew(whom: Likewise) { somebody.holds() }"),
            [""; 0]
        );
        let schema = "{\n  \"description\": \"All of it\\nanew\",\n  \"anew\": 1\n}\n";
        assert_eq!(found("schemas/a.json", schema), ["2: [C] anew"]);
        assert_eq!(found("tests/a.json", schema), [""; 0]);
    }

    #[test]
    fn comments_of_scripts_and_settings_are_text() {
        let script = "#!/bin/sh\n# It is read\n# anew.\nanew=1\n";
        assert_eq!(found("a.sh", script), ["3: [C] anew"]);
        assert_eq!(found("a.ts", "// anew\nconst anew = 1;\n"), ["1: [C] anew"]);
        assert_eq!(found("a.txt", "# anew\n"), [""; 0]);
    }

    #[test]
    fn some_patterns_only_concern_messages() {
        assert_eq!(found("a.rs", "// There is no repository.\n"), [""; 0]);
        assert_eq!(
            found("a.rs", "const A: &str = \"there is no {x}\";"),
            ["1: [A] there is no"]
        );
    }

    #[test]
    fn the_allow_list_only_shrinks() {
        let matches = Checker::new()
            .unwrap()
            .file("a.md", "done anew\n\ndone anew\n\n> whom\n");
        let list = AllowList::from_matches(&matches);
        assert_eq!(AllowList::parse(&list.text()).unwrap(), list);
        let fewer = &matches[1..2];
        let difference = list.compare(fewer);
        assert_eq!(difference.new, []);
        assert_eq!(difference.stale, ["C 1 > whom", "C 1 done anew"]);
        let shrunk = list.shrunk(fewer);
        assert_eq!(shrunk, AllowList::from_matches(fewer));
        assert_eq!(shrunk.compare(&matches).new.len(), 2);
    }
}
