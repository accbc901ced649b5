//! Only one run at a time uses a journal folder.

use std::time::{Duration, Instant};

use clap::Args;

use crate::cli::connect::duration;
use crate::cli::console::Console;
use crate::cli::error::{CommandError, CommandResult};
use crate::render::apply_events::ApplyEvent;
use crate::render::text::neutral;
use crate::run::journal::{FolderLock, JournalError};

/// How often the lock is tried while waiting for it.
const INTERVAL: Duration = Duration::from_millis(200);

/// What happens if another run uses the same journal folder.
#[derive(Debug, Args)]
#[command(next_help_heading = "Journal")]
pub(crate) struct LockArgs {
    /// Time to wait for another run with the same journal folder.
    ///
    /// Examples: `90s`, `1h`. Without it, the command fails at once and names the other run.
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = duration)]
    lock_timeout: Duration,
}

impl LockArgs {
    /// Takes the lock of the journal folder, and waits for it as long as the user allows.
    ///
    /// # Errors
    /// Another run has the lock, or the folder cannot be used.
    pub(crate) async fn acquire(&self, console: Console) -> CommandResult<FolderLock> {
        let start = Instant::now();
        let mut announced = None;
        loop {
            let error = match FolderLock::try_acquire() {
                Ok(lock) => return Ok(lock),
                Err(error) => error,
            };
            let JournalError::FolderLocked { holder, .. } = &error else {
                return Err(error.into());
            };
            if start.elapsed() >= self.lock_timeout {
                let error = CommandError::from(error);
                return Err(if self.lock_timeout.is_zero() {
                    error.hint("help: add --lock-timeout 10m to wait for it")
                } else {
                    error
                });
            }
            let who = holder
                .as_ref()
                .map_or_else(|| "another run".to_owned(), ToString::to_string);
            if announced.as_ref() != Some(&who) {
                let reason = format!("the journal folder is used by {who}");
                console.status(&format!("Waiting: {}.", neutral(&reason)));
                console.emit(&ApplyEvent::Waiting { reason });
                announced = Some(who);
            }
            tokio::time::sleep(INTERVAL).await;
        }
    }
}
