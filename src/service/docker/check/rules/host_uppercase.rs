//! `host-uppercase`: capital letters in a host. Names are the same in either case to name servers, but the service
//! does not document how it compares; lower case is right under either reading, above all in a deny rule.

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
                    .is_some_and(HostPattern::has_uppercase)
                {
                    found.push(report(text, group.place(index)));
                }
            }
        }
        Entries::Http(entries) => {
            for (index, (spec, parsed)) in entries.iter().enumerate() {
                if parsed
                    .as_ref()
                    .is_ok_and(|pattern| pattern.host.has_uppercase())
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
    let message = format!(
        "the host `{text}` has capital letters, and the service does not document how it compares them"
    );
    Diagnostic::new(Code::HostUppercase, message, place)
        .help(format!("write `{}`", text.to_ascii_lowercase()))
}
