use super::*;
use model::diag::{Code, Diagnostic, Path, Place, SourceMap};

fn map(name: &str, text: &str) -> (SourceMap, model::diag::FileId) {
    let mut sources = SourceMap::default();
    let file = sources.add(name, text);
    (sources, file)
}

#[test]
fn hostile_text_steers_nothing() {
    let (sources, file) = map("a\u{1b}[2J.yaml", "key: \u{1b}[31mred\u{202e}\r\n");
    let finding = Diagnostic::new(
        Code::InvalidValue,
        "bad \u{1b}]0;x\u{7}",
        Place::Bytes { file, range: 5..16 },
    )
    .label("\u{200b}here\nand there")
    .help("\u{9b}help");
    let human = human(
        &sources,
        std::slice::from_ref(&finding),
        DiagnosticAmount::All,
        false,
    );
    assert!(
        !human.contains(|c: char| c.is_control() && c != '\n'),
        "{human:?}"
    );
    assert!(!human.contains(['\u{202e}', '\u{200b}']), "{human:?}");
    assert!(human.contains("key: \\u{1b}[31mred\\u{202e}"), "{human}");
    let json = serde_json::to_string(&DiagnosticsReport::new(&sources, &[finding])).unwrap();
    assert!(
        !json.contains("\\u001b") && !json.contains('\u{202e}'),
        "{json}"
    );
}

#[test]
fn findings_are_sorted_and_shown_once() {
    let (mut sources, b) = map("b.yaml", "x: 1\ny: 2\n");
    let a = sources.add("a.yaml", "z: 3\n");
    let at = |file, range| Diagnostic::new(Code::InvalidValue, "m", Place::Bytes { file, range });
    let report = DiagnosticsReport::new(
        &sources,
        &[at(b, 5..6), at(b, 0..1), at(a, 3..4), at(b, 0..1)],
    );
    let places: Vec<_> = report
        .diagnostics
        .iter()
        .map(|d| (d.labels[0].file.as_str(), d.labels[0].line))
        .collect();
    assert_eq!(places, [("a.yaml", 1), ("b.yaml", 1), ("b.yaml", 2)]);
    assert_eq!((report.errors, report.warnings), (3, 0));
}

#[test]
fn colour_is_only_there_when_asked_for() {
    let (sources, file) = map("a.yaml", "x: 1\n");
    let document = model::diag::DocumentId { file, index: 0 };
    let finding = Diagnostic::new(
        Code::InvalidValue,
        "m",
        Place::value(document, Path::root().key("x")),
    );
    assert!(
        human(
            &sources,
            std::slice::from_ref(&finding),
            DiagnosticAmount::All,
            true
        )
        .contains('\u{1b}')
    );
    assert!(!human(&sources, &[finding], DiagnosticAmount::All, false).contains('\u{1b}'));
}

#[test]
fn a_very_long_line_is_cut() {
    let text = format!("a: {}é\n", "x".repeat(100_000));
    let (sources, file) = map("a.yaml", &text);
    let finding = Diagnostic::new(
        Code::InvalidValue,
        "m",
        Place::Bytes {
            file,
            range: 3..text.len(),
        },
    );
    assert!(human(&sources, &[finding], DiagnosticAmount::All, false).len() < 4_000);
}

#[test]
fn a_file_without_text_is_shown_by_name() {
    let (sources, file) = map("a.yaml", "");
    let finding = Diagnostic::new(Code::FileNotUtf8, "not UTF-8", Place::File(file));
    assert_eq!(
        human(&sources, &[finding], DiagnosticAmount::All, false),
        "error[file-not-utf8]: not UTF-8\n--> a.yaml\n\n"
    );
}

proptest::proptest! {
    #[test]
    fn any_place_can_be_shown(text in "[a-cé\u{1b}\u{202e}\r\n\t ]{0,40}", start in 0_usize..50, length in 0_usize..20) {
        let (sources, file) = map("a.yaml", &text);
        let place = Place::Bytes { file, range: start..start + length };
        let finding = Diagnostic::new(Code::InvalidValue, "m", place.clone()).also(place, "again");
        let shown = human(&sources, &[finding], DiagnosticAmount::All, false);
        proptest::prop_assert!(shown.contains("a.yaml:"), "{shown}");
    }
}

#[test]
fn of_many_warnings_a_few_are_shown_and_all_errors() {
    let (mut sources, a) = map("b.yaml", &"x: 1\n".repeat(40));
    let b = sources.add("a.yaml", "x: 1\n".repeat(40));
    let line = |code, file, line: usize| {
        Diagnostic::new(
            code,
            "m",
            Place::Bytes {
                file,
                range: line * 5..line * 5 + 1,
            },
        )
    };
    let mut findings: Vec<Diagnostic> = (0..30)
        .rev()
        .map(|at| line(Code::ApexOpen, a, at))
        .collect();
    findings.extend((0..5).map(|at| line(Code::ApexOpen, b, at)));
    findings.extend((0..40).map(|at| line(Code::InvalidValue, a, at)));
    findings.extend((0..20).map(|at| line(Code::RuleCovered, a, at)));
    let shown = human(&sources, &findings, DiagnosticAmount::Few, false);
    let times = |text: &str| shown.matches(text).count();
    assert_eq!(
        (
            times("error[invalid-value]"),
            times("warning[rule-covered]")
        ),
        (40, 20),
        "{shown}"
    );
    // Sorted by file and line; the last line counts the others.
    assert_eq!(
        (
            times("warning[apex-open]: m"),
            times("--> b.yaml:15:1"),
            times("--> b.yaml:16:1")
        ),
        (20, 3, 2),
        "{shown}"
    );
    let more = "warning[apex-open]: 15 more warnings like these in 1 file; `polwarden lint --all-warnings` shows them all";
    assert!(shown.contains(more), "{shown}");
    assert_eq!(
        human(&sources, &findings, DiagnosticAmount::All, false)
            .matches("warning[apex-open]")
            .count(),
        35
    );
}
