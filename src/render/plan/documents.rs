//! Renders document states, with words that all formats share.

use std::fmt::Write as _;

use super::wording::{full_name, place};
use crate::plan::{Change, DocumentState, DocumentStatus};
use crate::render::layout::Layout;
use crate::render::text::neutral;

pub(crate) const HELD: &str = "Changes that are held back";

/// The number of documents by state, in one line.
pub(crate) fn headline(documents: &[DocumentStatus]) -> Option<String> {
    let mut counts: Vec<(&'static str, usize)> = Vec::new();
    for status in documents {
        let words = status.state.words();
        match counts.iter_mut().find(|(known, _)| *known == words) {
            Some((_, count)) => *count += 1,
            None => counts.push((words, 1)),
        }
    }
    counts.sort_unstable();
    let counts: Vec<String> = counts
        .iter()
        .map(|(words, count)| format!("{count} {words}"))
        .collect();
    (!counts.is_empty()).then(|| format!("Documents: {}", counts.join(", ")))
}

/// One line, neutralized, for each document that is not in sync.
pub(crate) fn lines(documents: &[DocumentStatus]) -> Vec<String> {
    documents.iter().filter_map(line).collect()
}

fn line(status: &DocumentStatus) -> Option<String> {
    let DocumentStatus {
        resource,
        name,
        state,
        digest,
        live,
        live_since,
        source,
        inlined,
        fields: _,
    } = status;
    let time = |since: &Option<String>| {
        since
            .as_ref()
            .map(|since| format!(" of {since}"))
            .unwrap_or_default()
    };
    let there = live
        .as_ref()
        .map(|live| format!("{}{}", live.short(), time(live_since)))
        .unwrap_or_default();
    let says = match state {
        DocumentState::InSync => return None,
        DocumentState::FormatOnly => {
            format!("format only: {there} is live, of other bytes that say the same")
        }
        DocumentState::MeaningDiffers => format!("meaning differs: {there} is live"),
        DocumentState::Missing => "missing at the server".to_owned(),
        DocumentState::Behind { since } => {
            let own = format!("{}{}", digest.short(), time(since));
            format!("behind: the manifest is the older version {own}; {there} is live")
        }
        DocumentState::OwnedElsewhere {
            builtin: true,
            owner: _,
        } => "owned elsewhere: it is builtin".to_owned(),
        DocumentState::OwnedElsewhere {
            builtin: false,
            owner: Some(owner),
        } => {
            format!("owned elsewhere: it is of organization {owner}")
        }
        DocumentState::OwnedElsewhere {
            builtin: false,
            owner: None,
        } => "owned elsewhere: the service does not report the owner".to_owned(),
    };
    let at = source
        .as_ref()
        .map(|source| format!("  {}", place(source)))
        .unwrap_or_default();
    let files: Vec<_> = inlined.iter().map(|file| neutral(file)).collect();
    let contains = match files.as_slice() {
        [] => String::new(),
        files => format!("  contains {}", files.join(", ")),
    };
    Some(format!(
        "{}: {}{at}{contains}",
        full_name(*resource, name, None),
        neutral(&says)
    ))
}

/// The changes that are held.
pub(crate) fn held_changes(documents: &[DocumentStatus]) -> Vec<Change> {
    documents
        .iter()
        .filter_map(DocumentStatus::held_change)
        .collect()
}

/// The section for people, if there are documents.
pub(crate) fn section(documents: &[DocumentStatus], layout: Layout) -> String {
    let mut text = String::new();
    let Some(headline) = headline(documents) else {
        return text;
    };
    let _ = writeln!(text, "{}", layout.painter.strong(&headline));
    for line in lines(documents) {
        text.push_str(&layout.wrap(&line, "  ", "      "));
    }
    text.push('\n');
    text
}
