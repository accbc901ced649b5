//! The check of the language, and examples of what it rejects.

use std::sync::LazyLock;

use xtask::language::{AllowList, Checker, check, render};
use xtask::workspace::Repository;

#[test]
fn texts_follow_the_language_rules() {
    let workspace = Repository::load().unwrap();
    let matches = check(&workspace).unwrap();
    let allowed = AllowList::of(&workspace).unwrap();
    assert_eq!(
        allowed.total(),
        0,
        "xtask/language-allowed.txt must be empty"
    );
    let difference = allowed.compare(&matches);
    assert!(
        difference.new.is_empty(),
        "reword these texts:\n{}",
        render(&difference.new)
    );
    assert!(
        difference.stale.is_empty(),
        "these entries of xtask/language-allowed.txt occur less often than it says; run \
         `cargo run -p xtask -- language --write-allow-list`:\n{}",
        difference.stale.join("\n")
    );
}

// The attributes tell clippy that this is test code.
#[cfg(test)]
static CHECKER: LazyLock<Checker> = LazyLock::new(|| Checker::new().unwrap());

#[cfg(test)]
fn rules_of(text: &str) -> Vec<char> {
    let literal = format!("const A: &str = \"{}\";", text.replace('"', "\\\""));
    let matches = CHECKER.file("a.rs", &literal);
    matches.into_iter().map(|it| it.rule).collect()
}

#[test]
fn old_phrases_are_rejected() {
    for (rule, text) in [
        ('A', "`abc` is no digest"),
        ('A', "a test is no policy: x"),
        ('A', "there is no revision `HEAD~7`"),
        ('A', "There is no run that has this id."),
        ('A', "A host that is not one."),
        ('B', "a tab stands where YAML wants spaces"),
        ('B', "keys stand in `allowed_signers.asc`"),
        ('B', "a port lies between 1 and 65535"),
        ('B', "`tests` holds no manifests"),
        ('B', "policies that hold rules"),
        ('B', "what holds today"),
        ('B', "what lies in the work tree"),
        ('B', "the group lacks a pack"),
        ('B', "are parted by commas or line ends"),
        ('B', "must be a list of texts, not a text"),
        ('C', "Show what would have to be done"),
        ('C', "No drift: what is live is what is wanted."),
        ('C', "No changes: nothing is to do."),
        ('C', "a text, the first part of which is empty"),
        ('C', "a so that b, so that c"),
        ('C', "the server is told of it"),
        ('C', "it is read anew"),
        ('C', "Show what somebody else changed"),
        ('C', "whoever reads"),
        ('C', "whom polwarden is careful of"),
        ('C', "all else stays"),
        ('C', "likewise for groups"),
        ('C', "How many requests may be under way"),
        ('C', "policies that live in a server"),
        ('C', "Make the server equal to the manifests"),
        ('C', "the gate is shut"),
        ('C', "a finding of the check"),
        ('C', "as nothing allows it"),
        ('C', "after a yes"),
        ('D', "people in no team"),
        ('D', "another writer was there"),
        ('E', "a call of unknown fate"),
        ('E', "did not end in good order"),
        ('F', "Applied 1 calls"),
        ('S', "colour, behaviour"),
        ('S', "neutralised"),
        ('S', "the licences of dependencies"),
        ('S', "the job was cancelled (twice)"),
        ('B', "profile lacks a field"),
    ] {
        assert!(
            rules_of(text).contains(&rule),
            "not rejected by {rule}: {text}"
        );
    }
}

#[test]
fn the_wanted_texts_and_ordinary_english_pass() {
    for text in [
        "keeps the policies on a server in sync with policy YAML in git",
        "Show the changes required to match the manifests (read-only)",
        "Apply the manifests to the server (asks for approval)",
        "Detect changes made outside of polwarden",
        "Undo a previous run",
        "No changes. The server matches the manifests.",
        "expected a list of strings, got a string",
        "YAML does not allow tabs for indentation",
        "no credentials: set X, or try without an account",
        "removes its last deny rule",
        "refused: uncommitted changes in `policies/a.yaml` (see `git status`)",
        "4 applied, 0 adopted, 11 calls, 21 errors",
        "The file holds a lock while the journal is open; it holds the mutex",
        "the invariant holds for all sets, so the call is put on hold",
        "the field is no longer used",
        "PEP stands for something",
        "shut down the server",
        "the person finding the root; the analyses",
        "exercise, promise, precise, otherwise, advised, size, noise",
        "a pencil of behest",
        "${{ !cancelled() && inputs.sarif == 'true' }}",
        "profile-lacks 2:spec.cedar",
        "error[plan-gate-shut]: gate fails",
    ] {
        assert_eq!(rules_of(text), Vec::<char>::new(), "{text}");
    }
}
