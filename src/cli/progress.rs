//! Progress of slow operations: shown on standard error if it is a terminal, and removed afterwards.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tokio::task::AbortHandle;

use super::console::{BARS, Console};
use crate::plan::PlannedCall;
use crate::render;
use crate::render::apply_events::ApplyEvent;
use crate::render::text::plural;
use crate::run::service;
use crate::run::{CallOutcome, RunEvent, RunObserver};

/// What takes less shows no bar.
const PATIENCE: Duration = Duration::from_secs(1);

/// A bar that is shown once it has been there for a second, if a person is there to see it.
struct DelayedBar {
    bar: ProgressBar,
    timer: Option<AbortHandle>,
}

impl DelayedBar {
    fn new(console: Console, length: Option<u64>, template: &str) -> Self {
        let bar = ProgressBar::with_draw_target(length, ProgressDrawTarget::hidden());
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        let timer = console.shows_progress().then(|| {
            let bar = bar.clone();
            let show = async move {
                tokio::time::sleep(PATIENCE).await;
                BARS.add(bar).enable_steady_tick(Duration::from_millis(200));
            };
            tokio::spawn(show).abort_handle()
        });
        Self { bar, timer }
    }

    /// Takes the bar away.
    fn finish(&self) {
        if let Some(timer) = &self.timer {
            timer.abort();
        }
        self.bar.finish_and_clear();
        BARS.remove(&self.bar);
    }
}

impl Drop for DelayedBar {
    fn drop(&mut self) {
        self.finish();
    }
}

/// Shows what a command waits for, until it is dropped.
pub(super) struct WaitingFor {
    _bar: DelayedBar,
}

impl WaitingFor {
    pub(super) fn new(console: Console, what: &'static str) -> Self {
        let bar = DelayedBar::new(console, None, "{msg} {elapsed}");
        bar.bar.set_message(what);
        Self { _bar: bar }
    }
}

/// How far the readings of one command are, together. The bar goes with the last of them.
#[derive(Default)]
pub(super) struct Readings {
    now: Mutex<Option<ReadingBar>>,
}

struct ReadingBar {
    bar: DelayedBar,
    /// The number of objects that are read and expected, by the number of the reading.
    counts: BTreeMap<u64, (usize, usize)>,
    next: u64,
}

/// One reading in progress.
struct ActiveReading {
    all: Arc<Readings>,
    number: u64,
}

impl Readings {
    /// Begins to show a reading, until the answer is dropped.
    pub(super) fn begin(self: &Arc<Self>, console: Console) -> service::ReadProgress {
        let turn = self.start_reading(console);
        Arc::new(move |read, known| turn.show(read, known))
    }

    fn start_reading(self: &Arc<Self>, console: Console) -> ActiveReading {
        let mut now = self.now.lock().unwrap_or_else(PoisonError::into_inner);
        let running = now.get_or_insert_with(|| ReadingBar {
            bar: DelayedBar::new(console, None, "Reading the live state: {msg} {elapsed}"),
            counts: BTreeMap::new(),
            next: 0,
        });
        let number = running.next;
        running.next += 1;
        running.counts.insert(number, (0, 0));
        running.show();
        ActiveReading {
            all: Arc::clone(self),
            number,
        }
    }
}

impl ReadingBar {
    fn show(&self) {
        let (read, known) = self
            .counts
            .values()
            .fold((0, 0), |(read, known), one| (read + one.0, known + one.1));
        self.bar
            .bar
            .set_message(format!("{read} of {}", plural(known, "policy", "policies")));
    }
}

impl ActiveReading {
    fn show(&self, read: usize, known: usize) {
        let mut now = self.all.now.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = now.as_mut() {
            running.counts.insert(self.number, (read, known));
            running.show();
        }
    }
}

impl Drop for ActiveReading {
    fn drop(&mut self) {
        let mut now = self.all.now.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(running) = now.as_mut() {
            running.counts.remove(&self.number);
            if running.counts.is_empty() {
                *now = None;
            }
        }
    }
}

/// Prints the result of every call as it comes, and a bar on a terminal.
pub(super) struct CallProgress {
    console: Console,
    target: String,
    bar: DelayedBar,
    lock: Mutex<()>,
}

impl CallProgress {
    /// For a plan of this many calls.
    pub(super) fn new(console: Console, target: &str, calls: usize) -> Self {
        let bar = DelayedBar::new(
            console,
            u64::try_from(calls).ok(),
            if calls == 1 {
                "{bar:30} {pos}/{len} call {elapsed}"
            } else {
                "{bar:30} {pos}/{len} calls {elapsed}"
            },
        );
        Self {
            console,
            target: target.to_owned(),
            bar,
            lock: Mutex::default(),
        }
    }

    /// Takes the bar away.
    pub(super) fn finish(&self) {
        self.bar.finish();
    }

    fn show(&self, call: &PlannedCall, outcome: &CallOutcome) {
        let line = render::report::call_line(call, outcome, self.console.painter());
        let _one_line_at_a_time = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        // A closed standard output is noticed by the summary, which is printed with its errors reported.
        drop(self.console.print(&format!("{line}\n")));
        let event = ApplyEvent::call_finished(&self.target, call, outcome);
        self.console.emit(&event);
    }
}

impl RunObserver for CallProgress {
    fn event(&self, event: RunEvent<'_>) {
        match event {
            RunEvent::Started(call) => {
                self.console
                    .emit(&ApplyEvent::call_started(&self.target, call));
            }
            RunEvent::Finished(call, outcome) => {
                self.show(call, outcome);
                self.bar.bar.inc(1);
            }
        }
    }
}
