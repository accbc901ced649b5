//! `organization-differs`: a document that names another organization than its target.

use super::Findings;
use crate::service::chainloop::check::scene::{Head, Scene};
use model::diag::{Code, Diagnostic};

pub(super) fn check(scene: &Scene<'_>, head: &Head<'_>, found: &mut Findings) {
    let own = &scene.target.organization;
    let Some(written) = head
        .metadata
        .organization
        .as_ref()
        .filter(|written| *written != own)
    else {
        return;
    };
    let target = &scene.target.name;
    let message = format!(
        "the document is of `{written}`, and the target `{target}` is the organization `{own}`"
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
