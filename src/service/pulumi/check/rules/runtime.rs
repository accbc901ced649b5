//! `pack-runtime-differs`: a manifest that says another runtime than `PulumiPolicy.yaml`.

use serde_json::Value;

use super::Findings;
use crate::service::pulumi::check::scene::PackView;
use model::diag::{Code, Diagnostic};

use git::{PROJECT_FILE, PackTree};

/// What runs a pack, as its `PulumiPolicy.yaml` says: a text, or a mapping with a `name`.
pub(crate) fn of(tree: &PackTree) -> Result<String, String> {
    let text = tree.project().map_err(|error| error.to_string())?;
    let project = manifest::plain_yaml(text)
        .map_err(|why| format!("`{PROJECT_FILE}` in it cannot be read: {why}"))?;
    let runtime = match project.get("runtime") {
        Some(Value::Object(options)) => options.get("name"),
        other => other,
    };
    match runtime {
        Some(Value::String(name)) if !name.is_empty() => Ok(name.clone()),
        Some(_) | None => Err(format!("`{PROJECT_FILE}` in it says no `runtime`")),
    }
}

pub(super) fn check(pack: &PackView<'_>, found: &mut Findings) {
    let Some(tree) = pack.tree() else { return };
    match (of(tree), &pack.manifest.spec.runtime) {
        (Err(message), _) => found.push(
            Diagnostic::new(
                Code::PackSourceInvalid,
                format!("the source cannot be used: {message}"),
                pack.field("source"),
            )
            .help(format!(
                "write `runtime: nodejs`, or what runs the pack, into `{PROJECT_FILE}`"
            )),
        ),
        (Ok(real), Some(written)) if real != *written => {
            let message =
                format!("the runtime is `{written}` here and `{real}` in `{PROJECT_FILE}`");
            found.push(
                Diagnostic::new(Code::PackRuntimeDiffers, message, pack.field("runtime")).help(
                    format!(
                        "write `runtime: {real}`, or leave it out: it is read from `{PROJECT_FILE}`"
                    ),
                ),
            );
        }
        (Ok(_), _) => {}
    }
}
