//! `chainloop-name-invalid`: names that the service does not take.

use super::Findings;
use crate::service::chainloop::check::scene::{Head, Scene};
use model::chainloop::{InputName, NameError, PolicyName};
use model::diag::{Code, Diagnostic, Place};

pub(super) fn check(_: &Scene<'_>, head: &Head<'_>, found: &mut Findings) {
    let name = &head.metadata.name;
    if let Err(error) = PolicyName::new(name) {
        let better: String = name
            .to_ascii_lowercase()
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .collect();
        say(
            "the name",
            error,
            better.trim_matches('-'),
            head.metadata_field("name"),
            found,
        );
    }
    for (index, input) in head.inputs.iter().enumerate() {
        if let Err(error) = InputName::new(&input.name) {
            let better: String = input
                .name
                .chars()
                .map(|c| if c.is_ascii_alphanumeric() { c } else { '_' })
                .collect();
            let better = better.trim_start_matches(|c: char| !c.is_ascii_alphabetic());
            say(
                "the name of the input",
                error,
                better,
                head.input(index, "name"),
                found,
            );
        }
    }
}

fn say(what: &str, error: NameError, better: &str, place: Place, found: &mut Findings) {
    let finding = Diagnostic::new(Code::ChainloopNameInvalid, format!("{what} {error}"), place);
    found.push(if better.is_empty() {
        finding.help("begin with a small letter")
    } else {
        finding.help(format!("write `{better}`"))
    });
}
