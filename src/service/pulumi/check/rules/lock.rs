//! `tag-reused` and `pack-unlocked`: a source that is not what the lock file says, or of which it says nothing.

use std::collections::BTreeMap;

use super::Findings;
use crate::service::pulumi::check::scene::PackView;
use manifest::lock::LOCK_FILE;
use model::diag::{Code, Diagnostic};
use model::digest::FileDigest;

/// How many files a finding names.
const NAMED: usize = 3;

pub(super) fn check(pack: &PackView<'_>, found: &mut Findings) {
    let Some(tree) = pack.tree() else { return };
    if !pack.manifest.spec.version_tag_suffix.is_none() {
        // The tag says what the source is.
        return;
    }
    let tag = &pack.manifest.spec.version_tag;
    let Some(locked) = pack.locked else {
        let message = format!("{LOCK_FILE} does not say what the source of version `{tag}` is");
        found.push(
            Diagnostic::new(Code::PackUnlocked, message, pack.field("versionTag")).help(
                "run `polwarden lock` and commit the file: it is how a changed source is told from a published one",
            ),
        );
        return;
    };
    if locked.source != tree.digest() {
        let files = tree.files();
        let differ = differing(&locked.files, &files);
        let message = format!(
            "the source of version `{tag}` is not what was locked: {}",
            sentence(&differ)
        );
        found.push(
            Diagnostic::new(Code::TagReused, message, pack.field("versionTag"))
                .label("a tag never gets another content")
                .help("raise `versionTag`, then run `polwarden lock`; if this version was never published, run `polwarden lock --update`"),
        );
    }
}

/// The files that are not the same, sorted.
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
        0 => "the lock says another digest of the same files".to_owned(),
        1 => format!("{} differs", named.join("")),
        count if count <= NAMED => format!("{} differ", named.join(", ")),
        count => format!("{} and {} more differ", named.join(", "), count - NAMED),
    }
}
