//! `pack-source-invalid`: a source that cannot be published.

use super::Findings;
use crate::service::pulumi::check::scene::PackView;
use model::diag::{Code, Diagnostic};

pub(super) fn check(pack: &PackView<'_>, found: &mut Findings) {
    let Some(error) = pack.source_error() else {
        return;
    };
    let message = format!(
        "`{}` cannot be the source of a pack: {error}",
        pack.manifest.spec.source
    );
    found.push(
        Diagnostic::new(Code::PackSourceInvalid, message, pack.field("source")).help(error.help()),
    );
}
