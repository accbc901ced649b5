//! Renders policy tests as JUnit XML: one suite per target, one test case per request.

use quick_junit::{
    NonSuccessKind, Property, Report, SerializeError, TestCase, TestCaseStatus, TestSuite,
};

use super::human::got;
use super::report::{TargetReport, TestReport, TestResult, said, who};
use crate::plan::SourceRef;
use crate::render::paint::Painter;
use crate::render::prefix::RepositoryPrefix;
use crate::render::text::{neutral_xml, neutral_xml_lines};

/// The output contains no times, so equal runs produce equal output.
///
/// # Errors
/// The text cannot be written, which does not happen in memory.
pub fn junit(report: &TestReport, prefix: &RepositoryPrefix) -> Result<String, SerializeError> {
    let mut xml = Report::new("polwarden test");
    xml.add_test_suites(report.targets.iter().map(|target| suite(target, prefix)));
    xml.to_string()
}

fn suite(target: &TargetReport, prefix: &RepositoryPrefix) -> TestSuite {
    let TargetReport {
        name,
        organization,
        address: _,
        results,
        coverage,
    } = target;
    let mut suite = TestSuite::new(neutral_xml(name));
    suite.add_property(Property::new("organization", neutral_xml(organization)));
    if let Some(coverage) = coverage {
        suite.add_property(Property::new("coverage", coverage.summary()));
        suite.set_system_out(neutral_xml_lines(&coverage.human(Painter::new(false))));
    }
    suite.add_test_cases(results.iter().map(|result| case(result, prefix)));
    suite
}

fn case(result: &TestResult, prefix: &RepositoryPrefix) -> TestCase {
    let TestResult {
        test,
        case,
        source,
        audience,
        request,
        expected,
        got: answer,
        unknown: _,
        cases: _,
        passed,
        rules: _,
        errors,
    } = result;
    let SourceRef { file, line } = source;
    let plain = Painter::new(false);
    let errors: Vec<String> = errors
        .iter()
        .map(|error| neutral_xml_lines(&error.human(plain)))
        .collect();
    let status = if *passed {
        TestCaseStatus::success()
    } else {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
        status.set_type(format!("expected {}", said(*expected)));
        status.set_message(format!(
            "expected {}, got {}",
            said(*expected),
            said(*answer)
        ));
        let asked = format!("{}, asked by {}", neutral_xml(request), who(audience));
        let mut lines = vec![
            format!("{asked}  {}:{line}", neutral_xml(file)),
            format!("expected: {}", said(*expected)),
        ];
        lines.extend(got(result, plain));
        lines.extend(errors.iter().cloned());
        status.set_description(neutral_xml_lines(&lines.join("\n")));
        status
    };
    let name = format!(
        "{}: {}, asked by {}",
        neutral_xml(case),
        neutral_xml(request),
        neutral_xml_lines(&who(audience))
    );
    let mut xml = TestCase::new(name, status);
    xml.set_classname(neutral_xml(test));
    xml.extra
        .insert("file".into(), neutral_xml(&prefix.file(file)).into());
    xml.extra.insert("line".into(), line.to_string().into());
    if *passed && !errors.is_empty() {
        xml.set_system_out(errors.join("\n"));
    }
    xml
}
