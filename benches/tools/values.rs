//! Only the reading of YAML, by the library that most Rust programs use.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde::Deserialize as _;
use serde_yaml::{Deserializer, Value};

/// Reads all `.yaml` files below `policies/` and prints the number of documents.
///
/// # Errors
/// A file that cannot be read.
pub(crate) fn read(folder: &Path) -> anyhow::Result<()> {
    let mut files: Vec<PathBuf> = Vec::new();
    for organization in fs::read_dir(folder.join("policies"))? {
        for file in fs::read_dir(organization?.path())? {
            files.push(file?.path());
        }
    }
    let counts: Result<Vec<usize>, std::io::Error> =
        files.par_iter().map(|file| count(file)).collect();
    writeln!(std::io::stdout(), "{}", counts?.iter().sum::<usize>())?;
    Ok(())
}

fn count(file: &Path) -> std::io::Result<usize> {
    let text = fs::read_to_string(file)?;
    let documents = Deserializer::from_str(&text).map(Value::deserialize);
    Ok(documents
        .filter(|document| std::hint::black_box(document).is_ok())
        .count())
}
