//! Output formats: golden files, the schemas that others publish, and texts that try to break out.

mod browser;
mod cut;
mod drift;
mod golden;
mod hostile;
mod published;
mod runner;
mod world;

/// Says that a test cannot be run without a tool; a caller that demands all tools is told by a failure.
#[expect(
    clippy::print_stderr,
    reason = "a test that is passed over must say so"
)]
fn passed_over(tool: &str, what: &str) {
    assert!(
        std::env::var_os("POLWARDEN_TEST_TOOLS").is_none(),
        "{tool} is asked for and not there"
    );
    eprintln!("no {tool}: {what}");
}
