//! The manual: a page for each command, with the sections that readers of manual pages expect.

use std::fs::File;
use std::io::{self, Write};

use camino::Utf8Path;
use clap::Command;
use clap_mangen::Man;
use clap_mangen::roff::{Roff, bold, italic, roman};

use crate::render::rules::{self, EntryKind};
use crate::service::registry;

/// Which commands an entry of ENVIRONMENT or FILES concerns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Concerns {
    /// All commands.
    All,
    /// Commands that read a project, which are all except [`WITHOUT_PROJECT`].
    Project,
    /// Commands with this option, by its name in the code.
    Option(&'static str),
}

impl Concerns {
    fn includes(self, command: &Command) -> bool {
        match self {
            Self::All => true,
            Self::Project => {
                let name = page_name(command);
                let path = name.strip_prefix("polwarden-").unwrap_or(name);
                !WITHOUT_PROJECT
                    .iter()
                    .any(|first| path.split('-').next() == Some(*first))
            }
            Self::Option(id) => command.get_arguments().any(|it| it.get_id() == id),
        }
    }
}

/// Commands that neither read nor write `polwarden.yaml`.
const WITHOUT_PROJECT: [&str; 5] = ["schema", "completions", "man", "version", "emulate"];

/// Environment variables, with their meaning, in addition to those of the services.
const ENVIRONMENT: &[(Concerns, &str, &str)] = &[
    (Concerns::All, "NO_COLOR", "If set, output has no colors."),
    (
        Concerns::Option("max_wait"),
        "HTTPS_PROXY, HTTP_PROXY, ALL_PROXY, NO_PROXY",
        "Proxy for requests, and the hosts that are reached directly.",
    ),
    (
        Concerns::Option("max_wait"),
        "SSL_CERT_FILE",
        "PEM file that replaces the certificates of the system (Linux).",
    ),
    (
        Concerns::Option("base"),
        "GITHUB_BASE_REF, CI_MERGE_REQUEST_DIFF_BASE_SHA and others",
        "Base revision of a pull request; --base has priority.",
    ),
    (
        Concerns::Option("require_branch"),
        "CI, GITHUB_ACTIONS, GITLAB_CI and others",
        "Sign of a pipeline, in which only committed files and commits on the required branch are applied.",
    ),
];

/// Files, with their meaning.
const FILES: &[(Concerns, &str, &str)] = &[
    (
        Concerns::Project,
        "polwarden.yaml",
        "Configuration, in the working directory or a parent inside the repository.",
    ),
    (
        Concerns::Option("journal"),
        ".polwarden/journal/",
        "Journals, one file for each run, next to polwarden.yaml.",
    ),
    (
        Concerns::Option("audit_record"),
        ".polwarden/journal/",
        "Journals, one file for each run, next to polwarden.yaml.",
    ),
    (
        Concerns::Option("max_wait"),
        ".polwarden/",
        "State of an embedded service, next to polwarden.yaml.",
    ),
    (
        Concerns::Option("max_wait"),
        "polwarden.lock",
        "Digests of pack sources and versions of references, written by polwarden lock.",
    ),
    (
        Concerns::Option("allowed_signers"),
        "allowed_signers, allowed_signers.asc",
        "OpenSSH and OpenPGP keys that may sign commits and saved plans.",
    ),
];

/// Commands that are used together. A page refers to the others of its row.
const RELATED: &[&[&str]] = &[
    &[
        "plan", "apply", "drift", "rollback", "runs", "show", "doctor",
    ],
    &["validate", "lint", "test", "explain", "fmt", "plan"],
    &["init", "import", "export", "list", "lock", "schema"],
    &["call", "doctor", "list"],
    &["config", "config-view", "doctor"],
    &["completions", "man", "version"],
    &["traffic", "traffic-import", "replay", "explain"],
];

/// Writes the pages of a command and of the commands below it.
///
/// # Errors
/// A page cannot be written.
pub(super) fn write(command: Command, folder: &Utf8Path) -> io::Result<()> {
    // `help` is a command for a terminal; its pages would repeat all others.
    let mut command = command.disable_help_subcommand(true);
    command.build();
    write_pages(&command, folder)
}

fn write_pages(command: &Command, folder: &Utf8Path) -> io::Result<()> {
    for below in command.get_subcommands().filter(|it| !it.is_hide_set()) {
        write_pages(below, folder)?;
    }
    let man = Man::new(command.clone());
    let mut file = File::create(folder.join(man.get_filename()))?;
    render(&man, command, &mut file)?;
    file.flush()
}

fn render(man: &Man, command: &Command, out: &mut dyn Write) -> io::Result<()> {
    man.render_title(out)?;
    man.render_name_section(out)?;
    man.render_synopsis_section(out)?;
    man.render_description_section(out)?;
    man.render_options_section(out)?;
    if command.get_subcommands().any(|it| !it.is_hide_set()) {
        man.render_subcommands_section(out)?;
    }
    let mut roff = Roff::new();
    help_sections(&mut roff, command);
    exit_status(&mut roff);
    environment(&mut roff, command);
    files(&mut roff, command);
    see_also(&mut roff, command);
    roff.to_writer(out)?;
    man.render_version_section(out)
}

/// The sections of the long help, such as examples. A line without indentation begins a section.
fn help_sections(roff: &mut Roff, command: &Command) {
    let help = command
        .get_after_long_help()
        .map(ToString::to_string)
        .unwrap_or_default();
    let mut is_open = false;
    for line in help.lines() {
        let header = line.split_once(':').filter(|_| !line.starts_with(' '));
        if let Some((title, first)) = header {
            if is_open {
                roff.control("fi", []);
            }
            // EXIT STATUS contains more than this part of the help.
            is_open = title != "Exit codes";
            if is_open {
                roff.control("SH", [title.to_uppercase().as_str()]);
                roff.control("nf", []);
                if !first.trim().is_empty() {
                    roff.text([roman(first.trim())]);
                }
            }
        } else if is_open {
            roff.text([roman(line)]);
        }
    }
    if is_open {
        roff.control("fi", []);
    }
}

fn exit_status(roff: &mut Roff) {
    roff.control("SH", ["EXIT STATUS"]);
    for entry in rules::all().filter(|entry| entry.kind == EntryKind::ExitCode) {
        definition(roff, entry.code, entry.meaning);
    }
}

fn environment(roff: &mut Roff, command: &Command) {
    roff.control("SH", ["ENVIRONMENT"]);
    if Concerns::Option("endpoints").includes(command) {
        for (name, meaning) in registry::ENVIRONMENT {
            definition(roff, name, meaning);
        }
    }
    for (_, name, meaning) in ENVIRONMENT.iter().filter(|it| it.0.includes(command)) {
        definition(roff, name, meaning);
    }
    for option in command.get_arguments() {
        if let (Some(name), Some(long)) = (option.get_env(), option.get_long()) {
            let meaning = format!("Value of --{long}; the option has priority.");
            definition(roff, &name.to_string_lossy(), &meaning);
        }
    }
}

fn files(roff: &mut Roff, command: &Command) {
    roff.control("SH", ["FILES"]);
    let mut known = Vec::new();
    for (_, path, meaning) in FILES.iter().filter(|it| it.0.includes(command)) {
        if !known.contains(path) {
            definition(roff, path, meaning);
            known.push(path);
        }
    }
    if known.is_empty() {
        roff.text([roman("Only the files that the arguments name.")]);
    }
}

fn see_also(roff: &mut Roff, command: &Command) {
    let own = page_name(command);
    let below = command.get_subcommands().filter(|it| !it.is_hide_set());
    let mut pages: Vec<String> = vec!["polwarden".to_owned()];
    pages.extend(below.map(|it| page_name(it).to_owned()));
    for row in RELATED {
        let row: Vec<String> = row.iter().map(|name| format!("polwarden-{name}")).collect();
        if row.iter().any(|name| name == own) {
            pages.extend(row);
        }
    }
    let mut listed: Vec<String> = Vec::new();
    for page in pages {
        if page != own && !listed.contains(&page) {
            listed.push(page);
        }
    }
    roff.control("SH", ["SEE ALSO"]);
    let mut words = Vec::new();
    for (position, page) in listed.iter().enumerate() {
        let end = if position + 1 == listed.len() {
            "(1)"
        } else {
            "(1), "
        };
        words.extend([italic(page.as_str()), roman(end)]);
    }
    roff.text(words);
}

/// A term with its meaning.
fn definition(roff: &mut Roff, term: &str, meaning: &str) {
    roff.control("TP", []);
    roff.text([bold(term)]);
    roff.text([roman(meaning)]);
}

/// The name of a command's page, such as `polwarden-emulate-docker`.
fn page_name(command: &Command) -> &str {
    command
        .get_display_name()
        .unwrap_or_else(|| command.get_name())
}
