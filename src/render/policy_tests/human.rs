//! Renders policy tests for people: one line per case, and the details of each failure.

use std::fmt::Write as _;

use super::report::{TargetReport, TestReport, TestResult, TestedState, said, who};
use crate::plan::SourceRef;
use crate::render::decided::DecidedBy;
use crate::render::paint::Painter;
use crate::render::text::{count_of, line_start, neutral};
use access::{DecisionCase, UnknownCause};

/// The whole report by target, followed by the totals.
pub fn human(report: &TestReport, painter: Painter) -> String {
    let mut text = String::new();
    for target in &report.targets {
        target_text(target, report.asked, painter, &mut text);
    }
    let _ = writeln!(text, "{}", summary(report));
    text
}

fn target_text(target: &TargetReport, asked: TestedState, painter: Painter, text: &mut String) {
    let TargetReport {
        name,
        organization,
        address,
        results,
        coverage,
    } = target;
    let asked = match asked {
        TestedState::Desired => "desired state",
        TestedState::Live => "live state",
    };
    let address = address.as_ref().unwrap_or(organization);
    let head = format!("{} ({})", neutral(name), neutral(address));
    let _ = writeln!(text, "{}  {asked}\n", painter.strong(&line_start(&head)));
    if results.is_empty() {
        let _ = writeln!(text, "  no policy tests");
    }
    for case in results.chunk_by(|a, b| (&a.test, &a.case) == (&b.test, &b.case)) {
        case_text(case, painter, text);
    }
    text.push('\n');
    if let Some(coverage) = coverage {
        let _ = writeln!(text, "{}", coverage.human(painter));
    }
}

fn case_text(results: &[TestResult], painter: Painter, text: &mut String) {
    let Some(TestResult { test, case, .. }) = results.first() else {
        return;
    };
    let failed = results.iter().filter(|result| !result.passed).count();
    let (mark, counts) = if failed == 0 {
        (painter.good("✓"), count_of(results.len(), "request"))
    } else {
        (
            painter.bad("✗"),
            painter.bad(&format!(
                "{failed} of {} failed",
                count_of(results.len(), "request")
            )),
        )
    };
    let _ = writeln!(
        text,
        "  {mark} {} / {}  {counts}",
        neutral(test),
        neutral(case)
    );
    for result in results {
        if !result.passed {
            failure_text(result, painter, text);
        } else if !result.errors.is_empty() {
            let _ = writeln!(
                text,
                "      {}, asked by {}",
                neutral(&result.request),
                who(&result.audience)
            );
            errors_text(result, painter, text);
        }
    }
}

fn failure_text(result: &TestResult, painter: Painter, text: &mut String) {
    let SourceRef { file, line } = &result.source;
    let at = painter.dim(&format!("{}:{line}", neutral(file)));
    let _ = writeln!(
        text,
        "      {}, asked by {}  {at}",
        neutral(&result.request),
        who(&result.audience)
    );
    let _ = writeln!(text, "        expected: {}", said(result.expected));
    for (number, by) in got(result, painter).iter().enumerate() {
        let _ = writeln!(
            text,
            "        {}{by}",
            if number == 0 {
                "got:      "
            } else {
                "          "
            }
        );
    }
    errors_text(result, painter, text);
}

fn errors_text(result: &TestResult, painter: Painter, text: &mut String) {
    for error in &result.errors {
        let _ = writeln!(
            text,
            "        {} {}",
            painter.notice("!"),
            error.human(painter)
        );
    }
}

/// One case of a decision that depends on something that the question does not give.
pub(crate) fn decision_case(case: &DecisionCase) -> String {
    let DecisionCase {
        when,
        decision,
        reasons,
    } = case;
    let reasons: String = reasons
        .iter()
        .map(|reason| format!(" (\"{}\")", neutral(reason)))
        .collect();
    format!(
        "{}: {}{reasons}",
        neutral(&when.join(" and ")),
        said(*decision)
    )
}

/// The decision and the deciding rules, one line each.
pub(crate) fn got(result: &TestResult, painter: Painter) -> Vec<String> {
    let got = said(result.got);
    if !result.unknown.is_empty() {
        let causes = result
            .unknown
            .iter()
            .map(|UnknownCause { policy, reason }| {
                let about = policy.as_ref().map(|policy| {
                    format!("live policy \"{}\" is not understood: ", neutral(policy))
                });
                format!("{got}: {}{}", about.unwrap_or_default(), neutral(reason))
            });
        return causes
            .chain(result.cases.iter().map(decision_case))
            .collect();
    }
    let by = |(index, rule): (usize, &DecidedBy)| {
        let begin = if index == 0 {
            format!("{got} by ")
        } else {
            "and by ".to_owned()
        };
        format!("{begin}{}", rule.human(painter))
    };
    match result.rules.as_slice() {
        [] => vec![format!("{got}, as nothing allows it")],
        rules => rules.iter().enumerate().map(by).collect(),
    }
}

/// The closing line with the totals.
pub fn summary(report: &TestReport) -> String {
    let TestReport { passed, failed, .. } = report;
    let total = count_of(passed + failed, "request");
    if passed + failed == 0 {
        return "No policy tests.".to_owned();
    }
    if *failed == 0 {
        return format!("Tests: {total}, all answered as expected.");
    }
    format!("Tests: {total}, {passed} answered as expected, {failed} not.")
}
