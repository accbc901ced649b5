//! What the help says of commands.

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
        .or(command.get_after_help())
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
