use super::*;

/// Parses a path like `spec.rules[1].name`.
fn path(text: &str) -> Path {
    text.split(['.', '['])
        .filter(|step| !step.is_empty())
        .fold(Path::root(), |path, step| {
            match step.strip_suffix(']').and_then(|index| index.parse().ok()) {
                Some(index) => path.index(index),
                None => path.key(step),
            }
        })
}

fn value<'a>(text: &'a str, document: u32, at: &str) -> &'a str {
    &text[Spans::of(text).find(document, &path(at)).value]
}

fn key<'a>(text: &'a str, document: u32, at: &str) -> Option<&'a str> {
    Spans::of(text)
        .find(document, &path(at))
        .key
        .map(|range| &text[range])
}

#[test]
fn scalars_and_collections_are_found() {
    let text = "# grüß\na:\n  - x y  # note\n  - \"ö\"\n  - [p, {q: r}]\nb: |\n  one\n  two\n\nlast: 'z'\n";
    let cases = [
        ("a[0]", "x y"),
        ("a[1]", "\"ö\""),
        ("a[2]", "[p, {q: r}]"),
        ("a[2][1]", "{q: r}"),
        ("a[2][1].q", "r"),
        ("a", "- x y  # note\n  - \"ö\"\n  - [p, {q: r}]"),
        ("b", "one\n  two"),
        ("last", "'z'"),
    ];
    for (at, expected) in cases {
        assert_eq!(value(text, 0, at), expected, "{at}");
    }
    assert_eq!(key(text, 0, "last"), Some("last"));
    assert_eq!(key(text, 0, "a[0]"), None);
}

#[test]
fn a_missing_node_is_shown_at_its_nearest_parent() {
    let text = "spec:\n  rules:\n    - name: x\n";
    assert_eq!(value(text, 0, "spec.rules[0].actions[2]"), "name: x");
    assert_eq!(value(text, 0, "spec.rules[7]"), "- name: x");
    assert_eq!(value(text, 3, "spec"), "");
}

#[test]
fn a_value_that_is_not_written_is_shown_at_its_key() {
    let text = "a:\nb: 1\n";
    assert_eq!(value(text, 0, "a"), "a");
}

#[test]
fn documents_are_counted_from_zero_empty_ones_included() {
    let text = "# only a comment\n---\na: 1\n---\n# nothing\n---\na: 3\n";
    assert_eq!(value(text, 0, "a"), "1");
    assert_eq!(value(text, 2, "a"), "3");
}

#[test]
fn offsets_stay_right_after_a_byte_order_mark_and_with_crlf() {
    let text = "\u{feff}a: 1\r\nbé: 2 # é\r\nc:\r\n  - 3\r\n";
    assert_eq!(value(text, 0, "a"), "1");
    assert_eq!(key(text, 0, "bé"), Some("bé"));
    assert_eq!(value(text, 0, "c[0]"), "3");
}

#[test]
fn a_syntax_error_keeps_what_came_before() {
    let text = "a: 1\nb:\n  - x\n  - y: [\nc: 2\n";
    assert_eq!(value(text, 0, "a"), "1");
    assert_eq!(value(text, 0, "b[0]"), "x");
}

#[test]
fn duplicate_keys_are_listed_and_the_first_wins() {
    let text = "a: 1\nb:\n  - c: 1\n  - c: 2\n    c: 3\na: 4\n";
    let spans = Spans::of(text);
    let found: Vec<_> = spans
        .duplicates()
        .iter()
        .map(|d| (d.path.to_string(), d.first.start, d.second.start))
        .collect();
    assert_eq!(
        found,
        [("b[1].c".to_owned(), 21, 30), ("a".to_owned(), 0, 35)]
    );
    assert_eq!(value(text, 0, "a"), "1");
}

#[test]
fn a_quoted_scalar_ends_at_its_quote() {
    let text = "a: \"x\" # note\nb: 'it''s'   # note\nc: \"a \\\" b\"\n\"d\": 1 # note\n";
    let expected = [
        ("a", "\"x\""),
        ("b", "'it''s'"),
        ("c", "\"a \\\" b\""),
        ("d", "1"),
    ];
    for (path, source) in expected {
        assert_eq!(value(text, 0, path), source);
    }
}

#[test]
fn hostile_nesting_ends_early() {
    let deep = "[".repeat(100_000);
    assert_eq!(Spans::of(&deep).find(0, &Path::root()).value.start, 0);
}

proptest::proptest! {
    #[test]
    fn ranges_lie_inside_the_text(text in "([a-c:é\\-\\[\\]{}\"'#|&*! \n\r\t\u{feff}]|\\PC){0,60}") {
        let spans = Spans::of(&text);
        for node in &spans.nodes {
            proptest::prop_assert!(text.get(node.value.clone()).is_some());
            if let Some(key) = &node.key {
                proptest::prop_assert!(text.get(key.clone()).is_some());
            }
        }
    }
}
