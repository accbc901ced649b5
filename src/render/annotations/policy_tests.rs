//! Diagnostics of policy tests.

use super::{Annotation, AnnotationLocation, AnnotationRule, PlanRule};
use crate::plan::SourceRef;
use crate::render::paint::Painter;
use crate::render::policy_tests::{TestReport, TestResult, got, said, who};
use crate::render::text::neutral;

impl Annotation {
    /// One diagnostic for each request with an unexpected decision.
    pub fn of_tests(report: &TestReport) -> Vec<Self> {
        let results = report
            .targets
            .iter()
            .flat_map(|target| target.results.iter().map(|result| (&target.name, result)));
        results
            .filter(|(_, result)| !result.passed)
            .map(|(target, result)| of_result(target, result))
            .collect()
    }
}

fn of_result(target: &str, result: &TestResult) -> Annotation {
    let TestResult {
        test,
        case,
        source,
        audience,
        request,
        expected,
        got: _,
        unknown: _,
        cases: _,
        passed: _,
        rules: _,
        errors: _,
    } = result;
    let SourceRef { file, line } = source;
    let rule = AnnotationRule::Plan(PlanRule::TestFailed);
    let got = got(result, Painter::new(false)).join("; ");
    let who = who(audience);
    let message = format!(
        "`{request}`, asked by {who}: expected {}, got {got}",
        said(*expected)
    );
    let mut finding = Annotation::new(rule, rule.weight(), message);
    finding.help = Some(format!(
        "policy test \"{}\", case \"{}\"",
        neutral(test),
        neutral(case)
    ));
    finding.spot = Some(AnnotationLocation::line(file, *line));
    finding.target = Some(neutral(target).into_owned());
    finding.identity = vec![test.clone(), case.clone(), request.clone(), who];
    finding
}
