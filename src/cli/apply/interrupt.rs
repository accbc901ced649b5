//! Ctrl-C, what a supervisor sends, and a terminal that is closed.

use crate::cli::console::Console;
use crate::cli::exit::Exit;
use crate::run::StopSignal;

/// Stops a run after its current calls at the first signal, and exits at the second.
pub(crate) fn stop_on_signals(stop: &StopSignal, console: Console) {
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
        signals.first().await;
        stop.ask();
        console.warn("Stopping after the calls in progress. Interrupt again to exit immediately.");
        signals.interrupt().await;
        // The next run reads the open calls from the journal.
        std::process::exit(Exit::Partial.code().into());
    });
}

#[cfg(unix)]
struct InterruptSignals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
    /// A closed terminal or a lost connection. `None` if it is ignored, as `nohup` asks for.
    hangup: Option<tokio::signal::unix::Signal>,
}

#[cfg(unix)]
impl InterruptSignals {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: if ignores_hangup() {
                None
            } else {
                Some(signal(SignalKind::hangup())?)
            },
        })
    }

    /// Waits for the first signal, a hangup included.
    async fn first(&mut self) {
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => hangup.recv().await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = hangup => {}
        }
    }

    /// Waits for a person or a supervisor. A closed terminal often sends several hangups, and nobody
    /// asks for an end at once by them.
    async fn interrupt(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

/// Whether this process was started with hangups ignored. Only Linux reports it.
#[cfg(unix)]
fn ignores_hangup() -> bool {
    const HANGUP: u64 = 1;
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    ignored
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        .is_some_and(|mask| mask & HANGUP != 0)
}

#[cfg(not(unix))]
struct InterruptSignals;

#[cfg(not(unix))]
impl InterruptSignals {
    fn new() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn first(&mut self) {
        self.interrupt().await;
    }

    async fn interrupt(&mut self) {
        // Without a way to hear of interrupts there are none.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}
