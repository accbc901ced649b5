//! Resources that are not valid patterns (`host-malformed`, `wildcard-misplaced`, `port-invalid`,
//! `cidr-invalid`, `path-invalid`, `path-variable`, `http-path-invalid`), and `host-uppercase`.
//!
//! Entries of a ResourceList are reported once, at the list.

use crate::service::docker::check::view::{Entries, EntryGroup, ListEntry};
use model::diag::{Code, Diagnostic, Place, Replacement};
use model::docker::pattern::{HostPattern, HttpField, NetworkPattern, PatternError, PatternFault};

pub(super) fn check(group: &EntryGroup<'_>, found: &mut Vec<Diagnostic>) {
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
                    found.push(malformed(text, error, Place::value(group.document, path)));
                }
            }
        }
    }
}

fn check_texts<P>(
    group: &EntryGroup<'_>,
    entries: &[ListEntry<'_, P>],
    found: &mut Vec<Diagnostic>,
) {
    for (index, (text, parsed)) in entries.iter().enumerate() {
        if let Err(error) = parsed {
            found.push(malformed(text, error, group.place(index)));
        }
    }
}

fn malformed(text: &str, error: &PatternError, place: Place) -> Diagnostic {
    let mut diagnostic = Diagnostic::new(error.code(), error.to_string(), place);
    diagnostic = match text.get(error.range.clone()) {
        Some(blamed) if !blamed.is_empty() && blamed.len() < text.len() => {
            diagnostic.label(format!("because of `{blamed}`"))
        }
        _ => diagnostic,
    };
    if let Some(hosts) = NetworkPattern::several(text)
        && error.fault == PatternFault::SeveralHosts
    {
        return diagnostic
            .help(format!(
                "write each host as a separate entry: {}",
                hosts.join(", ")
            ))
            .suggest(Replacement::Entries(hosts));
    }
    let diagnostic = match error.help() {
        Some(help) => diagnostic.help(help),
        None => diagnostic,
    };
    match &error.suggestion {
        Some(text) => diagnostic.suggest(Replacement::Text(text.clone())),
        None => diagnostic,
    }
}

pub(super) fn check_uppercase(group: &EntryGroup<'_>, found: &mut Vec<Diagnostic>) {
    let hosts = group.hosts_where(HostPattern::has_uppercase);
    found.extend(
        hosts
            .into_iter()
            .map(|(text, place)| uppercase(text, place)),
    );
}

fn uppercase(text: &str, place: Place) -> Diagnostic {
    let message = format!(
        "the host `{text}` contains uppercase letters; the service does not document how it compares them"
    );
    Diagnostic::new(Code::HostUppercase, message, place)
        .help(format!("write `{}`", text.to_ascii_lowercase()))
        .suggest(Replacement::Text(text.to_ascii_lowercase()))
}
