//! `chainloop-name-invalid`, `policy-name-taken`, `group-name-taken`, `input-name-taken` and
//! `organization-differs`.

use std::collections::HashMap;

use crate::service::chainloop::check::context::{ChainloopRuleContext, DocumentHeader};
use crate::service::confusable::{OwnedName, check_names};
use model::chainloop::{ChainloopNameError, DocumentKind, InputName, PolicyName};
use model::diag::{Code, Diagnostic, Path, Place, Replacement};

pub(super) fn check(
    _: &ChainloopRuleContext<'_>,
    head: &DocumentHeader<'_>,
    found: &mut Vec<Diagnostic>,
) {
    let name = &head.metadata.name;
    if let Err(error) = PolicyName::new(name) {
        let better: String = name
            .to_ascii_lowercase()
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
            .collect();
        report(
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
            report(
                "the name of the input",
                error,
                better,
                head.input(index, "name"),
                found,
            );
        }
    }
}

fn report(
    what: &str,
    error: ChainloopNameError,
    better: &str,
    place: Place,
    found: &mut Vec<Diagnostic>,
) {
    let finding = Diagnostic::new(Code::ChainloopNameInvalid, format!("{what} {error}"), place);
    found.push(if better.is_empty() {
        finding.help("begin with a lowercase letter")
    } else {
        finding
            .help(format!("write `{better}`"))
            .suggest(Replacement::Text(better.to_owned()))
    });
}

pub(super) fn check_target(context: &ChainloopRuleContext<'_>, found: &mut Vec<Diagnostic>) {
    let mut first = HashMap::new();
    for document in &context.documents {
        let kind = document.native.kind();
        let name = document.native.metadata().name.as_str();
        let place = Place::value(document.id, Path::root().key("metadata").key("name"));
        let code = match kind {
            DocumentKind::Policy => Code::PolicyNameTaken,
            DocumentKind::PolicyGroup => Code::GroupNameTaken,
        };
        let message = || {
            format!(
                "duplicate document in the target `{}`: {} `{name}`",
                context.target.name,
                kind.words()
            )
        };
        let help = "keep one of them, or rename one: the name is its identity";
        report_duplicate(&mut first, (kind, name), place, code, message, help, found);
    }
}

/// Documents of one kind whose names are displayed the same.
pub(super) fn check_confusable(context: &ChainloopRuleContext<'_>, found: &mut Vec<Diagnostic>) {
    for kind in [DocumentKind::Policy, DocumentKind::PolicyGroup] {
        let documents = || {
            let documents = context.documents.iter();
            documents.filter(move |document| document.native.kind() == kind)
        };
        let names: Vec<OwnedName<'_>> = documents()
            .enumerate()
            .map(|(owner, document)| OwnedName {
                text: &document.native.metadata().name,
                owner,
            })
            .collect();
        let ids: Vec<_> = documents().map(|document| document.id).collect();
        let place = |index: usize| {
            let path = Path::root().key("metadata").key("name");
            Place::value(ids[index], path)
        };
        check_names(&format!("{} name", kind.words()), &names, place, found);
    }
}

pub(super) fn check_inputs(
    _: &ChainloopRuleContext<'_>,
    head: &DocumentHeader<'_>,
    found: &mut Vec<Diagnostic>,
) {
    let mut first = HashMap::new();
    for (index, input) in head.inputs.iter().enumerate() {
        let message = || format!("duplicate input `{}`", input.name);
        let help = "rename one of them: arguments refer to inputs by name";
        let place = head.input(index, "name");
        report_duplicate(
            &mut first,
            input.name.as_str(),
            place,
            Code::InputNameTaken,
            message,
            help,
            found,
        );
    }
}

/// Reports each place except the first.
fn report_duplicate<K: std::hash::Hash + Eq>(
    first: &mut HashMap<K, Place>,
    key: K,
    place: Place,
    code: Code,
    message: impl FnOnce() -> String,
    help: &str,
    found: &mut Vec<Diagnostic>,
) {
    match first.get(&key) {
        Some(first) => {
            let finding = Diagnostic::new(code, message(), place)
                .label("this one")
                .also(first.clone(), "and this one");
            found.push(finding.help(help));
        }
        None => {
            first.insert(key, place);
        }
    }
}

pub(super) fn check_organization(
    context: &ChainloopRuleContext<'_>,
    head: &DocumentHeader<'_>,
    found: &mut Vec<Diagnostic>,
) {
    let own = &context.target.organization;
    let Some(written) = head
        .metadata
        .organization
        .as_ref()
        .filter(|written| *written != own)
    else {
        return;
    };
    let target = &context.target.name;
    let message = format!(
        "the document belongs to `{written}`, but the target `{target}` manages the organization `{own}`"
    );
    found.push(
        Diagnostic::new(
            Code::OrganizationDiffers,
            message,
            head.metadata_field("organization"),
        )
        .help("remove the field, or move the file below a path of that organization's target"),
    );
}
