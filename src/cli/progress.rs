//! What is shown while calls are made.

use std::sync::Mutex;
use std::sync::PoisonError;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::console::Console;
use crate::apply::{CallOutcome, Event, Progress};
use crate::plan::Call;
use crate::render;

/// Prints the result of every call as it comes, and a bar on a terminal.
pub struct CallProgress {
    console: Console,
    bar: ProgressBar,
    lock: Mutex<()>,
}

impl CallProgress {
    /// For a plan of this many calls.
    pub fn new(console: Console, calls: usize) -> Self {
        let target = if console.shows_progress() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(u64::try_from(calls).ok(), target);
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {pos}/{len} calls {elapsed}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        Self { console, bar, lock: Mutex::default() }
    }

    /// Takes the bar away.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn show(&self, call: &Call, outcome: &CallOutcome) {
        let line = render::report::call_line(call, outcome, self.console.painter());
        let _one_line_at_a_time = self.lock.lock().unwrap_or_else(PoisonError::into_inner);
        // A closed standard output is noticed by the summary, which is printed with its errors reported.
        self.bar.suspend(|| drop(self.console.print(&format!("{line}\n"))));
    }
}

impl Progress for CallProgress {
    fn event(&self, event: Event<'_>) {
        match event {
            Event::Started(_) => {}
            Event::Finished(call, outcome) => {
                self.show(call, outcome);
                self.bar.inc(1);
            }
        }
    }
}
