//! Ctrl-C, and what a supervisor sends.

use crate::cli::console::Console;
use crate::cli::exit::Exit;
use crate::run::StopSignal;

/// Stops a run in good order at the first signal, and ends this process at the second.
pub(super) fn stop_on_signals(stop: &StopSignal, console: Console) {
    // Registered before the task is spawned: a signal that arrives earlier would end the process.
    let mut signals = match InterruptSignals::new() {
        Ok(signals) => signals,
        Err(error) => {
            console.warn(&format!(
                "Interrupts cannot be noticed ({error}); one ends this run at once."
            ));
            return;
        }
    };
    let stop = stop.clone();
    tokio::spawn(async move {
        signals.next().await;
        stop.ask();
        console.warn(
            "Stopping: calls that are under way are finished. Interrupt again to end at once.",
        );
        signals.next().await;
        // The journal tells the next run which calls were under way.
        std::process::exit(Exit::Partial.code().into());
    });
}

#[cfg(unix)]
struct InterruptSignals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl InterruptSignals {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
        })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct InterruptSignals;

#[cfg(not(unix))]
impl InterruptSignals {
    fn new() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        // Without a way to hear of interrupts there are none.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
