//! `exactly-one`: where scripts and attached policies come from.

use super::Findings;
use crate::service::chainloop::check::scene::{GroupView, PolicyView, Scene};
use model::diag::{Code, Diagnostic, DocumentId, Path, Place};

pub(super) fn check_policy(policy: &PolicyView<'_>, found: &mut Findings) {
    let spec = &policy.manifest.spec;
    let at = At {
        document: policy.document,
        path: policy.path.clone().key("spec"),
    };
    let policies = spec
        .policies
        .as_ref()
        .is_some_and(|policies| !policies.is_empty());
    let fields = [
        ("path", spec.path.is_some()),
        ("embedded", spec.embedded.is_some()),
        ("policies", policies),
    ];
    let help = "write `policies`, with the script of each type of material in `embedded`";
    at.one(&fields, "the policy", help, found);
    for script in policy.scripts() {
        let source = script.source;
        let fields = [
            ("path", source.path.is_some()),
            ("embedded", source.embedded.is_some()),
            ("ref", source.reference.is_some()),
        ];
        let at = At {
            document: policy.document,
            path: script.path,
        };
        at.one(
            &fields,
            "the script",
            "write the text of the script into `embedded`",
            found,
        );
    }
}

pub(super) fn check_group(_: &Scene<'_>, group: &GroupView<'_>, found: &mut Findings) {
    for (path, attachment) in group.attachments() {
        let fields = [
            ("ref", attachment.reference.is_some()),
            ("embedded", attachment.embedded.is_some()),
        ];
        let at = At {
            document: group.document,
            path,
        };
        at.one(
            &fields,
            "the attached policy",
            "write the name of a policy into `ref`",
            found,
        );
    }
}

struct At {
    document: DocumentId,
    path: Path,
}

impl At {
    /// Finds fault unless exactly one of the fields is there.
    fn one(&self, fields: &[(&str, bool)], what: &str, help: &str, found: &mut Findings) {
        let mut there = fields
            .iter()
            .filter(|(_, there)| *there)
            .map(|(name, _)| *name);
        let names: Vec<_> = fields.iter().map(|(name, _)| format!("`{name}`")).collect();
        let place = |name: &str| Place::key(self.document, self.path.clone().key(name));
        match (there.next(), there.next()) {
            (Some(_), None) => {}
            (Some(first), Some(second)) => found.push(
                Diagnostic::new(
                    Code::ExactlyOne,
                    format!("{what} comes from two places"),
                    place(second),
                )
                .label("from here")
                .also(place(first), "and from here")
                .help(format!("keep one of {}", names.join(", "))),
            ),
            (None, _) => found.push(
                Diagnostic::new(
                    Code::ExactlyOne,
                    format!(
                        "{what} comes from nowhere: one of {} must be there",
                        names.join(", ")
                    ),
                    Place::value(self.document, self.path.clone()),
                )
                .help(help),
            ),
        }
    }
}
