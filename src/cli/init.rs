//! `polwarden init`: a repository to start from.

use std::path::Path;

use anyhow::Context as _;
use camino::{Utf8Path, Utf8PathBuf};
use clap::Args;

use super::console::Console;
use super::error::{CommandError, CommandResult, FailureKind};
use super::exit::Exit;
use super::schema;

const CONFIG: &str = include_str!("init/polwarden.yaml");
const POLICY: &str = include_str!("init/policy.yaml");
const TEST: &str = include_str!("init/test.yaml");
const SETTINGS: &str = include_str!("init/settings.json");
const IGNORE: &str = "# What polwarden keeps between runs.\n.polwarden/\n";

/// Create a repository of policies.
///
/// Writes a configuration, a commented example policy with a test, the schemas and the editor configuration. Overwrites no
/// file.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  polwarden init
  polwarden init my-policies")]
pub(super) struct InitArgs {
    /// Directory to write to (same as -C DIR); created if missing.
    #[arg(value_name = "DIR")]
    path: Option<Utf8PathBuf>,
}

impl InitArgs {
    /// Runs the command.
    ///
    /// # Errors
    /// A file cannot be written.
    pub(super) fn run(self, console: Console) -> CommandResult {
        if let Some(path) = &self.path {
            std::fs::create_dir_all(path).with_context(|| format!("cannot create `{path}`"))?;
            super::directory::change(path)?;
        }
        let branch = git::main_branch(Path::new(".")).unwrap_or_else(|| "main".to_owned());
        let mut files = vec![
            (Utf8PathBuf::from("polwarden.yaml"), config(&branch)),
            ("policies/package-managers.yaml".into(), POLICY.to_owned()),
            ("tests/package-managers.yaml".into(), TEST.to_owned()),
            (".vscode/settings.json".into(), SETTINGS.to_owned()),
            (".gitignore".into(), IGNORE.to_owned()),
        ];
        let schemas = schema::editor_schemas();
        files.extend(
            schemas
                .into_iter()
                .map(|file| (Utf8Path::new("schemas").join(file.name), file.text)),
        );
        // An ignore file that is there already is the user's, and is left as it is.
        files.retain(|(path, _)| path != ".gitignore" || path.symlink_metadata().is_err());
        let in_the_way: Vec<_> = files
            .iter()
            .map(|(path, _)| path)
            .filter(|path| path.symlink_metadata().is_ok())
            .map(|path| CommandError::plain(FailureKind::Error, format!("`{path}` exists")))
            .collect();
        CommandError::join(in_the_way).map_err(|error| {
            error.hint("Nothing was written: `init` never overwrites. Start in another directory, or move these files away.")
        })?;
        for (path, text) in &files {
            if let Some(folder) = path.parent().filter(|folder| !folder.as_str().is_empty()) {
                std::fs::create_dir_all(folder)
                    .with_context(|| format!("cannot create `{folder}`"))?;
            }
            std::fs::write(path, text).with_context(|| format!("cannot write `{path}`"))?;
            console.print(&format!("wrote {path}\n"))?;
        }
        console.print(NEXT)?;
        Ok(Exit::Done)
    }
}

/// The configuration for a repository whose changes are merged into a branch.
fn config(branch: &str) -> String {
    // YAML reads a JSON string as the same text; only names of letters are also safe without quotes.
    let is_plain = |name: &str| {
        let is_letter = |c: char| c.is_ascii_alphabetic() || matches!(c, '-' | '_' | '/');
        name.starts_with(|c: char| c.is_ascii_alphabetic())
            && name.chars().all(is_letter)
            && !matches!(&*name.to_ascii_lowercase(), "true" | "false" | "null")
    };
    let text = if is_plain(branch) {
        branch.to_owned()
    } else {
        serde_json::Value::from(branch).to_string()
    };
    CONFIG.replace("{branch}", &text)
}

const NEXT: &str = "
Next:
  polwarden validate                            check the manifests
  polwarden test                                run the policy tests
  polwarden plan --endpoint docker=embedded     see what would be done, without an account
  polwarden apply --endpoint docker=embedded    do it to a service on this machine
For the real service, put your organization into polwarden.yaml and set DOCKER_HUB_IDENTIFIER and DOCKER_HUB_SECRET.
";
