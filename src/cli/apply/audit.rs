//! The audit record of a run: printed at its end, and written to a file where one is wanted.

use std::fs::File;
use std::io::Write as _;

use anyhow::Context as _;
use camino::{Utf8Path, Utf8PathBuf};

use crate::cli::console::Console;
use crate::render;
use crate::run::audit::{AuditRecord, AuditReport};
use crate::run::journal::RunHistory;
use crate::workspace::state;

/// Where audit records go.
pub(crate) struct AuditFile {
    file: Option<(Utf8PathBuf, File)>,
    /// Those of earlier runs of the same command.
    earlier: Vec<AuditRecord>,
}

impl AuditFile {
    /// Opens the file before anything is done: what cannot be recorded is not begun. What it held before is gone, apart
    /// from what earlier runs of the same command wrote.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn open(path: Option<&Utf8Path>, earlier: Vec<AuditRecord>) -> anyhow::Result<Self> {
        let open = |path: &Utf8Path| {
            let file = state::create_private(path.as_std_path());
            let why =
                || format!("cannot write the audit record to `{path}`, so that nothing was begun");
            anyhow::Ok((path.to_owned(), file.with_context(why)?))
        };
        Ok(Self {
            file: path.map(open).transpose()?,
            earlier,
        })
    }

    /// Writes the record of a run and prints it. Returns all records of the command so far.
    ///
    /// The record is made from what the run knows: it is complete even if the disk of the journal is
    /// full. It is written before it is printed, because standard output may be lost.
    ///
    /// # Errors
    /// The record cannot be written.
    pub(crate) fn report(
        self,
        history: &RunHistory,
        console: Console,
    ) -> anyhow::Result<Vec<AuditRecord>> {
        let record = AuditRecord::from_history(history);
        let text = render::audit::human(&record);
        let written = self.write(record);
        console.announce(&text);
        written
    }

    /// Writes a record, and returns all records so far.
    ///
    /// # Errors
    /// It cannot be written.
    pub(crate) fn write(self, record: AuditRecord) -> anyhow::Result<Vec<AuditRecord>> {
        let Self {
            file,
            earlier: mut runs,
        } = self;
        runs.push(record);
        let report = AuditReport::new(runs);
        if let Some((path, mut file)) = file {
            let text = render::audit::json(&report)?;
            let written = file
                .write_all(text.as_bytes())
                .and_then(|()| file.sync_all());
            let way_out = "`polwarden runs last --audit-record FILE` writes it again";
            written
                .with_context(|| format!("cannot write the audit record to `{path}`; {way_out}"))?;
        }
        Ok(report.runs)
    }
}
