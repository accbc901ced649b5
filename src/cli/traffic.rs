//! `polwarden traffic`: recorded requests of sandboxes as a file that `replay` reads.

use std::fs::{self, File};
use std::io::{self, Write as _};

use anyhow::{Context as _, bail};
use camino::{Utf8Path, Utf8PathBuf};
use clap::{Args, Subcommand};

use super::console::Console;
use super::directory;
use super::error::CommandResult;
use super::exit::Exit;
use crate::render::text::{count_of, neutral};
use crate::workspace::file::read_text;
use crate::workspace::state;
use traffic::{Aggregator, KEY_BYTES, PrincipalKey, RecordReader, SkipReason, write_traffic};

/// The file with the key in the state folder.
const KEY_FILE: &str = "traffic.key";

/// Maximum size of a file with a key in bytes.
const MAX_KEY_FILE: u64 = 1024;

/// Endings of the files that are read in a folder.
const ENDINGS: &[&str] = &[".jsonl", ".json", ".csv", ".gz"];

/// Maximum number of files below one folder.
const MOST_FILES: usize = 100_000;

/// Aggregate recorded requests of sandboxes.
///
/// The result is a file that `replay` reads.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  polwarden traffic import audit/ --out traffic.jsonl")]
pub(super) struct TrafficArgs {
    #[command(subcommand)]
    command: TrafficCommand,
}

#[derive(Debug, Subcommand)]
enum TrafficCommand {
    Import(TrafficImportArgs),
}

/// Aggregate audit records from files.
///
/// Reads audit records of sandboxes as JSON Lines, the output of `sbx policy log --json`, CSV with a header, and traffic
/// files, each also compressed with gzip. Equal attempts of one day are counted. Records that are not understood are counted
/// by kind.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  polwarden traffic import audit/ --out traffic.jsonl
  polwarden traffic import sandbox-log.json audit.jsonl.gz --out traffic.jsonl
  polwarden traffic import monday.jsonl tuesday.jsonl --out week.jsonl")]
struct TrafficImportArgs {
    /// Files, folders, or `-` for standard input.
    #[arg(required = true, value_name = "FILE")]
    files: Vec<Utf8PathBuf>,
    /// The traffic file to write; `-` for standard output.
    #[arg(long, value_name = "FILE")]
    out: Utf8PathBuf,
    #[command(flatten)]
    names: TrafficKeyArgs,
}

/// How names of users are written and compared.
#[derive(Debug, Args)]
pub(super) struct TrafficKeyArgs {
    /// Keep the names of users instead of hashing them.
    #[arg(long, conflicts_with = "key")]
    keep_names: bool,
    /// Read the key of the hashes from this file.
    ///
    /// The file contains 32 bytes as 64 hex digits. The default is `.polwarden/traffic.key`, which is created if it is
    /// missing.
    #[arg(long, value_name = "FILE")]
    key: Option<Utf8PathBuf>,
}

impl TrafficArgs {
    /// Runs the command.
    ///
    /// # Errors
    /// A file cannot be read or written.
    pub(super) fn run(self, console: Console) -> CommandResult {
        match self.command {
            TrafficCommand::Import(command) => command.run(console),
        }
    }
}

impl TrafficKeyArgs {
    /// The key, which is created if it does not exist yet; `None` if names are kept.
    fn key_or_create(&self) -> anyhow::Result<Option<PrincipalKey>> {
        if self.keep_names {
            return Ok(None);
        }
        if let Some(path) = &self.key {
            return Ok(Some(read_key(&directory::argument(path))?));
        }
        let folder = state::create_folder(None)
            .with_context(|| format!("cannot create the folder `{}`", state::FOLDER))?;
        let path = folder.join(KEY_FILE);
        if path.symlink_metadata().is_err() {
            let mut key = [0; KEY_BYTES];
            getrandom::fill(&mut key).context("the system provides no random numbers")?;
            let mut text = data_encoding::HEXLOWER.encode(&key);
            text.push('\n');
            state::write_private(&path, text)
                .with_context(|| format!("cannot write the key `{}`", path.display()))?;
        }
        Ok(Some(own_key()?))
    }
}

/// The key in the state folder, unless it came with the repository.
fn own_key() -> anyhow::Result<PrincipalKey> {
    let path = Utf8Path::new(state::FOLDER).join(KEY_FILE);
    state::check_own(path.as_std_path()).with_context(|| format!("cannot use the key `{path}`"))?;
    read_key(&path)
}

/// The existing key: from a file, or from the state folder.
///
/// # Errors
/// The file is missing or is not a key.
pub(super) fn existing_key(key: Option<&Utf8Path>) -> anyhow::Result<PrincipalKey> {
    match key {
        Some(path) => read_key(&directory::argument(path)),
        None => own_key(),
    }
}

fn read_key(path: &Utf8Path) -> anyhow::Result<PrincipalKey> {
    let text = read_text(path.as_std_path(), MAX_KEY_FILE)
        .with_context(|| format!("cannot read the key `{path}`"))?;
    let decoded = data_encoding::HEXLOWER_PERMISSIVE.decode(text.trim().as_bytes());
    let key: Option<[u8; KEY_BYTES]> = decoded.ok().and_then(|key| key.try_into().ok());
    match key {
        Some(key) => Ok(PrincipalKey::new(&key)),
        None => bail!("invalid key `{path}`: expected 64 hex digits"),
    }
}

impl TrafficImportArgs {
    fn run(self, console: Console) -> CommandResult {
        directory::enter_project()?;
        let mut aggregator = Aggregator::new(self.names.key_or_create()?);
        let inputs = self.inputs(&mut aggregator)?;
        let mut reader = RecordReader::new(&mut aggregator);
        for input in &inputs {
            let read = match input {
                TrafficInput::Standard => reader.read(io::stdin().lock()),
                TrafficInput::File(path) => {
                    let file = File::open(path).with_context(|| format!("cannot read `{path}`"))?;
                    reader.read(file)
                }
            };
            read.with_context(|| format!("cannot import {}", input.name()))?;
        }
        let (header, rows) = aggregator.finish();
        let mut text = Vec::new();
        write_traffic(&mut text, &header, &rows)?;
        if self.out == "-" {
            io::stdout().lock().write_all(&text)?;
        } else {
            state::write_private(directory::argument(&self.out).as_std_path(), &text)
                .with_context(|| format!("cannot write `{}`", self.out))?;
        }
        console.status(&format!(
            "Imported {} as {} from {}.",
            count(header.records, "attempt"),
            count_of(rows.len(), "row"),
            count_of(inputs.len(), "input")
        ));
        if !header.skipped.0.is_empty() {
            console.status(&format!(
                "Skipped {}:",
                count(header.skipped.total(), "record")
            ));
            for (reason, number) in &header.skipped.0 {
                console.status(&format!("  {number}  {}", reason.words()));
            }
        }
        Ok(Exit::Done)
    }

    /// The files to read. Those that are still written are counted.
    fn inputs(&self, aggregator: &mut Aggregator) -> anyhow::Result<Vec<TrafficInput>> {
        let mut inputs = Vec::new();
        for path in &self.files {
            if path == "-" {
                inputs.push(TrafficInput::Standard);
                continue;
            }
            let path = &directory::argument(path);
            if path.is_dir() {
                let mut files = Vec::new();
                list(path, &mut files, aggregator)
                    .with_context(|| format!("cannot list `{path}`"))?;
                if files.is_empty() {
                    bail!(
                        "no records below `{path}`: expected files that end with {}",
                        ENDINGS.join(", ")
                    );
                }
                files.sort_unstable();
                inputs.extend(files.into_iter().map(TrafficInput::File));
            } else if is_unfinished(path) {
                aggregator.skip(SkipReason::UnfinishedFile);
            } else {
                inputs.push(TrafficInput::File(path.clone()));
            }
        }
        Ok(inputs)
    }
}

/// One source of records.
#[derive(Debug)]
enum TrafficInput {
    Standard,
    File(Utf8PathBuf),
}

impl TrafficInput {
    fn name(&self) -> String {
        match self {
            Self::Standard => "standard input".to_owned(),
            Self::File(path) => format!("`{}`", neutral(path.as_str())),
        }
    }
}

/// A file that a sandbox is still writing (contract: docker/AUDIT).
fn is_unfinished(path: &Utf8Path) -> bool {
    let name = path.file_name().unwrap_or_default();
    name.ends_with(".tmp")
}

/// The files with records below a folder. Links are not followed.
fn list(
    folder: &Utf8Path,
    files: &mut Vec<Utf8PathBuf>,
    aggregator: &mut Aggregator,
) -> anyhow::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let Ok(path) = Utf8PathBuf::try_from(entry.path()) else {
            continue;
        };
        let kind = entry.file_type()?;
        if kind.is_dir() {
            list(&path, files, aggregator)?;
        } else if kind.is_file() && is_unfinished(&path) {
            aggregator.skip(SkipReason::UnfinishedFile);
        } else if kind.is_file() && ENDINGS.iter().any(|ending| path.as_str().ends_with(ending)) {
            files.push(path);
        }
        if files.len() > MOST_FILES {
            bail!("more than {MOST_FILES} files");
        }
    }
    Ok(())
}

fn count(number: u64, noun: &str) -> String {
    if number == 1 {
        format!("1 {noun}")
    } else {
        format!("{number} {noun}s")
    }
}
