//! `host-malformed`, `wildcard-misplaced`, `port-invalid`, `cidr-invalid`, `path-invalid`, `path-variable` and
//! `http-path-invalid`: resources that are no patterns. Entries of a ResourceList are reported once, at the list.

use super::Findings;
use crate::service::docker::check::view::{Entries, Entry, Group};
use model::diag::{Diagnostic, Place};
use model::docker::pattern::{HttpField, PatternError};

pub(super) fn check(group: &Group<'_>, found: &mut Findings) {
    match &group.entries {
        Entries::Hosts(entries) => check_texts(group, entries, found),
        Entries::Paths(entries) => check_texts(group, entries, found),
        Entries::Http(entries) => {
            for (index, (spec, parsed)) in entries.iter().enumerate() {
                for (field, error) in parsed.as_ref().err().into_iter().flatten() {
                    let path = group.path().index(index).key(field.as_str());
                    let text = match field {
                        HttpField::Host => spec.host.as_str(),
                        HttpField::Path => spec.path.as_str(),
                        HttpField::Port => "",
                    };
                    found.push(report(text, error, Place::value(group.document, path)));
                }
            }
        }
    }
}

fn check_texts<P>(group: &Group<'_>, entries: &[Entry<'_, P>], found: &mut Findings) {
    for (index, (text, parsed)) in entries.iter().enumerate() {
        if let Err(error) = parsed {
            found.push(report(text, error, group.place(index)));
        }
    }
}

fn report(text: &str, error: &PatternError, place: Place) -> Diagnostic {
    let mut diagnostic = Diagnostic::new(error.code(), error.to_string(), place);
    diagnostic = match text.get(error.range.clone()) {
        Some(blamed) if !blamed.is_empty() && blamed.len() < text.len() => {
            diagnostic.label(format!("because of `{blamed}`"))
        }
        _ => diagnostic,
    };
    match error.help() {
        Some(help) => diagnostic.help(help),
        None => diagnostic,
    }
}
