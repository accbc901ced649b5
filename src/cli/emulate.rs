//! `polwarden emulate`: the services on loopback, for trying things out and for tests.

use anyhow::Context as _;
use camino::Utf8Path;
use clap::Args;

use super::console::Console;
use super::error::{CommandError, CommandResult};
use super::exit::Exit;
use crate::service::emulate::Serving;
use crate::service::registry::EmulateCommand;
use emulator::RunningEmulator;

/// Run an emulator of a service on loopback until interrupted.
#[derive(Debug, Args)]
#[command(after_long_help = "Examples:
  polwarden emulate docker
  polwarden emulate docker --listen 127.0.0.1:8080")]
pub(super) struct EmulateArgs {
    #[command(subcommand)]
    service: EmulateCommand,
}

impl EmulateArgs {
    /// Runs the command.
    ///
    /// # Errors
    /// The service cannot be started.
    pub(super) fn run(self, console: Console) -> CommandResult {
        super::runtime()?.block_on(async {
            let started = self.service.start().await;
            let Serving { running, port_file } = started.map_err(anyhow::Error::from)?;
            serve(running, port_file.as_deref(), console).await
        })
    }
}

/// Tells where a service listens, and waits until it is interrupted or crashes.
async fn serve(
    running: RunningEmulator,
    port_file: Option<&Utf8Path>,
    console: Console,
) -> CommandResult {
    if let Some(path) = port_file {
        let port = running.address().port();
        // A reader that waits for the file must never see it half written.
        let folder = path.parent().filter(|folder| !folder.as_str().is_empty());
        let mut file = tempfile::NamedTempFile::new_in(folder.unwrap_or_else(|| ".".into()))?;
        std::io::Write::write_all(&mut file, format!("{port}\n").as_bytes())?;
        file.persist(path)
            .with_context(|| format!("cannot write the port to `{path}`"))?;
    }
    console.status(&format!(
        "Listening on {} (stop with Ctrl-C)",
        running.url()
    ));
    let crashed = tokio::select! {
        stopped = tokio::signal::ctrl_c() => stopped.map(|()| false).context("cannot wait for Ctrl-C")?,
        () = running.crashed() => true,
    };
    running.shutdown().await;
    if crashed {
        return Err(CommandError::error(
            "the emulator has crashed, as a --fault asked for",
        ));
    }
    Ok(Exit::Done)
}
