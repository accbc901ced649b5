//! `wildcard-undocumented`: a `*` inside a host label, as in published presets.

use super::Findings;
use crate::service::docker::check::view::{Entries, Group};
use model::diag::{Code, Diagnostic, Place};
use model::docker::pattern::HostPattern;

pub(super) fn check(group: &Group<'_>, found: &mut Findings) {
    match &group.entries {
        Entries::Hosts(entries) => {
            for (index, (text, parsed)) in entries.iter().enumerate() {
                if parsed
                    .as_ref()
                    .ok()
                    .and_then(|pattern| pattern.host())
                    .is_some_and(HostPattern::has_inner_wildcard)
                {
                    found.push(report(text, group.place(index)));
                }
            }
        }
        Entries::Http(entries) => {
            for (index, (spec, parsed)) in entries.iter().enumerate() {
                if parsed
                    .as_ref()
                    .is_ok_and(|pattern| pattern.host.has_inner_wildcard())
                {
                    let path = group.path().index(index).key("host");
                    found.push(report(&spec.host, Place::value(group.document, path)));
                }
            }
        }
        Entries::Paths(_) => {}
    }
}

fn report(text: &str, place: Place) -> Diagnostic {
    let message =
        format!("`{text}` has a wildcard inside a label, which the service does not document");
    Diagnostic::new(Code::WildcardUndocumented, message, place)
        .label("read as any run of characters inside this label")
        .help("list the names one by one, or use `*.` in front of the parent domain")
}
