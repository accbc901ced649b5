//! What needs somebody's attention, wherever it was found: in files, in a plan, by a policy test. The formats that tell
//! of findings (`github`, `gitlab`, `sarif`, `junit`, `markdown`, `html`) know these and nothing of where they come from.

mod drift;
mod files;
mod plan;
mod policy_tests;
mod rule;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use sha2::{Digest as _, Sha256};

use super::text::{many, neutral};

pub use rule::{PlanRule, RuleId};

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Weight {
    /// Something is refused because of it.
    Error,
    /// Somebody should look at it.
    Warning,
    /// Somebody may want to know.
    Notice,
}

/// Some text of a file. Lines and columns are counted from 1, columns in characters; the end is just after the text.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Spot {
    /// The file, relative to the directory of `polwarden.yaml`, as it is: formats escape it.
    pub file: String,
    /// The line; nothing where the whole file is meant.
    pub lines: Option<Lines>,
}

/// Lines, and columns where they are known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Lines {
    /// The first line.
    pub first: u32,
    /// The last line.
    pub last: u32,
    /// The first column and the one after the last.
    pub columns: Option<(u32, u32)>,
}

/// One more place that a finding is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Related {
    /// Where.
    pub spot: Spot,
    /// What is to be seen there, neutral.
    pub text: String,
}

/// Something that needs attention.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The kind.
    pub rule: RuleId,
    /// How much it weighs.
    pub weight: Weight,
    /// One sentence without a full stop, neutral.
    pub message: String,
    /// What to do next, neutral.
    pub help: Option<String>,
    /// Where; nothing for what stands in no file.
    pub spot: Option<Spot>,
    /// Further places.
    pub related: Vec<Related>,
    /// The target, where it is about one; neutral.
    pub target: Option<String>,
    /// What stays the same while the finding does: no line, no number.
    identity: Vec<String>,
}

impl Finding {
    fn new(rule: RuleId, weight: Weight, message: String) -> Self {
        let help = None;
        let spot = None;
        let related = Vec::new();
        let target = None;
        let identity = Vec::new();
        Self {
            rule,
            weight,
            message: neutral(&message).into_owned(),
            help,
            spot,
            related,
            target,
            identity,
        }
    }

    /// The line for people: `file:line`, neutral; nothing for what stands in no file.
    pub fn place(&self) -> Option<String> {
        self.spot.as_ref().map(Spot::text)
    }
}

impl Spot {
    fn line(file: &str, line: u32) -> Self {
        Self {
            file: file.to_owned(),
            lines: Some(Lines {
                first: line,
                last: line,
                columns: None,
            }),
        }
    }

    /// `file:line`, neutral.
    pub fn text(&self) -> String {
        match self.lines {
            Some(lines) => format!("{}:{}", neutral(&self.file), lines.first),
            None => neutral(&self.file).into_owned(),
        }
    }
}

/// The findings of a run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Findings {
    /// The findings, the weightiest first, then by file and line.
    list: Vec<Finding>,
    /// All files that were looked at, with and without findings.
    files: Vec<String>,
}

impl Findings {
    /// Puts findings in order.
    pub fn new(mut list: Vec<Finding>, mut files: Vec<String>) -> Self {
        list.sort_by(|a, b| {
            (a.weight, &a.spot, a.rule.as_str()).cmp(&(b.weight, &b.spot, b.rule.as_str()))
        });
        list.dedup();
        files.sort();
        files.dedup();
        Self { list, files }
    }

    /// The same with more.
    #[must_use]
    pub fn with(self, more: Vec<Finding>) -> Self {
        let Self { mut list, files } = self;
        list.extend(more);
        Self::new(list, files)
    }

    /// The same with warnings taken for errors.
    #[must_use]
    pub fn strict(self) -> Self {
        let Self { mut list, files } = self;
        for finding in list
            .iter_mut()
            .filter(|finding| finding.weight == Weight::Warning)
        {
            finding.weight = Weight::Error;
        }
        Self::new(list, files)
    }

    /// The findings, the weightiest first.
    pub fn list(&self) -> &[Finding] {
        &self.list
    }

    /// All files that were looked at.
    pub fn files(&self) -> &[String] {
        &self.files
    }

    /// How many weigh so much.
    pub fn count(&self, weight: Weight) -> usize {
        self.list
            .iter()
            .filter(|finding| finding.weight == weight)
            .count()
    }

    /// "2 errors, 1 warning": nothing where there are none.
    pub fn counts(&self) -> Option<String> {
        let words = [
            (Weight::Error, "error"),
            (Weight::Warning, "warning"),
            (Weight::Notice, "notice"),
        ];
        let parts = words.into_iter().filter_map(|(weight, word)| {
            let count = self.count(weight);
            (count > 0).then(|| many(count, word))
        });
        let parts: Vec<String> = parts.collect();
        (!parts.is_empty()).then(|| parts.join(", "))
    }

    /// The findings with their fingerprints: the digest of what stays the same when lines move, different for each
    /// finding of a run.
    pub fn fingerprinted(&self) -> Vec<(&Finding, String)> {
        let mut seen: HashMap<Vec<u8>, u32> = HashMap::new();
        let digest = |finding: &Finding, repetition: u32| {
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
                // With its length, so that no two lists of parts are the same bytes.
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

/// Where the files of findings are, from the top of a repository: pipelines count from there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Prefix(String);

impl Prefix {
    /// The folder of `polwarden.yaml`, from the top of its repository; empty for the top itself.
    pub fn new(folder: &str) -> Self {
        Self(if folder.is_empty() {
            String::new()
        } else {
            format!("{}/", folder.trim_end_matches('/'))
        })
    }

    /// A file from the top of the repository.
    pub fn file(&self, file: &str) -> String {
        format!("{}{file}", self.0)
    }
}
