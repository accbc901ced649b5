//! Which files are formatted, and how a file is replaced.

use std::io::Write as _;

use anyhow::{Context as _, bail};
use camino::{Utf8Path, Utf8PathBuf};

use crate::cli::console::Console;
use crate::cli::tree::SourceTree;
use crate::render::diagnostics::{DiagnosticAmount, human};
use git::{FileProblem, FileProblemKind, Listing, Source as _, WorkTree};
use manifest::{MAX_BYTES, config, parse_config};
use model::diag::SourceMap;

/// The files of one run.
#[derive(Debug, Default)]
pub(super) struct ReferencedPolicies {
    /// Paths relative to the working directory, sorted.
    pub(super) files: Vec<Utf8PathBuf>,
    /// What cannot be used.
    pub(super) problems: Vec<FileProblem>,
    /// How many configurations do not say where their manifests are; already shown.
    pub(super) invalid: usize,
}

/// Finds the files below `paths`, or without paths the configuration and the manifests of all targets.
///
/// # Errors
/// There are no paths and there is no configuration.
pub(super) fn find(
    tree: &SourceTree,
    paths: &[Utf8PathBuf],
    console: Console,
) -> anyhow::Result<ReferencedPolicies> {
    let mut found = ReferencedPolicies::default();
    if paths.is_empty() {
        found.files.push(config::FILE_NAME.into());
        for path in targets(tree, &mut found.invalid, console)? {
            found.add(&path, tree.list(&path));
        }
    }
    for path in paths {
        // Editors give absolute paths.
        let path = match tree {
            SourceTree::Work(tree) => path
                .strip_prefix(tree.root().to_str().unwrap_or_default())
                .unwrap_or(path),
            SourceTree::Revision(_) => path,
        };
        found.add(path, tree.list(path));
        // A listing passes the configuration over.
        let config = path.join(config::FILE_NAME);
        if !matches!(
            tree.read(&config, MAX_BYTES),
            Err(FileProblemKind::Missing | FileProblemKind::Unreadable(_))
        ) {
            found.files.push(config);
        }
    }
    found.files.sort_unstable();
    found.files.dedup();
    found.problems.dedup();
    Ok(found)
}

/// The paths of all targets. Errors in the configuration are printed.
fn targets(
    tree: &SourceTree,
    invalid: &mut usize,
    console: Console,
) -> anyhow::Result<Vec<Utf8PathBuf>> {
    let text = match tree.read(config::FILE_NAME.into(), MAX_BYTES) {
        Ok(text) => text,
        Err(FileProblemKind::Missing) => bail!(
            "no {} in this directory; name the files to format, or change to the directory of the configuration with -C DIR",
            config::FILE_NAME
        ),
        Err(kind) => {
            return Err(kind).with_context(|| format!("cannot read {}", config::FILE_NAME));
        }
    };
    let mut sources = SourceMap::default();
    let file = sources.add(config::FILE_NAME, std::sync::Arc::clone(&text));
    match parse_config(file, &text) {
        Ok((config, _)) => Ok(config
            .targets
            .into_iter()
            .flat_map(|target| target.paths)
            .map(Into::into)
            .collect()),
        Err(findings) => {
            *invalid += 1;
            console.warn(
                human(
                    &sources,
                    &findings,
                    DiagnosticAmount::All,
                    console.error_painter().is_colored(),
                )
                .trim_end(),
            );
            console.warn(
                "Only the configuration is formatted: it does not say where the manifests are.\n",
            );
            Ok(Vec::new())
        }
    }
}

impl ReferencedPolicies {
    fn add(&mut self, path: &Utf8Path, listing: Result<Listing, FileProblemKind>) {
        match listing {
            Ok(Listing {
                files,
                problems,
                // `fmt` formats manifests and the configuration in the working directory.
                skipped: _,
            }) => {
                self.files.extend(files);
                self.problems.extend(problems);
            }
            Err(kind) => self.problems.push(FileProblem {
                path: path.to_owned(),
                kind,
            }),
        }
    }
}

/// Replaces a file's text in one step, and keeps its mode. The file itself is replaced, not a link that leads to it.
///
/// # Errors
/// The file is not what it was when it was read, or cannot be written.
pub(crate) fn replace(
    tree: &WorkTree,
    path: &Utf8Path,
    before: &str,
    after: &str,
) -> anyhow::Result<()> {
    let real = tree.real_path(path)?;
    if *tree.read(path, MAX_BYTES)? != *before {
        bail!("the file has changed since it was read; run the command again");
    }
    let folder = real.parent().context("the file has no parent folder")?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(after.as_bytes())?;
    file.as_file()
        .set_permissions(std::fs::metadata(&real)?.permissions())?;
    file.persist(&real)?;
    Ok(())
}
