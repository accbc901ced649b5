use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::TestRunner;
use serde_json::json;

use super::*;
use model::diag::SourceMap;

fn file() -> FileId {
    SourceMap::default().add("test.yaml", "")
}

fn values(text: &str) -> Vec<(u32, Value)> {
    let raw = read(file(), text);
    assert_eq!(raw.diagnostics, [], "{text}");
    raw.documents
        .into_iter()
        .map(|document| (document.index, document.value))
        .collect()
}

fn codes(text: &str) -> Vec<Code> {
    read(file(), text)
        .diagnostics
        .into_iter()
        .map(|finding| finding.code)
        .collect()
}

#[test]
fn scalars_follow_the_core_schema() {
    let cases = [
        ("~", json!(null)),
        ("Null", json!(null)),
        ("TRUE", json!(true)),
        ("yes", json!("yes")),
        ("012", json!(12)),
        ("+3", json!(3)),
        ("0x1F", json!(31)),
        ("0o17", json!(15)),
        (
            "18446744073709551615",
            json!(18_446_744_073_709_551_615_u64),
        ),
        ("1.50", json!(1.5)),
        ("1e2", json!(100.0)),
        ("1.2.3", json!("1.2.3")),
        ("443:443", json!("443:443")),
        ("2026-01-02", json!("2026-01-02")),
        ("0x+1", json!("0x+1")),
        ("\"12\"", json!("12")),
    ];
    for (text, expected) in cases {
        assert_eq!(
            values(&format!("a: {text}\n")),
            [(0, json!({ "a": expected }))],
            "{text}"
        );
    }
}

#[test]
fn aliases_are_expanded_and_json_is_yaml() {
    assert_eq!(
        values("a: &x [1]\nb: *x\n"),
        [(0, json!({"a": [1], "b": [1]}))]
    );
    assert_eq!(
        values("{\"a\": {\"b\": [1, \"\\u00e9\"]}}"),
        [(0, json!({"a": {"b": [1, "é"]}}))]
    );
    assert_eq!(
        values("\u{feff}a: 1\r\nb: é\r\n"),
        [(0, json!({"a": 1, "b": "é"}))]
    );
}

#[test]
fn findings_have_their_codes() {
    let cases: &[(&str, &[Code])] = &[
        ("a: !x 1\n", &[Code::YamlUnsupported]),
        (
            "1: a\ntrue: b\n",
            &[Code::YamlUnsupported, Code::YamlUnsupported],
        ),
        ("? [a]\n: b\n", &[Code::YamlUnsupported]),
        ("a: &x {b: 1}\nc:\n  <<: *x\n", &[Code::YamlUnsupported]),
        (
            "a: .inf\nb: .nan\n",
            &[Code::YamlUnsupported, Code::YamlUnsupported],
        ),
        (
            "a: 1\na: 2\nb: {c: 1, c: 2}\n",
            &[Code::DuplicateKey, Code::DuplicateKey],
        ),
        ("a: *x\n", &[Code::YamlSyntax]),
        ("a: &x [*x]\n", &[Code::YamlSyntax]),
        ("a: [\n", &[Code::YamlSyntax]),
    ];
    for (text, expected) in cases {
        assert_eq!(codes(text), *expected, "{text}");
    }
}

#[test]
fn documents_before_a_syntax_error_are_kept() {
    let raw = read(file(), "a: 1\n---\nb: [\n");
    assert_eq!(
        raw.documents,
        [RawDocument {
            index: 0,
            value: json!({"a": 1})
        }]
    );
    assert_eq!(raw.diagnostics.len(), 1);
}

#[test]
fn the_first_of_two_keys_counts() {
    assert_eq!(
        read(file(), "a: 1\na: 2\n").documents,
        [RawDocument {
            index: 0,
            value: json!({"a": 1})
        }]
    );
}

#[test]
fn hostile_texts_are_refused_early() {
    let laughs = (0..60).fold("x0: &x0 [lol]\n".to_owned(), |mut text, n| {
        text += &format!(
            "x{}: &x{} [*x{n}, *x{n}, *x{n}, *x{n}, *x{n}, *x{n}, *x{n}, *x{n}]\n",
            n + 1,
            n + 1
        );
        text
    });
    let long = format!(
        "a: &a {}\nb: [{}]\n",
        "y".repeat(10_000),
        "*a, ".repeat(10_000)
    );
    let texts = [
        laughs,
        long,
        "[".repeat(10_000),
        "- ".repeat(10_000),
        "{a: ".repeat(10_000),
        "a".repeat(MAX_BYTES + 1),
    ];
    for text in texts {
        assert_eq!(codes(&text), [Code::YamlLimit], "{}", &text[..40]);
    }
}

/// Texts in the style of manifests, mostly right. No digits: what counts as a number differs between YAML 1.1 and 1.2.
fn block_texts() -> impl Strategy<Value = String> {
    let scalar = prop_oneof![
        "[a-c/$(][a-c*/.:#, -]{0,6}",
        "\"[a-c*: ]{0,4}\"",
        "'[a-c#]{0,3}'",
        "\\[[a, :]{0,6}\\]",
    ];
    let line = (
        0_usize..4,
        prop_oneof!["", "- "],
        prop_oneof!["", "a: ", "b: ", "c: ", "d: "],
        scalar,
        prop_oneof!["", " # x", " "],
    )
        .prop_map(|(indent, dash, key, value, end)| {
            let value = if key.is_empty() || value.len() % 3 > 0 {
                value
            } else {
                String::new()
            };
            format!("{}{dash}{key}{value}{end}\n", "  ".repeat(indent))
        });
    proptest::collection::vec(line, 1..6).prop_map(|lines| lines.concat())
}

/// Whether serde_yaml, a parser of other origin, reads the same wherever both accept a text.
/// What both parsers read, if both take the text.
fn both(text: &str) -> Option<(Value, Value)> {
    let mut ours = read(file(), text);
    let theirs: Value = serde_yaml::from_str(text).ok()?;
    let document = ours.documents.pop()?;
    let alone = ours.diagnostics.is_empty() && ours.documents.is_empty();
    alone.then_some((document.value, theirs))
}

fn agree(text: &str) -> Result<(), TestCaseError> {
    if let Some((ours, theirs)) = both(text) {
        prop_assert_eq!(ours, theirs);
    }
    Ok(())
}

#[test]
fn both_parsers_take_many_texts() {
    let mut runner = TestRunner::deterministic();
    let texts = block_texts();
    let taken =
        (0..200).filter(|_| both(&texts.new_tree(&mut runner).unwrap().current()).is_some());
    let taken = taken.count();
    assert!(taken >= 20, "{taken} of 200");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn another_parser_reads_the_same(text in block_texts()) {
        agree(&text)?;
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "([a-c:é\\-\\[\\]{}\"'#|&*!?%@, \n\r\t\u{feff}]|\\PC){0,80}") {
        let _ = read(file(), &text);
    }
}
