//! Mistakes that people make.

/// A text in every manifest of a corpus, and the mistake that replaces its first occurrence.
const DEFECTS: &[(&str, &str)] = &[
    // Schema: an unknown value, a misspelt field, a missing field, a wrong type, an unknown action.
    ("decision: ", "decision: maybe-"),
    ("      actions: ", "      action: "),
    ("    - name: ", "    - aliases: [former]\n      # name: "),
    (
        "      decision: ",
        "      aliases: former\n      decision: ",
    ),
    ("actions: [", "actions: [connect:quic, "),
    // Meaning: a name instead of an alias, an unknown list, a mixed domain.
    (
        "      decision: ",
        "      resourcesFrom: [no-such-list]\n      decision: ",
    ),
    (
        "  rules:\n",
        "  rules:\n    - name: odd\n      decision: deny\n      actions: [connect:tcp, read]\n      resources: [example.com]\n",
    ),
    (
        "  rules:\n",
        "  rules:\n    - name: odd\n      decision: deny\n      actions: [connect:tcp]\n      resources: [10.0.0.1/8]\n",
    ),
];

/// The text with one mistake; which, goes by `number`.
pub(super) fn break_one_thing(text: &str, number: usize) -> String {
    match DEFECTS.get(number % DEFECTS.len()) {
        Some((from, to)) => text.replacen(from, to, 1),
        None => text.to_owned(),
    }
}
