//! The audit record of a run: printed at its end, and written to a file where one is wanted.

use std::fs::File;
use std::io::Write as _;

use anyhow::Context as _;
use camino::{Utf8Path, Utf8PathBuf};

use crate::apply::audit::AuditRecord;
use crate::apply::journal::History;
use crate::cli::console::Console;
use crate::render;

/// Where the audit record goes.
pub(in crate::cli) struct AuditFile(Option<(Utf8PathBuf, File)>);

impl AuditFile {
    /// Opens the file before anything is done: what cannot be recorded is not begun. What it held before is gone.
    ///
    /// # Errors
    /// It cannot be written.
    pub(in crate::cli) fn open(path: Option<&Utf8Path>) -> anyhow::Result<Self> {
        let open = |path: &Utf8Path| {
            let file = File::create(path);
            let file = file.with_context(|| format!("cannot write the audit record to `{path}`, so that nothing was begun"))?;
            anyhow::Ok((path.to_owned(), file))
        };
        Ok(Self(path.map(open).transpose()?))
    }

    /// Prints the record of a journal, and writes it.
    ///
    /// # Errors
    /// The journal cannot be read, or the record not be written.
    pub(in crate::cli) fn tell(self, journal: &Utf8Path, console: Console) -> anyhow::Result<()> {
        let history = History::read(journal).context("there is no audit record")?;
        let record = AuditRecord::of(&history);
        console.print(&render::audit::human(&record))?;
        self.write(&record)
    }

    /// Writes a record.
    ///
    /// # Errors
    /// It cannot be written.
    pub(in crate::cli) fn write(self, record: &AuditRecord) -> anyhow::Result<()> {
        let Some((path, mut file)) = self.0 else { return Ok(()) };
        let text = render::audit::json(record)?;
        let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
        written.with_context(|| {
            format!("cannot write the audit record to `{path}`; `polwarden runs last --audit-record FILE` writes it again")
        })
    }
}
