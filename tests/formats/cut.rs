//! Comments end before they are too long, and say so.

use model::diag::{Code, Diagnostic, Place, SourceMap};
use polwarden::plan::{Change, Plan};
use polwarden::render::annotations::{Annotation, PackDiagnostics};
use polwarden::render::markdown::{self, CommentOptions, SMALLEST};
use proptest::prelude::*;
use pulldown_cmark::{Event, Parser, Tag};

use super::world::Words;

/// The plan of the other tests with many more changes and targets.
fn large(changes: usize, targets: usize, length: usize) -> Plan {
    let mut plan = Words::ordinary().plan();
    let target = plan.targets.pop().unwrap();
    for number in 0..targets {
        let mut one = target.clone();
        one.target.name = format!("{}{number}", "t".repeat(length));
        let first: Change = one.changes[0].clone();
        one.changes.extend((0..changes).map(|number| Change {
            name: format!("policy {number}"),
            ..first.clone()
        }));
        plan.targets.push(one);
    }
    plan
}

fn page(plan: &Plan, most: usize) -> String {
    let findings = Words::ordinary().findings().with(Annotation::of_plan(plan));
    markdown::plan(
        Some(plan),
        &findings,
        &CommentOptions {
            marker: "m".parse().unwrap(),
            most,
        },
    )
}

/// All that is opened is closed.
fn assert_whole(page: &str) {
    for tag in ["details", "summary"] {
        let count = |text: &str| page.matches(text).count();
        assert_eq!(
            count(&format!("<{tag}>")),
            count(&format!("</{tag}>")),
            "{page}"
        );
    }
    // A fence that is not closed swallows what comes behind it.
    let last = Parser::new(page)
        .filter(|event| matches!(event, Event::Start(Tag::CodeBlock(_))))
        .count();
    let fences = page.lines().filter(|line| line.starts_with("```")).count();
    assert_eq!(fences, last * 2, "{page}");
}

#[test]
fn what_fits_is_whole() {
    let whole = page(&large(2, 1, 1), 65_536);
    assert!(!whole.contains("Left out"), "{whole}");
    assert_whole(&whole);
}

#[test]
fn what_does_not_fit_is_named_and_access_comes_first() {
    let plan = large(3_000, 2, 1);
    let cut = page(&plan, 8_192);
    assert!(cut.len() <= 8_192 && cut.len() > 7_000, "{}", cut.len());
    assert!(
        cut.starts_with("<!-- polwarden:plan:m -->\n"),
        "the marker is always there"
    );
    assert!(
        cut.contains("**Cut at 8192 bytes.** Left out here: "),
        "{}",
        &cut[cut.len() - 600..]
    );
    assert!(
        cut.contains("lines of changes") && cut.contains("--output html="),
        "{}",
        &cut[cut.len() - 600..]
    );
    for target in ["t0", "t1"] {
        let heading = cut.find(&format!("#### `{target}`")).unwrap();
        assert!(
            heading < cut.find("<details><summary>Changes").unwrap(),
            "access of all targets comes before changes"
        );
    }
    assert_eq!(cut.matches("**opened**").count(), 4);
    assert_whole(&cut);
}

#[test]
fn findings_alone_are_cut_too() {
    let mut sources = SourceMap::default();
    let file = sources.add("p.yaml", "a: 1\n".repeat(1_000));
    let at = |line: usize| Place::Bytes {
        file,
        range: line * 5..line * 5 + 1,
    };
    let list =
        (0..1_000).map(|line| Diagnostic::new(Code::InvalidValue, "no such value", at(line)));
    let list = list
        .map(|finding| Annotation::of_file(&sources, &finding))
        .collect();
    let text = markdown::diagnostics(
        "lint",
        &PackDiagnostics::new(list, Vec::new()),
        &CommentOptions {
            marker: "m".parse().unwrap(),
            most: SMALLEST,
        },
    );
    assert!(text.len() <= SMALLEST, "{}", text.len());
    assert!(
        text.contains("lines of diagnostics. All of it: `polwarden lint`."),
        "{text}"
    );
    assert_whole(&text);
}

proptest! {
    #![proptest_config(crate::properties::cases(48))]

    #[test]
    fn no_page_is_longer_than_it_may_be(
        most in SMALLEST..40_000_usize, changes in 0..120_usize, targets in 1..12_usize, length in 1..400_usize,
    ) {
        let text = page(&large(changes, targets, length), most);
        prop_assert!(text.len() <= most, "{} of {}", text.len(), most);
        prop_assert!(text.starts_with("<!-- polwarden:plan:m -->\n"));
        assert_whole(&text);
    }
}
