//! Splits Cedar text into statements and finds their first lines.

use std::str::FromStr as _;

use cedar_policy::{Effect, Policy, PolicyId, PolicySet};

use super::nesting;
use model::docker::Decision;

pub(super) struct ParsedStatement {
    pub(super) policy: Policy,
    /// The number in the text from 1, counting templates.
    pub(super) number: usize,
    /// The first line, from 1.
    pub(super) line: u32,
    pub(super) decision: Decision,
}

/// Whether a text contains anything but comments. A policy without statements decides nothing.
pub fn has_statements(text: &str) -> bool {
    !statement_offsets(text).is_empty()
}

/// Parses the statements of a text, in order. Templates are left out: they only apply once linked,
/// and nothing links them. Must be called with enough stack for the syntax trees (see `nesting`).
pub(super) fn read(text: &str) -> Result<Vec<ParsedStatement>, String> {
    let set = parse(text)?;
    let starts = statement_offsets(text);
    let mut found: Vec<ParsedStatement> = set
        .policies()
        .filter_map(|policy| statement(policy, text, &starts))
        .collect();
    found.sort_by_key(|found| found.number);
    Ok(found)
}

/// Parses a text, unless it nests too deeply.
pub(super) fn parse(text: &str) -> Result<PolicySet, String> {
    let depth = nesting::depth(text);
    if depth > nesting::DEEPEST {
        return Err(format!(
            "it nests {depth} levels deep, and {} are read",
            nesting::DEEPEST
        ));
    }
    PolicySet::from_str(text).map_err(|error| error.to_string())
}

fn statement(policy: &Policy, text: &str, starts: &[usize]) -> Option<ParsedStatement> {
    let index = index(policy.id())?;
    let decision = match policy.effect() {
        Effect::Permit => Decision::Allow,
        Effect::Forbid => Decision::Deny,
    };
    Some(ParsedStatement {
        policy: policy.clone(),
        number: index + 1,
        line: line(text, starts, index),
        decision,
    })
}

/// The first line of the statement at `index`, from 1.
pub(super) fn line(text: &str, starts: &[usize], index: usize) -> u32 {
    let start = starts.get(index).copied().unwrap_or_default();
    let line = text.get(..start).unwrap_or_default().matches('\n').count() + 1;
    u32::try_from(line).unwrap_or(u32::MAX)
}

/// The engine names the statements of a text `policy0`, `policy1` and so on, in order (documented
/// at `PolicySet::from_str`).
pub(super) fn index(id: &PolicyId) -> Option<usize> {
    let id: &str = id.as_ref();
    id.strip_prefix("policy")?.parse().ok()
}

/// The offset of each statement: the first character other than whitespace and comments at the
/// start and after each `;`. Within a statement, `;` only occurs in strings and comments.
pub(super) fn statement_offsets(text: &str) -> Vec<usize> {
    let bytes = text.as_bytes();
    let mut starts = Vec::new();
    let mut inside = false;
    let mut at = 0;
    while let Some(byte) = bytes.get(at) {
        let rest = &bytes[at..];
        if rest.starts_with(b"//") {
            at += rest
                .iter()
                .position(|byte| *byte == b'\n')
                .unwrap_or(rest.len());
            continue;
        }
        if !inside && !byte.is_ascii_whitespace() {
            starts.push(at);
            inside = true;
        }
        if *byte == b';' {
            inside = false;
        }
        at += if *byte == b'"' {
            nesting::string_length(rest)
        } else {
            1
        };
    }
    starts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_are_found_where_they_begin() {
        let text = "// permit(principal, action, resource);\n\npermit(principal, action, resource) when { \"a;\\\";\" == \
                    \"//\" }; forbid(principal, action, resource) // ; not yet\n  ;\n\n@note(\"x;\")\npermit(principal, \
                    action, resource);\n// the end;\n";
        let found = read(text).unwrap();
        let shown: Vec<_> = found
            .iter()
            .map(|found| (found.number, found.line, found.decision))
            .collect();
        assert_eq!(
            shown,
            [
                (1, 3, Decision::Allow),
                (2, 3, Decision::Deny),
                (3, 6, Decision::Allow)
            ]
        );
        assert_eq!(statement_offsets(text).len(), 3);
    }

    #[test]
    fn templates_keep_their_number_and_decide_nothing() {
        let text = "permit(principal == ?principal, action, resource);\nforbid(principal, action, resource);\n";
        let found = read(text).unwrap();
        assert_eq!(
            found
                .iter()
                .map(|found| (found.number, found.line))
                .collect::<Vec<_>>(),
            [(2, 2)]
        );
    }

    #[test]
    fn more_than_ten_statements_keep_their_order() {
        let text = "permit(principal, action, resource);\n".repeat(12);
        let lines: Vec<u32> = read(&text)
            .unwrap()
            .iter()
            .map(|found| found.line)
            .collect();
        assert_eq!(lines, (1..=12).collect::<Vec<_>>());
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        let deep = format!(
            "permit(principal, action, resource) when {{ {} true }};",
            "!".repeat(100_000)
        );
        assert!(read(&deep).is_err_and(|why| why.contains("levels deep")));
        assert!(read("permit(principal").is_err());
    }
}
