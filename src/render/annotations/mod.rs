//! Everything that needs attention: in files, in a plan, or in policy tests. The formats `github`,
//! `gitlab`, `sarif`, `junit`, `markdown` and `html` render these without knowing their origin.

mod drift;
mod files;
mod plan;
mod policy_tests;
mod rule;
mod run;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use sha2::{Digest as _, Sha256};

use super::text::{count_of, neutral, neutral_hosts};

pub use super::prefix::RepositoryPrefix;

pub use rule::{AnnotationLevel, AnnotationRule, PlanRule};

/// A range of text. Lines and columns are counted from 1, columns in characters; the end is
/// exclusive.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AnnotationLocation {
    /// Relative to the directory of `polwarden.yaml`. Formats must escape it.
    pub file: String,
    /// `None` for the whole file.
    pub lines: Option<LineRange>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LineRange {
    pub first: u32,
    pub last: u32,
    /// The first column and the one after the last.
    pub columns: Option<(u32, u32)>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelatedLocation {
    pub spot: AnnotationLocation,
    /// Neutralized.
    pub text: String,
}

/// A change of a file that removes a diagnostic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnnotationFix {
    /// The text to replace, with columns.
    pub spot: AnnotationLocation,
    /// The new text. It must be applied as it is, so it is not neutralized.
    pub text: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Annotation {
    pub rule: AnnotationRule,
    pub weight: AnnotationLevel,
    /// One sentence without a period, neutralized.
    pub message: String,
    /// The next step, neutralized.
    pub help: Option<String>,
    /// `None` if it is not about a file.
    pub spot: Option<AnnotationLocation>,
    pub related: Vec<RelatedLocation>,
    /// The change that `help` proposes, if it proposes a text.
    pub fix: Option<AnnotationFix>,
    /// Neutralized.
    pub target: Option<String>,
    /// What identifies it across runs: it contains no lines or numbers.
    identity: Vec<String>,
}

impl Annotation {
    fn new(rule: AnnotationRule, weight: AnnotationLevel, message: String) -> Self {
        let help = None;
        let spot = None;
        let related = Vec::new();
        let fix = None;
        let target = None;
        let identity = Vec::new();
        Self {
            rule,
            weight,
            message: neutral_hosts(&message).into_owned(),
            help,
            spot,
            related,
            fix,
            target,
            identity,
        }
    }

    /// Whether it is a diagnostic of a file, and not of a plan, of drift or of a policy test.
    pub fn is_about_file(&self) -> bool {
        matches!(self.rule, AnnotationRule::File(_))
    }

    /// `file:line`, neutralized, if it is about a file.
    pub fn place(&self) -> Option<String> {
        self.spot.as_ref().map(AnnotationLocation::text)
    }
}

impl AnnotationLocation {
    fn line(file: &str, line: u32) -> Self {
        Self {
            file: file.to_owned(),
            lines: Some(LineRange {
                first: line,
                last: line,
                columns: None,
            }),
        }
    }

    /// `file:line`, neutralized.
    pub fn text(&self) -> String {
        match self.lines {
            Some(lines) => format!("{}:{}", neutral(&self.file), lines.first),
            None => neutral(&self.file).into_owned(),
        }
    }
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PackDiagnostics {
    /// By decreasing severity, then by file and line.
    list: Vec<Annotation>,
    /// All files that were read, with and without diagnostics.
    files: Vec<String>,
}

impl PackDiagnostics {
    pub fn new(mut list: Vec<Annotation>, mut files: Vec<String>) -> Self {
        list.sort_by(|a, b| {
            (a.weight, &a.spot, a.rule.as_str()).cmp(&(b.weight, &b.spot, b.rule.as_str()))
        });
        list.dedup();
        files.sort();
        files.dedup();
        Self { list, files }
    }

    #[must_use]
    pub fn with(self, more: Vec<Annotation>) -> Self {
        let Self { mut list, files } = self;
        list.extend(more);
        Self::new(list, files)
    }

    /// Treats warnings as errors.
    #[must_use]
    pub fn strict(self) -> Self {
        let Self { mut list, files } = self;
        for finding in list
            .iter_mut()
            .filter(|finding| finding.weight == AnnotationLevel::Warning)
        {
            finding.weight = AnnotationLevel::Error;
        }
        Self::new(list, files)
    }

    /// By decreasing severity.
    pub fn list(&self) -> &[Annotation] {
        &self.list
    }

    pub fn files(&self) -> &[String] {
        &self.files
    }

    pub fn count(&self, weight: AnnotationLevel) -> usize {
        self.list
            .iter()
            .filter(|finding| finding.weight == weight)
            .count()
    }

    /// "2 errors, 1 warning", or nothing if there are none.
    pub fn counts(&self) -> Option<String> {
        let words = [
            (AnnotationLevel::Error, "error"),
            (AnnotationLevel::Warning, "warning"),
            (AnnotationLevel::Notice, "notice"),
        ];
        let parts = words.into_iter().filter_map(|(weight, word)| {
            let count = self.count(weight);
            (count > 0).then(|| count_of(count, word))
        });
        let parts: Vec<String> = parts.collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    }

    /// The diagnostics with their fingerprints: unique digests that do not change when lines move.
    pub fn fingerprinted(&self) -> Vec<(&Annotation, String)> {
        let mut seen: HashMap<Vec<u8>, u32> = HashMap::new();
        let digest = |finding: &Annotation, repetition: u32| {
            let mut hash = Sha256::new();
            let file = finding
                .spot
                .as_ref()
                .map(|spot| spot.file.as_str())
                .unwrap_or_default();
            let parts = [
                finding.rule.as_str(),
                file,
                finding.target.as_deref().unwrap_or_default(),
            ];
            for part in parts
                .into_iter()
                .chain(finding.identity.iter().map(String::as_str))
            {
                // The length makes the encoding unambiguous.
                hash.update(u64::try_from(part.len()).unwrap_or_default().to_be_bytes());
                hash.update(part);
            }
            hash.update(repetition.to_be_bytes());
            hash.finalize().to_vec()
        };
        let fingerprints = self.list.iter().map(|finding| {
            let repetition = seen.entry(digest(finding, 0)).or_default();
            let number = *repetition;
            *repetition += 1;
            (
                finding,
                data_encoding::HEXLOWER.encode(&digest(finding, number)),
            )
        });
        fingerprints.collect()
    }
}
