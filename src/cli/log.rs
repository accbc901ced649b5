//! The log of `-v` and `-vv`: one line per event, on standard error.

use std::io::{self, Write};

use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

use super::console::beside;
use crate::render::text::neutral;

/// Starts the log: `-v` logs steps, `-vv` every request. Only events of this program are logged because libraries may
/// log headers.
pub(super) fn start(verbose: u8) {
    let level = match verbose {
        0 => return,
        1 => LevelFilter::INFO,
        2.. => LevelFilter::DEBUG,
    };
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(StandardError)
        .with_target(false);
    let ours = Targets::new().with_target(env!("CARGO_PKG_NAME"), level);
    // A second subscriber in this process would be refused, which is not an error here.
    let _ = tracing_subscriber::registry()
        .with(lines.with_filter(ours))
        .try_init();
}

/// Standard error without control characters, which could manipulate a terminal.
struct StandardError;

/// One event, which is written at once.
struct EventFormat;

impl MakeWriter<'_> for StandardError {
    type Writer = EventFormat;

    fn make_writer(&self) -> EventFormat {
        EventFormat
    }
}

impl Write for EventFormat {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        // Line breaks inside of an event would make lines that look like others.
        let line = format!("{}\n", neutral(text.trim_end_matches('\n')));
        beside(|| io::stderr().lock().write_all(line.as_bytes()))?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_counts_as_written() {
        let mut event = StandardError.make_writer();
        assert_eq!(event.write(b"\n").unwrap(), 1);
        event.flush().unwrap();
    }
}
