//! The help of all commands.

use super::*;

/// All commands that can be run, with the words that lead to them.
fn commands(
    command: &clap::Command,
    words: &[String],
    found: &mut Vec<(Vec<String>, clap::Command)>,
) {
    let words = [words, &[command.get_name().to_owned()]].concat();
    found.push((words.clone(), command.clone()));
    for below in command.get_subcommands() {
        commands(below, &words, found);
    }
}

/// Splits a line as a shell does, with quotes. Everything after a pipe or a redirection belongs to other commands.
fn shell_words(line: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = None::<String>;
    let mut quote = None;
    for c in line.chars() {
        match (quote, c) {
            (Some(open), c) if c == open => quote = None,
            (None, '\'' | '"') => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            (None, ' ') => words.extend(word.take()),
            (None, '>' | '|' | '&') if word.is_none() => break,
            (_, c) => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

fn examples(command: &clap::Command) -> Vec<String> {
    let help = command
        .get_after_long_help()
        .map(ToString::to_string)
        .unwrap_or_default();
    let below = help
        .split_once("Examples:\n")
        .map(|(_, below)| below.to_owned())
        .unwrap_or_default();
    let lines = below.lines().take_while(|line| line.starts_with("  "));
    // The text after a wide gap describes the line.
    lines
        .map(|line| {
            line.trim()
                .split("    ")
                .next()
                .unwrap_or_default()
                .trim()
                .to_owned()
        })
        .collect()
}

#[test]
fn every_command_has_examples_that_it_understands() {
    let mut all = Vec::new();
    commands(&Cli::command(), &[], &mut all);
    assert!(all.len() > 15, "{}", all.len());
    for (words, command) in all {
        let examples = examples(&command);
        assert!(!examples.is_empty(), "{words:?} has no examples");
        for example in examples {
            let typed = shell_words(&example);
            assert_eq!(
                typed.first().map(String::as_str),
                Some("polwarden"),
                "{words:?}: {example}"
            );
            if let Err(error) = Cli::try_parse_from(&typed) {
                panic!("{words:?}: {example}: {error}");
            }
        }
    }
}

/// Options that several commands share. They are under the same heading in all of them.
const SHARED: [(&str, &str); 16] = [
    ("directory", "Global options"),
    ("git_dir", "Global options"),
    ("color", "Global options"),
    ("quiet", "Global options"),
    ("verbose", "Global options"),
    ("targets", "Input"),
    ("at", "Input"),
    ("staged", "Input"),
    ("live", "Input"),
    ("endpoints", "Connection"),
    ("concurrency", "Connection"),
    ("base", "Access gates"),
    ("auto_approve", "Approval and guards"),
    ("journal", "Journal"),
    ("format", "Output"),
    ("output", "Output"),
];

#[test]
fn summaries_are_short_and_options_are_grouped() {
    let mut command = Cli::command();
    command.build();
    let mut all = Vec::new();
    commands(&command, &[], &mut all);
    for (words, command) in all {
        if words.contains(&"help".to_owned()) {
            continue;
        }
        let summary = command.get_about().map(ToString::to_string);
        let summary = summary.unwrap_or_default();
        let length = summary.chars().count();
        assert!((1..=60).contains(&length), "{words:?}: {length}: {summary}");
        assert!(
            summary.starts_with(char::is_uppercase) && !summary.contains('\n'),
            "{words:?}: {summary}"
        );
        let options = || command.get_opts().filter(|option| !option.is_hide_set());
        for option in options() {
            let id = option.get_id().as_str();
            let heading = option.get_help_heading();
            if let Some((_, expected)) = SHARED.iter().find(|(known, _)| *known == id)
                // `runs`, `validate` and `replay` give some of these names to options of their own.
                && !(id == "live" && words.contains(&"validate".to_owned()))
                && !(id == "base" && words.contains(&"replay".to_owned()))
            {
                assert_eq!(heading, Some(*expected), "{words:?} --{id}");
            }
            // A heading also applies to all options that are declared after its group.
            assert!(
                heading != Some("Connection")
                    || ["endpoints", "concurrency", "max_wait"].contains(&id),
                "{words:?} --{id}"
            );
            let help = option.get_help().map(ToString::to_string);
            assert!(
                help.is_some_and(|help| help.chars().count() <= 80),
                "{words:?} --{id} has no short help"
            );
        }
        let without_heading = options().filter(|option| option.get_help_heading().is_none());
        let ungrouped: Vec<_> = without_heading.map(clap::Arg::get_id).collect();
        assert!(ungrouped.len() <= 8, "{words:?}: {ungrouped:?}");
    }
}

#[test]
fn short_help_is_shorter_than_long_help_with_examples() {
    let mut all = Vec::new();
    commands(&Cli::command(), &[], &mut all);
    for (words, mut command) in all {
        let short = command.render_help().to_string();
        let long = command.render_long_help().to_string();
        assert!(long.contains("\nExamples:\n"), "{words:?}");
        assert!(!short.contains("Examples:"), "{words:?}");
        assert!(
            short.lines().count() < long.lines().count(),
            "{words:?}: {short}"
        );
    }
}

#[test]
fn lines_are_split_as_a_shell_does() {
    assert_eq!(
        shell_words("polwarden import --only 'AI services' > x"),
        ["polwarden", "import", "--only", "AI services"]
    );
    assert_eq!(shell_words("a 'b\"c' \"\""), ["a", "b\"c", ""]);
}

#[test]
fn the_command_line_is_sound() {
    Cli::command().debug_assert();
}
