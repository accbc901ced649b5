//! Chooses readable segments for witnesses, so that reports show `api.example.com` instead of
//! `x.example.com`.

use super::segments::{NodeId, Trie};

/// What the segments of a trie mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SegmentKind {
    /// The labels of a host name, last label first.
    Host,
    /// The segments of an HTTP path.
    Url,
    /// The segments of a POSIX path.
    File,
    /// The drive letter, then segments.
    Windows,
    /// The WSL distribution, then segments.
    Wsl,
}

/// Drive letters, the usual ones first. Both cases are listed because the service does not document
/// whether it ignores case.
const DRIVES: &str = "CDEFGHIJKLMNOPQRSTUVWXYZABcdefghijklmnopqrstuvwxyzab";

impl SegmentKind {
    /// Words for the segment at `depth`; `last` if it is the last one that is read.
    fn words(self, depth: usize, last: bool) -> &'static [&'static str] {
        match (self, depth, last) {
            (Self::Host, _, true) => &["api", "www", "app", "data", "mail", "cdn", "git", "auth"],
            (Self::Host, _, false) => &["eu", "us", "dev", "prod"],
            (Self::Url, _, true) => &["items", "users", "status", "search"],
            (Self::Url, _, false) => &["v1", "v2", "v3"],
            (Self::Wsl, 0, _) => &["Ubuntu", "Debian", "Fedora"],
            (Self::File | Self::Windows | Self::Wsl, _, true) => {
                &["file.txt", "notes.md", "data.json", "report.csv"]
            }
            (Self::File | Self::Windows | Self::Wsl, _, false) => {
                &["docs", "src", "team", "backup"]
            }
        }
    }

    fn is_drive(self, depth: usize) -> bool {
        self == Self::Windows && depth == 0
    }

    /// A segment that is not the text of an edge of these nodes. `None` only for drives, which can
    /// run out.
    pub(crate) fn fresh(
        self,
        trie: &Trie,
        state: &[NodeId],
        depth: usize,
        last: bool,
    ) -> Option<String> {
        if self.is_drive(depth) {
            return DRIVES
                .chars()
                .map(String::from)
                .find(|letter| !trie.is_text(state, letter));
        }
        let words = self.words(depth, last);
        let found = words
            .iter()
            .find(|word| !trie.is_text(state, word))
            .map(|word| (*word).to_owned());
        found.or_else(|| {
            (2..)
                .map(|number| format!("any{number}"))
                .find(|word| !trie.is_text(state, word))
        })
    }

    /// Candidates for `classes`: the usual words, and for each glob a few segments that it matches.
    pub(crate) fn candidates<'g>(
        self,
        depth: usize,
        globs: &'g [&'g str],
    ) -> impl Iterator<Item = String> + 'g {
        let words = self.words(depth, true);
        let plain = words.iter().map(|word| (*word).to_owned());
        let stem = words
            .first()
            .map(|word| word.split('.').next().unwrap_or(word))
            .unwrap_or("any");
        let filled = globs.iter().flat_map(move |glob| {
            [stem, "1", "2"].map(|fill| {
                // A word at the front, a number elsewhere: `file.txt`, `crl1`.
                match glob.strip_prefix('*') {
                    Some(rest) => format!(
                        "{stem}{}{}",
                        fill.trim_start_matches(stem),
                        rest.replace('*', "1")
                    ),
                    None => glob.replace('*', if fill == stem { "1" } else { fill }),
                }
            })
        });
        let stripped = globs.iter().map(|glob| glob.replace('*', ""));
        plain
            .chain(filled)
            .chain(stripped.filter(|segment| !segment.is_empty()))
    }
}
