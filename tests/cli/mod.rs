//! The binary, as a person or a script runs it.

mod chainloop;
mod comfort;
mod commands;
mod drift;
mod emulate;
mod endpoints;
mod every_host;
mod everyday;
mod examples;
mod exit_codes;
mod extensions;
mod formats;
mod gates;
mod guards;
mod headers;
mod history;
mod hostile;
mod hostile_change;
mod hostile_repository;
mod import_only;
mod init;
mod invalid_config;
mod lints;
mod mcp;
mod misleading;
mod on_merge;
mod output;
mod packs;
mod pins;
mod policy_tests;
mod removed;
pub(crate) mod sandbox;
mod schemas;
mod secrets;
mod silent_input;
mod steps;
mod suggestions;
mod team_names;
mod terminal;
mod traffic;
mod unknown;
mod watch;

/// Compares with a snapshot, with ids, digests, times and ports taken out.
macro_rules! assert_stable {
    ($name:expr, $text:expr) => {
        insta::with_settings!({
            snapshot_path => "snapshots",
            prepend_module_to_snapshot => false,
            omit_expression => true,
            filters => vec![
                (r"\b(pol|rule)_[0-9a-z]{20,}", "[$1 id]"),
                (r"sha256:[0-9a-f]{64}", "sha256:[digest]"),
                (r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?Z", "[time]"),
                (r"127\.0\.0\.1:\d+", "127.0.0.1:[port]"),
                (r"request id [0-9a-z]+", "request id [id]"),
                // It covers ids of the server.
                (r"\bplan([ =])[0-9a-f]{16}\b", "plan$1[mark]"),
                (r"\b\d{8}T\d{9}Z-[0-9a-f]{8}\b", "[run]"),
                (r" · \d+ s\b", " · [time] s"),
            ],
        }, {
            insta::assert_snapshot!($name, $text);
        });
    };
}
use assert_stable;
