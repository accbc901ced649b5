//! `polwarden schema`: the JSON Schemas of manifests and output.

use anyhow::Context as _;
use camino::{Utf8Path, Utf8PathBuf};
use clap::Args;

use super::console::Console;
use super::error::{CommandError, CommandResult, FailureKind};
use super::exit::Exit;
use super::import::parse_provider;
use crate::render;
use crate::workspace::file::read_text;
use manifest::config::Provider;
use manifest::schema;
use manifest::schema::SchemaFile;

/// Maximum size of a schema file that is compared, in bytes.
const MAX_SCHEMA: u64 = 16 << 20;

/// Write the JSON Schemas of manifests and output.
///
/// Editors and other tools use them to check and complete manifests and the configuration, and to read JSON output.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  polwarden schema
  polwarden schema --out .polwarden/schemas
  polwarden schema --check")]
pub(super) struct SchemaArgs {
    /// Directory to write to.
    #[arg(long, value_name = "DIR", default_value = "schemas")]
    out: Utf8PathBuf,
    /// Write only the schemas of a service: docker, pulumi or chainloop.
    #[arg(long, value_name = "NAME", value_parser = parse_provider)]
    provider: Option<Provider>,
    /// Fail if the files are stale; write nothing.
    #[arg(long)]
    check: bool,
}

impl SchemaArgs {
    /// Runs the command.
    ///
    /// # Errors
    /// A file cannot be read or written.
    pub(super) fn run(self, console: Console) -> CommandResult {
        let files = self.provider.map_or_else(all, schema::of_provider);
        if self.check {
            let provider = self.provider.map_or_else(String::new, |provider| {
                format!(" --provider {}", provider.as_str())
            });
            check(&self.out, &files, &provider, console)
        } else {
            write(&self.out, &files, console)
        }
    }
}

/// The schemas of everything that users write and read.
fn all() -> Vec<SchemaFile> {
    schema::all()
        .into_iter()
        .chain(render::schema::all())
        .collect()
}

/// Compares the files in a folder. `options` are those that the command to write them needs too.
fn check(
    folder: &Utf8Path,
    files: &[SchemaFile],
    options: &str,
    console: Console,
) -> CommandResult {
    let mut stale = false;
    for SchemaFile { name, text } in files {
        let path = folder.join(name);
        match read_text(path.as_std_path(), MAX_SCHEMA) {
            Ok(found) if found == *text => {}
            Ok(_) => {
                stale = true;
                console.warn(&format!("stale: {path}"));
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                stale = true;
                console.warn(&format!("missing: {path}"));
            }
            Err(error) => Err(error).with_context(|| format!("cannot read `{path}`"))?,
        }
    }
    if stale {
        return Err(CommandError::plain(
            FailureKind::Error,
            format!("Run `polwarden schema{options} --out {folder}` to bring them up to date."),
        ));
    }
    console.status("The schemas are up to date.");
    Ok(Exit::Done)
}

/// Writes the files; returns how it went.
fn write(folder: &Utf8Path, files: &[SchemaFile], console: Console) -> CommandResult {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot create `{folder}`"))?;
    for SchemaFile { name, text } in files {
        let path = folder.join(name);
        std::fs::write(&path, text).with_context(|| format!("cannot write `{path}`"))?;
        console.status(&format!("wrote {path}"));
    }
    Ok(Exit::Done)
}
