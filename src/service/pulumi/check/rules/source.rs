//! `pack-source-invalid`, `pack-runtime-differs`, `tag-reused` and `pack-unlocked`: the source of a
//! pack.

use std::collections::BTreeMap;

use crate::service::pulumi::check::context::PackView;
use crate::workspace::project_runtime;
use git::{PROJECT_FILE, PackTree};
use manifest::lock::LOCK_FILE;
use model::diag::{Code, Diagnostic, Replacement};
use model::digest::FileDigest;

pub(super) fn check(pack: &PackView<'_>, found: &mut Vec<Diagnostic>) {
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

/// The runtime of a pack in its `PulumiPolicy.yaml`: a string, or a mapping with a `name`.
pub(crate) fn runtime(tree: &PackTree) -> Result<String, String> {
    let text = tree.project().map_err(|error| error.to_string())?;
    project_runtime(text)
}

pub(super) fn check_runtime(pack: &PackView<'_>, found: &mut Vec<Diagnostic>) {
    let Some(tree) = pack.tree() else { return };
    match (runtime(tree), &pack.manifest.spec.runtime) {
        (Err(message), _) => found.push(
            Diagnostic::new(
                Code::PackSourceInvalid,
                format!("the source cannot be used: {message}"),
                pack.field("source"),
            )
            .help(format!(
                "add `runtime: nodejs`, or the pack's runtime, to `{PROJECT_FILE}`"
            )),
        ),
        (Ok(real), Some(written)) if real != *written => {
            let message =
                format!("the runtime is `{written}` here and `{real}` in `{PROJECT_FILE}`");
            found.push(
                Diagnostic::new(Code::PackRuntimeDiffers, message, pack.field("runtime"))
                    .help(format!(
                        "write `runtime: {real}`, or omit it: it is read from `{PROJECT_FILE}`"
                    ))
                    .suggest(Replacement::Similar(real)),
            );
        }
        (Ok(_), _) => {}
    }
}

/// Maximum number of files to name in a diagnostic.
const NAMED: usize = 3;

pub(super) fn check_lock(pack: &PackView<'_>, found: &mut Vec<Diagnostic>) {
    let Some(tree) = pack.tree() else { return };
    // A tag with a suffix is derived from the source.
    if !pack.manifest.spec.version_tag_suffix.is_none() || !pack.knows_lock {
        return;
    }
    let tag = &pack.manifest.spec.version_tag;
    let Some(locked) = pack.locked else {
        let message = format!("{LOCK_FILE} does not contain the source of version `{tag}`");
        found.push(
            Diagnostic::new(Code::PackUnlocked, message, pack.field("versionTag")).help(
                "run `polwarden lock` and commit the file: it shows whether the source changed after it was published",
            ),
        );
        return;
    };
    if locked.source != tree.digest() && pack.uncommitted().is_none() {
        let files = tree.files();
        let differ = differing(&locked.files, &files);
        let message = format!(
            "the source of version `{tag}` differs from the lock: {}",
            sentence(&differ)
        );
        found.push(
            Diagnostic::new(Code::TagReused, message, pack.field("versionTag"))
                .label("the content of a tag cannot change")
                .help("raise `versionTag`, then run `polwarden lock`; if this version was never published, run `polwarden lock --update`"),
        );
    }
}

/// The files that differ, sorted.
fn differing<'a>(
    before: &'a BTreeMap<String, FileDigest>,
    after: &'a BTreeMap<String, FileDigest>,
) -> Vec<&'a str> {
    let changed = after
        .iter()
        .filter(|(path, digest)| before.get(*path) != Some(digest))
        .map(|(path, _)| path);
    let gone = before.keys().filter(|path| !after.contains_key(*path));
    let mut paths: Vec<&str> = changed.chain(gone).map(String::as_str).collect();
    paths.sort_unstable();
    paths
}

fn sentence(differ: &[&str]) -> String {
    let named: Vec<String> = differ
        .iter()
        .take(NAMED)
        .map(|path| format!("`{path}`"))
        .collect();
    match differ.len() {
        0 => "the lock contains another digest of the same files".to_owned(),
        1 => format!("{} differs", named.join("")),
        count if count <= NAMED => format!("{} differ", named.join(", ")),
        count => format!("{} and {} more differ", named.join(", "), count - NAMED),
    }
}
