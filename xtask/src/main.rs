//! `cargo run -p xtask -- …`

use std::io::Write as _;
use std::process::ExitCode;

use anyhow::{Result, bail};
use xtask::{language, measures::Structure, report, workspace::Repository};

const HELP: &str = "\
Measure the structure and check the language of this repository

Usage: cargo run -p xtask -- <COMMAND>

Commands:
  structure  Print crates, cycles, repeated type names and short files as Markdown
  language   Print texts that break the language rules, as path:line: [rule] text; use: replacement

Options of language:
  --all               Include the texts in xtask/language-allowed.txt
  --write-allow-list  Remove entries that no longer occur from xtask/language-allowed.txt
  --bootstrap         With --write-allow-list: also add entries for all other matches

`cargo test -p xtask` checks both.
";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let (text, code) = match run(&arguments) {
        Ok((text, code)) => (text, code),
        Err(error) => {
            let _ = writeln!(std::io::stderr(), "error: {error:#}");
            return ExitCode::FAILURE;
        }
    };
    // A closed pipe (`… | head`) is not an error.
    let _ = std::io::stdout().write_all(text.as_bytes());
    code
}

fn run(arguments: &[&str]) -> Result<(String, ExitCode)> {
    let succeeded = |text| Ok((text, ExitCode::SUCCESS));
    match arguments {
        [] | ["help" | "-h" | "--help"] | [_, "-h" | "--help"] => succeeded(HELP.to_owned()),
        ["structure"] => succeeded(report::structure(&Structure::load()?)),
        ["language", options @ ..] => language_command(options),
        _ => bail!("invalid arguments: {}\n\n{HELP}", arguments.join(" ")),
    }
}

fn language_command(options: &[&str]) -> Result<(String, ExitCode)> {
    let known = ["--all", "--write-allow-list", "--bootstrap"];
    if let Some(unknown) = options.iter().find(|option| !known.contains(option)) {
        bail!("unknown option {unknown:?}\n\n{HELP}");
    }
    let has = |option| options.contains(&option);
    let workspace = Repository::load()?;
    let matches = language::check(&workspace)?;
    let allowed = language::AllowList::of(&workspace)?;
    let bad = allowed.compare(&matches).new;
    if has("--write-allow-list") {
        if !bad.is_empty() && !has("--bootstrap") {
            let text = language::render(&bad);
            bail!(
                "{text}reword these {} texts; the allow list only shrinks",
                bad.len()
            );
        }
        let kept = match has("--bootstrap") {
            true => language::AllowList::from_matches(&matches),
            false => allowed.shrunk(&matches),
        };
        kept.write()?;
        return Ok((
            format!("{} texts allowed\n", kept.total()),
            ExitCode::SUCCESS,
        ));
    }
    let shown = if has("--all") { &matches } else { &bad };
    let code = match shown.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    };
    Ok((language::render(shown), code))
}
