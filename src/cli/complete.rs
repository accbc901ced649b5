//! The values that shells complete: targets, policies, runs, codes and teams.
//!
//! They come from local files only. An error means no values: a completion has no place to report it.

use std::ffi::OsStr;
use std::sync::{Arc, OnceLock};

use clap_complete::engine::{CompletionCandidate, PathCompleter, ValueCompleter as _};

use super::directory;
use super::tree::{RevisionArgs, SourceTree};
use crate::render::rules;
use crate::run::journal;
use crate::service::registry;
use crate::workspace::ManifestSet;
use git::Source as _;
use manifest::config::{self, Config};
use manifest::parse_config;
use model::diag::{DocumentId, SourceMap};

/// The variable by which the script of a shell asks for completions.
pub(super) const VARIABLE: &str = "POLWARDEN_COMPLETE";

/// The names of the targets.
pub(super) fn targets() -> Vec<CompletionCandidate> {
    let Some(Configuration { config, .. }) = configuration() else {
        return Vec::new();
    };
    candidates(config.targets.into_iter().map(|target| target.name))
}

/// The names of the policies, packs, groups and documents that manifests declare.
pub(super) fn policies() -> Vec<CompletionCandidate> {
    let Some(Configuration {
        tree,
        mut sources,
        config,
        document,
    }) = configuration()
    else {
        return Vec::new();
    };
    let loaded = crate::workspace::load(&tree, &config, document, &mut sources);
    let manifests = ManifestSet {
        sources,
        config,
        document,
        loaded,
    };
    let targets = manifests.config.targets.iter();
    let mut names: Vec<String> = targets
        .flat_map(|target| registry::declared_names_of_objects(&manifests.documents(target)))
        .collect();
    names.sort();
    names.dedup();
    candidates(names)
}

/// The aliases of teams.
pub(super) fn teams() -> Vec<CompletionCandidate> {
    let Some(Configuration { config, .. }) = configuration() else {
        return Vec::new();
    };
    let targets = config.targets.iter();
    let mut names: Vec<String> = targets
        .flat_map(|target| target.teams().keys().cloned())
        .collect();
    names.sort();
    names.dedup();
    candidates(names)
}

/// The runs that have a journal here, the last one first.
pub(super) fn runs() -> Vec<CompletionCandidate> {
    enter();
    let files = journal::list().map(|listed| listed.own).unwrap_or_default();
    let runs = files.iter().rev().filter_map(|file| file.file_stem());
    candidates(std::iter::once("last".to_owned()).chain(runs.map(str::to_owned)))
}

/// Runs, and files with plans.
pub(super) fn plans_and_runs(current: &OsStr) -> Vec<CompletionCandidate> {
    // Paths are relative to where the user is, so they come before the project is entered.
    let mut found = PathCompleter::file().complete(current);
    let current = current.to_string_lossy();
    let runs = runs().into_iter();
    found.extend(runs.filter(|run| run.get_value().to_string_lossy().starts_with(&*current)));
    found
}

/// All codes, and the kinds of requests.
pub(super) fn codes() -> Vec<CompletionCandidate> {
    let kinds = ["tcp", "udp", "get", "post", "read", "write", "mcp"];
    let kinds = kinds.map(CompletionCandidate::new);
    let codes = rules::all()
        .map(|entry| CompletionCandidate::new(entry.code).help(Some(entry.meaning.into())));
    kinds.into_iter().chain(codes).collect()
}

/// The configuration of the work tree.
struct Configuration {
    tree: SourceTree,
    sources: SourceMap,
    config: Config,
    document: DocumentId,
}

fn configuration() -> Option<Configuration> {
    enter();
    let tree = SourceTree::open(&RevisionArgs::default()).ok()?;
    let text = tree
        .read(config::FILE_NAME.into(), manifest::MAX_BYTES)
        .ok()?;
    let mut sources = SourceMap::default();
    let file = sources.add(config::FILE_NAME, Arc::clone(&text));
    let (config, document) = parse_config(file, &text).ok()?;
    Some(Configuration {
        tree,
        sources,
        config,
        document,
    })
}

/// Enters the directory of the command line that is completed, once.
fn enter() {
    static ENTERED: OnceLock<()> = OnceLock::new();
    ENTERED.get_or_init(|| {
        if let Some(folder) = named_directory(std::env::args().skip_while(|word| word != "--"))
            && directory::change(folder.as_str().into()).is_err()
        {
            return;
        }
        // Without a project, nothing is completed.
        let _ = directory::enter_project();
    });
}

/// The value of `-C` in a command line.
fn named_directory(words: impl Iterator<Item = String>) -> Option<String> {
    let mut words = words.peekable();
    let mut found = None;
    while let Some(word) = words.next() {
        if word == "-C" || word == "--directory" {
            found = words.peek().cloned();
        } else if let Some(value) = word.strip_prefix("--directory=") {
            found = Some(value.to_owned());
        }
    }
    found
}

fn candidates(values: impl IntoIterator<Item = String>) -> Vec<CompletionCandidate> {
    let is_bash = std::env::var(VARIABLE).is_ok_and(|shell| shell == "bash");
    values
        .into_iter()
        .filter(|value| !value.chars().any(char::is_control))
        .map(|value| CompletionCandidate::new(if is_bash { escape(&value) } else { value }))
        .collect()
}

/// Bash inserts a value as it is, so special characters are escaped. The other shells do this themselves.
fn escape(value: &str) -> String {
    let mut text = String::new();
    for c in value.chars() {
        if !(c.is_alphanumeric()
            || matches!(c, '-' | '_' | '.' | '/' | '@' | '%' | '+' | ',' | ':'))
        {
            text.push('\\');
        }
        text.push(c);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_directory_is_found_in_the_command_line() {
        let find = |line: &str| named_directory(line.split(' ').map(str::to_owned));
        assert_eq!(find("-- polwarden -C a plan"), Some("a".to_owned()));
        assert_eq!(
            find("-- polwarden plan --directory=b"),
            Some("b".to_owned())
        );
        assert_eq!(find("-- polwarden plan"), None);
        assert_eq!(find("-- polwarden plan -C"), None);
    }

    #[test]
    fn bash_gets_escaped_names() {
        assert_eq!(escape("AI services"), "AI\\ services");
        assert_eq!(escape("a$(b)"), "a\\$\\(b\\)");
        assert_eq!(escape("web-1"), "web-1");
    }
}
